// SPDX-License-Identifier: MIT
#pragma once

// Our own conversions as a period needs them: the whole pass between a device's memory and all windows.

#include "convert.hpp"
#include "peers.hpp"

#include <cstddef>

namespace conversion {

struct Format {
    const char* name;
    Encoding encoding;
};
inline constexpr Format formats[] = {
    {"FLOAT", Encoding::float32},
    {"FLOAT64", Encoding::float64},
    {"S32", Encoding::s32},
    {"S24", Encoding::s24},
    {"S24_3", Encoding::s24_3},
    {"S16", Encoding::s16},
    {"S32 swapped", Encoding::s32_swapped},
    {"S16 swapped", Encoding::s16_swapped},
};
inline constexpr Format more_formats[] = {
    {"FLOAT swapped", Encoding::float32_swapped},
    {"FLOAT64 swapped", Encoding::float64_swapped},
    {"S24 swapped", Encoding::s24_swapped},
    {"S24_3 swapped", Encoding::s24_3_swapped},
};

inline const char* name_of(Direction direction) {
    return direction == Direction::read ? "read" : "write";
}

/// From interleaved samples to planar floats.
inline void read(const alsa::Codec& codec, const std::byte* device, float* const* windows,
                 std::size_t channels, std::size_t sample, std::size_t frames) {
    if (channels == 1)
        codec.read(device, sample, windows[0], frames);
    else if (channels == 2)
        codec.read_stereo(device, windows[0], windows[1], frames);
    else
        codec.read_frames(device, channels * sample, windows, channels, frames);
}

/// From planar floats to interleaved samples.
inline void write(const alsa::Codec& codec, const float* const* windows, std::byte* device,
                  std::size_t channels, std::size_t sample, std::size_t frames) {
    if (channels == 1)
        codec.write(windows[0], device, sample, frames);
    else if (channels == 2)
        codec.write_stereo(windows[0], windows[1], device, frames);
    else
        codec.write_frames(windows, device, channels * sample, channels, frames);
}

} // namespace conversion
