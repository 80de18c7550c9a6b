// SPDX-License-Identifier: MIT
#include "ports.hpp"

#include "libjack.hpp"
#include <rill_io/negotiation.hpp>

#include <algorithm>
#include <string_view>

namespace rill::io::jack {

namespace {

/// What begins with `text` and goes on with `ending`, as jack_get_ports wants it: a regular expression. Names
/// are full of characters that mean something there.
std::string anchored(std::string_view text, char ending) {
    std::string pattern = "^";
    for (const char c : text) {
        if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos)
            pattern += '\\';
        pattern += c;
    }
    pattern += ending;
    return pattern;
}

PortNames ports_matching(const Client& client, const std::string& pattern, unsigned long flags) {
    PortNames names;
    const char** const ports = client.libjack->jack_get_ports(
        client.handle, pattern.empty() ? nullptr : pattern.c_str(), JACK_DEFAULT_AUDIO_TYPE, flags);
    for (const char** port = ports; port != nullptr && *port != nullptr; ++port)
        names.emplace_back(*port);
    if (ports != nullptr)
        client.libjack->jack_free(ports);
    return names;
}

} // namespace

Result<PortNames> find_ports(const Client& client, const std::string& target, unsigned long flags) {
    if (target.empty())
        return ports_matching(client, "", flags | JackPortIsPhysical);
    PortNames names;
    const auto add = [&](std::string_view text) -> Result<void> {
        const std::string part(text);
        PortNames found = ports_matching(client, anchored(part, '$'), flags);
        if (found.empty())
            found = ports_matching(client, anchored(part, ':'), flags);
        if (found.empty() || part.empty())
            return Error::make(
                Errc::no_device, "jack", "open", 0,
                "there is no %s port or client '%s'; see 'rill-io devices --backend jack' or jack_lsp",
                (flags & JackPortIsOutput) != 0 ? "capture" : "playback", part.c_str());
        names.insert(names.end(), found.begin(), found.end());
        return {};
    };
    if (auto added = for_each_part(target, add); !added)
        return added.error();
    return names;
}

jack_latency_range_t latency_of_others(const Client& client, jack_port_t* port,
                                       jack_latency_callback_mode_t mode) {
    jack_latency_range_t all{};
    bool any = false;
    const char** const others =
        client.libjack->jack_port_get_connections(port); // (the other function is not for callbacks)
    for (const char** other = others; other != nullptr && *other != nullptr; ++other) {
        jack_port_t* const peer = client.libjack->jack_port_by_name(client.handle, *other);
        if (peer == nullptr || client.libjack->jack_port_is_mine(client.handle, peer) != 0)
            continue;
        jack_latency_range_t range{};
        client.libjack->jack_port_get_latency_range(peer, mode, &range);
        all.min = any ? std::min(all.min, range.min) : range.min;
        all.max = std::max(all.max, range.max);
        any = true;
    }
    if (others != nullptr)
        client.libjack->jack_free(others);
    return all;
}

Connections save_connections(const Client& client, std::span<jack_port_t* const> inputs,
                             std::span<jack_port_t* const> outputs) {
    Connections connections;
    const auto save = [&](jack_port_t* port, bool is_input) {
        const char** const others = client.libjack->jack_port_get_all_connections(client.handle, port);
        for (const char** other = others; other != nullptr && *other != nullptr; ++other) {
            if (is_input)
                connections.emplace_back(*other, client.libjack->jack_port_name(port));
            else
                connections.emplace_back(client.libjack->jack_port_name(port), *other);
        }
        if (others != nullptr)
            client.libjack->jack_free(others);
    };
    for (jack_port_t* const port : inputs)
        save(port, true);
    for (jack_port_t* const port : outputs)
        save(port, false);
    return connections;
}

void restore_connections(const Client& client, const Connections& connections) {
    for (const auto& [source, destination] : connections)
        client.libjack->jack_connect(client.handle, source.c_str(),
                                     destination.c_str()); // EEXIST (own out to own in, twice) is fine
}

DeviceList list_clients(const Client& client) {
    DeviceList devices;
    const auto add = [&](unsigned long flags, bool capture) {
        for (const std::string& port : ports_matching(client, "", flags)) {
            const std::string owner = port.substr(0, port.find(':'));
            auto device = std::find_if(devices.begin(), devices.end(),
                                       [&](const Device& known) { return known.id == owner; });
            if (device == devices.end()) {
                device = devices.insert(devices.end(), Device{});
                device->id = owner;
                device->description = (flags & JackPortIsPhysical) != 0 ? "physical ports" : "client";
                device->default_rate = client.libjack->jack_get_sample_rate(client.handle);
            }
            if ((flags & JackPortIsPhysical) != 0) // an empty device means all physical ports
                (capture ? device->default_capture : device->default_playback) = true;
            const bool counted = (flags & JackPortIsPhysical) == 0;
            if (counted)
                ++(capture ? device->input_channels : device->output_channels);
        }
    };
    // First the physical ones, for the order and the marks; then every port once, for the counts.
    add(JackPortIsPhysical | JackPortIsOutput, true);
    add(JackPortIsPhysical | JackPortIsInput, false);
    add(JackPortIsOutput, true);
    add(JackPortIsInput, false);
    return devices;
}

} // namespace rill::io::jack
