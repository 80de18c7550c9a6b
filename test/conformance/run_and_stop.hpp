// SPDX-License-Identifier: MIT
#pragma once

// Running and stopping, from all sides.

#include "eventually.hpp"
#include "probes.hpp"
#include "ready.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/error.hpp>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

TEMPLATE_LIST_TEST_CASE("run() ends with success when stop is requested", "[run]", Rigs) {
    using namespace conformance;
    Ready<TestType> ready;

    SECTION("before it") {
        std::stop_source source;
        source.request_stop();
        const auto begin = Clock::now();
        CHECK(ready.driver.run(source.get_token()));
        CHECK(Clock::now() - begin < std::chrono::seconds(1));
    }
    SECTION("while it runs") {
        std::stop_source source;
        Clock::time_point asked;
        std::jthread helper([&] {
            (void)ready.is_called();
            asked = Clock::now();
            source.request_stop();
        });
        CHECK(ready.driver.run(source.get_token()));
        helper.join();
        CHECK(Clock::now() - asked < std::chrono::milliseconds(500));
        CHECK(ready.callback.calls() >= 3);
    }
    SECTION("by stop() from another thread") {
        io::Result<void> stopped = io::Error{};
        std::jthread helper([&] {
            (void)ready.is_called();
            stopped = ready.driver.stop();
        });
        CHECK(ready.driver.run());
        helper.join();
        CHECK(stopped);
    }
    if constexpr (applies<TestType>(Property::own_cycles)) // (who calls for cycles must not close meanwhile)
        SECTION("by close() from another thread") {
            std::jthread helper([&] {
                (void)ready.is_called();
                ready.driver.close();
            });
            CHECK(ready.driver.run());
        }
    CHECK(calls_after([] {}, ready.callback) == 0);
    CHECK_FALSE(ready.driver.is_running());
    CHECK(ready.driver.status());
    CHECK(ready.callback.overlaps() == 0);
}

TEMPLATE_LIST_TEST_CASE("stop() is idempotent and nothing is called after it", "[run]", Rigs) {
    using namespace conformance;
    Ready<TestType> ready;
    CHECK(ready.driver.stop()); // before start()
    for (int round = 0; round < 3; ++round) {
        REQUIRE(ready.driver.start());
        REQUIRE(ready.is_called());
        CHECK(calls_after([&] { CHECK(ready.driver.stop()); }, ready.callback) == 0);
        CHECK(calls_after([&] { CHECK(ready.driver.stop()); }, ready.callback) == 0);
        CHECK(ready.driver.stats().cycles >= 3);
    }
}

TEMPLATE_LIST_TEST_CASE("run() ends with success at the stream's own end", "[run]", Rigs) {
    using namespace conformance;
    if constexpr (EndingRig<TestType>) {
        struct Last : Counter {
            void operator()(const io::ClockTick& tick) noexcept {
                finals += has(tick.flags, io::TickFlags::final) ? 1 : 0;
                final_is_last = has(tick.flags, io::TickFlags::final);
                Counter::operator()(tick);
            }
            int finals = 0;
            bool final_is_last = false;
        };
        constexpr std::uint64_t end = 5000; // in the middle of a quantum
        Ready<TestType, Last> ready(Setting{.end_after = end});
        for (int round = 0; round < 2; ++round) {
            ready.callback.finals = 0;
            CHECK(ready.driver.run());
            CHECK(ready.driver.status());
            CHECK(calls_after([] {}, ready.callback) == 0);
            CHECK(ready.callback.finals == 1);
            CHECK(ready.callback.final_is_last);
            const io::StreamStats stats = ready.driver.stats();
            CHECK(stats.frames + stats.lost_frames >= end); // (a busy machine loses some in real time)
            CHECK(stats.frames < end + 256);
        }
    }
}

TEMPLATE_LIST_TEST_CASE("a new start counts anew", "[run]", Rigs) {
    using namespace conformance;
    struct First : Counter {
        void operator()(const io::ClockTick& tick) noexcept {
            if (expected_ == 0)
                first_position_ = tick.position;
            gaps_ += tick.position != expected_ ? 1U : 0U;
            expected_ = tick.position + tick.frames;
            Counter::operator()(tick);
        }
        std::uint64_t expected_ = 0;
        std::uint64_t first_position_ = 1;
        std::uint64_t gaps_ = 0;
    };
    Ready<TestType, First> ready;
    for (int round = 0; round < 3; ++round) {
        ready.callback.expected_ = 0;
        ready.callback.first_position_ = 1;
        REQUIRE(ready.driver.start());
        REQUIRE(ready.is_called());
        REQUIRE(ready.driver.stop());
        CHECK(ready.callback.first_position_ == 0);
        CHECK(ready.callback.gaps_ == 0);
        CHECK(ready.driver.stats().frames == ready.callback.expected_);
    }
}

TEMPLATE_LIST_TEST_CASE("the callback may not control the driver that calls it", "[run]", Rigs) {
    using namespace conformance;
    using Driver = DriverOf<TestType>;
    struct Misuse : Counter {
        void operator()(const io::ClockTick& tick) noexcept {
            if (driver != nullptr && calls() == 3) {
                const auto begin = Clock::now();
                results = {driver->stop(), driver->start(), driver->set_process_callback(*this),
                           driver->open(), driver->run()};
                driver->close();
                took = Clock::now() - begin;
                done.store(true);
            }
            Counter::operator()(tick);
        }
        Driver* driver = nullptr;
        std::vector<io::Result<void>> results = std::vector<io::Result<void>>(5);
        Clock::duration took{};
        std::atomic<bool> done{false};
    };
    Ready<TestType, Misuse> ready;
    ready.callback.driver = &ready.driver;
    REQUIRE(ready.driver.start());
    REQUIRE(eventually([&] { return ready.callback.done.load(); }));
    CHECK(ready.is_called()); // and goes on
    CHECK(ready.driver.is_running());
    REQUIRE(ready.driver.stop());
    CHECK(ready.callback.took < std::chrono::milliseconds(100));
    for (const io::Result<void>& result : ready.callback.results) {
        REQUIRE_FALSE(result);
        CHECK(result.error().code == io::Errc::invalid_state);
    }
    CHECK(std::string_view(ready.callback.results[0].error().text).find("another thread") !=
          std::string_view::npos);
}

TEMPLATE_LIST_TEST_CASE("two threads may stop at once", "[run]", Rigs) {
    using namespace conformance;
    Ready<TestType> ready;
    for (int round = 0; round < 20; ++round) {
        REQUIRE(ready.driver.start());
        if (round % 4 == 0) // the others are stopped as soon as started
            REQUIRE(ready.is_called());
        std::barrier together(2);
        io::Result<void> other = io::Error{};
        std::jthread helper([&] {
            together.arrive_and_wait();
            other = ready.driver.stop();
        });
        together.arrive_and_wait();
        const auto own = ready.driver.stop();
        const bool inside = ready.callback.inside();
        helper.join();
        CHECK(own);
        CHECK(other);
        CHECK_FALSE(inside);
    }
    CHECK(calls_after([] {}, ready.callback) == 0);
}

TEMPLATE_LIST_TEST_CASE("start and stop may storm in from several threads", "[run]", Rigs) {
    using namespace conformance;
    Ready<TestType> ready;
    std::atomic<int> odd_results{0};
    std::atomic<int> starts{0};
    {
        std::vector<std::jthread> threads;
        for (unsigned number = 0; number < 3; ++number)
            threads.emplace_back([&, number] {
                for (unsigned i = 0; i < 60; ++i) {
                    const bool starting = (i + number) % 2 == 0;
                    const auto result = starting ? ready.driver.start() : ready.driver.stop();
                    starts += starting && result ? 1 : 0;
                    if (!result && (!starting || result.error().code != io::Errc::invalid_state))
                        ++odd_results;
                    std::this_thread::yield();
                }
            });
    }
    CHECK(odd_results == 0);
    CHECK(starts > 0);
    CHECK(calls_after([&] { CHECK(ready.driver.stop()); }, ready.callback) == 0);
    CHECK(ready.callback.overlaps() == 0);

    REQUIRE(ready.driver.start()); // and it still runs
    CHECK(ready.is_called());
}

TEMPLATE_LIST_TEST_CASE("a driver may be destroyed while running", "[run]", Rigs) {
    using namespace conformance;
    Counter counter;
    TestType rig{Setting{}};
    for (int round = 0; round < 5; ++round) {
        {
            DriverOf<TestType> driver;
            REQUIRE(driver.open(rig.config(), rig.options()));
            REQUIRE(driver.set_process_callback(counter));
            const auto cycles = drive(rig, driver, counter); // (a host stops calling first)
            REQUIRE(driver.start());
            if (round % 2 == 0)
                REQUIRE(eventually([&, goal = counter.calls() + 3] { return counter.calls() >= goal; }));
        }
        CHECK(calls_after([] {}, counter) == 0);
    }
}

TEMPLATE_LIST_TEST_CASE("a callback that hangs is reported, and nothing waits for it", "[run]", Rigs) {
    using namespace conformance;
    static std::atomic<int> phase; // outlives everything: the callback ends after the driver
    struct Hang {
        void operator()(const io::ClockTick&) noexcept {
            if (phase.load() == 0) {
                phase.store(1);
                while (phase.load() != 2)
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                phase.store(3);
            }
            calls_.fetch_add(1);
        }
        [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(); }
        std::atomic<std::uint64_t> calls_{0};
    };
    static Hang hang;
    // Left behind with its driver, but not lost: the leak checker must find it.
    static auto& left_behind = *new std::vector<void*>;
    phase.store(0);

    TestType rig{Setting{}};
    {
        std::optional<DriverOf<TestType>> driver;
        driver.emplace();
        left_behind.push_back(&driver->engine());
        REQUIRE(driver->open(rig.config(), rig.options()));
        REQUIRE(driver->set_process_callback(hang));
        // (a host's own thread hangs with the callback: it can only be let go)
        const auto cycles = drive(rig, *driver, hang);
        REQUIRE(driver->start());
        REQUIRE(eventually([&] { return phase.load() == 1; }));

        auto begin = Clock::now();
        const auto stopped = driver->stop();
        CHECK(Clock::now() - begin < std::chrono::seconds(4));
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().code == io::Errc::timed_out);
        CHECK(std::string_view(stopped.error().text).find("callback") != std::string_view::npos);
        const auto again = driver->start();
        REQUIRE_FALSE(again);
        CHECK((again.error().code == io::Errc::invalid_state || again.error().code == io::Errc::timed_out));
        begin = Clock::now();
        driver->close();
        CHECK(Clock::now() - begin < std::chrono::seconds(5));
        const auto reopened = driver->open(rig.config(), rig.options());
        REQUIRE_FALSE(reopened);
        CHECK(reopened.error().code == io::Errc::invalid_state);
        if constexpr (applies<TestType>(Property::own_cycles))
            driver.reset();
        phase.store(2);
    }
    REQUIRE(eventually([&] { return phase.load() == 3; }));
    const std::uint64_t calls = hang.calls();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    CHECK(hang.calls() <= calls + 1); // the one that hung may have ended in between
}
