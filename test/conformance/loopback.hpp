// SPDX-License-Identifier: MIT
#pragma once

// Exactness: every sample arrives, once, in order, in its channel, after just the latency that was reported.

#include "attempts.hpp"
#include "eventually.hpp"
#include "probes.hpp"
#include "rig.hpp"
#include "show.hpp"
#include "signal.hpp"
#include <rill_io/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace conformance {

/// Quanta that exactness is proved at. The small ones only where time is not real or virtual.
template <Rig R>
[[nodiscard]] std::vector<std::uint32_t> quanta() {
    if (R::in_real_time && !virtual_time())
        return {256, 1024};
    return {16, 32, 64, 256, 1024};
}

/// Quanta that a stream which began with 256 changes to, likewise.
template <Rig R>
[[nodiscard]] std::vector<std::uint32_t> later_quanta() {
    if (R::in_real_time && !virtual_time())
        return {480, 1024, 333, 256};
    return {100, 1024, 333, 64, 16, 256};
}

/// One trip: plays, captures over the loop, and compares. Returns the xruns that disturbed it.
template <Rig R, class Probe = LoopProbe<DriverOf<R>>>
std::uint64_t loop_once(R& rig, std::uint32_t quantum, std::uint32_t channels, std::uint32_t block) {
    io::StreamConfig config = rig.config();
    config.input_channels = config.output_channels = channels;
    config.block = block;
    config.period_match = io::Match::adapt;
    DriverOf<R> driver;
    REQUIRE(driver.open(config, rig.options()));
    // Long enough for several rounds of block against quantum, after the silence before it.
    const std::size_t frames =
        std::max<std::size_t>(2048, 4 * std::size_t{quantum + block}) + 2 * rig.loop_latency(driver.info());
    Probe probe(driver, channels, frames);
    REQUIRE(driver.set_process_callback(probe));
    io::StreamInfo info;
    io::StreamStats stats;
    {
        const auto cycles = drive(rig, driver, probe);
        REQUIRE(driver.start());
        rig.connect(driver);
        probe.listen();
        REQUIRE(eventually([&] { return probe.complete(); }));
        info = driver.info();
        REQUIRE(driver.stop());
        stats = driver.stats();
    }
    if (stats.xruns != 0)
        return stats.xruns;
    CHECK(probe.moved_wrong() == 0);
    CHECK(stats.lost_frames == 0);
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
        const Passage passage = follow_signal(probe.recording(channel), channels, probe.position() + frames);
        INFO("channel " << channel << ": " << passage);
        REQUIRE(passage.found);
        CHECK(passage.channel == channel);
        CHECK(passage.breaks == 0);
        CHECK(passage.silent == passage.first);
        CHECK(passage.exact >= frames / 4);
        CHECK(probe.position() + passage.first - passage.frame ==
              info.adapter_latency + rig.loop_latency(info));
    }
    return 0;
}

/// One trip through the graph: captures a given signal, plays it on, and compares what was kept.
template <Rig R>
std::uint64_t through_once(R& rig, const Setting& setting, std::uint32_t block) {
    io::StreamConfig config = rig.config();
    config.block = block;
    config.period_match = io::Match::adapt;
    DriverOf<R> driver;
    REQUIRE(driver.open(config, rig.options()));
    Passthrough<DriverOf<R>> passthrough(driver);
    REQUIRE(driver.set_process_callback(passthrough));
    std::uint32_t latency = 0;
    io::StreamStats stats;
    {
        const auto cycles = drive(rig, driver, passthrough);
        REQUIRE(driver.start());
        rig.connect(driver);
        rig.follow_changes(driver);
        REQUIRE(eventually([&] { return passthrough.frames() >= setting.frames && rig.complete(); }));
        latency = driver.info().adapter_latency;
        REQUIRE(driver.stop());
        stats = driver.stats();
    }
    if (stats.xruns != 0 || rig.disturbances() != 0)
        return stats.xruns + rig.disturbances();
    CHECK(passthrough.out_of_step() == 0);
    CHECK(passthrough.lost_frames() == 0);
    CHECK(passthrough.discontinuities() == setting.quanta.size());
    for (std::uint32_t channel = 0; channel < setting.channels; ++channel) {
        const Passage passage = follow_signal(rig.kept(channel), setting.channels, 1);
        INFO("channel " << channel << ": " << passage);
        REQUIRE(passage.found); // from frame 0 on
        CHECK(passage.channel == channel);
        CHECK(passage.breaks == 0);
        CHECK(passage.silent == latency);
        CHECK(passage.exact + latency == setting.frames);
    }
    return 0;
}

[[nodiscard]] inline std::string described(std::uint32_t quantum, std::uint32_t block,
                                           std::uint32_t channels) {
    return "quantum " + std::to_string(quantum) + ", block " + std::to_string(block) + ", " +
           std::to_string(channels) + " channels";
}

} // namespace conformance

TEMPLATE_LIST_TEST_CASE("what is played is captured, exactly", "[exact]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::loopback)) {
        int proved = 0;
        for (const std::uint32_t quantum : quanta<TestType>()) {
            TestType rig(Setting{.quantum = quantum, .channels = 8, .wiring = Wiring::loop});
            for (const std::uint32_t channels : {1U, 2U, 8U})
                for (const std::uint32_t block : {0U, 16U, 64U, 100U, 256U, 1024U}) {
                    const bool undisturbed = until_undisturbed(described(quantum, block, channels), [&] {
                        return loop_once(rig, quantum, channels, block);
                    });
                    proved += undisturbed ? 1 : 0;
                }
        }
        std::printf("%s: loopback: %d combinations of quantum, block and channels\n", TestType::Backend::name,
                    proved);
    }
}

TEMPLATE_LIST_TEST_CASE("what is captured is played on, exactly", "[exact]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::through))
        for (const std::uint32_t channels : {1U, 8U}) {
            const Setting setting{.channels = channels, .wiring = Wiring::through, .frames = 10'000};
            TestType rig(setting);
            for (const std::uint32_t block : {0U, 64U, 100U, 1024U})
                until_undisturbed(described(setting.quantum, block, channels),
                                  [&] { return through_once(rig, setting, block); });
        }
}

TEMPLATE_LIST_TEST_CASE("the quantum may change in mid-stream", "[exact]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::quantum_change) && applies<TestType>(Property::through)) {
        const Setting setting{
            .wiring = Wiring::through, .frames = 20'000, .quanta = later_quanta<TestType>()};
        TestType rig(setting);
        for (const std::uint32_t block : {0U, 64U, 100U, 256U})
            until_undisturbed(described(setting.quantum, block, setting.channels),
                              [&] { return through_once(rig, setting, block); });
    }
}
