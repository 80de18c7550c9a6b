// SPDX-License-Identifier: MIT
#pragma once

// Cue: when a command's signal begins and ends within its stream.
//
// Cycles run before the ports are connected, and what is played then is heard by nobody. So the signal waits
// for the cue, which the control thread gives once the stream runs and is connected; and when the signal has
// ended the stream goes on until the last frame is outside. Where time is not real (offline) nothing of this
// is wanted.

#include <rill_io/tick.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rill::io::tools {

class Cue {
public:
    /// `offline`: begin with the first frame, end with the last. Thread: control.
    explicit Cue(bool offline) noexcept : given_(offline) {}

    /// Begin, `lead_frames` of silence from now, and end `tail_frames` after the signal. Once. Thread:
    /// control.
    void give(std::uint32_t lead_frames, std::uint32_t tail_frames) noexcept {
        if (given_.load(std::memory_order_relaxed))
            return;
        lead_frames_ = lead_frames;
        tail_frames_ = tail_frames;
        given_.store(true, std::memory_order_release); // publishes the two
    }

    /// How many of the block's frames come before the signal. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] std::size_t frames_before(const ClockTick& tick, std::size_t frames) noexcept {
        if (!given_.load(std::memory_order_acquire))
            return frames;
        if (!begun_) {
            begun_ = true;
            begin_ = tick.position + lead_frames_;
        }
        return begin_ <= tick.position
                   ? 0
                   : static_cast<std::size_t>(std::min<std::uint64_t>(frames, begin_ - tick.position));
    }

    /// The signal is at its end; so many frames of silence came after it in this block. Thread: cycle.
    /// Realtime-safe: yes.
    void signal_ended(std::size_t silent_frames) noexcept {
        silent_frames_ += silent_frames;
        if (silent_frames_ >= tail_frames_)
            over_.store(true, std::memory_order_relaxed);
    }

    /// The last frame is outside. Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool over() const noexcept { return over_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> given_;
    std::atomic<bool> over_{false};
    std::uint32_t lead_frames_ = 0;
    std::uint32_t tail_frames_ = 0;
    // Cycle thread only:
    bool begun_ = false;
    std::uint64_t begin_ = 0;
    std::uint64_t silent_frames_ = 0;
};

} // namespace rill::io::tools
