// SPDX-License-Identifier: MIT
#include "driver_clock.hpp"

#include <ctime>

namespace rill::io::pipewire {

namespace {

/// Whether its last cycle is two periods ago, and what a driver may be late.
bool is_at_rest(const spa_io_clock& clock) noexcept {
    constexpr std::uint64_t lateness_ns = 5'000'000;
    constexpr std::uint64_t second_ns = 1'000'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::uint64_t now_ns =
        static_cast<std::uint64_t>(now.tv_sec) * second_ns + static_cast<std::uint64_t>(now.tv_nsec);
    const std::uint64_t period_ns = clock.rate.denom == 0 ? 0 : clock.duration * second_ns / clock.rate.denom;
    return clock.nsec + 2 * period_ns + lateness_ns < now_ns;
}

} // namespace

void DriverClock::set(const spa_io_position* position) noexcept {
    clock_ = position != nullptr ? &position->clock : nullptr;
    was_at_rest_ = clock_ != nullptr && is_at_rest(*clock_);
}

bool DriverClock::is_drivers(std::uint32_t node) const noexcept {
    return clock_ != nullptr && clock_->id != node && clock_->duration != 0 && clock_->rate.denom != 0;
}

} // namespace rill::io::pipewire
