// SPDX-License-Identifier: MIT
#pragma once

// The conversions of other libraries, as far as these are installed; each does as much of our pass as it can.

#include "aligned_vector.hpp"
#include "convert.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace conversion {

namespace alsa = rill::io::alsa;
using alsa::Encoding;

/// A period of a device, and what a graph sees of it. (Aligned as a Pcm's.)
struct Place {
    Place(Encoding encoding, std::size_t num_channels, std::size_t num_frames)
        : channels(num_channels),
          frames(num_frames),
          sample(alsa::bytes_of(encoding)),
          device(sample * channels * frames),
          window(std::max(channels * frames, device.size() / sizeof(float))) {
        for (std::size_t channel = 0; channel < channels; ++channel)
            windows.push_back(window.data() + channel * frames);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    std::size_t channels;
    std::size_t frames;
    std::size_t sample; ///< bytes
    alsa::AlignedVector<std::byte> device;
    alsa::AlignedVector<float> window;
    std::vector<float*> windows;
};

enum class Direction { read, write };
/// How the floats lie in the window.
enum class Layout {
    planar,
    interleaved, ///< what is interleaved stays so: less work
    in_place,    ///< likewise, and the device's samples lie in the window, too
};

struct Peer {
    const char* who;
    Direction direction;
    Encoding encoding;
    std::size_t channels;
    Layout layout;
    std::function<void(Place&)> work;
};

/// For so many channels and frames.
[[nodiscard]] std::vector<Peer> peers(std::size_t channels, std::size_t frames);

// One file for each library.
void add_portaudio(std::vector<Peer>& peers, std::size_t channels, std::size_t frames);
void add_rtaudio(std::vector<Peer>& peers, std::size_t channels, std::size_t frames);
void add_samplerate(std::vector<Peer>& peers, std::size_t channels, std::size_t frames);
void add_sdl2(std::vector<Peer>& peers, std::size_t channels, std::size_t frames);
void add_swresample(std::vector<Peer>& peers, std::size_t channels, std::size_t frames);

} // namespace conversion
