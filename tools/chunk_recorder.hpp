// SPDX-License-Identifier: MIT
#pragma once

// ChunkRecorder: the sink node that brings what is captured to a thread, in chunks.

#include "chunk_player.hpp"
#include "chunk_ring.hpp"
#include "cue.hpp"
#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/tick.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace rill::io::tools {

class ChunkRecorder {
public:
    static constexpr NodeKind kind = NodeKind::sink;
    static constexpr std::size_t channels = dynamic_extent;

    /// Takes `limit_frames` (0 = any number) from the cue on; nobody waits for the disk once `stop` is
    /// requested.
    ChunkRecorder(ChunkRing& ring, Cue& cue, std::uint64_t limit_frames, std::stop_token stop) noexcept
        : ring_(&ring), cue_(&cue), limit_frames_(limit_frames), stop_(std::move(stop)) {}

    [[nodiscard]] std::size_t num_channels() const noexcept { return ring_->num_channels(); }

    template <std::size_t Frames>
    void consume(const ClockTick& tick, FrameRange<Frames>,
                 const AudioBlock<const float, Frames, dynamic_extent>& in) noexcept {
        std::size_t done = cue_->frames_before(tick, in.frames());
        std::size_t end = in.frames();
        if (limit_frames_ != 0)
            end = done + static_cast<std::size_t>(
                             std::min<std::uint64_t>(end - done, limit_frames_ - taken_frames()));
        add(taken_frames_, end - done);
        while (done < end) {
            if (!has_chunk_ && !begin_chunk(tick, done)) {
                add(lost_frames_, end - done);
                break;
            }
            const std::size_t count =
                std::min<std::size_t>(end - done, ring_->chunk_frames() - chunk_.frames);
            for (std::size_t channel = 0; channel < in.num_channels(); ++channel)
                std::copy_n(in.data(channel) + done, count,
                            ring_->channel(chunk_.index, channel) + chunk_.frames);
            chunk_.frames += static_cast<std::uint32_t>(count);
            done += count;
            if (chunk_.frames == ring_->chunk_frames())
                hand_over();
        }
        if (limit_frames_ != 0 && taken_frames() == limit_frames_)
            cue_->signal_ended(in.frames() - end);
    }

    /// Hands over what there is of a chunk, and the end. Thread: control, after the driver has stopped.
    void finish() noexcept {
        while (!has_chunk_ && !begin_chunk({}, 0)) // the disk thread empties one sooner or later
            wait_for_disk();
        chunk_.last = true;
        hand_over();
    }

    /// Frames that were recorded or lost. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t taken_frames() const noexcept {
        return taken_frames_.load(std::memory_order_relaxed);
    }
    /// Frames that found no room because the disk was late. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t lost_frames() const noexcept {
        return lost_frames_.load(std::memory_order_relaxed);
    }

private:
    bool begin_chunk(const ClockTick& tick, std::size_t offset) noexcept {
        while (!ring_->take_empty(chunk_.index)) {
            if (!has(tick.flags, TickFlags::freewheeling) || stop_.stop_requested())
                return false;
            wait_for_disk();
        }
        chunk_.frames = 0;
        chunk_.position = tick.position + offset;
        has_chunk_ = true;
        return true;
    }

    void hand_over() noexcept {
        ring_->give_full(chunk_);
        has_chunk_ = false;
    }

    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t frames) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + frames,
                      std::memory_order_relaxed); // one writer
    }

    ChunkRing* ring_;
    Cue* cue_;
    std::uint64_t limit_frames_;
    std::stop_token stop_;
    ChunkRing::Chunk chunk_{};
    bool has_chunk_ = false;
    std::atomic<std::uint64_t> taken_frames_{0};
    std::atomic<std::uint64_t> lost_frames_{0};
};

} // namespace rill::io::tools
