// SPDX-License-Identifier: MIT
#pragma once

// What the ALSA tests share: a driver, a graph that plays a signal and keeps what it captures, and the look
// at it.

#include "../conformance/signal.hpp"
#include <rill_io/alsa.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace alsa_test {

namespace io = rill::io;

using Duplex = io::Driver<io::alsa::Capture, io::alsa::Playback>;
using Player = io::Driver<io::NoCapture, io::alsa::Playback>;
using Recorder = io::Driver<io::alsa::Capture, io::NoPlayback>;

/// An environment variable, while it lives.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

/// The signal in as many bits as a 16-bit format keeps.
[[nodiscard]] inline float in_16_bits(std::uint32_t channel, std::uint64_t frame) noexcept {
    const auto value = static_cast<std::int32_t>(conformance::signal(channel, frame) * 0x1p15F);
    return static_cast<float>(value == 0 ? 1 : value) * 0x1p-15F; // never silence
}

/// Plays a signal by stream position and keeps what it captures.
class Loopback {
public:
    using Signal = float (*)(std::uint32_t channel, std::uint64_t frame) noexcept;

    Loopback(Duplex& driver, std::uint32_t channels, std::size_t frames, Signal signal = &conformance::signal)
        : driver_(driver), signal_(signal), kept_(channels, std::vector<float>(frames)) {}

    void operator()(const io::ClockTick& tick) noexcept {
        for (std::uint32_t channel = 0; channel < kept_.size(); ++channel) {
            float* const out = driver_.playback().output(channel);
            for (std::uint32_t i = 0; i < tick.frames; ++i)
                out[i] = signal_(channel, tick.position + i);
        }
        const std::size_t done = frames_.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(tick.frames, kept_[0].size() - done);
        for (std::uint32_t channel = 0; channel < kept_.size(); ++channel)
            driver_.capture().read_input(channel, std::span(kept_[channel]).subspan(done, count));
        lost_frames.fetch_add(tick.lost_frames);
        discontinuities.fetch_add(has(tick.flags, io::TickFlags::discontinuity) ? 1 : 0);
        const std::uint64_t time = tick.time_ns();
        if (time < last_time_ns)
            time_went_back = true;
        last_time_ns = time;
        frames_.store(done + count, std::memory_order_release);
    }

    [[nodiscard]] bool complete() const noexcept {
        return frames_.load(std::memory_order_acquire) == kept_[0].size();
    }
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.load(std::memory_order_acquire); }
    [[nodiscard]] const std::vector<float>& kept(std::uint32_t channel) const { return kept_[channel]; }

    /// Frames from a signal's start until it comes back without a single wrong sample; -1 if it does not.
    [[nodiscard]] long exact_latency() const {
        for (std::size_t latency = 0; latency < kept_[0].size() / 2; ++latency) {
            if (kept_[0][latency] == 0.0F)
                continue;
            for (std::uint32_t channel = 0; channel < kept_.size(); ++channel)
                for (std::size_t i = 0; i < kept_[channel].size(); ++i)
                    if (kept_[channel][i] != (i < latency ? 0.0F : signal_(channel, i - latency)))
                        return -1;
            return static_cast<long>(latency);
        }
        return -1;
    }

    std::atomic<std::uint64_t> lost_frames{0};
    std::atomic<std::uint64_t> discontinuities{0};
    std::uint64_t last_time_ns = 0;
    bool time_went_back = false;

private:
    Duplex& driver_;
    Signal signal_;
    std::vector<std::vector<float>> kept_;
    std::atomic<std::size_t> frames_{0};
};

} // namespace alsa_test
