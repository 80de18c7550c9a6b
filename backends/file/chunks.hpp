// SPDX-License-Identifier: MIT
#pragma once

// How audio crosses between the cycle and the disk: a fixed set of chunks that go to and fro in two queues.

#include <rill_io/queue.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rill::io::file {

struct Chunk {
    float* samples = nullptr;  ///< planar, Chunks::frames() from channel to channel
    std::uint32_t frames = 0;  ///< of them that count
    std::uint64_t silence = 0; ///< playback: frames lost before it, to be written as silence
    bool last = false;         ///< capture: the file ends with it
};

/// Each side of each queue is one thread at a time: the cycle's and the disk's.
class Chunks {
public:
    static constexpr std::uint32_t count = 8;

    /// Makes them, all empty. Once. Thread: control. Realtime-safe: no.
    void allocate(std::uint32_t channels, std::uint32_t frames) {
        frames_ = frames;
        memory_.assign(std::size_t{count} * channels * frames, 0.0F);
        for (std::size_t i = 0; i < count; ++i)
            chunks_[i].samples = memory_.data() + i * channels * frames;
        for (Chunk& chunk : chunks_)
            put_empty(chunk);
    }

    /// Frames that fit into one chunk. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint32_t frames() const noexcept { return frames_; }

    // Null if there is none. Thread: cycle or disk. Realtime-safe: yes.
    [[nodiscard]] Chunk* take_empty() noexcept { return take(empty_); }
    [[nodiscard]] Chunk* take_full() noexcept { return take(full_); }
    // Each queue has room for all chunks. Thread: cycle or disk. Realtime-safe: yes.
    void put_empty(Chunk& chunk) noexcept { [[maybe_unused]] const bool room = empty_.try_push(&chunk); }
    void put_full(Chunk& chunk) noexcept { [[maybe_unused]] const bool room = full_.try_push(&chunk); }

private:
    using Queue = BoundedQueue<Chunk*, count>;
    static Chunk* take(Queue& queue) noexcept {
        Chunk* chunk = nullptr;
        return queue.try_pop(chunk) ? chunk : nullptr;
    }

    std::uint32_t frames_ = 0;
    std::vector<float> memory_;
    std::array<Chunk, count> chunks_{};
    Queue empty_;
    Queue full_;
};

} // namespace rill::io::file
