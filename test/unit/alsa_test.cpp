// SPDX-License-Identifier: MIT
#include "../conformance/resources.hpp"
#include "alsa_fixture.hpp"
#include "eventually.hpp"

#include <test.hpp>
#include <time.h>
#include <unistd.h>

#include <algorithm>
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

struct Case {
    const char* format;
    alsa::Access access;
    std::uint32_t channels;
    std::uint32_t block;
};

std::ostream& operator<<(std::ostream& out, const Case& test) {
    return out << test.format << (test.access == alsa::Access::mmap ? " mapped, " : " read and written, ")
               << test.channels << " channels, block " << test.block;
}

/// What is played comes back exactly, a buffer later.
void check_loopback(Duplex& driver, const io::StreamConfig& config, const alsa::Options& options,
                    bool sixteen_bits = false) {
    const auto opened = driver.open(config, options);
    INFO((opened ? "" : opened.error().text));
    REQUIRE(opened);
    // A machine this busy may come too late once or twice: then it proves nothing, and is tried again.
    for (int attempt = 0; attempt < 5; ++attempt) {
        Loopback again(driver, config.output_channels, 40 * std::size_t{driver.info().quantum},
                       sixteen_bits ? &in_16_bits : &conformance::signal);
        REQUIRE(driver.set_process_callback(again));
        REQUIRE(driver.start());
        CHECK(eventually([&] { return again.complete() || !driver.is_running(); }));
        REQUIRE(driver.stop());
        CHECK(driver.status());
        CHECK_FALSE(again.time_went_back);
        if (driver.stats().xruns != 0)
            continue;
        const std::uint32_t period = driver.info().quantum;
        const long latency =
            static_cast<long>(period) * driver.session().periods() + driver.info().adapter_latency;
        CHECK(again.exact_latency() == latency);
        CHECK(driver.info().capture_latency + driver.info().playback_latency +
                  driver.info().adapter_latency ==
              latency);
        return;
    }
    WARN("xruns in each of five attempts");
}

} // namespace

TEST_CASE("alsa: loopback is exact in every format, access, channel count and period", "[alsa]") {
    const Case test = GENERATE(
        Case{"FLOAT_LE", alsa::Access::automatic, 2, 256}, Case{"FLOAT_LE", alsa::Access::mmap, 2, 256},
        Case{"FLOAT_LE", alsa::Access::mmap, 7, 1024}, Case{"FLOAT_BE", alsa::Access::mmap, 2, 480},
        Case{"FLOAT64_LE", alsa::Access::read_write, 2, 512},
        Case{"S32_LE", alsa::Access::read_write, 2, 192}, Case{"S32_LE", alsa::Access::mmap, 1, 512},
        Case{"S32_BE", alsa::Access::mmap, 32, 256}, Case{"S24_LE", alsa::Access::mmap, 2, 300},
        Case{"S24_3LE", alsa::Access::mmap, 2, 256}, Case{"S24_3BE", alsa::Access::read_write, 3, 1000},
        Case{"S16_LE", alsa::Access::mmap, 2, 256}, Case{"S16_BE", alsa::Access::read_write, 5, 441});
    CAPTURE(test);
    Duplex driver;
    check_loopback(driver,
                   {.device = "test_device",
                    .sample_rate = 48000,
                    .block = test.block,
                    .input_channels = test.channels,
                    .output_channels = test.channels},
                   {.access = test.access, .format = test.format},
                   std::string(test.format).starts_with("S16"));
    CHECK(driver.info().hardware_format == std::string(test.format));
    CHECK(driver.info().quantum == test.block);
    // Planar floats in the device's own memory are the window; anything else goes through a conversion.
    CHECK(driver.info().direct ==
          (test.access == alsa::Access::mmap && test.format == std::string("FLOAT_LE")));
    CHECK_FALSE(driver.session().is_linked());
    CHECK_FALSE(driver.session().is_paced());
}

TEST_CASE("alsa: what a device does not have", "[alsa]") {
    Duplex driver;
    const auto refusal = [&](const io::StreamConfig& config, const alsa::Options& options = {}) {
        const auto opened = driver.open(config, options);
        REQUIRE_FALSE(opened);
        CHECK(std::string(opened.error().backend) == "alsa");
        return opened.error();
    };
    const auto says = [](const io::Error& error, const char* text) {
        INFO(error.text);
        return std::string_view(error.text).find(text) != std::string_view::npos;
    };
    SECTION("the device itself") {
        CHECK(refusal({.device = "hw:CARD=Nowhere,DEV=0"}).code == io::Errc::no_device);
        CHECK(refusal({.device = "no_such_pcm"}).code == io::Errc::no_device);
        CHECK(refusal({.device = "test_device", .capture_target = "no_such_pcm"}).code ==
              io::Errc::no_device);
    }
    SECTION("a device that somebody else holds") {
        Player first;
        Player second;
        REQUIRE(first.open({.device = "test_exclusive"}));
        const auto opened = second.open({.device = "test_exclusive"});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::device_busy);
        first.close();
        CHECK(second.open({.device = "test_exclusive"}));
    }
    SECTION("a rate") {
        const io::Error error = refusal({.device = "test_rate", .sample_rate = 48000});
        CHECK(error.code == io::Errc::unsupported_rate);
        CHECK(says(error, "ask for 44100"));
        REQUIRE(driver.open({.device = "test_rate", .sample_rate = 48000, .rate_match = io::Match::adapt}));
        CHECK(driver.info().sample_rate == 44100);
        driver.close();
        REQUIRE(driver.open({.device = "test_rate"}));
        CHECK(driver.info().sample_rate == 44100);
    }
    SECTION("a rate in common") {
        const io::Error error =
            refusal({.device = "test_device", .sample_rate = 48000, .capture_target = "test_rate"});
        CHECK(error.code == io::Errc::unsupported_rate);
        REQUIRE(driver.open({.device = "test_device", .capture_target = "test_rate"}));
        CHECK(driver.info().sample_rate == 44100);
        CHECK(std::string(driver.info().device) == "test_rate, test_device");
    }
    SECTION("channels") {
        const io::Error error = refusal({.device = "test_mono"});
        CHECK(error.code == io::Errc::unsupported_channels);
        CHECK(says(error, "1 to 1 channels, not 2; ask for at most 1"));
    }
    SECTION("a period") {
        const io::Error error = refusal({.device = "test_period", .block = 128});
        CHECK(error.code == io::Errc::period_mismatch);
        CHECK(says(error, "256 to 256 frames at 48000 Hz, but not of 128; ask for 256"));
        REQUIRE(driver.open({.device = "test_period"}));
        CHECK(driver.info().quantum == 256);
        CHECK(driver.info().block == 256);
    }
    SECTION("a format") {
        CHECK(refusal({.device = "test_device"}, {.format = "MU_LAW"}).code == io::Errc::invalid_config);
        const io::Error error = refusal({.device = "test_s16"}, {.format = "S32_LE"});
        CHECK(error.code == io::Errc::unsupported_format);
        CHECK(says(error, "test_s16 has S16_LE, not S32_LE"));
    }
}

TEST_CASE("alsa: the best format there is", "[alsa]") {
    Duplex driver;
    REQUIRE(driver.open({.device = "test_device"}));
    CHECK(driver.info().hardware_format == std::string("FLOAT_LE"));
    driver.close();
    REQUIRE(driver.open({.device = "test_s16"}));
    CHECK(driver.info().hardware_format == std::string("S16_LE"));
}

TEST_CASE("alsa: a period that is not the block, through the adapter", "[alsa]") {
    Duplex driver;
    check_loopback(driver, {.device = "test_period", .block = 100, .period_match = io::Match::adapt}, {});
    CHECK(driver.info().quantum == 256);
    CHECK(driver.info().block == 100);
}

TEST_CASE("alsa: more channels than asked for are silent", "[alsa]") {
    Duplex driver;
    const auto access = GENERATE(alsa::Access::read_write, alsa::Access::mmap);
    check_loopback(driver, {.device = "test_channels"}, {.access = access, .format = "S32_LE"});
    CHECK(driver.info().output_channels == 2);
}

TEST_CASE("alsa: through a plug", "[alsa]") {
    Duplex driver;
    check_loopback(driver, {.device = "test_plug", .sample_rate = 48000, .block = 256},
                   {.format = "S24_3BE"});
}

TEST_CASE("alsa: one direction alone", "[alsa]") {
    Player player;
    REQUIRE(player.open({.device = "test_device", .block = 256}));
    std::atomic<int> played{0};
    auto play = [&](const io::ClockTick&) noexcept { played.fetch_add(1); };
    REQUIRE(player.set_process_callback(play));
    REQUIRE(player.start());
    CHECK(eventually([&] { return played >= 20; }));
    REQUIRE(player.stop());

    Recorder recorder;
    REQUIRE(recorder.open({.device = "test_device", .block = 256}));
    std::atomic<int> recorded{0};
    auto record = [&](const io::ClockTick&) noexcept { recorded.fetch_add(1); };
    REQUIRE(recorder.set_process_callback(record));
    REQUIRE(recorder.start());
    CHECK(eventually([&] { return recorded >= 20; }));
    REQUIRE(recorder.stop());
}

TEST_CASE("alsa: a tick's time is when its cycle was due", "[alsa]") {
    Duplex driver;
    REQUIRE(driver.open({.device = "test_device", .block = 512}));
    struct Seen {
        std::uint64_t told = 0;
        std::uint64_t now = 0;
    };
    std::vector<Seen> seen(20);
    std::atomic<std::size_t> count{0};
    auto look = [&](const io::ClockTick& tick) noexcept {
        if (count < seen.size()) {
            seen[count] = {tick.time_ns(), io::Pacer::now_ns()};
            count.fetch_add(1);
        }
    };
    REQUIRE(driver.set_process_callback(look));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return count == seen.size(); }));
    REQUIRE(driver.stop());
    std::size_t plausible = 0;
    for (const Seen& one : seen) // before the callback looked at the clock, by less than a buffer
        plausible += one.told <= one.now && one.now - one.told < 32'000'000 ? 1 : 0;
    CHECK(plausible >= seen.size() - 2);
}

TEST_CASE("alsa: stop lets what is written be heard, or drops it", "[alsa]") {
    const bool drain = GENERATE(true, false);
    Player driver;
    REQUIRE(driver.open({.device = "test_device", .block = 1024, .periods = 12}, {.drain = drain}));
    CHECK(driver.session().periods() == 12);
    std::atomic<int> calls{0};
    auto count = [&](const io::ClockTick&) noexcept { calls.fetch_add(1); };
    REQUIRE(driver.set_process_callback(count));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return calls >= 3; }));
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(driver.stop());
    const int calls_then = calls;
    const auto took = std::chrono::steady_clock::now() - begin;
    if (drain) // 12 x 1024 frames last 256 ms
        CHECK(took > std::chrono::milliseconds(220));
    else
        CHECK(took < std::chrono::milliseconds(150));
    CHECK(took < std::chrono::milliseconds(700));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(calls == calls_then);
}

TEST_CASE("alsa: nothing is left behind", "[alsa]") {
    const auto cycle = [] {
        Duplex driver;
        REQUIRE(driver.open({.device = "test_device", .block = 256}));
        Loopback graph(driver, 2, 512);
        REQUIRE(driver.set_process_callback(graph));
        for (int run = 0; run < 2; ++run) {
            REQUIRE(driver.start());
            CHECK(eventually([&] { return graph.frames() > 0; }));
            REQUIRE(driver.stop());
        }
        driver.close();
        CHECK_FALSE(driver.open({.device = "no_such_pcm"}));
    };
    // What opens and closes a device ends a moment after it has said that it has.
    const std::size_t threads_before = conformance::Resources::now().threads;
    const auto no_thread_left = [&] { return conformance::Resources::now().threads <= threads_before; };
    cycle(); // loads what stays loaded
    CHECK(eventually(no_thread_left));
    const auto before = conformance::Resources::now();
    for (int i = 0; i < 5; ++i)
        cycle();
    CHECK(eventually(no_thread_left));
    CHECK(conformance::Resources::now().descriptors == before.descriptors);
}
