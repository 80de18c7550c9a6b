// SPDX-License-Identifier: MIT
#pragma once

// Device: one row of what a backend can open. For the control side; the hot path does not include this.

#include <cstdint>
#include <string>
#include <vector>

namespace rill::io {

/// There are channels, but how many only opening the device would tell.
inline constexpr std::uint32_t unknown_channels = ~std::uint32_t{0};

struct Device {
    std::string id;                    ///< stable: what StreamConfig::device takes
    std::string description;           ///< for people
    std::uint32_t input_channels = 0;  ///< that can be captured; 0 = playback only
    std::uint32_t output_channels = 0; ///< that can be played; 0 = capture only
    std::uint32_t default_rate = 0;    ///< Hz; 0 = any
    bool default_capture = false;      ///< what an empty StreamConfig::device captures from
    bool default_playback = false;     ///< what an empty StreamConfig::device plays to
};

using DeviceList = std::vector<Device>;

} // namespace rill::io
