// SPDX-License-Identifier: MIT
#include "links.hpp"

#include <rill_io/negotiation.hpp>

#include <algorithm>
#include <string_view>

namespace rill::io::pipewire {

PortIds ports_of(const Connection& connection, std::uint32_t node, bool output) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found; // index, id
    for (const auto& [id, port] : connection.ports())
        if (port.node == node && port.output == output)
            found.emplace_back(port.index, id);
    std::sort(found.begin(), found.end());
    PortIds ids;
    for (const auto& [index, id] : found)
        ids.push_back(id);
    return ids;
}

namespace {

/// What can be captured from a node: its outputs without the monitors, or the monitors if that is all it has.
PortIds capture_ports(const Connection& connection, std::uint32_t node) {
    const PortIds all = ports_of(connection, node, true);
    PortIds real;
    for (const std::uint32_t id : all)
        if (!connection.ports().at(id).monitor)
            real.push_back(id);
    return real.empty() ? all : real;
}

/// Ports of the nodes called `name` (name or serial), or the one port of "node:port".
PortIds ports_named(const Connection& connection, std::string_view name, bool playback) {
    PortIds ids;
    for (const auto& [id, node] : connection.nodes()) {
        if (node.name == name || node.serial == name) {
            const PortIds ports = playback ? ports_of(connection, id, false) : capture_ports(connection, id);
            ids.insert(ids.end(), ports.begin(), ports.end());
        } else if (!node.name.empty() && name.starts_with(node.name) &&
                   name.substr(node.name.size()).starts_with(':')) {
            const std::string_view port_name = name.substr(node.name.size() + 1);
            for (const std::uint32_t port : ports_of(connection, id, !playback))
                if (connection.ports().at(port).name == port_name)
                    ids.push_back(port);
        }
    }
    return ids;
}

} // namespace

Result<PortIds> find_ports(const Connection& connection, const std::string& target, bool playback) {
    if (target.empty()) {
        const std::string name = connection.default_node(playback);
        if (!name.empty())
            return ports_named(connection, name, playback);
        // No source at all: what the default sink plays can still be captured, as session managers do.
        const std::string sink = playback ? "" : connection.default_node(true);
        return sink.empty() ? PortIds{} : ports_named(connection, sink, playback);
    }
    PortIds ids;
    const auto add = [&](std::string_view text) -> Result<void> {
        const std::string part(text);
        const PortIds found = part.empty() ? PortIds{} : ports_named(connection, part, playback);
        if (found.empty())
            return Error::make(
                Errc::no_device, Backend::name, "open", 0,
                "nothing called '%s' can be %s; see 'rill-io devices --backend pipewire' or pw-link -io",
                part.c_str(), playback ? "played to" : "captured from");
        ids.insert(ids.end(), found.begin(), found.end());
        return {};
    };
    if (auto added = for_each_part(target, add); !added)
        return added.error();
    return ids;
}

void Links::want(Connection& connection, const std::vector<Pair>& wanted) {
    if (wanted == wanted_)
        return;
    const auto contains = [](const std::vector<Pair>& pairs, const Pair& pair) {
        return std::find(pairs.begin(), pairs.end(), pair) != pairs.end();
    };
    for (Link& link : links_)
        if (link.proxy != nullptr && !contains(wanted, link.pair))
            pw_proxy_destroy(link.proxy);
    links_.remove_if([&](const Link& link) { return !contains(wanted, link.pair); });
    for (const Pair& pair : wanted)
        if (!contains(wanted_, pair))
            make(connection, pair);
    wanted_ = wanted;
}

void Links::make(Connection& connection, const Pair& pair) {
    const auto& ports = connection.ports();
    pw_properties* const properties = pw_properties_new(nullptr, nullptr);
    pw_properties_setf(properties, PW_KEY_LINK_OUTPUT_NODE, "%u", ports.at(pair.output).node);
    pw_properties_setf(properties, PW_KEY_LINK_OUTPUT_PORT, "%u", pair.output);
    pw_properties_setf(properties, PW_KEY_LINK_INPUT_NODE, "%u", ports.at(pair.input).node);
    pw_properties_setf(properties, PW_KEY_LINK_INPUT_PORT, "%u", pair.input);
    auto* const proxy = static_cast<pw_proxy*>(pw_core_create_object(
        connection.core(), "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK, &properties->dict, 0));
    pw_properties_free(properties);
    if (proxy == nullptr)
        return;
    Link& link = links_.emplace_back();
    link.pair = pair;
    link.proxy = proxy;
    link.loop = connection.loop();
    static const pw_proxy_events proxy_events = [] {
        pw_proxy_events events{};
        events.version = PW_VERSION_PROXY_EVENTS;
        events.removed = &Links::on_removed;
        events.error = &Links::on_error;
        return events;
    }();
    static const pw_link_events link_events = [] {
        pw_link_events events{};
        events.version = PW_VERSION_LINK_EVENTS;
        events.info = &Links::on_info;
        return events;
    }();
    pw_proxy_add_listener(proxy, &link.proxy_hook, &proxy_events, &link);
    pw_proxy_add_object_listener(proxy, &link.link_hook, &link_events, &link);
}

bool Links::all_reached(pw_link_state state) const {
    return std::all_of(links_.begin(), links_.end(), [=](const Link& link) {
        return link.proxy == nullptr || link.state <= PW_LINK_STATE_UNLINKED || link.state >= state;
    });
}

bool Links::settled() const {
    return all_reached(PW_LINK_STATE_PAUSED);
}

bool Links::active() const {
    return all_reached(PW_LINK_STATE_ACTIVE);
}

void Links::destroy_all() {
    for (Link& link : links_)
        if (link.proxy != nullptr)
            pw_proxy_destroy(link.proxy);
    links_.clear();
    wanted_.clear();
}

void Links::on_info(void* link, const pw_link_info* info) noexcept {
    auto& self = *static_cast<Link*>(link);
    self.state = info->state;
    pw_thread_loop_signal(self.loop, false);
}

void Links::on_removed(void* link) noexcept {
    // Somebody unlinked it, or a port has gone; the proxy stays ours to destroy.
    auto& self = *static_cast<Link*>(link);
    self.state = PW_LINK_STATE_UNLINKED;
    pw_thread_loop_signal(self.loop, false);
}

void Links::on_error(void* link, int, int, const char*) noexcept {
    auto& self = *static_cast<Link*>(link);
    self.state = PW_LINK_STATE_ERROR; // EEXIST: it is linked already
    pw_thread_loop_signal(self.loop, false);
}

} // namespace rill::io::pipewire
