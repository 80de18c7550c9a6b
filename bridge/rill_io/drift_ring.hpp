// SPDX-License-Identifier: MIT
#pragma once

// DriftRing: planar frames from one cycle thread to another, each frame under its number since the start, and
// for each block the time at which it came. One producer, one consumer, no allocation, no waiting.

#include <rill_io/queue.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rill::io {

/// What the producer says of a block it has written.
struct DriftStamp {
    double seconds = 0.0;      ///< when the cycle began
    std::uint64_t written = 0; ///< frames up to the end of the block
    std::uint64_t gap_end = 0; ///< frames from gap_begin to here were lost: there is nothing under them
    std::uint64_t gap_begin = 0;
    std::uint32_t frames = 0; ///< in the block
    bool time_jumped = false; ///< more may be lost than is known
};

class DriftRing {
public:
    /// Holds at least `frames` frames. Thread: control. Realtime-safe: no.
    void allocate(std::uint32_t channels, std::size_t frames) {
        channels_ = channels;
        capacity_ = std::bit_ceil(frames);
        samples_.assign(channels * capacity_, 0.0F);
        reset();
    }
    /// Empties it and counts from 0. Thread: control, while neither side runs.
    void reset() noexcept {
        // Relaxed: starting the threads orders it.
        written_.store(0, std::memory_order_relaxed);
        needed_.store(0, std::memory_order_relaxed);
        for (DriftStamp stamp; stamps_.try_pop(stamp);) {
        }
    }

    // --- The producer's. Thread: capture's cycle. Realtime-safe: yes.

    /// Appends a block, after `lost` frames that nobody has. False: there was no room, and nothing is
    /// written.
    bool write(const CaptureWindow& capture, std::uint32_t frames, std::uint64_t lost,
               DriftStamp& stamp) noexcept {
        const std::uint64_t begin = written_.load(std::memory_order_relaxed) + lost;
        const std::uint64_t end = begin + frames;
        // Acquire: the consumer has read what is overwritten now.
        if (end - std::min(end, needed_.load(std::memory_order_acquire)) > capacity_)
            return false;
        const std::size_t place = begin % capacity_;
        const std::size_t first = std::min<std::size_t>(frames, capacity_ - place);
        for (std::uint32_t channel = 0; channel < channels_; ++channel) {
            const float* const source = capture.input(channel);
            float* const ring = samples_.data() + channel * capacity_;
            std::memcpy(ring + place, source, first * sizeof(float));
            std::memcpy(ring, source + first, (frames - first) * sizeof(float));
        }
        stamp.written = end;
        stamp.gap_begin = begin - lost;
        stamp.gap_end = begin;
        stamp.frames = frames;
        written_.store(end, std::memory_order_release); // publishes the samples
        return true;
    }
    /// A full queue forgets the stamp: the next one says as much.
    void tell(const DriftStamp& stamp) noexcept { (void)stamps_.try_push(stamp); }

    // --- The consumer's. Thread: playback's cycle. Realtime-safe: yes.

    [[nodiscard]] bool take_stamp(DriftStamp& stamp) noexcept { return stamps_.try_pop(stamp); }
    /// The frames below this number have been written (or were lost).
    [[nodiscard]] std::uint64_t written() const noexcept { return written_.load(std::memory_order_acquire); }
    [[nodiscard]] float sample(std::uint32_t channel, std::uint64_t frame) const noexcept {
        return samples_[channel * capacity_ + frame % capacity_];
    }
    /// Frames below this number are not read any more.
    void release(std::uint64_t frame) noexcept { needed_.store(frame, std::memory_order_release); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    static constexpr std::size_t max_stamps =
        1024; ///< blocks of 16 frames during a cycle of 8192 twice as fast

    std::uint32_t channels_ = 0;
    std::size_t capacity_ = 1;
    std::vector<float> samples_;
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> needed_{0};
    BoundedQueue<DriftStamp, max_stamps> stamps_;
};

} // namespace rill::io
