// SPDX-License-Identifier: MIT
#pragma once

// DiskWriter: a thread that writes to a sound file what a ChunkRecorder took.

#include "chunk_ring.hpp"
#include "sound_file.hpp"
#include <rill_io/error.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace rill::io::tools {

class DiskWriter {
public:
    /// Borrows both; the file is open. Thread: control.
    DiskWriter(SoundFileWriter& file, ChunkRing& ring);
    /// Waits for the last chunk: the recorder must have finished.
    ~DiskWriter();
    DiskWriter(const DiskWriter&) = delete;
    DiskWriter& operator=(const DiskWriter&) = delete;

    /// Writing has failed: what comes now is dropped. Thread: any.
    [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
    /// Waits for the last chunk and closes the file. Thread: control.
    Result<void> finish();

private:
    void run();
    Result<void> write(const ChunkRing::Chunk& chunk);

    SoundFileWriter* file_;
    ChunkRing* ring_;
    std::vector<float> samples_; ///< a chunk, interleaved
    Result<void> status_{};      ///< the thread's until it has ended
    std::atomic<bool> failed_{false};
    std::thread thread_;
};

} // namespace rill::io::tools
