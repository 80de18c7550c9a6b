// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/kernel.hpp>

#include <test.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace io = rill::io;

namespace {

constexpr auto kernel = [](auto x) { return x * 3.0F + 1.0F; };
constexpr float untouched = -77.0F;

/// Applies to `frames` samples that begin `from` floats after an aligned address, elsewhere or where they
/// are, and compares with a loop. `Frames` as the span says it.
template <std::size_t Frames>
[[gnu::noinline]] void compare(std::size_t frames, std::size_t from, std::size_t to, bool in_place) {
    CAPTURE(frames, from, to, in_place);
    alignas(64) std::array<float, 160> source;
    alignas(64) std::array<float, 160> target;
    Random random(static_cast<std::uint32_t>(frames * 100 + from));
    for (float& sample : source)
        sample = random.sample();
    target.fill(untouched);
    if (in_place) {
        target = source;
        to = from;
    }
    const auto before = target;
    io::apply(std::span<const float, Frames>((in_place ? target : source).data() + from, frames),
              std::span<float, Frames>(target.data() + to, frames), kernel);
    bool good = true;
    for (std::size_t i = 0; i < target.size(); ++i) {
        const bool inside = i >= to && i < to + frames;
        good = good && target[i] == (inside ? kernel(source[i - to + from]) : before[i]);
    }
    CHECK(good);
}

template <std::size_t... Frames>
void compare_fixed() {
    for (const bool in_place : {false, true})
        for (std::size_t from = 0; from < 3; ++from)
            (compare<Frames>(Frames, from, from + 1, in_place), ...);
}

} // namespace

TEST_CASE(
    "kernel: applied to every sample and to no other, for every length, aligned or not, in place or not") {
    for (std::size_t frames = 0; frames <= 70; ++frames)
        for (std::size_t from = 0; from < 5; ++from)
            for (std::size_t to = 0; to < 5; ++to)
                for (const bool in_place : {false, true})
                    compare<std::dynamic_extent>(frames, from, to, in_place);
}

TEST_CASE("kernel: the same where the length is known when compiled") {
    compare_fixed<0, 1, 3, 4, 5, 8, 15, 16, 17, 63, 64, 65, 70, 128, 131>();
}

TEST_CASE("kernel: composed is one after the other") {
    const io::detail::Composed both{[](auto x) { return x + 1.0F; }, [](auto x) { return x * 2.0F; }};
    CHECK(both(3.0F) == 8.0F);
    const io::Lanes lanes = both(io::Lanes{} + 3.0F);
    for (std::size_t i = 0; i < io::num_lanes; ++i)
        CHECK(lanes[i] == 8.0F);
}
