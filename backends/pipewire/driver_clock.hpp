// SPDX-License-Identifier: MIT
#pragma once

// DriverClock: the clock of the driver that the server has given our node, and whether it can be believed
// before a cycle has run. Everything under the loop's lock.

#include <spa/node/io.h>

#include <cstdint>

namespace rill::io::pipewire {

class DriverClock {
public:
    /// The server has told of another clock, or (null) of none. It writes to that memory, too.
    void set(const spa_io_position* position) noexcept;

    /// Whether it is a driver's. (A node that no driver has gets its own.)
    [[nodiscard]] bool is_drivers(std::uint32_t node) const noexcept;

    // Only if it is a driver's.
    /// Whether its last cycle is more than a period ago, and what a driver may be late. Then rate and quantum
    /// are those of the next one: the server writes what it has found into the clock of a driver at rest. One
    /// that runs takes it up in its next cycle, and only cycles show that.
    [[nodiscard]] bool is_at_rest() const noexcept;
    [[nodiscard]] std::uint32_t rate() const noexcept { return clock_->rate.denom; }
    [[nodiscard]] std::uint32_t quantum() const noexcept {
        return static_cast<std::uint32_t>(clock_->duration);
    }

private:
    const spa_io_clock* clock_ = nullptr;
};

} // namespace rill::io::pipewire
