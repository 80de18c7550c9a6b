// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/meter.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace io = rill::io;

namespace {

constexpr std::size_t any = std::dynamic_extent;

void observe(io::Meter& meter, const std::vector<float>& samples, std::size_t from, std::size_t frames) {
    meter.observe({}, io::AudioBlock<const float, any, 1>({samples.data() + from}, frames));
}

double rms_of(const std::vector<float>& samples, std::size_t from, std::size_t frames) {
    double sum = 0.0;
    for (std::size_t i = from; i < from + frames; ++i)
        sum += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
    return std::sqrt(sum / static_cast<double>(frames));
}

std::vector<float> noise(std::size_t frames, std::uint32_t seed) {
    Random random(seed);
    std::vector<float> samples(frames);
    for (float& sample : samples)
        sample = random.sample();
    return samples;
}

} // namespace

TEST_CASE("meter: peak and RMS are those of a reference, however the signal is cut into blocks") {
    constexpr std::uint32_t window = 1000;
    const auto samples = noise(10'000, 1);
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        io::Meter meter(window);
        std::size_t done = 0;
        float peak = 0.0F;
        while (done < samples.size()) {
            const std::size_t frames =
                seed == 0 ? samples.size()
                          : std::min<std::size_t>(samples.size() - done, random.magnitude_between(1, 3000));
            observe(meter, samples, done, frames);
            for (std::size_t i = done; i < done + frames; ++i)
                peak = std::max(peak, std::fabs(samples[i]));
            done += frames;
            const std::size_t windows = done / window;
            if (windows != 0)
                REQUIRE(meter.rms(0) ==
                        Approx(rms_of(samples, (windows - 1) * window, window)).epsilon(1e-5));
            else
                REQUIRE(meter.rms(0) == 0.0F);
            if (random.between(0, 1) == 0) {
                REQUIRE(meter.take_peak(0) == peak);
                REQUIRE(meter.take_peak(0) == 0.0F);
                peak = 0.0F;
            }
        }
    }
}

TEST_CASE("meter: every length finds the peak at every place") {
    for (std::size_t frames = 1; frames <= 70; ++frames)
        for (std::size_t place = 0; place < frames; ++place) {
            io::Meter meter;
            std::vector<float> samples(frames, 0.25F);
            samples[place] = -0.75F;
            observe(meter, samples, 0, frames);
            REQUIRE(meter.take_peak(0) == 0.75F);
        }
}

TEST_CASE("meter: channels are measured each for itself, as many as there is room for") {
    constexpr std::size_t channels = io::Meter::max_meter_channels + 6;
    std::vector<std::array<float, 4>> memory(channels);
    std::array<const float*, channels> table;
    for (std::size_t channel = 0; channel < channels; ++channel) {
        memory[channel].fill(static_cast<float>(channel + 1));
        table[channel] = memory[channel].data();
    }
    io::Meter meter(4);
    meter.observe({}, io::AudioBlock<const float, 4, any>(table.data(), channels, 0, 4));
    for (std::size_t channel = 0; channel < channels; ++channel) {
        const bool measured = channel < io::Meter::max_meter_channels;
        CHECK(meter.rms(channel) == (measured ? static_cast<float>(channel + 1) : 0.0F));
        CHECK(meter.take_peak(channel) == (measured ? static_cast<float>(channel + 1) : 0.0F));
    }
    CHECK(meter.rms(100'000) == 0.0F);
}

TEST_CASE("meter: the window can be changed at any time") {
    const auto samples = noise(5000, 3);
    io::Meter meter(1000);
    CHECK_FALSE(meter.set_parameter(io::Meter::window, 0.0F));
    CHECK_FALSE(meter.set_parameter(io::Meter::window, std::nanf("")));
    CHECK_FALSE(meter.set_parameter(1, 10.0F));
    observe(meter, samples, 0, 900);
    CHECK(meter.rms(0) == 0.0F);
    REQUIRE(meter.set_parameter(io::Meter::window,
                                100.0F)); // shorter than what has been seen: over with the next
    observe(meter, samples, 900, 1);
    CHECK(meter.rms(0) == Approx(rms_of(samples, 0, 901)).epsilon(1e-5));
    observe(meter, samples, 901, 100);
    CHECK(meter.rms(0) == Approx(rms_of(samples, 901, 100)).epsilon(1e-5));
}

TEST_CASE("meter: NaN does not stick") {
    std::vector<float> samples(64, 0.5F);
    samples[10] = std::nanf("");
    io::Meter meter(64);
    observe(meter, samples, 0, 64);
    samples[10] = 0.5F;
    observe(meter, samples, 0, 64);
    CHECK(meter.rms(0) == 0.5F);
    CHECK(meter.take_peak(0) == 0.5F);
    observe(meter, samples, 0, 64);
    CHECK(meter.take_peak(0) == 0.5F);
}

TEST_CASE("meter: read while it runs, no peak is made up") {
    const std::vector<float> loud(64, 0.5F);
    io::Meter meter(64);
    std::atomic<bool> stop{false};
    std::thread cycle([&] {
        while (!stop)
            observe(meter, loud, 0, 64);
    });
    bool good = true;
    for (int i = 0; i < 2000; ++i) {
        const float peak = meter.take_peak(0);
        const float rms = meter.rms(0);
        good = good && (peak == 0.0F || peak == 0.5F) && (rms == 0.0F || rms == 0.5F);
    }
    stop = true;
    cycle.join();
    CHECK(good);
}
