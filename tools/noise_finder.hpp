// SPDX-License-Identifier: MIT
#pragma once

// NoiseFinder: finds the loopback's noise in what is captured, and compares it from there on.

#include "chunk_ring.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace rill::io::tools {

/// A thread that takes chunks from a ring. It needs the same memory for a second and for a day.
class NoiseFinder {
public:
    struct Finding {
        bool found = false;
        bool exact = false;                  ///< found by equal samples, not only by likeness
        std::uint64_t round_trip_frames = 0; ///< from write_output to read_input, in frames of the graph
        double gain = 1.0;                   ///< of the way, where it is not exact; negative = inverted
        std::uint64_t compared_samples = 0;  ///< of all channels
        std::uint64_t mismatched_samples = 0;
    };

    /// Compares `compare_frames`, or gives up when nothing has been found within `search_frames`. Thread:
    /// control.
    NoiseFinder(ChunkRing& ring, std::uint32_t sample_rate, std::uint64_t compare_frames,
                std::uint64_t search_frames);
    /// Waits for the last chunk: the recorder must have finished.
    ~NoiseFinder();
    NoiseFinder(const NoiseFinder&) = delete;
    NoiseFinder& operator=(const NoiseFinder&) = delete;

    /// All is compared, or it gave up. Thread: any.
    [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t compared_frames() const noexcept {
        return compared_frames_.load(std::memory_order_relaxed);
    }
    /// Waits for the last chunk. Thread: control.
    Finding finish();

private:
    void run();
    void take(const ChunkRing::Chunk& chunk);
    /// True if on that many channels the chunk's end is a piece of what was sent, sample for sample.
    bool search_equal(const ChunkRing::Chunk& chunk, std::uint32_t least_channels);
    /// The same by correlation, on what was kept of the first channel: a way that converts, filters or
    /// attenuates.
    void search_alike();
    void keep(const ChunkRing::Chunk& chunk);
    void compare(const ChunkRing::Chunk& chunk, std::uint32_t first);

    ChunkRing* ring_;
    std::uint64_t compare_frames_;
    std::uint64_t search_frames_;
    std::uint64_t longest_round_trip_;
    std::uint64_t searched_frames_ = 0;
    std::vector<float> kept_;      ///< the latest of the first channel
    std::uint64_t kept_until_ = 0; ///< the position behind it
    Finding finding_{};
    std::atomic<std::uint64_t> compared_frames_{0};
    std::atomic<bool> done_{false};
    std::thread thread_;
};

} // namespace rill::io::tools
