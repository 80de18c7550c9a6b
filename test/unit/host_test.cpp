// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace io = rill::io;
namespace host = rill::io::host;

namespace {

using Driver = io::Driver<host::Capture, host::Playback>;

/// Adds one to every sample.
struct AddOne {
    Driver& driver;
    void operator()(const io::ClockTick& tick) noexcept {
        for (std::size_t channel = 0; channel < driver.playback().num_output_channels(); ++channel)
            for (std::uint32_t i = 0; i < tick.frames; ++i)
                driver.playback().output(channel)[i] = driver.capture().input(channel)[i] + 1.0F;
    }
};

} // namespace

TEST_CASE("host: silence before start and after stop, the graph in between") {
    Driver driver;
    AddOne graph{driver};
    REQUIRE(driver.open({.input_channels = 1, .output_channels = 1}));
    CHECK(std::string(driver.info().backend) == "host");
    host::Processor processor(driver, graph);
    const std::array<float, 32> in{5.0F};
    std::array<float, 32> out{};
    const std::array<const float*, 1> ins{in.data()};
    const std::array<float*, 1> outs{out.data()};
    const auto process = [&](std::uint32_t frames) {
        out.fill(9.0F);
        processor.process(ins.data(), outs.data(), frames);
        return out[0];
    };
    CHECK(process(32) == 0.0F);
    REQUIRE(processor.start());
    CHECK(process(32) == 6.0F);
    CHECK(process(32) == 6.0F);
    REQUIRE(processor.stop());
    CHECK(process(32) == 0.0F);
    CHECK(out[31] == 0.0F);
}

TEST_CASE("host: any number of frames per call, none included") {
    Driver driver;
    AddOne graph{driver};
    REQUIRE(driver.open({.input_channels = 2, .output_channels = 2}));
    host::Processor processor(driver, graph);
    REQUIRE(processor.start());
    std::uint64_t frames_in_all = 0;
    for (const std::uint32_t frames : {64U, 0U, 1U, 8192U, 20'000U, 64U, 64U}) {
        std::array<std::vector<float>, 2> in{std::vector<float>(frames, 1.0F),
                                             std::vector<float>(frames, 2.0F)};
        std::array<std::vector<float>, 2> out{std::vector<float>(frames), std::vector<float>(frames)};
        const std::array<const float*, 2> ins{in[0].data(), in[1].data()};
        const std::array<float*, 2> outs{out[0].data(), out[1].data()};
        processor.process(ins.data(), outs.data(), frames);
        CHECK(out[0] == std::vector<float>(frames, 2.0F));
        CHECK(out[1] == std::vector<float>(frames, 3.0F));
        frames_in_all += frames;
    }
    processor.process(nullptr, nullptr, 0); // hosts do
    CHECK(driver.stats().frames == frames_in_all);
    REQUIRE(processor.stop());
    processor.process(nullptr, nullptr, 0);
}

TEST_CASE("host: with a fixed block the adapter stands in between, and says how late it makes the signal") {
    Driver driver;
    AddOne graph{driver};
    REQUIRE(driver.open({.block = 64, .input_channels = 1, .output_channels = 1}));
    host::Processor processor(driver, graph);
    REQUIRE(processor.start());
    Random random(7);
    std::vector<float> in(30'000);
    for (std::size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<float>(i + 1);
    std::vector<float> out(in.size(), -1.0F);
    for (std::size_t done = 0; done < in.size();) {
        const auto frames = static_cast<std::uint32_t>(
            std::min<std::size_t>(random.magnitude_between(1, 1000), in.size() - done));
        const std::array<const float*, 1> ins{in.data() + done};
        const std::array<float*, 1> outs{out.data() + done};
        processor.process(ins.data(), outs.data(), frames);
        done += frames;
    }
    const std::uint32_t latency = driver.info().adapter_latency;
    CHECK(latency > 0);
    CHECK(latency < 64);
    float next = 2.0F;
    std::uint32_t silent = 0;
    bool good = true;
    for (const float sample : out) {
        if (sample == 0.0F)
            ++silent;
        else
            good = good && sample == next++;
    }
    CHECK(good);
    CHECK(silent == latency);
}

namespace {

/// As AddOne; but since it says that it fills the playback, nobody puts silence there first.
struct InPlace {
    static constexpr bool fills_playback = true;
    Driver& driver;
    void operator()(const io::ClockTick& tick) noexcept { AddOne{driver}(tick); }
};

} // namespace

TEMPLATE_TEST_CASE("host: input and output may be the same memory", "", InPlace, AddOne) {
    for (const std::uint32_t block : {0U, 16U, 10U}) {
        CAPTURE(block);
        Driver driver;
        TestType graph{driver};
        REQUIRE(driver.open({.block = block, .input_channels = 1, .output_channels = 1}));
        host::Processor processor(driver, graph);
        REQUIRE(processor.start());
        std::array<float, 16> memory{};
        const std::array<const float*, 1> ins{memory.data()};
        const std::array<float*, 1> outs{memory.data()};
        for (int i = 0; i < 3; ++i) {
            memory.fill(3.0F);
            processor.process(ins.data(), outs.data(), 16);
        }
        CHECK(memory[0] == 4.0F);
        CHECK(memory[15] == 4.0F);
    }
}
