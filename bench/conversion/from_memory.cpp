// SPDX-License-Identifier: MIT
//
// conversion_from_memory [--rounds N] [--csv FILE]
//
// What our conversions cost where memory is the limit: each pass takes a period that no cache holds, and
// leaves its result where none does, against memcpy under the same conditions. What they do is what
// `conversion` does, which checks it.
//
//   --rounds  instead of 31
//   --csv     a line for each case: direction, format, channels, bandwidth, memcpy_bandwidth and
//             lines_bandwidth (GB/s), ratio of the first to the second with its quartiles, ratio_to_lines
//
// The device's side is one long stretch of memory, the windows' side one for each channel, as a recording
// has it. "lines" is what no conversion can do without: between the same stretches the same bytes go the same
// way in the same order, and nothing is done to them. memcpy has two stretches, whatever the channels.
//
// Bandwidth is what is read and written, together. The three take turns in the same memory, each for some
// hundred microseconds; shown are the medians of the rounds, and of the ratios in each.

#include "aligned_vector.hpp"
#include "convert.hpp"
#include "ours.hpp"
#include "quantile.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace alsa = rill::io::alsa;
using conversion::Direction;
using conversion::Format;
using conversion::quantile;

constexpr std::size_t frames = 256;
/// On each side; more than a core has of any cache.
constexpr std::size_t arena_bytes = std::size_t{192} << 20;
/// Of one channel.
constexpr std::size_t window_bytes = sizeof(float) * frames;
/// Passes are timed together until they have moved so much.
constexpr std::size_t timed_bytes = std::size_t{2} << 20;

/// Two large memories that passes go through from end to end, and again.
class Memory {
public:
    struct Piece {
        std::byte* device;
        std::byte* window;  ///< of the first channel
        std::size_t stride; ///< bytes from there to the next channel's
    };
    /// The next of so many bytes on each side, right behind the last; hardly any of it was touched for the
    /// last 200 MB or so.
    Piece next(std::size_t device_bytes, std::size_t channels, std::size_t channel_bytes) {
        const std::size_t stride = (arena_bytes / channels - page) / page * page + off_page;
        return {device_.next(device_bytes, arena_bytes), window_.next(channel_bytes, stride), stride};
    }

private:
    static constexpr std::size_t page = 4096;
    /// No two channels at one place in their pages: a cache would have to drop one for the other.
    static constexpr std::size_t off_page = 17 * std::size_t{64};

    struct Side {
        std::byte* next(std::size_t bytes, std::size_t end) {
            if (position + bytes > end)
                position = 0;
            return arena.data() + std::exchange(position, position + bytes);
        }
        alsa::AlignedVector<std::byte> arena = alsa::AlignedVector<std::byte>(arena_bytes);
        std::size_t position = 0;
    };
    Side device_;
    Side window_;
};

struct Case {
    Direction direction;
    Format format;
    std::size_t channels;
    alsa::Codec codec;
    std::vector<double> bandwidth = {};
    std::vector<double> memcpy_bandwidth = {};
    std::vector<double> lines_bandwidth = {};
    std::vector<double> ratio = {};
    std::vector<double> ratio_to_lines = {};

    [[nodiscard]] std::size_t sample() const { return alsa::bytes_of(format.encoding); }
    [[nodiscard]] std::size_t device_bytes() const { return sample() * channels * frames; }
    [[nodiscard]] std::size_t bytes() const { return device_bytes() + channels * window_bytes; }
    [[nodiscard]] std::size_t passes() const { return 1 + timed_bytes / bytes(); }
};

/// GB/s of so many passes of `work`, each of which moves `bytes`.
template <class Work>
double timed_bandwidth(std::size_t passes, std::size_t bytes, Work work) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < passes; ++i) {
        work();
        asm volatile("" ::: "memory");
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(passes * bytes) / took.count();
}

double time_conversion(const Case& one, Memory& memory) {
    std::vector<float*> windows(one.channels);
    return timed_bandwidth(one.passes(), one.bytes(), [&] {
        const Memory::Piece piece = memory.next(one.device_bytes(), one.channels, window_bytes);
        for (std::size_t channel = 0; channel < one.channels; ++channel)
            windows[channel] = reinterpret_cast<float*>(piece.window + channel * piece.stride);
        if (one.direction == Direction::read)
            conversion::read(one.codec, piece.device, windows.data(), one.channels, one.sample(), frames);
        else
            conversion::write(one.codec, windows.data(), piece.device, one.channels, one.sample(), frames);
    });
}

/// Copies half of what the conversion reads and writes, the way it goes.
double time_memcpy(const Case& one, Memory& memory) {
    const std::size_t bytes = one.bytes() / 2;
    return timed_bandwidth(one.passes(), 2 * bytes, [&] {
        const Memory::Piece piece = memory.next(bytes, 1, bytes);
        if (one.direction == Direction::read)
            std::memcpy(piece.window, piece.device, bytes);
        else
            std::memcpy(piece.device, piece.window, bytes);
    });
}

using Vector = std::uint32_t __attribute__((vector_size(16)));
constexpr std::size_t vectors_per_line = 64 / sizeof(Vector);
constexpr std::size_t line_frames = 64 / sizeof(float);

/// A line of a window and what its samples take in the device's memory: `Vectors` vectors. All of one side is
/// read, all of the other written.
template <Direction Way, std::size_t Vectors>
void move_line(std::byte* device, std::byte* line) {
    constexpr bool reads = Way == Direction::read;
    constexpr std::size_t num_read = reads ? Vectors : vectors_per_line;
    constexpr std::size_t num_written = reads ? vectors_per_line : Vectors;
    const std::byte* const from = reads ? device : line;
    std::byte* const to = reads ? line : device;
    std::array<Vector, num_read> moved;
    for (std::size_t i = 0; i < num_read; ++i)
        std::memcpy(&moved[i], from + i * sizeof(Vector), sizeof(Vector));
    for (std::size_t i = num_written; i < num_read; ++i)
        moved[i - num_written] |= moved[i];
    for (std::size_t i = 0; i < num_written; ++i)
        std::memcpy(to + i * sizeof(Vector), &moved[i % num_read], sizeof(Vector));
}

template <Direction Way, std::size_t SampleBytes>
void move_lines(const Memory::Piece& piece, std::size_t channels) {
    constexpr std::size_t place_bytes = SampleBytes * line_frames;
    std::byte* place = piece.device;
    for (std::size_t frame = 0; frame < frames; frame += line_frames)
        for (std::size_t channel = 0; channel < channels; ++channel, place += place_bytes)
            move_line<Way, place_bytes / sizeof(Vector)>(place, piece.window + channel * piece.stride +
                                                                    frame * sizeof(float));
}

template <std::size_t SampleBytes>
void move_lines(const Case& one, const Memory::Piece& piece) {
    if (one.direction == Direction::read)
        move_lines<Direction::read, SampleBytes>(piece, one.channels);
    else
        move_lines<Direction::write, SampleBytes>(piece, one.channels);
}

double time_lines(const Case& one, Memory& memory) {
    return timed_bandwidth(one.passes(), one.bytes(), [&] {
        const Memory::Piece piece = memory.next(one.device_bytes(), one.channels, window_bytes);
        switch (one.sample()) {
        case 2:
            return move_lines<2>(one, piece);
        case 3:
            return move_lines<3>(one, piece);
        case 4:
            return move_lines<4>(one, piece);
        default:
            return move_lines<8>(one, piece);
        }
    });
}

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    const alsa::Codecs& codecs = *alsa::codec_sets().front();
    for (const std::size_t channels : {std::size_t{2}, std::size_t{8}, std::size_t{32}})
        for (const Format& format : conversion::formats)
            for (const Direction direction : {Direction::read, Direction::write})
                cases.push_back(
                    {direction, format, channels, codecs[static_cast<std::size_t>(format.encoding)]});
    return cases;
}

void time_all(std::vector<Case>& cases, std::size_t rounds) {
    Memory memory;
    std::vector<Case*> order;
    for (Case& one : cases)
        order.push_back(&one);
    std::mt19937 random(1);
    for (std::size_t round = 0; round < rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (Case* const one : order) {
            // (who comes second finds other pages in the processor's tables than who comes first)
            double copied = round % 2 == 0 ? time_memcpy(*one, memory) : 0.0;
            const double converted = time_conversion(*one, memory);
            if (round % 2 != 0)
                copied = time_memcpy(*one, memory);
            const double moved = time_lines(*one, memory);
            one->bandwidth.push_back(converted);
            one->memcpy_bandwidth.push_back(copied);
            one->lines_bandwidth.push_back(moved);
            one->ratio.push_back(converted / copied);
            one->ratio_to_lines.push_back(converted / moved);
        }
    }
}

bool write_csv(const char* path, std::vector<Case>& cases) {
    std::FILE* const file = std::fopen(path, "w");
    if (file == nullptr) {
        std::perror(path);
        return false;
    }
    std::fprintf(
        file,
        "direction,format,channels,bandwidth,memcpy_bandwidth,lines_bandwidth,ratio,ratio_low,ratio_high,"
        "ratio_to_lines\n");
    for (Case& one : cases)
        std::fprintf(file, "%s,%s,%zu,%.2f,%.2f,%.2f,%.3f,%.3f,%.3f,%.3f\n", name_of(one.direction),
                     one.format.name, one.channels, quantile(one.bandwidth, 0.5),
                     quantile(one.memcpy_bandwidth, 0.5), quantile(one.lines_bandwidth, 0.5),
                     quantile(one.ratio, 0.5), quantile(one.ratio, 0.25), quantile(one.ratio, 0.75),
                     quantile(one.ratio_to_lines, 0.5));
    return std::fclose(file) == 0;
}

} // namespace

int main(int argc, char** argv) {
    std::size_t rounds = 31;
    const char* csv = nullptr;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--rounds" && i + 1 < argc && std::strtol(argv[i + 1], nullptr, 10) > 0)
            rounds = std::strtoul(argv[++i], nullptr, 10);
        else if (word == "--csv" && i + 1 < argc)
            csv = argv[++i];
        else {
            std::fprintf(stderr, "usage: %s [--rounds N] [--csv FILE]\n", argv[0]);
            return 64;
        }
    }
    std::vector<Case> cases = all_cases();
    time_all(cases, rounds);
    std::printf(
        "from memory to memory, %zu frames at a time; GB/s read and written; medians of %zu rounds\n\n",
        frames, rounds);
    std::printf("%-26s %8s %8s %8s %10s %10s (quartiles)   %s\n", "conversion, channels", "memcpy", "lines",
                "rill-io", "of memcpy", "", "of lines");
    for (Case& one : cases)
        std::printf("%-5s %-12s %7zu %8.1f %8.1f %8.1f %8.0f %%   (%.0f...%.0f) %8.0f %%\n",
                    name_of(one.direction), one.format.name, one.channels,
                    quantile(one.memcpy_bandwidth, 0.5), quantile(one.lines_bandwidth, 0.5),
                    quantile(one.bandwidth, 0.5), 100 * quantile(one.ratio, 0.5),
                    100 * quantile(one.ratio, 0.25), 100 * quantile(one.ratio, 0.75),
                    100 * quantile(one.ratio_to_lines, 0.5));
    return csv == nullptr || write_csv(csv, cases) ? 0 : 1;
}
