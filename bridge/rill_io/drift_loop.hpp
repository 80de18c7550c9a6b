// SPDX-License-Identifier: MIT
#pragma once

// DriftLoop: how much faster than nominal must the ring be read so that its fill level stays where it is?
//
// With e the fill level's deviation from its target (frames), f the capture side's nominal rate (Hz), d the
// seconds since the last update and u the result (1e-6 = 1 ppm):
//
//     z1 <- z1 + a (e - z1)       a = 1 - exp(-4 * 2 w d): two low passes, four times above the crossover
//     z2 <- z2 + a (z1 - z2)
//     i  <- i + w^2 d z2 / f      the integrator learns the difference of the clocks
//     u   = i + 2 w z2 / f        critically damped (without the low passes); crossover at 2 w
//
// The reading position integrates u, so that jitter of e reaches it with the third power of the frequency:
// with w = 2 pi 0.015 Hz that is 3e-6 at 5 Hz and 2e-2 at 0.25 Hz, after what DriftClock has filtered
// already. So a clock may wander by 80 us in some seconds, as one does that counts in whole frames of 4 ms,
// and is heard as steady; the fill level moves by that much instead.
//
// After the start, and again when e is off by more than 350 us (four times such a wander; looked at for
// 0.15 s, for z2 is slow where w is small), w is wide (0.5 Hz, less where a cycle is long) for 1.5 s. Then it
// falls with a time constant of 0.9 s to 0.06 Hz and of 1.6 s to 0.015 Hz: i has to be right before it may be
// slow. A step of the clocks by s moves the fill by s f / (2.7 w); i means the same in both, so that nothing
// jumps but the share of z2, which ramps.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace rill::io {

class DriftLoop {
public:
    /// Forgets everything. `rate`: the capture side's nominal one, Hz. Thread: whoever owns it.
    void start(double rate) noexcept {
        rate_ = rate;
        drift_ = 0.0;
        forget_error();
        widen();
        bandwidth_ = narrow;
    }

    /// The fill level was set right by other means; the learned drift is kept.
    void forget_error() noexcept { first_ = second_ = recent_ = 0.0; }

    /// Learns quickly for a while, as after the start.
    void widen() noexcept { since_wide_ = 0.0; }

    /// What the clocks themselves say, for times in which the fill level tells nothing: only what is clearly
    /// another drift counts. Realtime-safe: yes.
    void lean_to(double drift, double seconds) noexcept {
        const double apart = drift - drift_;
        const double clear = apart - std::clamp(apart, -clock_noise, clock_noise);
        drift_ =
            std::clamp(drift_ + clear * std::min(1.0, seconds / lean_over), -max_correction, max_correction);
    }

    /// One step; returns u. Realtime-safe: yes.
    double update(double error, double seconds) noexcept {
        since_wide_ += seconds;
        recent_ += (error - recent_) * (1.0 - std::exp(-seconds / looked_at));
        if (std::fabs(recent_) > tolerance * rate_)
            widen();
        const double aim = since_wide_ < wide_for ? std::min(wide, widest_step / seconds) : narrow;
        const double over = aim > bandwidth_ ? rise : bandwidth_ > nearly_narrow ? fall : last_fall;
        bandwidth_ += (aim - bandwidth_) * (1.0 - std::exp(-seconds / over));
        const double w = 2.0 * std::numbers::pi * bandwidth_;
        const double a = 1.0 - std::exp(-low_pass * 2.0 * w * seconds);
        first_ += a * (error - first_);
        second_ += a * (first_ - second_);
        drift_ = std::clamp(drift_ + w * w * seconds * second_ / rate_, -max_correction, max_correction);
        return std::clamp(drift_ + 2.0 * w * second_ / rate_, -max_correction, max_correction);
    }

    /// The learned difference of the clocks (1e-6 = the capture side is 1 ppm faster than nominal).
    [[nodiscard]] double drift() const noexcept { return drift_; }

    static constexpr double max_correction = 0.01; ///< either way

private:
    static constexpr double tolerance = 350e-6;   ///< s of e
    static constexpr double looked_at = 0.15;     ///< s: the time constant of the mean of e that is compared
    static constexpr double narrow = 0.015;       ///< Hz
    static constexpr double nearly_narrow = 0.06; ///< Hz
    static constexpr double wide = 0.5;           ///< Hz
    static constexpr double widest_step = 0.04;   ///< Hz s: stable with the delay of one update
    static constexpr double wide_for = 1.5;       ///< s
    static constexpr double fall = 0.9;           ///< s
    static constexpr double last_fall = 1.6;      ///< s
    static constexpr double rise = 0.1;           ///< s
    static constexpr double clock_noise = 30e-6;  ///< of a clock's own drift after an xrun
    static constexpr double lean_over = 0.5;      ///< s
    static constexpr double low_pass = 4.0;       ///< corner over crossover: 48 degrees of phase are left

    double rate_ = 48000.0;
    double bandwidth_ = wide;
    double since_wide_ = 0.0;
    double first_ = 0.0;
    double second_ = 0.0;
    double recent_ = 0.0;
    double drift_ = 0.0;
};

} // namespace rill::io
