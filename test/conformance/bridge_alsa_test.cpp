// SPDX-License-Identifier: MIT

// A bridge from, and to, the ALSA test device, which has an xrun on that side: what the device says it has
// lost is what is missing, to the frame, or what is left out, to a few frames. In virtual time.

#include "alsa_rig.hpp"
#include "bridge_rig.hpp"
#include <rill_io/alsa.hpp>
#include <rill_io/null.hpp>

#include <alsa/asoundlib.h>
#include <test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <span>
#include <thread>

namespace {

namespace io = rill::io;

constexpr std::uint32_t rate = 48000;
constexpr std::uint32_t period = 256;
constexpr double ppm = 300.0; ///< by which the test device's clock is fast
constexpr std::size_t settling = 5;
constexpr std::uint64_t store_frames = 1U << 17U;
/// Whole turns in the device's store: about 997 Hz.
constexpr double turn = static_cast<double>(store_frames) / 2722.0; ///< frames
constexpr std::size_t look = 1024;

float tone(const void*, std::uint32_t, std::uint64_t frame) noexcept {
    const double turns = static_cast<double>(frame % store_frames) / turn;
    return static_cast<float>(0.5 * std::sin(2.0 * std::numbers::pi * turns));
}

/// The captured frame that a heard one shows, to within whole turns.
double shown(std::span<const float> heard, std::size_t at) {
    const auto fit = bridge_simulation::fit_sine(heard.subspan(at, look), 2.0 * std::numbers::pi / turn);
    return fit.phase / (2.0 * std::numbers::pi) * turn;
}

/// Frames that are not the sine's, and the largest step among them: one frame left out shows as 0.13.
struct Trouble {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t frames = 0;
    double roughness = 0.0;
};
Trouble find_trouble(std::span<const float> heard, std::size_t from) {
    Trouble trouble;
    const double twice = 2.0 * std::cos(2.0 * std::numbers::pi / turn);
    for (std::size_t i = from + 2; i < heard.size(); ++i) {
        const double rough =
            std::fabs(static_cast<double>(heard[i]) - twice * static_cast<double>(heard[i - 1]) +
                      static_cast<double>(heard[i - 2])) /
            0.5;
        const bool silent = heard[i] == 0.0F && heard[i - 1] == 0.0F && heard[i - 2] == 0.0F;
        if (rough < 1e-3 && !silent)
            continue;
        trouble.begin = trouble.begin == 0 ? i : trouble.begin;
        trouble.end = i + 1;
        ++trouble.frames;
        trouble.roughness = std::max(trouble.roughness, rough);
    }
    return trouble;
}

class Environment {
public:
    explicit Environment(const char* fault) {
        ::setenv("RILL_IO_TEST_DEVICE_FAULT", fault, 1);
        ::setenv("RILL_IO_TEST_DEVICE_PPM", "300", 1);
    }
    ~Environment() {
        ::unsetenv("RILL_IO_TEST_DEVICE_FAULT");
        ::unsetenv("RILL_IO_TEST_DEVICE_PPM");
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
};

/// Keeps what is heard, and where a cycle told of an xrun first.
struct Ear {
    conformance::Recorder recorder{(2 * settling + 1) * rate};
    std::size_t told_at = 0;

    void operator()(const io::ClockTick& tick) noexcept {
        if (told_at == 0 && tick.lost_frames != 0)
            told_at = recorder.frames();
        recorder(tick);
    }
};

/// So that no time limit of the library's counts what alsa-lib has to load at first.
void warm_up() {
    snd_pcm_t* pcm = nullptr;
    if (::snd_pcm_open(&pcm, "test_quantum", SND_PCM_STREAM_CAPTURE, 0) == 0)
        ::snd_pcm_close(pcm);
}

/// Runs until all is heard.
template <class Driver>
void listen(Driver& driver, Ear& ear) {
    ear.recorder.listen(driver.capture());
    REQUIRE(driver.set_process_callback(ear));
    REQUIRE(driver.start());
    for (int i = 0; i < 20000 && !ear.recorder.is_full(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(driver.status());
    REQUIRE(driver.stop());
    REQUIRE(ear.recorder.is_full());
}

void show(const char* side, std::uint64_t lost, const io::BridgeInfo& info, const Trouble& trouble,
          std::size_t told_at) {
    std::printf("%s: lost %llu, silent %llu, gaps %llu, jumps %llu, told at %zu, heard at %zu..%zu (%zu "
                "frames), roughness %.3f, %.1f ppm\n",
                side, static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(info.silent_frames),
                static_cast<unsigned long long>(info.gaps), static_cast<unsigned long long>(info.jumps),
                told_at, trouble.begin, trouble.end, trouble.frames, trouble.roughness, info.drift_ppm);
}

} // namespace

TEST_CASE("bridge: an xrun of an ALSA capture side is a gap of just the frames it has lost", "[alsa]") {
    warm_up();
    const Environment environment("capture:xrun@240000");
    const conformance::AlsaTestDevice device;
    for (std::uint64_t frame = 0; frame < store_frames; ++frame) {
        const float value = tone(nullptr, 0, frame);
        std::memcpy(device.sample(0, frame, 0), &value, sizeof value);
        std::memcpy(device.sample(0, frame, 1), &value, sizeof value);
    }
    device.set_frames(0, ~0ULL);
    io::Driver<io::alsa::Capture, io::null::Playback> driver;
    const auto opened = driver.open(
        {.sample_rate = rate, .block = period, .input_channels = 2},
        {.capture = {}, .playback = {}, .bridge = {.capture_device = "test_quantum", .margin = 2 * period}});
    INFO(opened.error().text);
    REQUIRE(opened);
    Ear ear;
    listen(driver, ear);
    const io::BridgeInfo info = driver.session().bridge_info();
    const io::StreamStats source = driver.session().source().stats();
    CHECK(source.xruns == 1);
    CHECK(source.lost_frames > 0);
    CHECK(info.gaps == 1);
    CHECK(info.silent_frames == source.lost_frames);
    // (Where it lies to less than a period is set right once, when the clock is known again.)
    CHECK(info.jumps <= 1);
    CHECK(driver.stats().xruns == info.gaps + info.jumps);
    CHECK(driver.stats().lost_frames == info.silent_frames);
    const std::span<const float> heard(ear.recorder.samples());
    const Trouble trouble = find_trouble(heard, std::size_t{2} * rate);
    show("capture", source.lost_frames, info, trouble, ear.told_at);
    CHECK(trouble.frames >= source.lost_frames);
    CHECK(trouble.frames <= source.lost_frames + period);
    CHECK(trouble.begin + period >= ear.told_at);
    CHECK(trouble.end < ear.told_at + rate / 4);
    CHECK(trouble.roughness < 0.13);
    CHECK(std::fabs(info.drift_ppm - ppm) < 20.0);
    CHECK(std::fabs(info.fill_frames - info.target_frames) < 2.0);
}

TEST_CASE("bridge: an xrun of an ALSA playback side leaves out the frames it has lost", "[alsa]") {
    warm_up();
    const Environment environment("playback:xrun@240000");
    io::Driver<io::null::Capture, io::alsa::Playback> driver;
    const auto opened = driver.open(
        {.device = "test_quantum:256,2,1", .sample_rate = rate, .input_channels = 1},
        {.capture = {.quantum = period, .signal = {.sample = &tone}}, .playback = {}, .bridge = {}});
    INFO(opened.error().text);
    REQUIRE(opened);
    Ear ear;
    listen(driver, ear);
    const io::BridgeInfo info = driver.session().bridge_info();
    const io::StreamStats stats = driver.stats();
    const std::span<const float> heard(ear.recorder.samples());
    const Trouble trouble = find_trouble(heard, std::size_t{2} * rate);
    CHECK(info.gaps == 0);
    CHECK(info.silent_frames == 0);
    CHECK(info.jumps == 1);
    CHECK(driver.session().source().stats().xruns == 0);
    CHECK(stats.lost_frames > 0);
    CHECK(stats.xruns == 1 + info.jumps);
    REQUIRE(trouble.begin > look);
    REQUIRE(trouble.end + look < heard.size());
    // What was left out, by the sine.
    const std::size_t before = trouble.begin - look;
    const double passed = static_cast<double>(trouble.end - before) / (1.0 + ppm * 1e-6);
    const double left_out = std::remainder(shown(heard, trouble.end) - shown(heard, before) - passed -
                                               static_cast<double>(stats.lost_frames) / (1.0 + ppm * 1e-6),
                                           turn);
    show("playback", stats.lost_frames, info, trouble, ear.told_at);
    INFO("left out " << left_out << " frames more than were lost");
    CHECK(std::fabs(left_out) < 8.0); // (by one cycle's time, the first after the xrun)
    CHECK(trouble.frames <= period);
    CHECK(trouble.begin + std::size_t{4} * period >= ear.told_at);
    CHECK(trouble.end <= ear.told_at + period);
    CHECK(trouble.roughness < 0.13);
    CHECK(std::fabs(info.drift_ppm + ppm) < 20.0);
    CHECK(std::fabs(info.fill_frames - info.target_frames) < 2.0);
}
