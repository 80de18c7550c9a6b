// SPDX-License-Identifier: MIT
#pragma once

// The signal that loopback sends: noise that is a function of place, so that any piece of it tells where it
// was sent.

#include "playout.hpp"
#include <rill_io/tick.hpp>

#include <cstddef>
#include <cstdint>

namespace rill::io::tools {

/// One sample, +-0.25 in steps of 2^-23: a whole number for every 24-bit format, and 12 dB below what clips.
/// (The mixing is that of SplitMix64.) Thread: any. Realtime-safe: yes.
[[nodiscard]] inline float noise_sample(std::uint64_t position, std::size_t channel) noexcept {
    std::uint64_t x = (position * 256 + channel + 1) * 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    const auto whole = static_cast<std::int32_t>((x ^ (x >> 31U)) >> 42U) - (1 << 21);
    return static_cast<float>(whole) * (1.0F / (1U << 23U));
}

class NoiseSignal {
public:
    /// See Signal. The block is the last part of the tick's.
    std::size_t fill(const ClockTick& tick, const AnyBlock& block) noexcept {
        const std::uint64_t position = tick.position + tick.frames - block.frames();
        for (std::size_t channel = 0; channel < block.num_channels(); ++channel) {
            float* const out = block.data(channel);
            for (std::size_t i = 0; i < block.frames(); ++i)
                out[i] = noise_sample(position + i, channel);
        }
        return block.frames();
    }
};

} // namespace rill::io::tools
