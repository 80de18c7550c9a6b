// SPDX-License-Identifier: MIT
#pragma once

// The server or the device goes away, or stops answering.

#include "eventually.hpp"
#include "probes.hpp"
#include "ready.hpp"
#include "resources.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

namespace conformance {

/// Nobody spins: over a third of a second this process needs next to no processor time.
inline void check_idle() {
    const double used = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK(cpu_seconds() - used < 0.1);
}

inline void check_lost(const io::Result<void>& result, const Loss& loss) {
    REQUIRE_FALSE(result);
    INFO(show(result.error()));
    CHECK(result.error().code == loss.code);
    CHECK(std::string_view(result.error().operation) == "run");
    CHECK(std::string_view(result.error().text).size() > 20);
}

} // namespace conformance

TEMPLATE_LIST_TEST_CASE("a lost stream ends run() with the reason", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::loss))
        for (const Loss& loss : TestType::losses) {
            INFO(loss.how);
            Ready<TestType> ready(Setting{.to_be_lost = true});
            Clock::time_point when;
            std::jthread helper([&] {
                (void)ready.was_called();
                when = Clock::now();
                ready.rig.lose(loss);
            });
            const auto result = ready.driver.run();
            const auto ended = Clock::now();
            helper.join();
            CHECK(ended - when < std::chrono::seconds(1));
            check_lost(result, loss);
            check_lost(ready.driver.status(), loss);
            CHECK_FALSE(ready.driver.is_running());
            check_idle();
            CHECK(calls_after([] {}, ready.callback) == 0);

            CHECK(ready.driver.stop());
            const auto again = ready.driver.start();
            REQUIRE_FALSE(again);
            CHECK(again.error().code == io::Errc::invalid_state);
            CHECK(std::string_view(again.error().text).find("open()") != std::string_view::npos);

            const auto begin = Clock::now();
            ready.driver.close();
            CHECK(Clock::now() - begin < std::chrono::seconds(3));
            ready.rig.restore(); // it is back: open again
            REQUIRE(ready.driver.open(ready.rig.config(), ready.rig.options()));
            CHECK(ready.driver.status());
            REQUIRE(ready.driver.set_process_callback(ready.callback));
            REQUIRE(ready.driver.start());
            CHECK(ready.is_called());
        }
}

TEMPLATE_LIST_TEST_CASE("a started stream that is lost says so without run()", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::loss)) {
        Ready<TestType> ready(Setting{.to_be_lost = true});
        REQUIRE(ready.driver.start());
        REQUIRE(ready.was_called());
        ready.rig.lose(TestType::losses[0]);
        CHECK(eventually([&] { return !ready.driver.status(); }));
        CHECK_FALSE(ready.driver.is_running());
        check_lost(ready.driver.status(), TestType::losses[0]);
        const auto stopped = ready.driver.stop(); // a file's is told once more
        CHECK((stopped || stopped.error().code == TestType::losses[0].code));
        check_lost(ready.driver.status(), TestType::losses[0]);
    }
}

TEMPLATE_LIST_TEST_CASE("a server that goes between open() and start() is missed", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::loss) && applies<TestType>(Property::no_server)) {
        const bool started_before = GENERATE(false, true);
        Ready<TestType> ready(Setting{.to_be_lost = true});
        if (started_before) {
            REQUIRE(ready.driver.start());
            REQUIRE(ready.is_called());
            REQUIRE(ready.driver.stop());
        }
        ready.rig.lose(TestType::losses[0]);
        const auto begin = Clock::now();
        const auto result = ready.driver.run(); // it need not know yet when it starts
        CHECK(Clock::now() - begin < std::chrono::seconds(2));
        REQUIRE_FALSE(result);
        INFO(show(result.error()));
        CHECK(
            (result.error().code == io::Errc::server_lost || result.error().code == io::Errc::invalid_state));
        CHECK(std::string_view(result.error().text).find("open") != std::string_view::npos);
    }
}

TEMPLATE_LIST_TEST_CASE("a server that hangs ends run() by the liveness timeout", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::hang)) {
        static auto& left_behind = *new std::vector<void*>; // for the leak checker
        const Resources before = Resources::now();
        TestType rig{Setting{}};
        static Counter counter; // may be looked at after the driver has gone
        {
            DriverOf<TestType> driver;
            left_behind.push_back(&driver.engine());
            io::StreamConfig config = rig.config();
            config.liveness_timeout_ms = 500;
            REQUIRE(driver.open(config, rig.options()));
            REQUIRE(driver.set_process_callback(counter));
            Clock::time_point when;
            std::jthread helper([&] {
                (void)eventually([goal = counter.calls() + 3] { return counter.calls() >= goal; });
                when = Clock::now();
                rig.hang();
            });
            const auto result = driver.run();
            const auto took = Clock::now() - when;
            helper.join();
            CHECK(took > std::chrono::milliseconds(400));
            CHECK(took < std::chrono::milliseconds(1500));
            check_lost(result, Loss{"", io::Errc::timed_out});
            check_idle();
            const auto begin = Clock::now();
            driver.close();
            CHECK(Clock::now() - begin < std::chrono::seconds(4));
            const auto reopened = driver.open(config, rig.options());
            REQUIRE_FALSE(reopened); // given up for good, or in vain as long as the server hangs
            CHECK((reopened.error().code == io::Errc::invalid_state ||
                   reopened.error().code == io::Errc::timed_out));
        }
        const std::uint64_t calls = counter.calls();
        rig.go_on(); // the server calls whom it knows: the engine is still there, its gate closed
        CHECK(eventually(
            [&] { return Resources::now().threads <= before.threads; })); // and can be left at last
        CHECK(counter.calls() == calls);

        Ready<TestType> ready; // nothing is in the way of the next one
        REQUIRE(ready.driver.start());
        CHECK(ready.is_called());
    }
}

TEMPLATE_LIST_TEST_CASE("a driver that hangs with its server may be destroyed", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::hang)) {
        static auto& left_behind = *new std::vector<void*>;
        static Counter counter;
        const Resources before = Resources::now();
        TestType rig{Setting{}};
        {
            DriverOf<TestType> driver;
            left_behind.push_back(&driver.engine());
            REQUIRE(driver.open(rig.config(), rig.options()));
            REQUIRE(driver.set_process_callback(counter));
            REQUIRE(driver.start());
            REQUIRE(eventually([goal = counter.calls() + 3] { return counter.calls() >= goal; }));
            rig.hang();
        }
        rig.go_on();
        CHECK(eventually([&] { return Resources::now().threads <= before.threads; }));
    }
}

TEMPLATE_LIST_TEST_CASE("open() and start() do not hang with the server", "[loss]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::hang)) {
        static auto& left_behind = *new std::vector<void*>;
        const Resources before = Resources::now();
        {
            TestType rig{Setting{}};
            static Counter counter;
            DriverOf<TestType> driver;
            left_behind.push_back(&driver.engine());
            SECTION("open") {
                rig.hang();
                const auto begin = Clock::now();
                const auto opened = driver.open(rig.config(), rig.options());
                CHECK(Clock::now() - begin < std::chrono::seconds(7));
                REQUIRE_FALSE(opened);
                CHECK(opened.error().code == io::Errc::timed_out);
            }
            SECTION("start") {
                REQUIRE(driver.open(rig.config(), rig.options()));
                REQUIRE(driver.set_process_callback(counter));
                rig.hang();
                const auto begin = Clock::now();
                const auto started = driver.start();
                CHECK(Clock::now() - begin < std::chrono::seconds(7));
                if (!started) // a backend that need not ask the server to start does not notice yet
                    CHECK(started.error().code == io::Errc::timed_out);
                driver.close();
                CHECK(Clock::now() - begin < std::chrono::seconds(10));
            }
            rig.go_on();
            CHECK(eventually([&] { return Resources::now().threads <= before.threads; }));
        }
    }
}
