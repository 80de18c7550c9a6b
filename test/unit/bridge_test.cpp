// SPDX-License-Identifier: MIT

#include "bridge_simulation.hpp"
#include "eventually.hpp"
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace io = rill::io;
using bridge_simulation::Settings;
using bridge_simulation::Simulation;
using bridge_simulation::SineFit;
using Fault = io::null::Fault;

constexpr double settling_s = 5.0;

/// The worst of many seconds.
struct Worst {
    double snr_db = 1000.0;
    double latency_error = 0.0; ///< frames
    double roughness = 0.0;
    double deviation = 0.0; ///< of the fill level from its target, frames

    void look_at(Simulation& simulation) {
        const SineFit fit = simulation.fit();
        snr_db = std::min(snr_db, fit.snr_db);
        latency_error = std::max(latency_error, std::fabs(simulation.latency_error(fit)));
        roughness = std::max(roughness, simulation.take_roughness());
        look_at_fill(simulation);
    }
    void look_at_fill(Simulation& simulation) {
        const io::BridgeInfo info = simulation.info();
        if (info.locked)
            deviation = std::max(deviation, std::fabs(info.fill_frames - info.target_frames));
    }
};

/// Runs on, looking every `step` seconds.
void watch(Simulation& simulation, Worst& worst, double until, double step = 1.0) {
    while (simulation.now() < until) {
        REQUIRE(simulation.run_until(std::min(until, simulation.now() + step)));
        worst.look_at(simulation);
    }
}
/// Runs on through what disturbs; only the fill level must be right.
void settle(Simulation& simulation, Worst& worst, double seconds = settling_s) {
    for (const double until = simulation.now() + seconds; simulation.now() < until;) {
        REQUIRE(simulation.run_until(std::min(until, simulation.now() + 0.02)));
        worst.look_at_fill(simulation);
    }
    simulation.take_roughness();
    simulation.take_rough_frames();
}

void check_transparent(const Worst& worst, double period) {
    CHECK(worst.snr_db >= 90.0);
    CHECK(worst.latency_error < 3.0); // (60 us, and that soon after a step)
    CHECK(worst.roughness < 1e-3);
    CHECK(worst.deviation < period);
}

} // namespace

TEST_CASE("two clocks 1000 ppm apart become one") {
    Settings settings{.jitter_s = 50e-6};
    double drift = 1e-3;
    SECTION("capture faster") {}
    SECTION("capture slower") {
        drift = -1e-3;
    }
    SECTION("other quanta") {
        settings.capture_quantum = 64;
        settings.playback_quantum = 1024;
    }
    SECTION("other quanta the other way") {
        settings.capture_quantum = 1024;
        settings.playback_quantum = 64;
    }
    SECTION("a short quantum") {
        settings.capture_quantum = settings.playback_quantum = 64;
        settings.margin = 128; // jitter
    }
    SECTION("44100 to 48000 Hz") {
        settings.capture_rate = 44100;
        settings.capture_quantum = 441;
    }
    SECTION("48000 to 44100 Hz") {
        settings.playback_rate = 44100;
    }
    SECTION("96000 to 48000 Hz") {
        settings.capture_rate = 96000;
    }
    Simulation simulation(settings);
    REQUIRE(simulation.opened());
    simulation.set_drift(drift);
    Worst worst;
    settle(simulation, worst);
    watch(simulation, worst, simulation.now() + 20.0, 0.25);
    check_transparent(worst, std::max(settings.capture_quantum, settings.playback_quantum));
    CHECK(std::fabs(simulation.info().drift_ppm - drift * 1e6) < 20.0);
    CHECK(simulation.info().gaps == 0);
    CHECK(simulation.info().jumps == 0);
    CHECK(simulation.driver().stats().xruns == 0);
}

TEST_CASE("rate steps are followed without a word") {
    Simulation simulation({.jitter_s = 50e-6});
    REQUIRE(simulation.opened());
    Worst worst;
    Worst fill;
    for (const double drift : {1e-3, 0.0, -1e-3, 1e-3, -1e-3}) { // the last ones are steps of 2000 ppm
        simulation.set_drift(drift, drift == 0.0 ? 5e-4 : 0.0);
        settle(simulation, fill);
        watch(simulation, worst, simulation.now() + 5.0, 0.25);
    }
    check_transparent(worst, 256.0);
    CHECK(fill.deviation < 256.0);
    CHECK(simulation.info().gaps == 0);
    CHECK(simulation.info().jumps == 0);
}

TEST_CASE("a capture side whose clock goes in steps of 4 ms and counts the frames since") {
    Settings settings{.timer_s = 0.004, .counts_frames = true};
    settings.capture_quantum = GENERATE(256U, 480U, 1024U);
    settings.playback_quantum = 480;
    Simulation simulation(settings);
    REQUIRE(simulation.opened());
    CAPTURE(settings.capture_quantum);
    for (const double drift : {0.0, 1e-3, -1e-3}) {
        CAPTURE(drift);
        simulation.set_drift(drift);
        Worst fill;
        settle(simulation, fill);
        REQUIRE(simulation.run_until(simulation.now() + 0.1)); // a whole window
        Worst worst;
        watch(simulation, worst, simulation.now() + 2.0, 0.05);
        CHECK(worst.snr_db >= 90.0);
        CHECK(worst.deviation < 16.0);
        CHECK(fill.deviation < 64.0); // (by a step of 2000 ppm)
        CHECK(std::fabs(simulation.info().drift_ppm - drift * 1e6) < 40.0);
    }
    CHECK(simulation.info().gaps == 0);
    CHECK(simulation.info().jumps == 0);
}

TEST_CASE("a capture side whose clock wanders is heard as a steady one") {
    Simulation simulation({.jitter_s = 10e-6, .wander_s = GENERATE(40e-6, 80e-6)});
    REQUIRE(simulation.opened());
    for (const double drift : {0.0, 1e-3, -1e-3}) {
        CAPTURE(drift);
        simulation.set_drift(drift);
        Worst fill;
        settle(simulation, fill);
        CHECK(fill.deviation < 64.0); // (by a step of 2000 ppm)
        settle(simulation, fill, 5.0);
        REQUIRE(simulation.run_until(simulation.now() + 0.1)); // a whole window
        Worst worst;
        watch(simulation, worst, simulation.now() + 20.0, 0.05);
        CHECK(worst.snr_db >= 90.0);
        CHECK(worst.deviation < 16.0);
        CHECK(std::fabs(simulation.info().drift_ppm - drift * 1e6) < 40.0);
    }
    CHECK(simulation.info().gaps == 0);
    CHECK(simulation.info().jumps == 0);
}

TEST_CASE("an hour with drift, jitter and steps", "[.hour]") {
    Simulation simulation({.jitter_s = 50e-6, .quality = io::BridgeQuality::fast});
    REQUIRE(simulation.opened());
    Worst worst;
    Worst fill;
    double drift = 1e-3;
    for (int part = 0; part < 12; ++part, drift = -drift) {
        simulation.set_drift(drift);
        settle(simulation, fill);
        watch(simulation, worst, (part + 1) * 300.0);
    }
    check_transparent(worst, 256.0);
    CHECK(fill.deviation < 256.0);
    CHECK(simulation.info().gaps == 0);
    CHECK(simulation.info().jumps == 0);
}

TEST_CASE("the latency is what is reported, however the cycles lie") {
    // (settled on: 256 to have arrived whole, 256 to be read, 48 of look-ahead, 1 % for the drift, a period's
    // margin)
    Simulation simulation({});
    REQUIRE(simulation.opened());
    Worst worst;
    settle(simulation, worst);
    watch(simulation, worst, 10.0);
    CHECK(worst.latency_error < 0.1);
    CHECK(simulation.driver().info().capture_latency + 256 ==
          static_cast<std::uint32_t>(simulation.info().target_frames));
    CHECK(simulation.driver().info().input_channels == 1);
    CHECK(std::string_view(simulation.driver().info().backend) == "null+null");

    SECTION("a margin counts") {
        Simulation more({.margin = 1000});
        REQUIRE(more.opened());
        CHECK(more.driver().info().capture_latency ==
              simulation.driver().info().capture_latency + 1000 - 259); // 259: what was chosen by itself
        settle(more, worst);
        watch(more, worst, 10.0);
        CHECK(worst.latency_error < 0.1);
    }
}

TEST_CASE("an xrun is a gap, and then all is as before") {
    constexpr std::uint32_t lost = 700;
    const std::array capture_faults{Fault{Fault::Kind::xrun, 48000 * 12, lost}};
    const std::array playback_faults{Fault{Fault::Kind::xrun, 48000 * 12, lost}};
    Settings settings;
    std::uint64_t expected_gaps = 1;
    std::uint64_t expected_jumps = 0;
    constexpr std::uint32_t fade = 2 * io::DriftBridge::fade_frames;
    double late = 0.0;
    double untold = 0.0;
    bool playback_late = false;
    SECTION("capture loses frames") {
        settings.capture_faults = capture_faults;
    }
    SECTION("playback loses frames") {
        settings.playback_faults = playback_faults;
        expected_gaps = 0;
        expected_jumps = 1;
    }
    SECTION("capture comes late") {
        late = 0.05;
    }
    SECTION("playback comes late") {
        late = 0.05;
        playback_late = true;
        expected_gaps = 0;
    }
    SECTION("capture loses time and does not say so") {
        untold = 0.0153;
        expected_jumps = 1;
    }
    Simulation simulation(settings);
    REQUIRE(simulation.opened());
    simulation.set_drift(5e-4);
    Worst worst;
    settle(simulation, worst, 11.0);
    if (late > 0.0 && !playback_late)
        simulation.stall_capture_until(simulation.now() + late);
    if (playback_late)
        simulation.stall_playback_until(simulation.now() + late);
    if (untold > 0.0)
        simulation.lose_capture(untold);
    REQUIRE(simulation.run_until(13.0));
    const io::BridgeInfo info = simulation.info();
    CHECK(info.jumps == expected_jumps);
    if (untold == 0.0) {
        CHECK(info.gaps == expected_gaps);
        CHECK(info.silent_frames < 2400 + 256);
    } else { // until it is clear that nothing more will come
        CHECK(info.gaps <= 2);
        CHECK(info.silent_frames < 7200);
    }
    // No step anywhere: the signal fades. (A jump by one frame shows as 0.13, a cut of the sine as up to 1.)
    CHECK(simulation.take_roughness() < 0.13);
    CHECK(simulation.take_rough_frames() <= info.silent_frames + lost + 2 * fade);
    settle(simulation, worst);
    worst = {};
    watch(simulation, worst, simulation.now() + 5.0, 0.25);
    check_transparent(worst, 256.0);
    CHECK(simulation.info().gaps == info.gaps);
    CHECK(simulation.info().jumps == info.jumps);
}

TEST_CASE("many xruns teach no wrong drift, and take no latency away") {
    constexpr double drift = 3e-4;
    constexpr double apart = 0.3; // s
    constexpr double trouble = 20.0;
    constexpr std::uint32_t period = 256;
    struct Trouble {
        double calm; ///< s before it: nothing is known when it begins, or all
        bool capture;
        bool playback;
        std::uint32_t lost;
        bool untold;
        bool jack_times;
    };
    const auto [calm, capture, playback, lost, untold, jack_times] =
        GENERATE(Trouble{0.2, true, false, 700, false, true}, Trouble{0.2, true, true, 700, true, true},
                 Trouble{0.2, false, true, 100, false, false}, Trouble{0.2, false, true, 700, true, true},
                 Trouble{10.0, true, false, 100, true, true}, Trouble{10.0, true, true, 700, true, true},
                 Trouble{10.0, true, true, 100, false, false}, Trouble{10.0, false, true, 700, false, true});
    std::vector<Fault> capture_faults;
    std::vector<Fault> playback_faults;
    for (double at = calm; at < calm + trouble; at += apart) {
        const auto frame = static_cast<std::uint64_t>(at * 48000.0);
        if (capture)
            capture_faults.push_back({Fault::Kind::xrun, frame, lost});
        if (playback)
            playback_faults.push_back({Fault::Kind::xrun, frame + 4800, lost});
    }
    CAPTURE(calm, capture, playback, lost, untold, jack_times);
    Simulation simulation({.jitter_s = 50e-6,
                           .jack_times = jack_times,
                           .untold = untold,
                           .capture_faults = capture_faults,
                           .playback_faults = playback_faults});
    REQUIRE(simulation.opened());
    simulation.set_drift(drift);
    std::uint64_t clicked = 0;
    double wrong = 0.0;
    int looks = 0;
    int astray = 0; // looks at which the fill level was off
    for (const double end = calm + trouble * (1.0 + (untold ? lost / 48000.0 / apart : 0.0));
         simulation.now() < end;) {
        for (int look = 0; look < 15; ++look, ++looks) {
            REQUIRE(simulation.run_until(simulation.now() + apart / 15.0));
            const io::BridgeInfo info = simulation.info();
            astray += std::fabs(info.fill_frames - info.target_frames) > 8.0 ? 1 : 0;
        }
        clicked = std::max(clicked, simulation.take_clicked_frames());
        if (simulation.now() > calm + settling_s)
            wrong = std::max(wrong, std::fabs(simulation.info().drift_ppm - drift * 1e6));
    }
    CHECK(astray < looks * 6 / 10); // the latency is back before the next one
    CHECK(wrong < 80.0);            // (a clock cannot be told better from 0.3 s at a time)
    CHECK(clicked <= period * (capture && playback ? 2 : 1)); // of an xrun of each side
    CHECK(simulation.take_roughness() < 0.13);                // fades only
    Worst worst;
    settle(simulation, worst);
    CHECK(std::fabs(simulation.info().drift_ppm - drift * 1e6) < 40.0);
    const io::BridgeInfo info = simulation.info();
    worst = {};
    watch(simulation, worst, simulation.now() + 2.0, 0.25);
    CHECK(worst.snr_db >= 90.0);
    CHECK(worst.latency_error < 3.0); // (so well it is known how late a callback comes)
    CHECK(worst.deviation < 3.0);
    CHECK(simulation.info().gaps == info.gaps);
    CHECK(simulation.info().jumps == info.jumps);
}

TEST_CASE("a capture side that is lost ends the run with its reason") {
    const std::array faults{Fault{Fault::Kind::device_loss, 48000 * 6, 0}};
    Simulation simulation({.capture_faults = faults});
    REQUIRE(simulation.opened());
    CHECK_FALSE(simulation.run_until(10.0));
    CHECK(simulation.now() > 5.9);
    CHECK(simulation.now() < 6.1);
    const auto status = simulation.driver().status();
    REQUIRE_FALSE(status);
    CHECK(status.error().code == io::Errc::device_lost);
    CHECK(std::string(status.error().backend) == "null+null");
    CHECK(simulation.driver().stop());
}

TEST_CASE("what cannot be bridged is refused") {
    io::Driver<io::Bridged<io::null::Capture>, io::null::Playback> driver;
    SECTION("a side without a clock") {
        const auto opened =
            driver.open({}, {.capture = {.mode = io::null::Mode::freewheel}, .playback = {}, .bridge = {}});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
        CHECK(std::string(opened.error().text).find("no clock to follow") != std::string::npos);
    }
    SECTION("a loopback") {
        const auto opened = driver.open({.autoconnect = io::Autoconnect::loopback});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
    }
    SECTION("more channels than the resampler has") {
        const auto opened = driver.open({.input_channels = 200});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::unsupported_channels);
    }
    CHECK(driver.open()); // as if nothing had been
}

TEST_CASE("two real clocks, two threads, a graph") {
    io::Driver<io::Bridged<io::null::Capture>, io::null::Playback> driver;
    struct Level {
        static float sample(const void*, std::uint32_t channel, std::uint64_t) noexcept {
            return channel == 0 ? 0.25F : -0.5F;
        }
    };
    const io::null::Options capture{.quantum = 128, .signal = {.sample = &Level::sample}};
    for (int round = 0; round < 2; ++round) {
        REQUIRE(driver.open(
            {.sample_rate = 48000},
            {.capture = capture, .playback = {.quantum = 256}, .bridge = {.capture_rate = 44100}}));
        io::Meter meter;
        auto graph = io::Input{driver.capture()} >> io::Gain{2.0F} >> meter >> io::Output{driver.playback()};
        io::ProcessingState state{graph};
        REQUIRE(driver.set_process_callback(state));
        for (int run = 0; run < 2; ++run) {
            REQUIRE(driver.start());
            CHECK(eventually([&] { return driver.session().bridge_info().locked; }));
            CHECK(eventually([&] {
                return std::fabs(meter.rms(0) - 0.5F) < 1e-3F && std::fabs(meter.rms(1) - 1.0F) < 1e-3F;
            }));
            CHECK(driver.status());
            CHECK(driver.stop());
            const std::uint64_t frames = driver.stats().frames;
            CHECK(frames > 0);
            CHECK(driver.session().source().stats().frames > 0);
        }
        CHECK(driver.info().capture_latency > 0);
        driver.close();
    }
}

TEST_CASE("run() returns the reason of the capture side") {
    io::Driver<io::Bridged<io::null::Capture>, io::null::Playback> driver;
    const std::array faults{Fault{Fault::Kind::device_loss, 9600, 0}};
    REQUIRE(driver.open({}, {.capture = {.faults = faults}, .playback = {}, .bridge = {}}));
    auto nothing = [](const io::ClockTick&) noexcept {};
    REQUIRE(driver.set_process_callback(nothing));
    const auto ran = driver.run();
    REQUIRE_FALSE(ran);
    CHECK(ran.error().code == io::Errc::device_lost);
}

TEST_CASE("run() ends with success when the capture side has come to its end") {
    io::Driver<io::Bridged<io::null::Capture>, io::null::Playback> driver;
    REQUIRE(driver.open({}, {.capture = {.end_after_frames = 9600}, .playback = {}, .bridge = {}}));
    auto nothing = [](const io::ClockTick&) noexcept {};
    REQUIRE(driver.set_process_callback(nothing));
    CHECK(driver.run());
    // (On a machine so busy that either side comes too late there may be less.)
    if (driver.stats().xruns + driver.session().source().stats().xruns == 0)
        CHECK(driver.stats().frames >= 9600);
    else
        CHECK(driver.stats().frames > 0);
}

TEST_CASE(
    "bridge: after an xrun a backend's times are believed again, at last even if the callback comes later") {
    constexpr std::uint64_t cycle_ns = 5'333'333;
    io::CycleTime time;
    time.start();
    std::uint64_t own_ns = 1'000'000'000;
    // Runs on for so long; is the last cycle's time the backend's own?
    const auto believes_after = [&](double seconds, std::uint64_t late_ns, bool shaken) {
        double answer = 0.0;
        for (double passed = 0.0; passed < seconds; passed += static_cast<double>(cycle_ns) * 1e-9) {
            own_ns += cycle_ns;
            answer = time.update(own_ns, own_ns + late_ns, static_cast<double>(cycle_ns) * 1e-9, shaken);
            shaken = false;
        }
        return answer == static_cast<double>(own_ns) * 1e-9;
    };
    CHECK(believes_after(3.0, 100'000, false));
    CHECK_FALSE(believes_after(0.5, 120'000, true));
    CHECK(believes_after(1.0, 120'000, false)); // about as late as ever
    CHECK_FALSE(believes_after(9.0, 300'000, true));
    CHECK(believes_after(1.5, 300'000, false)); // it stays so
}
