// SPDX-License-Identifier: MIT
//
// conversion_from_memory [--rounds N] [--csv FILE]
//
// What our conversions cost where memory is the limit: each pass takes a period that no cache holds, and
// leaves its result where none does, against memcpy under the same conditions. What they do is what
// `conversion` does, which checks it.
//
//   --rounds  instead of 31
//   --csv     a line for each case: direction, format, channels, bandwidth and memcpy_bandwidth (GB/s), ratio
//             of both with its quartiles
//
// Bandwidth is what is read and written, together. Conversion and memcpy take turns in the same memory, each
// for some hundred microseconds; shown are the medians of the rounds, and of the ratios in each.

#include "aligned_vector.hpp"
#include "convert.hpp"
#include "ours.hpp"
#include "quantile.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
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
/// Passes are timed together until they have moved so much.
constexpr std::size_t timed_bytes = std::size_t{2} << 20;

/// Two large memories that passes go through from end to end, and again.
class Memory {
public:
    struct Piece {
        std::byte* device;
        std::byte* window;
    };
    /// The next of so many bytes on each side; not touched for the last 200 MB or so.
    Piece next(std::size_t device_bytes, std::size_t window_bytes) {
        const std::size_t bytes = std::max(device_bytes, window_bytes);
        if (position_ + bytes > arena_bytes)
            position_ = 0;
        return {device_.data() + position_, window_.data() + std::exchange(position_, position_ + bytes)};
    }

private:
    alsa::AlignedVector<std::byte> device_ = alsa::AlignedVector<std::byte>(arena_bytes);
    alsa::AlignedVector<std::byte> window_ = alsa::AlignedVector<std::byte>(arena_bytes);
    std::size_t position_ = 0;
};

struct Case {
    Direction direction;
    Format format;
    std::size_t channels;
    alsa::Codec codec;
    std::vector<double> bandwidth = {};
    std::vector<double> memcpy_bandwidth = {};
    std::vector<double> ratio = {};

    [[nodiscard]] std::size_t sample() const { return alsa::bytes_of(format.encoding); }
    [[nodiscard]] std::size_t device_bytes() const { return sample() * channels * frames; }
    [[nodiscard]] std::size_t window_bytes() const { return sizeof(float) * channels * frames; }
    [[nodiscard]] std::size_t passes() const { return 1 + timed_bytes / (device_bytes() + window_bytes()); }
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
    return timed_bandwidth(one.passes(), one.device_bytes() + one.window_bytes(), [&] {
        const Memory::Piece piece = memory.next(one.device_bytes(), one.window_bytes());
        for (std::size_t channel = 0; channel < one.channels; ++channel)
            windows[channel] = reinterpret_cast<float*>(piece.window) + channel * frames;
        if (one.direction == Direction::read)
            conversion::read(one.codec, piece.device, windows.data(), one.channels, one.sample(), frames);
        else
            conversion::write(one.codec, windows.data(), piece.device, one.channels, one.sample(), frames);
    });
}

/// Copies half of what the conversion reads and writes, the way it goes.
double time_memcpy(const Case& one, Memory& memory) {
    const std::size_t bytes = (one.device_bytes() + one.window_bytes()) / 2;
    return timed_bandwidth(one.passes(), 2 * bytes, [&] {
        const Memory::Piece piece = memory.next(bytes, bytes);
        if (one.direction == Direction::read)
            std::memcpy(piece.window, piece.device, bytes);
        else
            std::memcpy(piece.device, piece.window, bytes);
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
            one->bandwidth.push_back(converted);
            one->memcpy_bandwidth.push_back(copied);
            one->ratio.push_back(converted / copied);
        }
    }
}

bool write_csv(const char* path, std::vector<Case>& cases) {
    std::FILE* const file = std::fopen(path, "w");
    if (file == nullptr) {
        std::perror(path);
        return false;
    }
    std::fprintf(file, "direction,format,channels,bandwidth,memcpy_bandwidth,ratio,ratio_low,ratio_high\n");
    for (Case& one : cases)
        std::fprintf(file, "%s,%s,%zu,%.2f,%.2f,%.3f,%.3f,%.3f\n", name_of(one.direction), one.format.name,
                     one.channels, quantile(one.bandwidth, 0.5), quantile(one.memcpy_bandwidth, 0.5),
                     quantile(one.ratio, 0.5), quantile(one.ratio, 0.25), quantile(one.ratio, 0.75));
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
    std::printf("%-26s %8s %8s %8s   (quartiles)\n", "conversion, channels", "memcpy", "rill-io", "of it");
    for (Case& one : cases)
        std::printf("%-5s %-12s %7zu %8.1f %8.1f %6.0f %%   (%.0f...%.0f)\n", name_of(one.direction),
                    one.format.name, one.channels, quantile(one.memcpy_bandwidth, 0.5),
                    quantile(one.bandwidth, 0.5), 100 * quantile(one.ratio, 0.5),
                    100 * quantile(one.ratio, 0.25), 100 * quantile(one.ratio, 0.75));
    return csv == nullptr || write_csv(csv, cases) ? 0 : 1;
}
