// SPDX-License-Identifier: MIT
#include "convert.hpp"
#include "random.hpp"

#include <test.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

using namespace rill::io::alsa;

namespace {

constexpr std::byte untouched{0xA5};

[[nodiscard]] bool is_swapped(Encoding encoding) {
    return static_cast<std::size_t>(encoding) >= num_encodings / 2;
}

/// The bytes of a number in the encoding's order, by the book.
void put_bytes(std::uint64_t number, Encoding encoding, std::byte* to) {
    const std::size_t count = bytes_of(encoding);
    const bool low_first = (std::endian::native == std::endian::little) != is_swapped(encoding);
    for (std::size_t i = 0; i < count; ++i)
        to[low_first ? i : count - 1 - i] = static_cast<std::byte>(number >> (8 * i));
}
[[nodiscard]] std::uint64_t get_bytes(const std::byte* from, Encoding encoding) {
    const std::size_t count = bytes_of(encoding);
    const bool low_first = (std::endian::native == std::endian::little) != is_swapped(encoding);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < count; ++i)
        number |= std::to_integer<std::uint64_t>(from[low_first ? i : count - 1 - i]) << (8 * i);
    return number;
}

/// One sample, slowly, in double precision.
void write_reference(float sample, Encoding encoding, std::byte* to) {
    const std::uint32_t bits = bits_of(encoding);
    if (bits == 0) {
        if (bytes_of(encoding) == 4)
            put_bytes(std::bit_cast<std::uint32_t>(sample), encoding, to);
        else
            put_bytes(std::bit_cast<std::uint64_t>(static_cast<double>(sample)), encoding, to);
        return;
    }
    const double full_scale = std::ldexp(1.0, static_cast<int>(bits) - 1);
    const double highest = bits == 32 ? full_scale - 128.0 : full_scale - 1.0;
    double value = std::isnan(sample) ? 0.0 : static_cast<double>(sample) * full_scale;
    value = std::min(std::max(value, -full_scale), highest);
    put_bytes(static_cast<std::uint64_t>(static_cast<std::int64_t>(std::nearbyint(value))), encoding, to);
}
[[nodiscard]] float read_reference(const std::byte* from, Encoding encoding) {
    const std::uint32_t bits = bits_of(encoding);
    const std::uint64_t number = get_bytes(from, encoding);
    if (bits == 0)
        return bytes_of(encoding) == 4 ? std::bit_cast<float>(static_cast<std::uint32_t>(number))
                                       : static_cast<float>(std::bit_cast<double>(number));
    const std::int64_t value =
        static_cast<std::int64_t>(number << (64 - bits)) >> (64 - bits); // padding is no part of it
    return static_cast<float>(std::ldexp(static_cast<double>(value), 1 - static_cast<int>(bits)));
}

/// Samples of every kind: ordinary ones, halves that must be rounded to even, full scale and beyond, zeros,
/// NaN.
[[nodiscard]] float sample_for_test(Random& random, std::uint32_t bits) {
    constexpr std::array special{0.0F,
                                 -0.0F,
                                 1.0F,
                                 -1.0F,
                                 0x1.fffffep-1F,
                                 -0x1.000002p0F,
                                 1.5F,
                                 -1.5F,
                                 1e30F,
                                 -1e30F,
                                 std::numeric_limits<float>::infinity(),
                                 -std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::denorm_min(),
                                 std::numeric_limits<float>::quiet_NaN()};
    switch (random.between(0, 9)) {
    case 0:
        return special[random.between(0, std::uint32_t{special.size()} - 1)];
    case 1: { // halfway between two steps
        const std::uint32_t steps = bits == 0 ? 16 : std::min(bits, 20U);
        const auto odd = static_cast<float>(static_cast<std::int32_t>(random.bits()) >> (32 - steps)) + 0.5F;
        return std::ldexp(odd, 1 - static_cast<int>(steps));
    }
    case 2: // little
        return random.sample() * 0x1p-12F;
    default:
        return random.sample() * 1.05F;
    }
}

struct Shape {
    std::uint32_t channels;
    std::uint32_t device_channels;
    std::size_t frames;
    bool interleaved;
    std::size_t misaligned; ///< bytes
};

/// Device memory of a shape, with a margin that must stay as it is.
struct Memory {
    Memory(const Shape& shape, Encoding encoding)
        : bytes(bytes_of(encoding)),
          memory(shape.misaligned + bytes * shape.device_channels * shape.frames + margin, untouched) {
        std::byte* const begin = memory.data() + shape.misaligned;
        for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
            areas.push_back(shape.interleaved ? Area{begin + channel * bytes, bytes * shape.device_channels}
                                              : Area{begin + channel * bytes * shape.frames, bytes});
    }
    static constexpr std::size_t margin = 64;
    std::size_t bytes;
    std::vector<std::byte> memory;
    std::vector<Area> areas;
};

/// Planar floats, misaligned by one sample, with a margin.
struct Planar {
    Planar(std::uint32_t channels, std::size_t frames) : memory(channels * (frames + 1) + 17, 7.0F) {
        for (std::uint32_t channel = 0; channel < channels; ++channel)
            pointers.push_back(memory.data() + 1 + channel * (frames + 1));
    }
    std::vector<float> memory;
    std::vector<float*> pointers;
};

[[nodiscard]] bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

/// Calls a codec as Converter does: with two interleaved channels that lie alone, with more, or channel by
/// channel.
void read_with(const Codec& codec, const Memory& device, const Planar& planar, const Shape& shape) {
    if (shape.interleaved && shape.device_channels == 2 && shape.channels == 2)
        return codec.read_stereo(device.areas[0].first, planar.pointers[0], planar.pointers[1], shape.frames);
    if (shape.interleaved && shape.channels > 1)
        return codec.read_frames(device.areas[0].first, device.areas[0].step, planar.pointers.data(),
                                 shape.channels, shape.frames);
    for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
        codec.read(device.areas[channel].first, device.areas[channel].step, planar.pointers[channel],
                   shape.frames);
}
void write_with(const Codec& codec, const Memory& device, const Planar& planar, const Shape& shape) {
    if (shape.interleaved && shape.device_channels == 2 && shape.channels == 2)
        return codec.write_stereo(planar.pointers[0], planar.pointers[1], device.areas[0].first,
                                  shape.frames);
    if (shape.interleaved && shape.channels > 1)
        return codec.write_frames(planar.pointers.data(), device.areas[0].first, device.areas[0].step,
                                  shape.channels, shape.frames);
    for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
        codec.write(planar.pointers[channel], device.areas[channel].first, device.areas[channel].step,
                    shape.frames);
}

[[nodiscard]] std::vector<Shape> shapes() {
    std::vector<Shape> all;
    for (std::uint32_t channels = 1; channels <= 32; ++channels)
        for (const std::size_t frames : {1U, 7U, 64U, 101U})
            for (const bool interleaved : {true, false})
                all.push_back(
                    {channels, channels + (channels % 3 == 0 ? 2U : 0U), frames, interleaved, channels % 4});
    for (std::size_t frames = 0; frames <= 70; ++frames) // every length, where the fast loops are
        for (const std::uint32_t channels : {1U, 2U, 5U})
            all.push_back({channels, channels, frames, true, frames % 5});
    return all;
}

} // namespace

TEST_CASE("convert: every loop is what a slow one in double precision is", "[convert]") {
    const std::size_t set = GENERATE(range(std::size_t{0}, codec_sets().size()));
    const auto encoding = static_cast<Encoding>(GENERATE(range(std::size_t{0}, num_encodings)));
    CAPTURE(set, static_cast<int>(encoding));
    const Codec& codec = (*codec_sets()[set])[static_cast<std::size_t>(encoding)];
    Random random(static_cast<std::uint32_t>(encoding) + 1);
    std::size_t wrong_reads = 0;
    std::size_t wrong_writes = 0;
    std::size_t strayed = 0;
    for (const Shape& shape : shapes()) {
        // Device to window: any bytes.
        Memory device(shape, encoding);
        for (std::size_t i = 0; i < device.memory.size() - Memory::margin; ++i)
            device.memory[i] = static_cast<std::byte>(random.bits() >> 13U);
        Planar window(shape.channels, shape.frames);
        read_with(codec, device, window, shape);
        for (std::uint32_t channel = 0; channel < shape.channels; ++channel) {
            for (std::size_t i = 0; i < shape.frames; ++i)
                wrong_reads += !same_bits(
                    window.pointers[channel][i],
                    read_reference(device.areas[channel].first + i * device.areas[channel].step, encoding));
            strayed += window.pointers[channel][shape.frames] != 7.0F;
        }
        // Window to device.
        Planar played(shape.channels, shape.frames);
        for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
            for (std::size_t i = 0; i < shape.frames; ++i)
                played.pointers[channel][i] = sample_for_test(random, bits_of(encoding));
        Memory written(shape, encoding);
        Memory expected(shape, encoding);
        for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
            for (std::size_t i = 0; i < shape.frames; ++i)
                write_reference(played.pointers[channel][i], encoding,
                                expected.areas[channel].first + i * expected.areas[channel].step);
        write_with(codec, written, played, shape);
        wrong_writes += written.memory != expected.memory;
    }
    CHECK(wrong_reads == 0);
    CHECK(wrong_writes == 0);
    CHECK(strayed == 0);
}

TEST_CASE("convert: a converter takes the loops that fit the memory", "[convert]") {
    const auto encoding = static_cast<Encoding>(GENERATE(range(std::size_t{0}, num_encodings)));
    Random random(9);
    for (const Shape shape : {Shape{2, 2, 65, true, 0}, Shape{2, 2, 65, false, 0}, Shape{2, 4, 65, true, 1},
                              Shape{1, 1, 65, true, 0}, Shape{5, 5, 33, true, 3}}) {
        Planar played(shape.channels, shape.frames);
        for (float& sample : played.memory)
            sample = static_cast<float>(static_cast<std::int16_t>(random.bits())) *
                     0x1p-15F; // exact in all encodings
        Memory device(shape, encoding);
        Converter converter(encoding);
        converter.write(played.pointers.data(), device.areas, shape.frames);
        Planar back(shape.channels, shape.frames);
        converter.read(device.areas, back.pointers.data(), shape.frames);
        std::size_t wrong = 0;
        for (std::uint32_t channel = 0; channel < shape.channels; ++channel)
            for (std::size_t i = 0; i < shape.frames; ++i)
                wrong += back.pointers[channel][i] != played.pointers[channel][i];
        CHECK(wrong == 0);
    }
}

TEST_CASE("convert: dither makes the error noise, of the right size and in the right bits", "[convert]") {
    const std::size_t set = GENERATE(range(std::size_t{0}, codec_sets().size()));
    struct Case {
        Encoding encoding;
        std::uint32_t bits;
    };
    const auto [encoding, bits] =
        GENERATE(Case{Encoding::s16, 16}, Case{Encoding::s24, 24}, Case{Encoding::s24_3_swapped, 24},
                 Case{Encoding::s32, 20}, Case{Encoding::s16, 12});
    CAPTURE(set, static_cast<int>(encoding), bits);
    const Codec& codec = (*codec_sets()[set])[static_cast<std::size_t>(encoding)];
    constexpr std::size_t frames = 40001;
    const double step = std::ldexp(1.0, 1 - static_cast<int>(bits));
    const auto constant = static_cast<float>(0.25 * step); // without dither: always 0
    const std::vector<float> input(frames, constant);
    std::vector<std::byte> output(frames * bytes_of(encoding) + 1, untouched);
    Noise noise;
    codec.write_dithered(input.data(), output.data(), bytes_of(encoding), frames, bits, noise);
    double sum = 0.0;
    double sum_of_squares = 0.0;
    double correlation = 0.0;
    double before = 0.0;
    double largest = 0.0;
    std::size_t in_wrong_bits = 0;
    for (std::size_t i = 0; i < frames; ++i) {
        const double value =
            static_cast<double>(read_reference(output.data() + i * bytes_of(encoding), encoding)) / step;
        in_wrong_bits += value != std::nearbyint(value);
        const double error = value - 0.25;
        sum += error;
        sum_of_squares += error * error;
        correlation += error * before;
        before = error;
        largest = std::max(largest, std::abs(error));
    }
    CHECK(in_wrong_bits == 0);
    CHECK(std::abs(sum / frames) < 0.02);
    CHECK(sum_of_squares / frames == Approx(0.25).epsilon(0.05)); // 1/6 of the noise and 1/12 of the rounding
    CHECK(std::abs(correlation / frames) < 0.02);
    CHECK(largest <= 1.5);
    CHECK(output.back() == untouched);
}

TEST_CASE("convert: dithered samples are clipped, and NaN is silence", "[convert]") {
    const std::size_t set = GENERATE(range(std::size_t{0}, codec_sets().size()));
    const Codec& codec = (*codec_sets()[set])[static_cast<std::size_t>(Encoding::s16)];
    const std::array input{2.0F, -2.0F, std::numeric_limits<float>::quiet_NaN(), 1.0F, -1.0F};
    std::array<std::int16_t, 5> output{};
    Noise noise;
    codec.write_dithered(input.data(), reinterpret_cast<std::byte*>(output.data()), 2, input.size(), 16,
                         noise);
    CHECK(output[0] == 32767);
    CHECK(output[1] == -32768);
    CHECK(std::abs(output[2]) <= 1);
    CHECK(output[3] >= 32766);
    CHECK(output[4] <= -32767);
}
