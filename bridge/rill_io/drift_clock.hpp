// SPDX-License-Identifier: MIT
#pragma once

// DriftClock: when did how many frames of one side have passed? A delay-locked loop over the times at which
// that side's cycles begin.
//
// The measured times t_k jitter with the wake-ups, the frame count n_k does not. Between two cycles the clock
// is a straight line; each measurement moves it a little (second order: place and slope):
//
//     e  = t_k - (T + (n_k - N) P)          T: filtered time of frame N, P: filtered seconds per frame
//     T <- T + (n_k - N) P + sqrt(2) w e    w = 2 pi B c P, with c frames in a cycle
//     P <- P + w^2 e / c                    damping 1/sqrt(2)
//
// B begins with 1 Hz, again when the mean of e says that the rate has changed, and falls to 0.25 Hz with a
// time constant of 1.5 s. At 256 frames of 48 kHz w is then 0.01: of white jitter 9 % are left in T. A step
// of the rate by 1000 ppm shows as a lag of at most 0.24 ms. A time that is off by more than a cycle is taken
// for a late wake-up and not used; only when for 0.1 s all have been off by more than 0.5 ms the line is laid
// through the next one: frames have been lost. Otherwise an e of more than four mean magnitudes counts as
// four: a busy machine's wake-ups have a long tail. Where an xrun was told of, the line is laid anew at once,
// through the mean of what comes: the place T is given up, the slope P is kept, so that no loss is taken for
// a drift.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace rill::io {

class DriftClock {
public:
    /// Forgets everything. `rate`: the nominal one, Hz. Thread: whoever owns it.
    void start(double rate) noexcept {
        nominal_period_ = period_ = 1.0 / rate;
        bandwidth_ = first_bandwidth;
        deviation_ = first_deviation;
        started_ = doubts_ = false;
        believed_ = 0;
        leapt_ = false;
        mean_error_ = 0.0;
    }

    /// Frames may have been lost: the line is laid anew, with the slope that it had. Realtime-safe: yes.
    void doubt() noexcept { doubts_ = true; }

    /// A cycle of `cycle` frames began at `seconds`, when `frames` frames had been counted. Realtime-safe:
    /// yes.
    void update(double seconds, std::uint64_t frames, std::uint32_t cycle) noexcept {
        const auto passed = static_cast<double>(frames - frames_);
        const double predicted = time_ + passed * period_;
        const double error = seconds - predicted;
        frames_ = frames;
        const double length = cycle * period_; // not what has passed: that may be a loss, and wrongly told
        if (std::exchange(doubts_, false)) {
            bandwidth_ = first_bandwidth;
            believed_ = 0;
        }
        // A wake-up may be late, never early: what is early says that the line was laid through a late one.
        const bool young = believed_ < still_young && std::fabs(error) > max_stretch * deviation_ &&
                           (believed_ == 0 || error < 0.0);
        if (!started_ || young)
            return lay(seconds);
        if (std::fabs(error) < std::max(max_stretch * deviation_, least_leap))
            late_since_ = seconds;
        else if (seconds - late_since_ > patience)
            return lay(seconds);
        if (std::fabs(error) > std::max(length, least_outlier)) {
            time_ = predicted;
            return;
        }
        // Where the line lies is the mean of what has come since it was laid, until the loop knows better.
        believed_ = std::min(believed_ + 1, most_believed);
        const double clipped = std::clamp(error, -max_stretch * deviation_, max_stretch * deviation_);
        deviation_ += (std::min(std::fabs(error), max_stretch * deviation_) - deviation_) *
                      std::min(1.0, length / mean_over);
        deviation_ = std::max(deviation_, least_deviation);
        mean_error_ += (clipped - mean_error_) * std::min(1.0, length / mean_over);
        if (std::fabs(mean_error_) > std::max(least_step, length * 1e-3))
            bandwidth_ = first_bandwidth;
        const double w = std::min(max_step, 2.0 * std::numbers::pi * bandwidth_ * length);
        bandwidth_ += (last_bandwidth - bandwidth_) * std::min(1.0, length / narrowing);
        const double mean = 1.0 / believed_;
        time_ = predicted + std::max(std::numbers::sqrt2 * w, mean) * clipped;
        if (mean < std::numbers::sqrt2 * w)
            period_ = std::clamp(period_ + w * w * clipped / cycle, nominal_period_ * (1.0 - max_drift),
                                 nominal_period_ * (1.0 + max_drift));
    }

    [[nodiscard]] bool is_started() const noexcept { return started_; }
    /// Filtered time of the last cycle, seconds.
    [[nodiscard]] double time() const noexcept { return time_; }
    /// Frames counted at the last cycle.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    /// Frames that have passed since the last cycle at a later (or earlier) time.
    [[nodiscard]] double frames_since(double seconds) const noexcept { return (seconds - time_) / period_; }

    /// How much faster than nominal this side is (1e-6 = 1 ppm).
    [[nodiscard]] double drift() const noexcept { return nominal_period_ / period_ - 1.0; }
    /// Mean magnitude of what the measured times are off, s.
    [[nodiscard]] double deviation() const noexcept { return deviation_; }

    /// True once after the line was laid anew though nobody had told of an xrun: frames have been lost, or
    /// the side has another clock. Realtime-safe: yes.
    [[nodiscard]] bool take_leap() noexcept { return std::exchange(leapt_, false); }

private:
    void lay(double seconds) noexcept {
        leapt_ = started_ && believed_ >= still_young;
        started_ = true;
        time_ = late_since_ = seconds;
        mean_error_ = 0.0;
        believed_ = 1;
        bandwidth_ = first_bandwidth;
    }

    static constexpr double first_bandwidth = 1.0; ///< Hz
    static constexpr double last_bandwidth = 0.25; ///< Hz
    static constexpr double narrowing = 1.5;       ///< s
    static constexpr double max_step = 0.5;        ///< w where a cycle is long: stable below 1
    static constexpr double max_drift = 0.02;      ///< of the nominal rate
    static constexpr double least_outlier = 0.002; ///< s: an ordinary wake-up may be this late
    static constexpr double least_leap = 0.0005;   ///< s: more than what a step of the rate by 2000 ppm does
    static constexpr double mean_over = 0.3;       ///< s
    static constexpr double least_step = 60e-6;    ///< s: ten times what 0.1 ms of jitter leave in the mean
    static constexpr double max_stretch = 4.0; ///< a later time than so many mean deviations counts as such
    static constexpr double first_deviation = 100e-6; ///< s
    static constexpr double least_deviation = 20e-6;  ///< s
    static constexpr int still_young = 8;           ///< measurements in which a line through a late one shows
    static constexpr double patience = 0.1;         ///< s
    static constexpr int most_believed = 1'000'000; ///< more do not count: they would come to an end of int

    double nominal_period_ = 1.0; ///< s
    double period_ = 1.0;         ///< s per frame
    double bandwidth_ = first_bandwidth;
    double time_ = 0.0;
    std::uint64_t frames_ = 0;
    double mean_error_ = 0.0;            ///< s
    double late_since_ = 0.0;            ///< s
    double deviation_ = first_deviation; ///< s: mean magnitude of e
    int believed_ = 0;                   ///< measurements since the line was laid
    bool started_ = false;
    bool doubts_ = false;
    bool leapt_ = false;
};

} // namespace rill::io
