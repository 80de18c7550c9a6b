// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include "random.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>
#include <rill_io/pacer.hpp>

#include <test.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace io = rill::io;
namespace null = rill::io::null;

namespace {

using Duplex = io::Driver<null::Capture, null::Playback>;

/// Plays a signal that tells its own frame, and keeps what comes back.
struct Loop {
    Duplex& driver;
    std::vector<float> captured;
    void operator()(const io::ClockTick& tick) noexcept {
        const float* const in = driver.capture().input(0);
        captured.insert(captured.end(), in, in + tick.frames);
        for (std::uint32_t i = 0; i < tick.frames; ++i)
            driver.playback().output(0)[i] = static_cast<float>(tick.position + i + 1);
    }
};

/// The one constant shift of what came back, silence before it; -1 if there is none.
std::int64_t shift_of(const std::vector<float>& captured) {
    std::size_t first = 0;
    while (first < captured.size() && captured[first] == 0.0F)
        ++first;
    for (std::size_t i = first; i < captured.size(); ++i)
        if (captured[i] != static_cast<float>(i - first + 1))
            return -1;
    return static_cast<std::int64_t>(first);
}

io::Errc refusal(const io::StreamConfig& config, const null::Options& options) {
    Duplex driver;
    const auto opened = driver.open(config, options);
    REQUIRE_FALSE(opened);
    CHECK(std::string(opened.error().backend) == "null");
    CHECK(std::string(opened.error().text).size() > 20);
    return opened.error().code;
}

} // namespace

TEST_CASE("null: what it cannot do it refuses") {
    CHECK(refusal({.device = "hw:0"}, {}) == io::Errc::no_device);
    CHECK(refusal({.capture_target = "system:1"}, {}) == io::Errc::no_device);
    CHECK(refusal({.playback_target = "system:1"}, {}) == io::Errc::no_device);
    CHECK(refusal({}, {.quantum = 8193}) == io::Errc::invalid_config);
    std::array<float, 4> samples{};
    const std::array<float*, 1> one{samples.data()};
    CHECK(refusal({.output_channels = 2}, {.keep = one, .keep_frames = 4}) == io::Errc::invalid_config);
    for (const std::uint32_t value : {0U, 8193U}) {
        const std::array faults{null::Fault{null::Fault::Kind::quantum, 0, value}};
        CHECK(refusal({}, {.faults = faults}) == io::Errc::invalid_config);
    }
    CHECK(refusal({.block = 100}, {.quantum = 64}) == io::Errc::period_mismatch);
}

TEST_CASE("null: what is not asked for has defaults") {
    Duplex driver;
    REQUIRE(driver.open({.client_name = "somebody"}));
    const io::StreamInfo info = driver.info();
    CHECK(info.sample_rate == 48'000);
    CHECK(info.quantum == 256);
    CHECK(info.block == 256);
    CHECK(info.direct);
    CHECK_FALSE(info.freewheeling);
    CHECK(std::string(info.client_name) == "somebody");
    CHECK(std::string(info.backend) == "null");
    driver.close();
    REQUIRE(driver.open({.sample_rate = 8000, .block = 31}, {.mode = null::Mode::freewheel}));
    CHECK(driver.info().quantum == 31);
    CHECK(driver.info().freewheeling);
}

TEST_CASE(
    "null: loopback is exact, the largest quantum later, under any sequence of quanta and with any block") {
    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        Random random(seed);
        const std::uint32_t quantum = random.magnitude_between(1, 2048);
        const std::uint32_t block = seed % 3 == 0 ? 0 : random.magnitude_between(1, 2048);
        std::vector<null::Fault> faults;
        for (std::uint32_t i = random.between(0, 5); i > 0; --i)
            faults.push_back(
                {null::Fault::Kind::quantum, random.between(0, 15'000), random.magnitude_between(1, 2048)});
        CAPTURE(seed, quantum, block);
        Duplex driver;
        Loop loop{driver, {}};
        REQUIRE(driver.open(
            {.block = block, .input_channels = 1, .output_channels = 1, .period_match = io::Match::adapt},
            {.mode = null::Mode::manual, .quantum = quantum, .loopback = true, .faults = faults}));
        REQUIRE(driver.set_process_callback(loop));
        REQUIRE(driver.start());
        while (driver.stats().frames < 20'000)
            REQUIRE(driver.session().step() == 1);
        // What the adapter inserts when its latency grows lies among the samples; so compare without faults
        // only ...
        const std::int64_t shift = shift_of(loop.captured);
        if (faults.empty() || block == 0) {
            REQUIRE(shift >= 0);
            CHECK(shift ==
                  static_cast<std::int64_t>(driver.info().playback_latency + driver.info().capture_latency +
                                            driver.info().adapter_latency));
        } else { // ... and else that no frame is missing, repeated or out of order
            float last = 0.0F;
            bool good = true;
            for (const float sample : loop.captured)
                if (sample != 0.0F) {
                    good = good && sample == last + 1.0F;
                    last = sample;
                }
            CHECK(good);
            CHECK(last > 1.0F);
        }
    }
}

TEST_CASE("null: a signal is captured frame by frame, and an xrun cuts a piece out of it") {
    static constexpr auto ramp = [](const void*, std::uint32_t channel, std::uint64_t frame) noexcept {
        return static_cast<float>(frame * 2 + channel);
    };
    const std::array faults{null::Fault{null::Fault::Kind::xrun, 100, 7}};
    Duplex driver;
    struct Capturer {
        Duplex& driver;
        std::array<std::vector<float>, 2> captured;
        void operator()(const io::ClockTick& tick) noexcept {
            for (std::size_t channel = 0; channel < 2; ++channel) {
                const float* const in = driver.capture().input(channel);
                captured[channel].insert(captured[channel].end(), in, in + tick.frames);
            }
        }
    } callback{driver, {}};
    REQUIRE(driver.open(
        {}, {.mode = null::Mode::manual, .quantum = 50, .signal = {.sample = +ramp}, .faults = faults}));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    REQUIRE(driver.session().step(4) == 4);
    for (std::size_t channel = 0; channel < 2; ++channel) {
        REQUIRE(callback.captured[channel].size() == 200);
        for (std::size_t i = 0; i < 200; ++i)
            CHECK(callback.captured[channel][i] == static_cast<float>((i < 100 ? i : i + 7) * 2 + channel));
    }
}

TEST_CASE("null: playback is kept as far as there is room, and begins anew at every start") {
    std::array<float, 100> left{};
    std::array<float, 100> right{};
    const std::array<float*, 2> keep{left.data(), right.data()};
    Duplex driver;
    struct Player {
        Duplex& driver;
        void operator()(const io::ClockTick& tick) noexcept {
            for (std::size_t channel = 0; channel < 2; ++channel)
                for (std::uint32_t i = 0; i < tick.frames; ++i)
                    driver.playback().output(channel)[i] =
                        static_cast<float>((tick.position + i) * 2 + channel);
        }
    } callback{driver};
    REQUIRE(driver.open({}, {.mode = null::Mode::manual, .quantum = 64, .keep = keep, .keep_frames = 90}));
    REQUIRE(driver.set_process_callback(callback));
    for (int run = 0; run < 2; ++run) {
        left.fill(-1.0F);
        right.fill(-1.0F);
        REQUIRE(driver.start());
        driver.session().step(3);
        REQUIRE(driver.stop());
        for (std::size_t i = 0; i < 100; ++i) {
            CHECK(left[i] == (i < 90 ? static_cast<float>(i * 2) : -1.0F));
            CHECK(right[i] == (i < 90 ? static_cast<float>(i * 2 + 1) : -1.0F));
        }
    }
}

TEST_CASE("null: in real time frames come at the rate that was asked for, with the time they were due") {
    struct Clock {
        std::atomic<std::uint64_t> frames{0};
        std::uint64_t first_time = 0;
        std::uint64_t last_time = 0;
        std::uint64_t lost = 0;
        bool early = false;
        bool drifted = false;
        void operator()(const io::ClockTick& tick) noexcept {
            lost += tick.lost_frames;
            const std::uint64_t time = tick.time_ns();
            if (first_time == 0)
                first_time = time;
            const std::uint64_t due = first_time + (tick.position + lost) * 1'000'000'000 / tick.sample_rate;
            // (what is given up in an xrun is rounded to frames)
            drifted = drifted || time > due + 2 * 1'000'000 / 48 || time + 2 * 1'000'000 / 48 < due;
            early = early || io::Pacer::now_ns() < time;
            frames = tick.position + tick.frames;
        }
    } callback;
    Duplex driver;
    REQUIRE(driver.open({.sample_rate = 48'000, .block = 240}));
    REQUIRE(driver.set_process_callback(callback));
    const std::uint64_t begin = io::Pacer::now_ns();
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return callback.frames >= 4800; }));
    REQUIRE(driver.stop());
    const std::uint64_t elapsed = io::Pacer::now_ns() - begin;
    CHECK(elapsed >= 100'000'000);
    CHECK_FALSE(callback.early);
    CHECK_FALSE(callback.drifted);
    CHECK(driver.stats().lost_frames == callback.lost);
    // What was processed and what was lost is all the time there was.
    CHECK(driver.stats().frames + driver.stats().lost_frames <= elapsed * 48 / 1'000'000 + 240);
}

TEST_CASE("null: freewheeling is not paced") {
    struct Counter {
        std::atomic<std::uint64_t> frames{0};
        void operator()(const io::ClockTick& tick) noexcept { frames = tick.position + tick.frames; }
    } callback;
    Duplex driver;
    // 1000 seconds of sound.
    REQUIRE(driver.open({.sample_rate = 1000, .block = 1000},
                        {.mode = null::Mode::freewheel, .end_after_frames = 1'000'000}));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.run());
    CHECK(callback.frames == 1'000'000);
}

TEST_CASE("null: only manual mode can be stepped, and stop may come from another thread") {
    Duplex paced;
    const auto nothing = [](const io::ClockTick&) noexcept {};
    auto callback = nothing;
    CHECK(paced.session().step() == 0); // closed
    REQUIRE(paced.open({}, {.mode = null::Mode::freewheel}));
    REQUIRE(paced.set_process_callback(callback));
    REQUIRE(paced.start());
    CHECK(paced.session().step() == 0);
    paced.close();

    for (int round = 0; round < 20; ++round) {
        Duplex driver;
        REQUIRE(driver.open({.block = 16}, {.mode = null::Mode::manual}));
        REQUIRE(driver.set_process_callback(callback));
        CHECK(driver.session().step() == 0); // not started
        REQUIRE(driver.start());
        std::atomic<std::uint32_t> done{0};
        std::thread stepper([&] {
            while (driver.session().step(100) == 100)
                done += 100;
        });
        REQUIRE(eventually([&] { return done > 0; }));
        CHECK(driver.stop());
        stepper.join();
    }
}
