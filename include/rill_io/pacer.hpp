// SPDX-License-Identifier: MIT
#pragma once

// Pacer: the clock of a backend that has no device's. Absolute deadlines on CLOCK_MONOTONIC: no drift adds
// up.

#include <atomic>
#include <cstdint>
#include <ctime>

namespace rill::io {

class Pacer {
public:
    /// The first cycle is due one quantum from now. Thread: cycle. Realtime-safe: yes (reads the clock).
    void start(std::uint32_t sample_rate) noexcept {
        sample_rate_ = sample_rate;
        origin_ns_ = now_ns();
        frames_ = 0;
    }

    /// Sleeps until `frames` more frames of time have passed; the cycle that is then due began at
    /// cycle_time_ns(). Returns the frames by which the caller is later than `tolerance` frames after the
    /// deadline (0 = in time): that much time is given up, an xrun. -1 when `stop` was set while sleeping.
    /// Thread: cycle. Realtime-safe: sleeps.
    std::int64_t wait(std::uint32_t frames, std::uint32_t tolerance, const std::atomic<bool>& stop) noexcept {
        frames_ += frames;
        const std::uint64_t deadline = time_of(frames_);
        std::uint64_t now = now_ns();
        while (now < deadline) {
            if (stop.load(std::memory_order_relaxed))
                return -1;
            // In steps, so that stop() is prompt at any quantum and rate.
            sleep_until(deadline - now > max_sleep_ns ? now + max_sleep_ns : deadline);
            now = now_ns();
        }
        const auto late =
            static_cast<std::uint64_t>(static_cast<double>(now - deadline) * sample_rate_ * 1e-9);
        if (late <= tolerance) {
            cycle_time_ns_ = deadline;
            return 0;
        }
        frames_ += late;
        cycle_time_ns_ = time_of(frames_);
        return static_cast<std::int64_t>(late);
    }

    /// CLOCK_MONOTONIC time at which the current cycle was due. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t cycle_time_ns() const noexcept { return cycle_time_ns_; }

    /// Thread: any. Realtime-safe: yes (vDSO).
    [[nodiscard]] static std::uint64_t now_ns() noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<std::uint64_t>(now.tv_sec) * ns_per_s + static_cast<std::uint64_t>(now.tv_nsec);
    }

private:
    static constexpr std::uint64_t ns_per_s = 1'000'000'000;
    static constexpr std::uint64_t max_sleep_ns = 50'000'000;

    [[nodiscard]] std::uint64_t time_of(std::uint64_t frames) const noexcept {
        // Split: frames * 1e9 would overflow after five days.
        return origin_ns_ + frames / sample_rate_ * ns_per_s +
               frames % sample_rate_ * ns_per_s / sample_rate_;
    }

    static void sleep_until(std::uint64_t time_ns) noexcept {
        timespec until{};
        until.tv_sec = static_cast<std::time_t>(time_ns / ns_per_s);
        until.tv_nsec = static_cast<long>(time_ns % ns_per_s);
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr); // EINTR: the caller looks again
    }

    std::uint32_t sample_rate_ = 1;
    std::uint64_t origin_ns_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t cycle_time_ns_ = 0;
};

} // namespace rill::io
