// SPDX-License-Identifier: MIT
//
// conversion [--all] [--rounds N] [--csv FILE]
//
// What a pass between a device's memory and planar floats costs, against memcpy of the device's bytes and
// against the conversions of other libraries that are installed. Every case's output is checked first.
//
//   --all     also the formats whose bytes are swapped, one channel, and the loops for other processors
//   --rounds  instead of 101
//   --csv     a line for each case: direction, format, channels, who, layout, ns and its quartiles, memcpy_ns
//
// In each round every case runs once, for about 20 us, in another order; shown are the medians of the rounds.
// How fast the caches are depends on the addresses by up to a tenth: so each case has memory in several
// places, and takes another one in each round.
//
// All of it stays in the first or second cache; for memory beyond the caches see from_memory.cpp.

#include "aligned_vector.hpp"
#include "convert.hpp"
#include "ours.hpp"
#include "peers.hpp"
#include "quantile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace alsa = rill::io::alsa;
using conversion::Direction;
using conversion::Encoding;
using conversion::Format;
using conversion::formats;
using conversion::Layout;
using conversion::more_formats;
using conversion::name_of;
using conversion::Place;

constexpr std::size_t frames = 256;
constexpr std::size_t num_places = 9;

struct Case {
    std::string who;
    Direction direction;
    Format format;
    std::size_t channels;
    Layout layout;
    std::function<void(Place&)> work;
    std::vector<std::shared_ptr<Place>> places = {};
    std::size_t next_place = 0;
    std::size_t times = 1;
    std::vector<double> ns = {}; ///< for one time, in each round

    [[nodiscard]] std::size_t bytes() const { return places.front()->device.size(); }
    [[nodiscard]] double quantile(double part) { return conversion::quantile(ns, part); }
};

void use_memory() {
    asm volatile("" ::: "memory");
}

/// Repeats the work, with nothing optimized away, with another of its places each time.
double timed_ns(Case& one) {
    Place& place = *one.places[one.next_place++ % one.places.size()];
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < one.times; ++i) {
        one.work(place);
        use_memory();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / static_cast<double>(one.times);
}

std::vector<std::shared_ptr<Place>> places_for(Encoding encoding, std::size_t channels) {
    std::vector<std::shared_ptr<Place>> places;
    places.reserve(num_places);
    for (std::size_t i = 0; i < num_places; ++i)
        places.push_back(std::make_shared<Place>(encoding, channels, frames));
    return places;
}

// --- is it right

/// Of the sample formats the coarsest has 16 bits, and not everybody rounds.
constexpr float tolerance = 2.0F / 32768.0F;

float sample(std::size_t channel, std::size_t frame) {
    return std::sin(static_cast<float>(frame * 7 + channel * 13)) * 0.9F;
}

/// As a device has it, by the plainest of our own loops (which test/unit holds against the definition).
void fill_device(Place& place, Encoding encoding) {
    const alsa::Codec& plain = (*alsa::codec_sets().back())[static_cast<std::size_t>(encoding)];
    for (std::size_t channel = 0; channel < place.channels; ++channel) {
        for (std::size_t i = 0; i < frames; ++i)
            place.windows[channel][i] = sample(channel, i);
        plain.write(place.windows[channel], place.device.data() + channel * place.sample,
                    place.channels * place.sample, frames);
    }
}

bool is_right(const Case& one) {
    const Encoding encoding = one.format.encoding;
    Place place(encoding, one.channels, frames);
    const alsa::Codec& plain = (*alsa::codec_sets().back())[static_cast<std::size_t>(encoding)];
    fill_device(place, encoding);
    const auto interleaved = [&](std::size_t channel, std::size_t i) -> float& {
        return one.layout == Layout::planar ? place.windows[channel][i]
                                            : place.window[i * one.channels + channel];
    };
    if (one.direction == Direction::read) {
        std::fill(place.window.begin(), place.window.end(), 0.0F);
        if (one.layout == Layout::in_place)
            std::memcpy(place.window.data(), place.device.data(), place.device.size());
        one.work(place);
    } else {
        for (std::size_t channel = 0; channel < one.channels; ++channel)
            for (std::size_t i = 0; i < frames; ++i)
                interleaved(channel, i) = sample(channel, i);
        std::fill(place.device.begin(), place.device.end(), std::byte{0});
        one.work(place);
        if (one.layout == Layout::in_place)
            std::memcpy(place.device.data(), place.window.data(), place.device.size());
        for (std::size_t channel = 0; channel < one.channels; ++channel)
            plain.read(place.device.data() + channel * place.sample, one.channels * place.sample,
                       place.windows[channel], frames);
    }
    for (std::size_t channel = 0; channel < one.channels; ++channel)
        for (std::size_t i = 0; i < frames; ++i) {
            const float found =
                one.direction == Direction::read ? interleaved(channel, i) : place.windows[channel][i];
            if (!(std::fabs(found - sample(channel, i)) <= tolerance))
                return false;
        }
    return true;
}

// --- all cases

class Cases {
public:
    explicit Cases(bool all) {
        for (const std::size_t channels : {std::size_t{1}, std::size_t{2}, std::size_t{8}, std::size_t{32}}) {
            if (channels == 1 && !all)
                continue;
            const auto peers = conversion::peers(channels, frames);
            for (const Format& format : formats)
                add_format(format, channels, all, peers);
            if (all)
                for (const Format& format : more_formats)
                    add_format(format, channels, all, peers);
        }
    }
    std::vector<std::unique_ptr<Case>> cases;
    bool right = true;

private:
    void add_format(const Format& format, std::size_t channels, bool all,
                    const std::vector<conversion::Peer>& peers) {
        for (const Direction direction : {Direction::read, Direction::write}) {
            std::size_t set = 0;
            for (const alsa::Codecs* const codecs : alsa::codec_sets()) {
                // (which instructions matter shows with two channels)
                if (set != 0 && (!all || channels != 2))
                    break;
                const alsa::Codec codec = (*codecs)[static_cast<std::size_t>(format.encoding)];
                const std::string who = set == 0 ? "rill-io" : "rill-io, loops " + std::to_string(set);
                std::function<void(Place&)> pass = [codec](Place& place) {
                    conversion::read(codec, place.device.data(), place.windows.data(), place.channels,
                                     place.sample, frames);
                };
                if (direction == Direction::write)
                    pass = [codec](Place& place) {
                        conversion::write(codec, place.windows.data(), place.device.data(), place.channels,
                                          place.sample, frames);
                    };
                add({who, direction, format, channels, Layout::planar, std::move(pass)});
                ++set;
            }
            for (const conversion::Peer& peer : peers)
                if (peer.encoding == format.encoding && peer.direction == direction)
                    add({peer.who, direction, format, channels, peer.layout, peer.work});
        }
    }
    void add(Case one) {
        if (!is_right(one)) {
            std::fprintf(stderr, "wrong: %s, %s %s, %zu channels\n", one.who.c_str(), name_of(one.direction),
                         one.format.name, one.channels);
            right = false;
            return;
        }
        // (Silence: who works in place takes what he has just written for his input, and it is valid either
        // way.)
        one.places = places_for(one.format.encoding, one.channels);
        cases.push_back(std::make_unique<Case>(std::move(one)));
    }
};

/// Of as many bytes as a period of the device has.
Case memory_copy(const Format& format, std::size_t channels) {
    return {"memcpy",
            Direction::read,
            format,
            channels,
            Layout::planar,
            [](Place& place) { std::memcpy(place.window.data(), place.device.data(), place.device.size()); },
            places_for(format.encoding, channels)};
}

void time_all(const std::vector<std::unique_ptr<Case>>& cases, std::size_t rounds) {
    std::vector<Case*> order;
    for (const auto& one : cases) {
        order.push_back(one.get());
        constexpr double ns_of_a_round = 20'000.0;
        one->times = 100;
        one->times = std::max(std::size_t{1}, static_cast<std::size_t>(ns_of_a_round / timed_ns(*one)));
    }
    std::mt19937 random(1);
    for (std::size_t round = 0; round < rounds; ++round) {
        std::shuffle(order.begin(), order.end(), random);
        for (Case* const one : order)
            one->ns.push_back(timed_ns(*one));
    }
}

/// A line for each conversion; its columns are ours and the peers.
void print(const std::vector<Case*>& cases, const std::function<double(const Case&)>& memcpy_ns) {
    std::vector<std::string> peers;
    for (const Case* const one : cases)
        if (!one->who.starts_with("rill-io") &&
            std::find(peers.begin(), peers.end(), one->who) == peers.end())
            peers.push_back(one->who);
    std::printf("%-26s %8s %9s %9s", "conversion, channels", "memcpy", "rill-io", "x memcpy");
    for (const std::string& peer : peers)
        std::printf(" %14s", peer.c_str());
    std::printf("\n");
    for (Case* const ours : cases) {
        if (!ours->who.starts_with("rill-io"))
            continue;
        const std::string loops = ours->who.substr(std::string_view("rill-io").size());
        const std::string what = std::string(name_of(ours->direction)) + " " + ours->format.name + ", " +
                                 std::to_string(ours->channels) + loops;
        std::printf("%-26s %8.1f %9.1f %9.2f", what.c_str(), memcpy_ns(*ours), ours->quantile(0.5),
                    ours->quantile(0.5) / memcpy_ns(*ours));
        for (const std::string& peer : peers) {
            const auto found = std::find_if(cases.begin(), cases.end(), [&](const Case* one) {
                return one->who == peer && one->direction == ours->direction &&
                       one->format.encoding == ours->format.encoding && one->channels == ours->channels;
            });
            if (found == cases.end() || !loops.empty())
                std::printf(" %14s", "");
            else
                std::printf(" %13.1f%c", (*found)->quantile(0.5),
                            (*found)->layout == Layout::planar ? ' ' : '*');
        }
        std::printf("\n");
    }
}

/// Peers that are faster than ours, by more than the rounds differ.
void print_faster_peers(const std::vector<Case*>& cases) {
    for (Case* const peer : cases)
        for (Case* const ours : cases)
            if (ours->who == "rill-io" && peer->who != ours->who && !peer->who.starts_with("rill-io,") &&
                peer->direction == ours->direction && peer->channels == ours->channels &&
                peer->format.encoding == ours->format.encoding && peer->quantile(0.75) < ours->quantile(0.25))
                std::printf("faster than ours: %s, %s %s, %zu channels%s\n", peer->who.c_str(),
                            name_of(peer->direction), peer->format.name, peer->channels,
                            peer->layout == Layout::planar ? "" : " (leaves interleaved what is)");
}

bool write_csv(const char* path, const std::vector<Case*>& cases,
               const std::function<double(const Case&)>& memcpy_ns) {
    std::FILE* const file = std::fopen(path, "w");
    if (file == nullptr) {
        std::perror(path);
        return false;
    }
    std::fprintf(file, "direction,format,channels,who,layout,ns,ns_low,ns_high,memcpy_ns\n");
    constexpr const char* layouts[] = {"planar", "interleaved", "in place"};
    for (Case* const one : cases)
        std::fprintf(file, "%s,%s,%zu,\"%s\",%s,%.2f,%.2f,%.2f,%.2f\n", name_of(one->direction),
                     one->format.name, one->channels, one->who.c_str(),
                     layouts[static_cast<std::size_t>(one->layout)], one->quantile(0.5), one->quantile(0.25),
                     one->quantile(0.75), memcpy_ns(*one));
    return std::fclose(file) == 0;
}

} // namespace

int main(int argc, char** argv) {
    bool all = false;
    std::size_t rounds = 101;
    const char* csv = nullptr;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--all")
            all = true;
        else if (word == "--rounds" && i + 1 < argc && std::strtol(argv[i + 1], nullptr, 10) > 0)
            rounds = std::strtoul(argv[++i], nullptr, 10);
        else if (word == "--csv" && i + 1 < argc)
            csv = argv[++i];
        else {
            std::fprintf(stderr, "usage: %s [--all] [--rounds N] [--csv FILE]\n", argv[0]);
            return 64;
        }
    }
    Cases made(all);
    if (!made.right)
        return 1;
    std::vector<Case*> shown;
    shown.reserve(made.cases.size());
    for (const auto& one : made.cases)
        shown.push_back(one.get());
    std::map<std::size_t, Case*> copies; // by bytes
    for (const Case* const one : shown)
        if (!copies.contains(one->bytes())) {
            made.cases.push_back(std::make_unique<Case>(memory_copy(one->format, one->channels)));
            copies[one->bytes()] = made.cases.back().get();
        }
    time_all(made.cases, rounds);
    const auto memcpy_ns = [&](const Case& one) { return copies.at(one.bytes())->quantile(0.5); };
    std::printf("ns for %zu frames; medians of %zu rounds. (*: leaves interleaved what is)%s\n\n", frames,
                rounds, all ? " 'loops' 1 and more: for other processors" : "");
    print(shown, memcpy_ns);
    print_faster_peers(shown);
    return csv == nullptr || write_csv(csv, shown, memcpy_ns) ? 0 : 1;
}
