// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/tone.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace io = rill::io;

namespace {

constexpr std::size_t any = std::dynamic_extent;

/// One channel of the tone's next frames.
std::vector<float> render(io::Tone<any, 1>& tone, std::size_t frames, std::uint32_t sample_rate = 48'000) {
    std::vector<float> samples(frames);
    io::ClockTick tick;
    tick.sample_rate = sample_rate;
    tick.frames = static_cast<std::uint32_t>(frames);
    tone.generate(tick, io::FrameRange<any>{0, frames},
                  io::AudioBlock<float, any, 1>({samples.data()}, frames));
    return samples;
}

} // namespace

TEST_CASE("tone: a sine of the frequency and amplitude that were asked for") {
    io::Tone<any, 1> tone(1000.0, 0.25F);
    const auto samples = render(tone, 4800);
    for (std::size_t i = 0; i < samples.size(); ++i)
        REQUIRE(samples[i] ==
                Approx(0.25 * std::sin(2 * std::numbers::pi * 1000.0 * static_cast<double>(i) / 48'000))
                    .margin(1e-6));
}

TEST_CASE("tone: the same samples however it is cut into blocks") {
    io::Tone<any, 1> whole(441.7, 1.0F);
    const auto expected = render(whole, 20'000);
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
        Random random(seed);
        io::Tone<any, 1> tone(441.7, 1.0F);
        std::vector<float> samples;
        while (samples.size() < expected.size()) {
            const std::size_t left = expected.size() - samples.size();
            const auto part = render(tone, std::min<std::size_t>(left, random.magnitude_between(1, 4096)));
            samples.insert(samples.end(), part.begin(), part.end());
        }
        REQUIRE(samples == expected);
    }
}

TEST_CASE("tone: a block of known size and a part of a block give the same samples on every channel") {
    io::Tone<64, 2> fixed(997.0, 0.5F);
    io::Tone<any, 1> reference(997.0, 0.5F);
    const auto expected = render(reference, 128);
    std::array<std::array<float, 64>, 2> out{};
    io::ClockTick tick;
    tick.sample_rate = 48'000;
    fixed.generate(tick, io::FrameRange<64>{},
                   io::AudioBlock<float, 64, 2>({out[0].data(), out[1].data()}, 64));
    CHECK(std::equal(out[0].begin(), out[0].end(), expected.begin()));
    CHECK(out[0] == out[1]);
    // The range says where the frames lie in the block; the memory given is already there.
    fixed.generate(tick, io::FrameRange<any>{10, 20},
                   io::AudioBlock<float, any, 2>({out[0].data(), out[1].data()}, 20));
    CHECK(std::equal(out[0].begin(), out[0].begin() + 20, expected.begin() + 64));
}

TEST_CASE("tone: channels known at run time") {
    auto tone = io::Tone<>::with_channels(3, 440.0, 0.5F);
    CHECK(tone.num_channels() == 3);
    CHECK(io::Tone<>().num_channels() == 2);
    std::array<std::array<float, 16>, 3> out{};
    const std::array<float*, 3> table{out[0].data(), out[1].data(), out[2].data()};
    io::ClockTick tick;
    tick.sample_rate = 48'000;
    tone.generate(tick, io::FrameRange<any>{0, 16}, io::AudioBlock<float, any, any>(table.data(), 3, 0, 16));
    CHECK(out[0] == out[2]);
    CHECK(out[0][5] != 0.0F);
}

TEST_CASE("tone: a change of frequency does not jump, a change of amplitude takes effect at once") {
    io::Tone<any, 1> tone(1000.0, 1.0F);
    auto before = render(tone, 1003);
    REQUIRE(tone.set_parameter(io::Tone<>::frequency, 250.0F));
    const auto after = render(tone, 1000);
    // No step is larger than the steeper of the two sines makes.
    const double steepest = 2 * std::numbers::pi * 1000.0 / 48'000 * 1.001;
    CHECK(std::fabs(after[0] - before.back()) <= steepest);
    // And it goes on from the very phase: sample n has turned 1003 steps of the first and n of the second.
    for (std::size_t n = 0; n < after.size(); ++n)
        REQUIRE(after[n] ==
                Approx(std::sin(2 * std::numbers::pi *
                                (1003.0 * 1000.0 / 48'000 + static_cast<double>(n) * 250.0 / 48'000)))
                    .margin(1e-6));
    REQUIRE(tone.set_parameter(io::Tone<>::amplitude, 0.0F));
    CHECK(render(tone, 1)[0] == 0.0F);
    CHECK_FALSE(tone.set_parameter(2, 1.0F));
}

TEST_CASE("tone: another sample rate keeps the frequency") {
    io::Tone<any, 1> tone(1000.0, 1.0F);
    (void)render(tone, 48, 48'000); // one turn
    const auto samples = render(tone, 96, 96'000);
    for (std::size_t i = 0; i < samples.size(); ++i)
        REQUIRE(samples[i] ==
                Approx(std::sin(2 * std::numbers::pi * static_cast<double>(i) / 96)).margin(1e-6));
}

TEST_CASE("tone: no drift over 24 hours") {
    // Whole numbers of turns in a day: a perfect oscillator would be at phase 0 again, and what the sine is
    // there is the drift. The phase of a block that is not rendered goes on all the same, so that the day is
    // over at once.
    for (const std::uint32_t rate : {44'100U, 48'000U, 96'000U})
        for (const double frequency :
             {440.0, 997.0, 0.25, 1234.125, 19'999.875, 20'000.0, -440.0, 50'000.0}) {
            CAPTURE(rate, frequency);
            const std::uint64_t frames = std::uint64_t{rate} * 86'400;
            io::Tone<any, 1> tone(frequency, 1.0F);
            io::ClockTick tick;
            tick.sample_rate = rate;
            tone.generate(tick, io::FrameRange<any>{0, frames}, io::AudioBlock<float, any, 1>({nullptr}, 0));
            const double drift = std::fabs(render(tone, 1, rate)[0]) / (2 * std::numbers::pi); // in turns
            CHECK(drift <= static_cast<double>(frames) * 0x1p-65 + 1e-15);
            CHECK(render(tone, 1, rate)[0] ==
                  Approx(std::sin(2 * std::numbers::pi * frequency / rate)).margin(1e-6));
        }
}

TEST_CASE("tone: a frequency that is no number, and no sample rate, are silence") {
    for (const double frequency : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
        io::Tone<any, 1> tone(frequency, 1.0F);
        CHECK(render(tone, 10) == std::vector<float>(10, 0.0F));
    }
    io::Tone<any, 1> tone(440.0, 1.0F);
    CHECK(render(tone, 10, 0) == std::vector<float>(10, 0.0F));
    for (const double frequency : {1e300, -1e300, 1e-300, -1e-300}) { // defined, whatever it sounds like
        io::Tone<any, 1> strange(frequency, 1.0F);
        for (const float sample : render(strange, 10))
            CHECK(std::fabs(sample) <= 1.0F);
    }
}
