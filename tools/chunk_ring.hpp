// SPDX-License-Identifier: MIT
#pragma once

// ChunkRing: planar chunks of sound that cross between a disk thread and the cycle thread, in either
// direction.
//
// Everything is allocated at the start, for a few seconds of sound; files of any length take that much and no
// more. The indices of chunks cross in two bounded lock-free queues: full ones one way, empty ones back.

#include <rill_io/queue.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rill::io::tools {

class ChunkRing {
public:
    struct Chunk {
        std::uint32_t index = 0;
        std::uint32_t frames = 0;   ///< that hold something
        std::uint64_t position = 0; ///< the stream's position of the first one, where that matters
        bool last = false;          ///< nothing follows
    };

    /// Thread: control. Realtime-safe: no (allocates, touches all of it).
    ChunkRing(std::uint32_t num_channels, std::uint32_t sample_rate)
        : num_channels_(num_channels),
          chunk_frames_(std::max(64U, sample_rate / chunks_per_second)),
          samples_(std::size_t{num_chunks} * num_channels * chunk_frames_) {
        for (std::uint32_t index = 0; index < num_chunks; ++index)
            (void)empty_.try_push(index);
    }
    ChunkRing(const ChunkRing&) = delete;
    ChunkRing& operator=(const ChunkRing&) = delete;

    [[nodiscard]] std::uint32_t num_channels() const noexcept { return num_channels_; }
    /// Frames that fit a chunk.
    [[nodiscard]] std::uint32_t chunk_frames() const noexcept { return chunk_frames_; }
    [[nodiscard]] float* channel(std::uint32_t index, std::size_t channel) noexcept {
        return samples_.data() + (std::size_t{index} * num_channels_ + channel) * chunk_frames_;
    }

    // The filling side, one thread. Realtime-safe: yes.
    [[nodiscard]] bool take_empty(std::uint32_t& index) noexcept { return empty_.try_pop(index); }
    void give_full(const Chunk& chunk) noexcept {
        (void)full_.try_push(chunk);
    } // there is a place for every chunk

    // The emptying side, one thread. Realtime-safe: yes.
    [[nodiscard]] bool take_full(Chunk& chunk) noexcept { return full_.try_pop(chunk); }
    void give_empty(std::uint32_t index) noexcept { (void)empty_.try_push(index); }

private:
    static constexpr std::uint32_t num_chunks = 256;
    static constexpr std::uint32_t chunks_per_second = 50; // 5 s in all: disks pause for seconds under load

    std::uint32_t num_channels_;
    std::uint32_t chunk_frames_;
    std::vector<float> samples_;
    BoundedQueue<Chunk, num_chunks> full_;
    BoundedQueue<std::uint32_t, num_chunks> empty_;
};

} // namespace rill::io::tools
