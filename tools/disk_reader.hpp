// SPDX-License-Identifier: MIT
#pragma once

// DiskReader: a thread that reads a sound file ahead of its playing, at the stream's rate and in its
// channels.

#include "chunk_ring.hpp"
#include <rill_io/error.hpp>

#include <reader.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

struct SRC_STATE_tag; // libsamplerate's SRC_STATE

namespace rill::io::tools {

class DiskReader {
public:
    struct Plan {
        std::uint32_t sample_rate = 0;  ///< of the stream
        std::uint64_t limit_frames = 0; ///< of the stream; 0 = all
    };

    /// Borrows both; the file is open. Thread: control.
    DiskReader(file::Reader& file, ChunkRing& ring, const Plan& plan);
    ~DiskReader();
    DiskReader(const DiskReader&) = delete;
    DiskReader& operator=(const DiskReader&) = delete;

    /// Begins to read and waits until the ring is full, or the whole file in it, or a stop is requested.
    Result<void> start(const std::stop_token& stop);

    /// How the file ended, if it has been read to its end. Thread: any.
    [[nodiscard]] Result<void> status() const;

private:
    void run(const std::stop_token& stop);
    /// Fills the chunk's channels; its frames. 0 at the end.
    std::uint32_t fill(std::uint32_t index);
    static long refill(void* self, float** data);

    struct DeleteResampler {
        void operator()(SRC_STATE_tag* state) const noexcept;
    };

    file::Reader* file_;
    ChunkRing* ring_;
    Plan plan_;
    double ratio_;
    std::uint64_t left_frames_;
    std::unique_ptr<SRC_STATE_tag, DeleteResampler> resampler_;
    std::vector<float> file_samples_; ///< what the resampler reads
    std::vector<float> samples_;      ///< a chunk, interleaved as the file is
    mutable std::mutex mutex_;
    Result<void> status_{}; ///< under the mutex
    std::atomic<bool> ahead_{false};
    std::jthread thread_;
};

} // namespace rill::io::tools
