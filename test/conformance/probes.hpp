// SPDX-License-Identifier: MIT
#pragma once

// The process callbacks of the suite.

#include "signal.hpp"
#include <rill_io/config.hpp>
#include <rill_io/tick.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace conformance {

namespace io = rill::io;

/// Counts its calls, and notices when two overlap.
class Counter {
public:
    void operator()(const io::ClockTick&) noexcept {
        if (inside_.exchange(true))
            overlaps_.fetch_add(1);
        calls_.fetch_add(1);
        inside_.store(false);
    }
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(); }
    [[nodiscard]] std::uint64_t overlaps() const noexcept { return overlaps_.load(); }
    [[nodiscard]] bool inside() const noexcept { return inside_.load(); }

private:
    std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> overlaps_{0};
    std::atomic<bool> inside_{false};
};

/// Counters that are compiled for one kind of stream.
struct BlockCounter : Counter {
    static constexpr std::size_t block = 64;
};
struct InputsCounter : Counter {
    static constexpr std::size_t num_inputs = 5;
};

/// Does what it is told to at its next call.
template <class Action>
class Once {
public:
    explicit Once(Action action) : action_(action) {}
    void operator()(const io::ClockTick& tick) noexcept {
        if (armed_.load() && !done_.load()) {
            action_(tick);
            done_.store(true);
        }
        calls_.fetch_add(1);
    }
    void arm() noexcept { armed_.store(true); }
    [[nodiscard]] bool done() const noexcept { return done_.load(); }
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(); }

private:
    Action action_;
    std::atomic<bool> armed_{false};
    std::atomic<bool> done_{false};
    std::atomic<std::uint64_t> calls_{0};
};

/// Plays signal() by stream position and keeps what it captures, through read_input and write_output.
template <class Driver>
class LoopProbe {
public:
    LoopProbe(Driver& driver, std::uint32_t channels, std::size_t frames)
        : driver_(driver), recording_(channels, std::vector<float>(frames)), block_(8192) {}

    void operator()(const io::ClockTick& tick) noexcept {
        if (recorded_.load(std::memory_order_relaxed) != 0) {
            record(tick.frames); // before playing: the two may be the same memory
        } else if (listening_.load(std::memory_order_relaxed)) {
            position_ = tick.position;
            record(tick.frames);
        }
        const std::span<float> block = std::span(block_).first(tick.frames);
        for (std::uint32_t channel = 0; channel < recording_.size(); ++channel) {
            for (std::uint32_t i = 0; i < tick.frames; ++i)
                block[i] = signal(channel, tick.position + i);
            moved_wrong_ += driver_.playback().write_output(channel, block) != tick.frames ? 1U : 0U;
        }
    }

    /// From now on.
    void listen() noexcept { listening_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool complete() const noexcept {
        return recorded_.load(std::memory_order_acquire) == recording_[0].size();
    }
    /// After stop(): what a channel captured, and the stream position of its first sample.
    [[nodiscard]] std::span<const float> recording(std::uint32_t channel) const noexcept {
        return recording_[channel];
    }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    /// Calls of read_input and write_output that did not move the whole block.
    [[nodiscard]] std::size_t moved_wrong() const noexcept { return moved_wrong_; }

private:
    void record(std::uint32_t frames) noexcept {
        const std::size_t done = recorded_.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(frames, recording_[0].size() - done);
        for (std::uint32_t channel = 0; channel < recording_.size(); ++channel)
            moved_wrong_ += driver_.capture().read_input(
                                channel, std::span(recording_[channel]).subspan(done, count)) != count
                                ? 1U
                                : 0U;
        recorded_.store(done + count, std::memory_order_release);
    }

    Driver& driver_;
    std::vector<std::vector<float>> recording_;
    std::vector<float> block_;
    std::uint64_t position_ = 0;
    std::size_t moved_wrong_ = 0;
    std::atomic<std::size_t> recorded_{0};
    std::atomic<bool> listening_{false};
};

/// Plays what it captures, touching the samples where they lie. The two may be the same memory.
template <class Driver>
class Passthrough {
public:
    explicit Passthrough(Driver& driver) : driver_(driver) {}

    void operator()(const io::ClockTick& tick) noexcept {
        for (std::size_t channel = 0; channel < driver_.playback().num_output_channels(); ++channel)
            std::copy_n(driver_.capture().input(channel), tick.frames, driver_.playback().output(channel));
        out_of_step_.fetch_add(tick.position != position_ ? 1 : 0, std::memory_order_relaxed);
        position_ = tick.position + tick.frames;
        lost_frames_.fetch_add(tick.lost_frames, std::memory_order_relaxed);
        discontinuities_.fetch_add(has(tick.flags, io::TickFlags::discontinuity) ? 1 : 0,
                                   std::memory_order_relaxed);
        frames_.store(position_, std::memory_order_release);
    }

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_.load(std::memory_order_acquire); }
    /// What its ticks told.
    [[nodiscard]] std::uint64_t lost_frames() const noexcept { return lost_frames_.load(); }
    [[nodiscard]] std::uint64_t discontinuities() const noexcept { return discontinuities_.load(); }
    /// Ticks whose position is not where the one before ended.
    [[nodiscard]] std::uint64_t out_of_step() const noexcept { return out_of_step_.load(); }

private:
    Driver& driver_;
    std::uint64_t position_ = 0;
    std::atomic<std::uint64_t> frames_{0};
    std::atomic<std::uint64_t> lost_frames_{0};
    std::atomic<std::uint64_t> discontinuities_{0};
    std::atomic<std::uint64_t> out_of_step_{0};
};

} // namespace conformance
