// SPDX-License-Identifier: MIT
#pragma once

// Again and again, several at once, one direction only.

#include "eventually.hpp"
#include "probes.hpp"
#include "ready.hpp"
#include "resources.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/config.hpp>
#include <rill_io/driver.hpp>

#include <cstddef>
#include <cstdint>

namespace conformance {

/// Bytes that the library below the backend loses by itself with each open() and close(), if the rig tells.
template <Rig R>
[[nodiscard]] consteval std::size_t leak_below() {
    if constexpr (requires { R::leak_per_open; })
        return R::leak_per_open;
    else
        return 0;
}

/// Repeats `round` until all caches are warm, then fifty times more: the process must hold nothing that it
/// did not before.
template <class Round>
void check_leaks_nothing(const Round& round, std::size_t bytes_below = 0) {
    constexpr std::size_t rounds = 50;
    for (int i = 0; i < 8; ++i)
        round();
    const Resources before = Resources::now();
    INFO("before: " << before);
    for (std::size_t i = 0; i < rounds; ++i)
        round();
    CHECK(eventually(
        [&] { return Resources::now().threads <= before.threads; })); // a detached one may still be leaving
    const Resources after = Resources::now();
    INFO("after:  " << after);
    CHECK(after.descriptors <= before.descriptors);
    CHECK(after.threads <= before.threads);
    if (!memory_tells)
        return;
    CHECK(after.mappings <= before.mappings + 4);
    CHECK(after.heap_bytes <= before.heap_bytes + 16 * 1024 + rounds * bytes_below);
    CHECK(after.resident_bytes <= before.resident_bytes + 24 * 1024 * 1024);
}

} // namespace conformance

TEMPLATE_LIST_TEST_CASE("fifty restarts leak nothing", "[restart]", Rigs) {
    using namespace conformance;
    SECTION("of an open driver") {
        Ready<TestType> ready;
        check_leaks_nothing([&] {
            REQUIRE(ready.driver.start());
            REQUIRE(ready.is_called(1));
            REQUIRE(ready.driver.stop());
        });
    }
    SECTION("from open() to close()") {
        TestType rig{Setting{}};
        Counter counter;
        DriverOf<TestType> driver;
        check_leaks_nothing(
            [&] {
                REQUIRE(driver.open(rig.config(), rig.options()));
                REQUIRE(driver.set_process_callback(counter));
                {
                    const auto cycles = drive(rig, driver, counter);
                    REQUIRE(driver.start());
                    REQUIRE(eventually(
                        [goal = counter.calls() + 1, &counter] { return counter.calls() >= goal; }));
                    REQUIRE(driver.stop());
                }
                driver.close();
            },
            leak_below<TestType>());
    }
}

TEMPLATE_LIST_TEST_CASE("several drivers run in one process", "[restart]", Rigs) {
    using namespace conformance;
    TestType rig{Setting{}};
    Counter counters[3];
    {
        DriverOf<TestType> first;
        DriverOf<TestType> second;
        DriverOf<TestType> third;
        const auto open = [&](auto& driver, Counter& counter) {
            REQUIRE(driver.open(rig.config(), rig.options()));
            REQUIRE(driver.set_process_callback(counter));
            REQUIRE(driver.start());
        };
        const auto called = [&](const Counter& counter) {
            return eventually([&, goal = counter.calls() + 3] { return counter.calls() >= goal; });
        };
        const auto cycles = drive(rig, first, counters[0]);
        const auto more_cycles = drive(rig, second, counters[1]);
        const auto most_cycles = drive(rig, third, counters[2]);
        open(first, counters[0]);
        open(second, counters[1]);
        open(third, counters[2]);
        CHECK(called(counters[0]));
        CHECK(called(counters[1]));
        CHECK(called(counters[2]));
        CHECK(calls_after([&] { CHECK(first.stop()); }, counters[0]) == 0);
        CHECK(called(counters[1]));
        if constexpr (applies<TestType>(Property::own_cycles)) // (a host's thread holds on to its driver)
            third.close();
        CHECK(called(counters[1]));
        CHECK(first.start());
        CHECK(called(counters[0]));
    }
    for (const Counter& counter : counters) {
        CHECK(calls_after([] {}, counter) == 0);
        CHECK(counter.overlaps() == 0);
    }
}

TEMPLATE_LIST_TEST_CASE("a driver may have one direction only", "[restart]", Rigs) {
    using namespace conformance;
    using Backend = typename TestType::Backend;
    TestType rig{Setting{}};
    const auto check = [&](auto& driver, std::uint32_t inputs, std::uint32_t outputs) {
        Counter counter;
        io::StreamConfig config = rig.config();
        config.block = 100; // through the adapter: both ways must do without the other
        config.period_match = io::Match::adapt;
        REQUIRE(driver.open(config, rig.options()));
        CHECK(driver.info().input_channels == inputs);
        CHECK(driver.info().output_channels == outputs);
        REQUIRE(driver.set_process_callback(counter));
        {
            const auto cycles = drive(rig, driver, counter);
            REQUIRE(driver.start());
            CHECK(eventually([&] { return counter.calls() > 8; }));
            CHECK(driver.stop());
        }
        CHECK(calls_after([] {}, counter) == 0);
    };
    SECTION("capture") {
        io::Driver<typename Backend::Capture, io::NoPlayback> driver;
        check(driver, 2, 0);
    }
    SECTION("playback") {
        io::Driver<io::NoCapture, typename Backend::Playback> driver;
        check(driver, 0, 2);
    }
}
