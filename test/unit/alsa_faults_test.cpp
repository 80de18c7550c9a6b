// SPDX-License-Identifier: MIT
#include "../conformance/resources.hpp"
#include "alsa_fixture.hpp"
#include "eventually.hpp"

#include <test.hpp>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

using namespace alsa_test;
namespace alsa = rill::io::alsa;

namespace {

constexpr std::uint32_t block = 256;

/// A folder that goes with the test.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "rill-io-alsa.XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace

TEST_CASE("alsa: an xrun or a suspend is counted, and both directions go on in step", "[alsa]") {
    const std::string fault = GENERATE("xrun@5000", "capture:xrun@5000", "playback:xrun@5000", "suspend@5000",
                                       "capture:suspend@5000");
    CAPTURE(fault);
    constexpr std::uint32_t period = 512;
    std::uint64_t least_lost = ~std::uint64_t{0};
    // A machine this busy may be late by itself: only an undisturbed attempt counts.
    for (int attempt = 0; attempt < 8; ++attempt) {
        const Variable variable("RILL_IO_TEST_DEVICE_FAULT", fault);
        Duplex driver;
        REQUIRE(driver.open({.device = "test_device", .block = period}));
        Loopback graph(driver, 2, 36 * std::size_t{period});
        REQUIRE(driver.set_process_callback(graph));
        REQUIRE(driver.start());
        CHECK(eventually([&] { return graph.complete() || !driver.is_running(); }));
        REQUIRE(driver.stop());
        CHECK(driver.status());
        REQUIRE(driver.stats().xruns >= 1);
        CHECK(graph.lost_frames > 0);
        CHECK(graph.lost_frames <= driver.stats().lost_frames);
        CHECK(graph.discontinuities >= 1);
        CHECK(graph.discontinuities <= driver.stats().xruns);
        // Both may fail at once, which is one xrun, or one after the other.
        const std::uint64_t expected = fault.find(':') == std::string::npos ? 2 : 1;
        least_lost = std::min(least_lost, driver.stats().lost_frames);
        // Recovered within two periods: no more of the time was lost.
        if (driver.stats().xruns > expected || driver.stats().lost_frames > driver.stats().xruns * 2 * period)
            continue;
        // As far apart as before.
        const std::size_t latency = std::size_t{period} * driver.session().periods();
        std::size_t wrong = 0;
        for (std::uint32_t channel = 0; channel < 2; ++channel)
            for (std::size_t i = 30 * period; i < 36 * period; ++i)
                wrong += graph.kept(channel)[i] != conformance::signal(channel, i - latency) ? 1 : 0;
        CHECK(wrong == 0);
        return;
    }
    FAIL("not once within two periods; lost at least " << least_lost << " frames");
}

TEST_CASE("alsa: a graph that is late is an xrun, with its duration", "[alsa]") {
    Duplex driver;
    REQUIRE(driver.open({.device = "test_device", .block = block}));
    std::atomic<int> calls{0};
    std::atomic<std::uint64_t> lost{0};
    auto sleeps_once = [&](const io::ClockTick& tick) noexcept {
        lost.fetch_add(tick.lost_frames);
        if (calls.fetch_add(1) == 10)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
    };
    REQUIRE(driver.set_process_callback(sleeps_once));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return calls >= 30; }));
    REQUIRE(driver.stop());
    CHECK(driver.stats().xruns >= 1);
    CHECK(lost > 4000); // 100 ms are 4800 frames, of which one period was in time
    CHECK(lost < 9600);
}

TEST_CASE("alsa: a device that goes away ends run() with the reason, soon and quietly", "[alsa]") {
    struct Loss {
        const char* fault;
        const char* text;
        std::chrono::milliseconds within;
    };
    const Loss loss =
        GENERATE(Loss{"unplug@5000", "the device is gone", std::chrono::milliseconds(1000)},
                 Loss{"capture:unplug@5000", "the device is gone", std::chrono::milliseconds(1000)},
                 Loss{"broken@5000", "fails again at once", std::chrono::milliseconds(1500)},
                 Loss{"silent@5000", "the device has stopped", std::chrono::milliseconds(2000)});
    CAPTURE(loss.fault);
    const Variable variable("RILL_IO_TEST_DEVICE_FAULT", loss.fault);
    Duplex driver;
    REQUIRE(driver.open({.device = "test_device", .block = block, .liveness_timeout_ms = 1000}));
    Loopback graph(driver, 2, 100 * std::size_t{block});
    REQUIRE(driver.set_process_callback(graph));
    const double used_before = conformance::cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = driver.run();
    const auto took = std::chrono::steady_clock::now() - begin;
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == io::Errc::device_lost);
    CHECK(std::string_view(ended.error().text).find(loss.text) != std::string_view::npos);
    CHECK(took < loss.within);
    CHECK(conformance::cpu_seconds() - used_before < 0.2);
    CHECK_FALSE(driver.start()); // it has to be opened anew
    driver.close();
    ::unsetenv("RILL_IO_TEST_DEVICE_FAULT");
    REQUIRE(driver.open({.device = "test_device", .block = block}));
    Loopback anew(driver, 2, 2 * std::size_t{block});
    REQUIRE(driver.set_process_callback(anew));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return anew.complete(); }));
    CHECK(driver.stop());
}

TEST_CASE("alsa: a device without a clock is paced, and its thread is not promoted", "[alsa]") {
    const std::string device = GENERATE("test_null", "test_file");
    Duplex driver;
    REQUIRE(driver.open({.device = device, .sample_rate = 48000, .block = block, .realtime_priority = 10}));
    Loopback graph(driver, 2, 48000);
    REQUIRE(driver.set_process_callback(graph));
    const auto begin = std::chrono::steady_clock::now();
    const double used_before = conformance::cpu_seconds();
    REQUIRE(driver.start());
    CHECK(eventually([&] { return graph.frames() >= 24000; }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    CHECK(driver.info().scheduling == io::Scheduling::other);
    REQUIRE(driver.stop());
    CHECK(driver.session().is_paced());
    // Half a second of sound; the file is only found out after some cycles.
    CHECK(took.count() > 0.35);
    CHECK(conformance::cpu_seconds() - used_before < 0.3);
    const std::vector<float>& kept = graph.kept(0);
    CHECK(std::all_of(kept.begin(), kept.begin() + 24000, [](float sample) { return sample == 0.0F; }));
}

TEST_CASE("alsa: a file device gets every frame", "[alsa]") {
    const Folder folder;
    const Variable played("RILL_IO_TEST_PLAYED", folder / "played");
    Player driver;
    REQUIRE(driver.open({.device = "test_file", .sample_rate = 48000, .block = block}, {.format = "S32_LE"}));
    std::atomic<std::uint64_t> frames{0};
    auto play = [&](const io::ClockTick& tick) noexcept {
        for (std::uint32_t channel = 0; channel < 2; ++channel)
            for (std::uint32_t i = 0; i < tick.frames; ++i)
                driver.playback().output(channel)[i] = conformance::signal(channel, tick.position + i);
        frames = tick.position + tick.frames;
    };
    REQUIRE(driver.set_process_callback(play));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return frames >= 10000; }));
    REQUIRE(driver.stop());
    const std::uint32_t silence = driver.session().periods() * block; // what it began with
    driver.close();
    std::ifstream file(folder / "played", std::ios::binary);
    std::vector<std::int32_t> samples(2 * (silence + frames));
    file.read(reinterpret_cast<char*>(samples.data()), static_cast<std::streamsize>(samples.size() * 4));
    REQUIRE(file);
    std::size_t wrong = 0;
    for (std::uint64_t frame = 0; frame < frames; ++frame)
        for (std::uint32_t channel = 0; channel < 2; ++channel)
            wrong += static_cast<double>(samples[2 * (silence + frame) + channel]) !=
                             double{conformance::signal(channel, frame)} * 0x1p31
                         ? 1
                         : 0;
    CHECK(wrong == 0);
}

TEST_CASE("alsa: clocks that drift apart cost an xrun now and then, no more", "[alsa]") {
    const Variable variable("RILL_IO_TEST_DEVICE_PPM", "20000"); // the device runs 2 % fast
    Duplex driver;
    REQUIRE(driver.open({.device = "test_device", .block = block}));
    Loopback graph(driver, 2, 200 * std::size_t{block});
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return graph.complete(); }));
    REQUIRE(driver.stop());
    CHECK(driver.status());
    CHECK_FALSE(driver.session().is_paced()); // fast, but a clock
}
