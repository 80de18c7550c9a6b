// SPDX-License-Identifier: MIT
#pragma once

// Sample formats: between a device's memory and planar floats, one pass that converts and (de)interleaves at
// once.
//
// Full scale is -1.0 .. 1.0. What a format can't hold is clipped: to the lowest value and to the highest; the
// highest of 32 bits is 0x7fffff80, the largest below 1.0 that a float can tell apart from it. Rounding is to
// nearest, halves to even. NaN becomes silence in integer formats; float formats carry everything as it is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rill::io::alsa {

/// How a sample lies in memory. In `swapped` ones the bytes lie in the order that is not this machine's.
enum class Encoding : std::uint8_t {
    float32,
    float64,
    s32,
    s24,   ///< in the low three bytes of four
    s24_3, ///< three bytes
    s16,
    float32_swapped,
    float64_swapped,
    s32_swapped,
    s24_swapped,
    s24_3_swapped,
    s16_swapped,
};
inline constexpr std::size_t num_encodings = 12;

/// Bytes of a sample, with its padding.
[[nodiscard]] std::size_t bytes_of(Encoding encoding) noexcept;
/// Bits that a sample can hold; 0 for the float formats.
[[nodiscard]] std::uint32_t bits_of(Encoding encoding) noexcept;

/// Where a channel's samples lie in a device's memory.
struct Area {
    std::byte* first = nullptr;
    std::size_t step = 0; ///< bytes from one sample to the next
};

/// The pseudo-random numbers of one direction's dither.
struct Noise {
    std::array<std::uint32_t, 16> state{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
};

/// The loops of one encoding. Nothing needs to be aligned. All are realtime-safe.
struct Codec {
    /// One channel.
    void (*read)(const std::byte* from, std::size_t step, float* to, std::size_t frames) noexcept;
    void (*write)(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept;
    /// Two channels that lie interleaved, alone.
    void (*read_stereo)(const std::byte* from, float* left, float* right, std::size_t frames) noexcept;
    void (*write_stereo)(const float* left, const float* right, std::byte* to, std::size_t frames) noexcept;
    /// Channels that lie interleaved, with others or alone, in frames that are `step` bytes apart.
    void (*read_frames)(const std::byte* from, std::size_t step, float* const* to, std::size_t channels,
                        std::size_t frames) noexcept;
    void (*write_frames)(const float* const* from, std::byte* to, std::size_t step, std::size_t channels,
                         std::size_t frames) noexcept;
    /// One channel, with triangular noise of one step of `bits` significant bits each way. Null for float
    /// formats.
    void (*write_dithered)(const float* from, std::byte* to, std::size_t step, std::size_t frames,
                           std::uint32_t bits, Noise& noise) noexcept;
};

/// One set of loops for every encoding, in the order of `Encoding`.
using Codecs = std::array<Codec, num_encodings>;
/// In the order of preference; the first is what conversions use on this processor, the last works
/// everywhere.
[[nodiscard]] std::span<const Codecs* const> codec_sets() noexcept;

/// Converts for one direction of a device. Thread: one at a time. Realtime-safe: yes.
class Converter {
public:
    Converter() = default;
    /// `dither_bits`: the significant bits to dither to, 0 = none.
    explicit Converter(Encoding encoding, std::uint32_t dither_bits = 0) noexcept;

    /// `windows[channel]` = what lies in `areas[channel]`, the first `frames` frames.
    void read(std::span<const Area> areas, float* const* windows, std::size_t frames) const noexcept;
    /// The other way.
    void write(const float* const* windows, std::span<const Area> areas, std::size_t frames) noexcept;

private:
    /// Next to each other, in the order of the channels.
    [[nodiscard]] bool are_interleaved(std::span<const Area> areas) const noexcept;

    const Codec* codec_ = nullptr;
    std::size_t bytes_ = 0;
    std::uint32_t dither_bits_ = 0;
    Noise noise_{};
};

} // namespace rill::io::alsa
