// SPDX-License-Identifier: MIT
//
// Nothing is allocated, locked or waited for on the cycle thread.

#include "interposers.hpp"
#include "scenarios.hpp"

#include <test.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace {

void check_nothing(int cycles, int expected_cycles) {
    CHECK(cycles == expected_cycles);
    CHECK(std::string(first_violation).empty());
    CHECK(violations == 0);
}

} // namespace

TEST_CASE("a cycle neither allocates nor locks nor waits") {
    const auto nothing = [](const scenarios::io::ClockTick&) noexcept {};
    reset();
    SECTION("one block per cycle") {
        check_nothing(scenarios::run_null(256, 0, as_cycle, nothing), 150);
    }
    SECTION("several blocks per cycle") {
        check_nothing(scenarios::run_null(256, 64, as_cycle, nothing), 150);
    }
    SECTION("through the adapter's rings") {
        check_nothing(scenarios::run_null(256, 100, as_cycle, nothing), 150);
    }
    SECTION("a host's calls of any length") {
        check_nothing(scenarios::run_host(as_cycle), 9);
    }
}

TEST_CASE("nor does the cycle thread between its cycles") {
    std::atomic<int> found{-1};
    std::string what;
    const auto around = [&](const scenarios::io::ClockTick& tick, const auto& graph) {
        in_cycle = true; // from the first block on
        graph();
        if (!has(tick.flags, scenarios::io::TickFlags::final))
            return;
        in_cycle = false; // the thread's end is the system's business
        what = first_violation;
        found = violations;
    };
    CHECK(scenarios::run_freewheel(25'600, around));
    CHECK(what.empty());
    CHECK(found == 0);
}

TEST_CASE("a callback that does is caught") {
    reset();
    std::mutex mutex;
    SECTION("allocates") {
        scenarios::run_null(256, 0, as_cycle, [](const scenarios::io::ClockTick&) noexcept {
            const std::vector<int> memory(1000);
            __asm__ volatile(""
                             :
                             : "r"(memory.data())
                             : "memory"); // or the compiler leaves the allocation out
        });
        CHECK(std::string(first_violation) == "malloc");
    }
    SECTION("locks") {
        scenarios::run_null(256, 0, as_cycle, [&](const scenarios::io::ClockTick&) noexcept {
            const std::lock_guard lock(mutex);
        });
        CHECK(std::string(first_violation) == "pthread_mutex_lock");
    }
    SECTION("waits") {
        scenarios::run_null(256, 0, as_cycle,
                            [](const scenarios::io::ClockTick&) noexcept { ::poll(nullptr, 0, 0); });
        CHECK(std::string(first_violation) == "poll");
    }
    CHECK(violations > 0);
}
