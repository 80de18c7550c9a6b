// SPDX-License-Identifier: MIT
#pragma once

// DiskWriter: a thread that writes to a sound file what a ChunkRecorder took.

#include "chunk_ring.hpp"
#include <rill_io/error.hpp>

#include <writer.hpp>

#include <atomic>
#include <thread>

namespace rill::io::tools {

class DiskWriter {
public:
    /// Borrows both; the file is open. Thread: control.
    DiskWriter(file::Writer& file, ChunkRing& ring);
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

    file::Writer* file_;
    ChunkRing* ring_;
    Result<void> status_{}; ///< the thread's until it has ended
    std::atomic<bool> failed_{false};
    std::thread thread_;
};

} // namespace rill::io::tools
