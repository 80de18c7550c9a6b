// SPDX-License-Identifier: MIT
#pragma once

// ChunkPlayer: the signal that a disk thread brings in chunks.

#include "chunk_ring.hpp"
#include "playout.hpp"
#include <rill_io/tick.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <stop_token>
#include <utility>

namespace rill::io::tools {

/// Where time is not real a cycle may wait for the disk, and must, or it would skip; this is how.
inline void wait_for_disk() noexcept {
    constexpr timespec moment{0, 200'000};
    ::nanosleep(&moment, nullptr);
}

class ChunkPlayer {
public:
    /// Nobody waits for the disk any more once `stop` is requested.
    ChunkPlayer(ChunkRing& ring, std::stop_token stop) noexcept : ring_(&ring), stop_(std::move(stop)) {}

    /// See Signal. When the disk is late there is silence in the meantime, which is counted.
    std::size_t fill(const ClockTick& tick, const AnyBlock& block) noexcept {
        std::size_t filled = 0;
        while (filled < block.frames()) {
            if (used_ == chunk_.frames && !next_chunk(tick))
                break;
            const std::size_t count = std::min<std::size_t>(block.frames() - filled, chunk_.frames - used_);
            for (std::size_t channel = 0; channel < block.num_channels(); ++channel)
                std::copy_n(ring_->channel(chunk_.index, channel) + used_, count,
                            block.data(channel) + filled);
            used_ += static_cast<std::uint32_t>(count);
            filled += count;
        }
        add(played_frames_, filled);
        if (ended_)
            return filled;
        const std::size_t missing = block.frames() - filled;
        for (std::size_t channel = 0; channel < block.num_channels(); ++channel)
            std::fill_n(block.data(channel) + filled, missing, 0.0F);
        add(late_frames_, missing);
        return block.frames();
    }

    /// Frames of the signal that have been played. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t played_frames() const noexcept {
        return played_frames_.load(std::memory_order_relaxed);
    }
    /// Frames of silence because the disk was late. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t late_frames() const noexcept {
        return late_frames_.load(std::memory_order_relaxed);
    }

private:
    bool next_chunk(const ClockTick& tick) noexcept {
        if (ended_ || chunk_.last) {
            ended_ = true;
            return false;
        }
        ChunkRing::Chunk next;
        while (!ring_->take_full(next)) {
            if (!has(tick.flags, TickFlags::freewheeling) || stop_.stop_requested())
                return false;
            wait_for_disk();
        }
        if (has_chunk_)
            ring_->give_empty(chunk_.index);
        has_chunk_ = true;
        chunk_ = next;
        used_ = 0;
        ended_ = next.last && next.frames == 0;
        return !ended_;
    }

    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t frames) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + frames,
                      std::memory_order_relaxed); // one writer
    }

    ChunkRing* ring_;
    std::stop_token stop_;
    ChunkRing::Chunk chunk_{};
    bool has_chunk_ = false;
    bool ended_ = false;
    std::uint32_t used_ = 0; ///< frames of the chunk
    std::atomic<std::uint64_t> played_frames_{0};
    std::atomic<std::uint64_t> late_frames_{0};
};

} // namespace rill::io::tools
