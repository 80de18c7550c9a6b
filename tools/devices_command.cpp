// SPDX-License-Identifier: MIT
//
// rill-io devices: what the backends can play to and record from.

#include "backend_choice.hpp"
#include "backend_options.hpp"
#include "command.hpp"
#include "device_text.hpp"
#include "standard_streams.hpp"
#include <rill_io/device.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace rill::io::tools {

namespace {

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
    const auto asked = wanted_backend<EnabledBackends>(options.backend);
    if (!asked) {
        outcome = Outcome::failed(asked.error());
    } else if (*asked == "auto") {
        for_each_backend(EnabledBackends{}, add);
    } else {
        for_backend_named<EnabledBackends>(*asked, add);
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
                print_text(device_line(listing.backend, device, id_width) + "\n");
        }
    if (options.json) {
        JsonObject object;
        object.add("devices", objects).add("result", outcome.result);
        if (!outcome.ok())
            object.add("message", outcome.message);
        print_text(object.text() + "\n");
    } else if (outcome.ok() && objects.empty()) {
        print_text(fmt::format("No devices: {}\n",
                               listings.empty() ? "this backend has none"
                                                : "no audio server is running; see 'rill-io backends'"));
    }
    return outcome;
}

} // namespace rill::io::tools
