// SPDX-License-Identifier: MIT

// A bridge from a device of the kernel: snd-aloop, whose clock can be shifted while it runs. Runs in the
// virtual machine only (see run-alsa).

#include "bridge_simulation.hpp"
#include <rill_io/alsa.hpp>
#include <rill_io/bridge.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <alsa/asoundlib.h>
#include <test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <span>
#include <thread>
#include <vector>

namespace {

namespace io = rill::io;

constexpr std::uint32_t rate = 48000;
constexpr std::uint32_t quantum = 480; // the loopback moves what 4 ms bring at once
constexpr double tone_hz = 997.0;
constexpr std::size_t settling = 5; ///< s, until the fill level is where it belongs
constexpr std::size_t fading =
    5; ///< s more, until the steps of 4 ms in which the device counts are not heard
constexpr std::size_t steady = 2; ///< s

/// Makes both ends of the loopback faster by so many ppm than they say.
void shift(double ppm) {
    snd_ctl_t* control = nullptr;
    REQUIRE(snd_ctl_open(&control, "hw:CARD=Loopback", 0) == 0);
    snd_ctl_elem_value_t* element = nullptr;
    snd_ctl_elem_value_malloc(&element);
    for (const unsigned device : {0U, 1U}) {
        snd_ctl_elem_value_clear(element);
        snd_ctl_elem_value_set_interface(element, SND_CTL_ELEM_IFACE_PCM);
        snd_ctl_elem_value_set_name(element, "PCM Rate Shift 100000");
        snd_ctl_elem_value_set_device(element, device);
        // (The shift is of the time that a frame takes.)
        snd_ctl_elem_value_set_integer(element, 0, std::lround(100000.0 * (1.0 - ppm * 1e-6)));
        CHECK(snd_ctl_elem_write(control, element) >= 0);
    }
    snd_ctl_elem_value_free(element);
    snd_ctl_close(control);
}

} // namespace

TEST_CASE("kernel: a device whose clock is shifted while it runs", "[kernel]") {
    constexpr std::array steps{0.0, 1000.0, -1000.0};
    // (Also makes alsa-lib load what it needs, in a guest's time that nobody limits.)
    shift(steps[0]);
    io::Driver<io::NoCapture, io::alsa::Playback> player;
    auto graph = io::Tone(tone_hz, 0.5F) >> io::Output(player.playback());
    io::ProcessingState state(graph);
    const io::StreamConfig config{.sample_rate = rate, .block = quantum, .periods = 4};
    io::StreamConfig plays = config;
    plays.device = "hw:CARD=Loopback,DEV=0";
    const auto played = player.open(plays, {.format = "FLOAT_LE"});
    INFO(played.error().text);
    REQUIRE(played);
    REQUIRE(player.set_process_callback(state));
    REQUIRE(player.start());

    io::Driver<io::alsa::Capture, io::null::Playback> driver;
    io::StreamConfig bridged = config;
    bridged.input_channels = 2;
    const auto opened = driver.open(bridged, {.capture = {.format = "FLOAT_LE"},
                                              .playback = {.quantum = quantum},
                                              .bridge = {.capture_device = "hw:CARD=Loopback,DEV=1"}});
    INFO(opened.error().text);
    REQUIRE(opened);
    std::vector<float> heard(steps.size() * (settling + fading + steady) * rate);
    std::atomic<std::size_t> frames{0};
    auto listen = [&](const io::ClockTick& tick) noexcept {
        const std::size_t done = frames.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(tick.frames, heard.size() - done);
        std::copy_n(driver.capture().input(0), count, heard.begin() + static_cast<std::ptrdiff_t>(done));
        frames.store(done + count, std::memory_order_release);
    };
    REQUIRE(driver.set_process_callback(listen));
    REQUIRE(driver.start());
    std::size_t due = 0;
    const auto run_on = [&](std::size_t seconds) {
        due += seconds * rate;
        double astray = 0.0;
        for (int i = 0; i < 4000 && frames.load(std::memory_order_acquire) < due; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            const io::BridgeInfo info = driver.session().bridge_info();
            if (info.locked)
                astray = std::max(astray, std::fabs(info.fill_frames - info.target_frames));
        }
        REQUIRE(frames.load(std::memory_order_acquire) >= due);
        return astray;
    };
    const auto worst_snr = [&](std::size_t from) {
        double snr = 1000.0;
        for (std::size_t at = from; at + 4096 <= due; at += 4096)
            snr = std::min(snr, bridge_simulation::fit_sine(std::span(heard).subspan(at, 4096),
                                                            2.0 * std::numbers::pi * tone_hz / rate)
                                    .snr_db);
        return snr;
    };
    for (const double ppm : steps) {
        shift(ppm);
        const double moving = run_on(settling);
        const std::size_t settled_at = due;
        const double settled = run_on(fading);
        const double fading_snr = worst_snr(settled_at);
        const std::size_t faded_at = due;
        const double still = run_on(steady);
        const double snr = worst_snr(faded_at);
        const io::BridgeInfo info = driver.session().bridge_info();
        std::printf(
            "shifted by %.0f ppm: %.1f ppm, fill within %.1f frames, after 5 s within %.1f, SNR %.1f dB, "
            "after 10 s %.1f dB, %llu gaps, %llu jumps\n",
            ppm, info.drift_ppm, moving, std::max(settled, still), fading_snr, snr,
            static_cast<unsigned long long>(info.gaps), static_cast<unsigned long long>(info.jumps));
        CHECK(std::fabs(info.drift_ppm - ppm) < 80.0);
        CHECK(moving < 64.0);
        CHECK(std::max(settled, still) < 20.0);
        CHECK(fading_snr >= 80.0); // (shifted, the device's clock itself wanders by 0.1 ms)
        CHECK(snr >= 90.0);
    }
    CHECK(driver.session().bridge_info().gaps == 0);
    CHECK(driver.status());
    CHECK(driver.stop());
    CHECK(player.stop());
    shift(0.0);
}
