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
// for a late wake-up and not used; only when that has lasted for 0.1 s the line is laid through the next one:
// frames have been lost. Where an xrun was told of, at once. Otherwise an e of more than four mean magnitudes
// counts as four: a busy machine's wake-ups have a long tail.

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
        outliers_ = believed_ = 0;
        frozen_ = mean_error_ = 0.0;
    }

    /// Frames may have been lost: if the next measurement is far off, it is believed at once. Realtime-safe:
    /// yes.
    void doubt() noexcept { doubts_ = true; }

    /// A cycle of `cycle` frames began at `seconds`, when `frames` frames had been counted. Realtime-safe:
    /// yes.
    void update(double seconds, std::uint64_t frames, std::uint32_t cycle) noexcept {
        const auto passed = static_cast<double>(frames - frames_);
        const double predicted = time_ + passed * period_;
        const double error = seconds - predicted;
        frames_ = frames;
        const double length = cycle * period_; // not what has passed: that may be a loss, and wrongly told
        const bool doubted = std::exchange(doubts_, false);
        if (doubted) {
            frozen_ = shaken_for;
            bandwidth_ = first_bandwidth;
        }
        frozen_ = std::max(0.0, frozen_ - length);
        const bool lost = doubted && std::fabs(error) > std::max(length / 4.0, least_loss);
        if (!started_ || lost) {
            started_ = true;
            time_ = seconds;
            mean_error_ = 0.0;
            outliers_ = believed_ = 0;
            return;
        }
        if (std::fabs(error) > std::max(length, least_outlier)) {
            time_ = predicted;
            if (outliers_++ == 0)
                late_since_ = seconds;
            else if (seconds - late_since_ > patience)
                started_ = false;
            return;
        }
        outliers_ = 0;
        // Where the line lies is the mean of what has come since it was laid, until the loop knows better.
        ++believed_;
        const double clipped = std::clamp(error, -max_stretch * deviation_, max_stretch * deviation_);
        deviation_ += (std::min(std::fabs(error), max_stretch * deviation_) - deviation_) *
                      std::min(1.0, length / mean_over);
        deviation_ = std::max(deviation_, least_deviation);
        mean_error_ += (clipped - mean_error_) * std::min(1.0, length / mean_over);
        if (std::fabs(mean_error_) > std::max(least_step, length * 1e-3))
            bandwidth_ = first_bandwidth;
        const double w = std::min(max_step, 2.0 * std::numbers::pi * bandwidth_ * length);
        bandwidth_ += (last_bandwidth - bandwidth_) * std::min(1.0, length / narrowing);
        const double mean = 1.0 / (believed_ + 1.0);
        time_ = predicted + std::max(std::numbers::sqrt2 * w, mean) * clipped;
        if (mean < std::numbers::sqrt2 * w && frozen_ <= 0.0)
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

    /// For so long after an xrun (s) a server's own times find their place again: the rate is not learned.
    static constexpr double shaken_for = 1.0;

private:
    static constexpr double first_bandwidth = 1.0; ///< Hz
    static constexpr double last_bandwidth = 0.25; ///< Hz
    static constexpr double narrowing = 1.5;       ///< s
    static constexpr double max_step = 0.5;        ///< w where a cycle is long: stable below 1
    static constexpr double max_drift = 0.02;      ///< of the nominal rate
    static constexpr double least_outlier = 0.002; ///< s: an ordinary wake-up may be this late
    static constexpr double mean_over = 0.3;       ///< s
    static constexpr double least_step = 60e-6;    ///< s: ten times what 0.1 ms of jitter leave in the mean
    static constexpr double max_stretch = 4.0; ///< a later time than so many mean deviations counts as such
    static constexpr double first_deviation = 100e-6; ///< s
    static constexpr double least_deviation = 20e-6;  ///< s
    static constexpr double least_loss = 0.0005;      ///< s
    static constexpr double patience = 0.1;           ///< s

    double nominal_period_ = 1.0; ///< s
    double period_ = 1.0;         ///< s per frame
    double bandwidth_ = first_bandwidth;
    double time_ = 0.0;
    std::uint64_t frames_ = 0;
    double mean_error_ = 0.0;            ///< s
    double late_since_ = 0.0;            ///< s
    double deviation_ = first_deviation; ///< s: mean magnitude of e
    double frozen_ = 0.0;                ///< s
    int outliers_ = 0;
    int believed_ = 0; ///< measurements since the line was laid
    bool started_ = false;
    bool doubts_ = false;
};

} // namespace rill::io
