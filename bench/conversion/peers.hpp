// SPDX-License-Identifier: MIT
#pragma once

// The conversions of other libraries, as far as these are installed; each does as much of our pass as it can.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace conversion {

struct Peer {
    std::string name;
    std::size_t bytes; ///< of the device's memory
    std::function<void()> work;
};

/// Two channels of so many frames.
[[nodiscard]] std::vector<Peer> peers(std::size_t frames);

// One file for each library.
void add_swresample(std::vector<Peer>& peers, std::size_t frames);
void add_samplerate(std::vector<Peer>& peers, std::size_t frames);
void add_sdl2(std::vector<Peer>& peers, std::size_t frames);

} // namespace conversion
