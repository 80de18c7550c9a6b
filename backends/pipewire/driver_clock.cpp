// SPDX-License-Identifier: MIT
#include "driver_clock.hpp"

#include <ctime>

namespace rill::io::pipewire {

void DriverClock::set(const spa_io_position* position) noexcept {
    clock_ = position != nullptr ? &position->clock : nullptr;
}

bool DriverClock::is_drivers(std::uint32_t node) const noexcept {
    return clock_ != nullptr && clock_->id != node && clock_->duration != 0 && clock_->rate.denom != 0;
}

bool DriverClock::is_at_rest() const noexcept {
    constexpr std::uint64_t lateness_ns = 5'000'000;
    constexpr std::uint64_t second_ns = 1'000'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::uint64_t now_ns =
        static_cast<std::uint64_t>(now.tv_sec) * second_ns + static_cast<std::uint64_t>(now.tv_nsec);
    return clock_->nsec + clock_->duration * second_ns / clock_->rate.denom + lateness_ns < now_ns;
}

} // namespace rill::io::pipewire
