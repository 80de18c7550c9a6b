// SPDX-License-Identifier: MIT
#pragma once

// Meter: looks at a signal on its way; the control thread reads peak and RMS.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/kernel.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rill::io {

/// Peak: the largest magnitude since it was last taken. RMS: over the last full window of `window_frames`
/// frames (0.1 s at 48 kHz by default), counted across blocks. Channels beyond `max_meter_channels` are
/// passed unmeasured.
class Meter {
public:
    static constexpr NodeKind kind = NodeKind::observer;
    static constexpr std::size_t max_meter_channels = 64;
    enum Parameter : std::uint16_t { window }; ///< window: frames of an RMS window, 1 or more

    explicit Meter(std::uint32_t window_frames = 4800) noexcept
        : window_frames_(std::max(1U, window_frames)) {}
    Meter(const Meter&) = delete; // the control thread holds on to it
    Meter& operator=(const Meter&) = delete;

    /// Largest magnitude since the last call, linear. Thread: any, one at a time per channel. Realtime-safe:
    /// yes.
    [[nodiscard]] float take_peak(std::size_t channel) noexcept {
        return channel < max_meter_channels
                   ? readings_[channel].peak.exchange(0.0F, std::memory_order_relaxed)
                   : 0.0F;
    }
    /// Root mean square of the last full window, linear. Thread: any. Realtime-safe: yes.
    [[nodiscard]] float rms(std::size_t channel) const noexcept {
        return channel < max_meter_channels ? readings_[channel].rms.load(std::memory_order_relaxed) : 0.0F;
    }

    /// Thread: cycle (through SetParameter), or control while stopped. Realtime-safe: yes.
    bool set_parameter(std::uint16_t parameter, float value) noexcept {
        if (parameter != window || !(value >= 1.0F) || value > 1e9F)
            return false;
        window_frames_ = static_cast<std::uint32_t>(value);
        return true;
    }

    template <std::size_t Frames, std::size_t Channels>
    void observe(const ClockTick&, AudioBlock<const float, Frames, Channels> block) noexcept {
        const std::size_t channels = std::min(block.num_channels(), max_meter_channels);
        std::size_t done = 0;
        while (done < block.frames()) {
            const std::size_t count = std::min<std::size_t>(
                block.frames() - done, window_frames_ > seen_frames_ ? window_frames_ - seen_frames_ : 1);
            for (std::size_t channel = 0; channel < channels; ++channel)
                measure(readings_[channel], block.data(channel) + done, count);
            done += count;
            seen_frames_ += static_cast<std::uint32_t>(count);
            if (seen_frames_ >= window_frames_)
                publish_window(channels);
        }
    }

private:
    struct Reading {
        std::atomic<float> peak{0.0F};
        std::atomic<float> rms{0.0F};
        double sum_of_squares = 0.0; ///< cycle thread only
    };

    static void measure(Reading& reading, const float* samples, std::size_t count) noexcept {
        Lanes peaks{};
        Lanes squares{};
        std::size_t i = 0;
        for (; i + num_lanes <= count; i += num_lanes) {
            const Lanes x = detail::load(samples + i);
            const Lanes magnitude = x < 0.0F ? -x : x;
            peaks = magnitude > peaks ? magnitude : peaks;
            squares += x * x;
        }
        float peak = 0.0F;
        double sum = 0.0;
        for (std::size_t lane = 0; lane < num_lanes; ++lane) {
            peak = std::max(peak, peaks[lane]);
            sum += static_cast<double>(squares[lane]);
        }
        for (; i < count; ++i) {
            peak = std::max(peak, std::fabs(samples[i]));
            sum += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
        }
        reading.sum_of_squares += sum;
        // One writer; a take_peak() between load and store is undone at worst for one block that was louder
        // anyway.
        if (peak > reading.peak.load(std::memory_order_relaxed))
            reading.peak.store(peak, std::memory_order_relaxed);
    }

    void publish_window(std::size_t channels) noexcept {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            Reading& reading = readings_[channel];
            reading.rms.store(static_cast<float>(std::sqrt(reading.sum_of_squares / seen_frames_)),
                              std::memory_order_relaxed);
            reading.sum_of_squares = 0.0;
        }
        seen_frames_ = 0;
    }

    std::uint32_t window_frames_;
    std::uint32_t seen_frames_ = 0;
    std::array<Reading, max_meter_channels> readings_{};
};

} // namespace rill::io
