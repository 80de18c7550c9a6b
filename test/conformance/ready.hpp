// SPDX-License-Identifier: MIT
#pragma once

// What most tests begin with, and end with.

#include "eventually.hpp"
#include "probes.hpp"
#include "rig.hpp"
#include "show.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

namespace conformance {

using Clock = std::chrono::steady_clock;

/// Calls that a callback gets after `stop` has returned. Watches long enough for several more cycles.
template <class Stop, class F>
[[nodiscard]] std::uint64_t calls_after(const Stop& stop, const F& callback) {
    stop();
    const bool was_inside = callback.inside();
    const std::uint64_t calls = callback.calls();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return callback.calls() - calls + (was_inside ? 1 : 0);
}

/// An open driver with a callback, and who drives it.
template <WholeRig R, class F = Counter>
struct Ready {
    explicit Ready(const Setting& setting = {}) : rig(setting) {
        REQUIRE(driver.open(rig.config(), rig.options()));
        REQUIRE(driver.set_process_callback(callback));
        cycles.emplace(drive(rig, driver, callback));
    }
    /// `so_many` more calls come within the time that a test may wait.
    [[nodiscard]] bool is_called(std::uint64_t so_many = 3) const {
        return eventually([&, goal = callback.calls() + so_many] { return callback.calls() >= goal; });
    }

    /// It has been called so often, or is within that time: of a stream that may have ended meanwhile.
    [[nodiscard]] bool was_called(std::uint64_t so_often = 3) const {
        return eventually([&] { return callback.calls() >= so_often; });
    }

    R rig;
    F callback;
    DriverOf<R> driver;
    std::optional<decltype(drive(rig, driver, callback))> cycles;
};

} // namespace conformance
