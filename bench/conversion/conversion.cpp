// SPDX-License-Identifier: MIT

// What a pass between a device's memory and planar floats costs, against memcpy of the device's bytes and
// against the conversions of other libraries that are installed.
//
// In each round every case runs once, for about 20 us, in another order; shown are the medians of the rounds.
// How fast the caches are depends on the addresses by up to a tenth: so each case has memory in several
// places, and takes another one in each round.

#include "aligned_vector.hpp"
#include "convert.hpp"
#include "peers.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

namespace alsa = rill::io::alsa;

constexpr std::size_t frames = 256;
constexpr std::size_t rounds = 101;

struct Case {
    std::string name;
    std::size_t bytes;                           ///< of the device's memory
    std::function<void(std::size_t times)> work; ///< so often
    std::size_t times = 1;
    std::vector<double> ns = {}; ///< for one time, in each round

    [[nodiscard]] double median() {
        std::nth_element(ns.begin(), ns.begin() + static_cast<std::ptrdiff_t>(ns.size() / 2), ns.end());
        return ns[ns.size() / 2];
    }
};

void use_memory() {
    asm volatile("" ::: "memory");
}

/// Repeats a piece of work, with nothing optimized away.
template <class Work>
std::function<void(std::size_t)> repeated(Work work) {
    return [work](std::size_t times) mutable {
        for (std::size_t i = 0; i < times; ++i) {
            work();
            use_memory();
        }
    };
}

/// Likewise, with another of `places` each time.
template <class Place, class Work>
std::function<void(std::size_t)> repeated_in_turn(std::vector<std::shared_ptr<Place>> places, Work work) {
    return [places = std::move(places), work, next = std::size_t{0}](std::size_t times) mutable {
        Place& place = *places[next++ % places.size()];
        for (std::size_t i = 0; i < times; ++i) {
            work(place);
            use_memory();
        }
    };
}
constexpr std::size_t num_places = 9;

double timed_ns(const Case& one) {
    const auto begin = std::chrono::steady_clock::now();
    one.work(one.times);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / static_cast<double>(one.times);
}

struct Copy {
    explicit Copy(std::size_t bytes) : from(bytes), to(bytes) {}
    alsa::AlignedVector<std::byte> from;
    alsa::AlignedVector<std::byte> to;
};

Case memory_copy(std::size_t bytes) {
    std::vector<std::shared_ptr<Copy>> places;
    for (std::size_t i = 0; i < num_places; ++i)
        places.push_back(std::make_shared<Copy>(bytes));
    return {"memcpy", bytes, repeated_in_turn(std::move(places), [](Copy& copy) {
                std::memcpy(copy.to.data(), copy.from.data(), copy.from.size());
            })};
}

/// Ours; everything it needs is its own.
struct Pass {
    Pass(const alsa::Codec& loops, alsa::Encoding encoding, std::size_t num_channels)
        : codec(loops),
          channels(num_channels),
          sample(alsa::bytes_of(encoding)),
          device(sample * channels * frames),
          window(channels * frames, 0.25F) {
        for (std::size_t channel = 0; channel < channels; ++channel)
            windows.push_back(window.data() + channel * frames);
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

    void read() const {
        if (channels == 1)
            codec.read(device.data(), sample, windows[0], frames);
        else if (channels == 2)
            codec.read_stereo(device.data(), windows[0], windows[1], frames);
        else
            codec.read_frames(device.data(), channels * sample, windows.data(), channels, frames);
    }
    void write() {
        if (channels == 1)
            codec.write(windows[0], device.data(), sample, frames);
        else if (channels == 2)
            codec.write_stereo(windows[0], windows[1], device.data(), frames);
        else
            codec.write_frames(windows.data(), device.data(), channels * sample, channels, frames);
    }
    alsa::Codec codec;
    std::size_t channels;
    std::size_t sample;
    alsa::AlignedVector<std::byte> device; // (as a Pcm has them)
    alsa::AlignedVector<float> window;
    std::vector<float*> windows;
};

std::vector<Case> all_cases() {
    struct Named {
        const char* name;
        alsa::Encoding encoding;
    };
    constexpr Named encodings[] = {
        {"FLOAT", alsa::Encoding::float32}, {"S32", alsa::Encoding::s32},
        {"S24_3", alsa::Encoding::s24_3},   {"S24_3 swapped", alsa::Encoding::s24_3_swapped},
        {"S16", alsa::Encoding::s16},       {"S32 swapped", alsa::Encoding::s32_swapped}};
    std::vector<Case> cases;
    for (const std::size_t channels : {std::size_t{2}, std::size_t{1}, std::size_t{8}, std::size_t{32}}) {
        std::size_t set = 0;
        for (const alsa::Codecs* const codecs : alsa::codec_sets()) {
            // Which instructions matter shows with two channels.
            if (set != 0 && channels != 2)
                break;
            for (const Named& named : encodings) {
                std::vector<std::shared_ptr<Pass>> places;
                for (std::size_t i = 0; i < num_places; ++i)
                    places.push_back(std::make_shared<Pass>(
                        (*codecs)[static_cast<std::size_t>(named.encoding)], named.encoding, channels));
                const std::string what = std::string(named.name) + ", " + std::to_string(channels) +
                                         (set == 0 ? "" : ", loops " + std::to_string(set));
                const std::size_t bytes = places.front()->device.size();
                cases.push_back(
                    {"read " + what, bytes, repeated_in_turn(places, [](Pass& pass) { pass.read(); })});
                cases.push_back(
                    {"write " + what, bytes, repeated_in_turn(places, [](Pass& pass) { pass.write(); })});
            }
            ++set;
        }
    }
    for (conversion::Peer& peer : conversion::peers(frames))
        cases.push_back({peer.name, peer.bytes, repeated(std::move(peer.work))});
    return cases;
}

} // namespace

int main() {
    std::vector<Case> cases = all_cases();
    std::vector<Case> copies;
    for (const Case& one : cases)
        if (std::none_of(copies.begin(), copies.end(),
                         [&](const Case& copy) { return copy.bytes == one.bytes; }))
            copies.push_back(memory_copy(one.bytes));

    std::vector<Case*> order;
    for (auto* list : {&cases, &copies})
        for (Case& one : *list) {
            order.push_back(&one);
            constexpr double ns_of_a_round = 20'000.0;
            one.times = 1000;
            one.times = std::max(std::size_t{1}, static_cast<std::size_t>(ns_of_a_round / timed_ns(one)));
        }
    std::mt19937 random(1);
    for (std::size_t round = 0; round < rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (Case* const one : order)
            one->ns.push_back(timed_ns(*one));
    }

    std::printf("%zu frames; medians of %zu rounds; 'loops 0' (not named) are what this processor gets\n\n",
                frames, rounds);
    std::printf("%-56s %9s %9s\n", "conversion, channels", "ns", "x memcpy");
    for (Case& copy : copies)
        std::printf("%-56s %9.1f %9.2f\n", (copy.name + " " + std::to_string(copy.bytes) + " bytes").c_str(),
                    copy.median(), 1.0);
    for (Case& one : cases) {
        const auto copy =
            std::find_if(copies.begin(), copies.end(), [&](const Case& c) { return c.bytes == one.bytes; });
        std::printf("%-56s %9.1f %9.2f\n", one.name.c_str(), one.median(), one.median() / copy->median());
    }
}
