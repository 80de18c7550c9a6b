// SPDX-License-Identifier: MIT
//
// rill-io devices: what the backends can play to and record from.

#include "backend_choice.hpp"
#include "backend_options.hpp"
#include "backend_visit.hpp"
#include "command.hpp"
#include <rill_io/device.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rill::io::tools {

namespace {

std::string marks(const Device& device) {
    if (device.default_capture && device.default_playback)
        return "default";
    return device.default_capture ? "default capture" : device.default_playback ? "default playback" : "";
}

/// Some backends can't tell without opening the device.
std::string channels_text(std::uint32_t channels) {
    return channels == unknown_channels ? "?" : fmt::format("{}", channels);
}

void print_device(std::string_view backend, const Device& device, std::size_t id_width) {
    const std::string rate =
        device.default_rate == 0 ? "any rate" : fmt::format("{} Hz", device.default_rate);
    fmt::print("{:9} {:{}}  {:>3} in {:>3} out  {:>9}  {}{}{}\n", backend, device.id, id_width,
               channels_text(device.input_channels), channels_text(device.output_channels), rate,
               device.description, marks(device).empty() ? "" : ", ", marks(device));
}

JsonObject& add_channels(JsonObject& object, std::string_view key, std::uint32_t channels) {
    return channels == unknown_channels ? object.add_null(key) : object.add(key, channels);
}

JsonObject to_object(std::string_view backend, const Device& device) {
    JsonObject object;
    object.add("backend", backend).add("device", device.id).add("description", device.description);
    add_channels(object, "input_channels", device.input_channels);
    add_channels(object, "output_channels", device.output_channels)
        .add("sample_rate", device.default_rate)
        .add("default_capture", device.default_capture)
        .add("default_playback", device.default_playback);
    return object;
}

/// What one backend has, and how well it could tell.
struct Listing {
    std::string_view backend;
    Result<DeviceList> devices = DeviceList{};
};

} // namespace

Outcome list_devices(const Options& options) {
    std::vector<Listing> listings;
    const auto add = [&]<class B>() {
        if constexpr (has_devices<B>)
            listings.push_back({B::name, B::devices()});
    };
    Outcome outcome;
    const auto asked = asked_backend(options);
    if (!asked) {
        outcome = Outcome::failed(asked.error());
    } else if (*asked == "auto") {
        for_each_backend(add);
    } else {
        visit_backend(*asked, add);
        // Asked for by name, its silence is a failure; among all backends it is not.
        if (!listings.empty() && !listings.front().devices)
            outcome = Outcome::failed(listings.front().devices.error());
    }

    std::vector<JsonObject> objects;
    std::size_t id_width = 0;
    for (const Listing& listing : listings)
        for (const Device& device : *listing.devices)
            id_width = std::max(id_width, device.id.size());
    for (const Listing& listing : listings)
        for (const Device& device : *listing.devices) {
            objects.push_back(to_object(listing.backend, device));
            if (!options.json)
                print_device(listing.backend, device, id_width);
        }
    if (options.json) {
        JsonObject object;
        object.add("devices", objects).add("result", outcome.result);
        if (!outcome.ok())
            object.add("message", outcome.message);
        fmt::print("{}\n", object.text());
    } else if (outcome.ok() && objects.empty()) {
        fmt::print("No devices: {}\n", listings.empty()
                                           ? "this backend has none"
                                           : "no audio server is running; see 'rill-io backends'");
    }
    return outcome;
}

} // namespace rill::io::tools
