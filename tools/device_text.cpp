// SPDX-License-Identifier: MIT
#include "device_text.hpp"

#include <fmt/format.h>

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

JsonObject& add_channels(JsonObject& object, std::string_view key, std::uint32_t channels) {
    return channels == unknown_channels ? object.add_null(key) : object.add(key, channels);
}

} // namespace

std::string device_line(std::string_view backend, const Device& device, std::size_t id_width) {
    const std::string rate =
        device.default_rate == 0 ? "any rate" : fmt::format("{} Hz", device.default_rate);
    return fmt::format("{:9} {:{}}  {:>3} in {:>3} out  {:>9}  {}{}{}", backend, device.id, id_width,
                       channels_text(device.input_channels), channels_text(device.output_channels), rate,
                       device.description, marks(device).empty() ? "" : ", ", marks(device));
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

} // namespace rill::io::tools
