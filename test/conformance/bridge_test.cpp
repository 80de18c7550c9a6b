// SPDX-License-Identifier: MIT

// The bridge between a JACK server and another clock, or another JACK server: what a sine is like on the
// other side.

#include "bridge_rig.hpp"
#include <rill_io/jack.hpp>
#include <rill_io/null.hpp>

#include <test.hpp>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <span>
#include <thread>

namespace conformance {
namespace {

constexpr double tone_peak = 0.5;

/// The tone, captured by null.
struct Tone {
    static float sample(const void*, std::uint32_t, std::uint64_t frame) noexcept {
        const auto in_turn =
            static_cast<double>(frame * 997 % JackServer::sample_rate) / JackServer::sample_rate;
        return 0.5F * static_cast<float>(std::sin(2.0 * std::numbers::pi * in_turn));
    }
};

/// What is not a sine of the tone's frequency, in frames.
struct Clicks {
    std::size_t longest = 0; ///< in a row, but for 64 frames that are
    double worst = 0.0;      ///< relative to the peak; a step of the whole sine is 1
};
Clicks find_clicks(std::span<const float> samples, double rate) {
    constexpr std::size_t apart = 64;
    const double turn = 2.0 * std::cos(2.0 * std::numbers::pi * tone_hz / rate);
    Clicks clicks;
    std::size_t first = 0;
    std::size_t last = 0;
    for (std::size_t i = 2; i < samples.size(); ++i) {
        const double rough =
            std::fabs(double{samples[i]} - turn * double{samples[i - 1]} + double{samples[i - 2]});
        clicks.worst = std::max(clicks.worst, rough / tone_peak);
        if (rough < 0.01 * tone_peak)
            continue;
        first = i - last > apart ? i : first;
        last = i;
        clicks.longest = std::max(clicks.longest, last - first + 1);
    }
    return clicks;
}

} // namespace

TEST_CASE("from a JACK server 1000 ppm too fast to another clock") {
    JackServer server(bridge_quantum, 2, Off<io::jack::Backend>::true_rate);
    const ToneOn<io::jack::Backend> tone(io::Autoconnect::off, {.server = server.name()});
    Recorder recorder(seconds * JackServer::sample_rate);
    io::Driver<Off<io::jack::Backend>::Capture, io::null::Playback> driver;
    REQUIRE(driver.open(
        {.client_name = "bridge", .input_channels = 1, .output_channels = 1, .capture_target = "tone:out_1"},
        {.capture = {.server = server.name()}, .playback = {.quantum = bridge_quantum}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.ppm = 1000.0});
}

TEST_CASE("from a clock 1000 ppm too fast to a JACK server") {
    JackServer server(bridge_quantum);
    Recorder recorder(seconds * JackServer::sample_rate);
    io::Driver<Off<io::null::Backend>::Capture, io::jack::Playback> driver;
    REQUIRE(driver.open(
        {.client_name = "bridge", .input_channels = 1, .output_channels = 1, .realtime_priority = 10},
        {.capture = {.quantum = bridge_quantum, .signal = {.sample = &Tone::sample}},
         .playback = {.server = server.name()},
         .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.hz = tone_hz * 1.001, .ppm = 1000.0});
}

TEST_CASE("between two JACK servers whose clocks are 1000 ppm apart") {
    using Jack = io::jack::Backend;
    JackServer fast(bridge_quantum, 2, Off<Jack>::true_rate);
    JackServer other(bridge_quantum);
    const io::StreamConfig config{.client_name = "bridge",
                                  .input_channels = 1,
                                  .output_channels = 1,
                                  .rate_match = io::Match::adapt,
                                  .capture_target = "tone:out_1"};
    SECTION("from the fast one") {
        const ToneOn<Jack> tone(io::Autoconnect::off, {.server = fast.name()});
        Recorder recorder(seconds * JackServer::sample_rate);
        io::Driver<Off<Jack>::Capture, Jack::Playback> driver;
        REQUIRE(driver.open(
            config,
            {.capture = {.server = fast.name()}, .playback = {.server = other.name()}, .bridge = {}}));
        recorder.listen(driver.capture());
        check(driver, recorder, {.ppm = 1000.0});
    }
    SECTION("to the fast one") {
        const ToneOn<Jack> tone(io::Autoconnect::off, {.server = other.name()});
        Recorder recorder(seconds * Off<Jack>::true_rate);
        io::Driver<Jack::Capture, Off<Jack>::Playback> driver;
        REQUIRE(driver.open(
            config,
            {.capture = {.server = other.name()}, .playback = {.server = fast.name()}, .bridge = {}}));
        recorder.listen(driver.capture());
        check(driver, recorder, {.rate = Off<Jack>::true_rate, .ppm = -999.0});
    }
}

TEST_CASE("a JACK server that stops for a moment") {
    // (jackd says that there was an xrun, but not what was lost; its own times are wrong for seconds.)
    JackServer server(bridge_quantum);
    const bool captures = GENERATE(true, false);
    constexpr std::size_t before = 4;
    constexpr std::size_t after = 8;
    Recorder recorder((before + after) * JackServer::sample_rate);
    const auto run = [&](auto& driver) {
        recorder.listen(driver.capture());
        REQUIRE(driver.set_process_callback(recorder));
        REQUIRE(driver.start());
        const auto until = [&](std::size_t frames) {
            const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
            while (recorder.frames() < frames && std::chrono::steady_clock::now() < limit)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
        };
        until(before * JackServer::sample_rate);
        server.send(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        server.send(SIGCONT);
        double wrong = 0.0;
        double astray = 0.0;
        for (std::size_t frame = recorder.frames(); !recorder.is_full(); frame += bridge_quantum) {
            until(frame);
            const io::BridgeInfo info = driver.session().bridge_info();
            wrong = std::max(wrong, std::fabs(info.drift_ppm));
            if (frame > (before + 1) * JackServer::sample_rate)
                astray = std::max(astray, std::fabs(info.fill_frames - info.target_frames));
        }
        const io::BridgeInfo info = driver.session().bridge_info();
        REQUIRE(driver.status());
        REQUIRE(driver.stop());
        const Clicks clicks =
            find_clicks(std::span(recorder.samples()).subspan(before * JackServer::sample_rate / 2),
                        JackServer::sample_rate);
        const auto snr =
            recorder.snr((before + settling) * JackServer::sample_rate, tone_hz, JackServer::sample_rate);
        std::printf(
            "%s: %llu gaps, %llu jumps, the longest click is %zu frames (%.3f), fill within %.1f frames "
            "a second later, drift within %.1f ppm all the time, SNR %.1f dB 5 s later\n",
            driver.info().backend, static_cast<unsigned long long>(info.gaps),
            static_cast<unsigned long long>(info.jumps), clicks.longest, clicks.worst, astray, wrong,
            snr.front());
        if (!virtual_time())
            return; // what a busy machine does is not the bridge's doing
        CHECK(info.gaps + info.jumps >= 1);
        CHECK(info.gaps + info.jumps <= 3);
        CHECK(clicks.longest <= bridge_quantum);
        CHECK(clicks.worst < 0.13); // fades only
        CHECK(astray < 8.0);
        CHECK(wrong < 80.0);
        CHECK(snr.front() >= 90.0);
    };
    if (captures) {
        const ToneOn<io::jack::Backend> tone(io::Autoconnect::off, {.server = server.name()});
        io::Driver<io::jack::Capture, io::null::Playback> driver;
        REQUIRE(driver.open(
            {.client_name = "bridge",
             .input_channels = 1,
             .output_channels = 1,
             .capture_target = "tone:out_1"},
            {.capture = {.server = server.name()}, .playback = {.quantum = bridge_quantum}, .bridge = {}}));
        run(driver);
    } else {
        io::Driver<io::null::Capture, io::jack::Playback> driver;
        REQUIRE(driver.open({.client_name = "bridge", .input_channels = 1, .output_channels = 1},
                            {.capture = {.quantum = bridge_quantum, .signal = {.sample = &Tone::sample}},
                             .playback = {.server = server.name()},
                             .bridge = {}}));
        run(driver);
    }
}

} // namespace conformance
