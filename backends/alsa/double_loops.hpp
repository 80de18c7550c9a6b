// SPDX-License-Identifier: MIT
#pragma once

// The conversion loops of samples that are doubles: no vectors, for hardly a device has them. Included by
// kernels.hpp only; a template of the instruction set like the others there.

#include "cache_line.hpp"
#include "wires.hpp"

#include <cstddef>
#include <cstdint>

namespace rill::io::alsa::kernel {

/// Eight bytes, a double's.
template <class Ops, bool Swapped>
struct DoubleLoops {
    static void read(const std::byte* from, std::size_t step, float* to, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i)
            to[i] = static_cast<float>(get(from + i * step));
    }
    static void write(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i)
            put(to + i * step, double{from[i]});
    }
    static void read_stereo(const std::byte* from, float* left, float* right, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i) {
            left[i] = static_cast<float>(get(from + i * 16));
            right[i] = static_cast<float>(get(from + i * 16 + 8));
        }
    }
    static void write_stereo(const float* left, const float* right, std::byte* to,
                             std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i) {
            put(to + i * 16, double{left[i]});
            put(to + i * 16 + 8, double{right[i]});
        }
    }
    // Where a frame is longer than a cache line, a few frames at a time: all channels of them are in the
    // first cache then.
    static void read_frames(const std::byte* from, std::size_t step, float* const* to, std::size_t channels,
                            std::size_t frames) noexcept {
        for_each_piece(step, frames, [=](std::size_t i, std::size_t count) __attribute__((always_inline)) {
            for (std::size_t channel = 0; channel < channels; ++channel)
                read(from + i * step + channel * 8, step, to[channel] + i, count);
        });
    }
    static void write_frames(const float* const* from, std::byte* to, std::size_t step, std::size_t channels,
                             std::size_t frames) noexcept {
        for_each_piece(step, frames, [=](std::size_t i, std::size_t count) __attribute__((always_inline)) {
            for (std::size_t channel = 0; channel < channels; ++channel)
                write(from[channel] + i, to + i * step + channel * 8, step, count);
        });
    }

private:
    template <class Convert>
    [[gnu::always_inline]] static void for_each_piece(std::size_t step, std::size_t frames,
                                                      Convert convert) noexcept {
        const std::size_t piece = step > cache_line ? 16 : frames;
        for (std::size_t i = 0; i < frames; i += piece)
            convert(i, frames - i < piece ? frames - i : piece);
    }

    [[gnu::always_inline]] static double get(const std::byte* from) noexcept {
        const auto bits = load<std::uint64_t>(from);
        return __builtin_bit_cast(double, Swapped ? __builtin_bswap64(bits) : bits);
    }
    [[gnu::always_inline]] static void put(std::byte* to, double sample) noexcept {
        const auto bits = __builtin_bit_cast(std::uint64_t, sample);
        store(to, Swapped ? __builtin_bswap64(bits) : bits);
    }
};

} // namespace rill::io::alsa::kernel
