// SPDX-License-Identifier: MIT
#include "disk_writer.hpp"

#include <chrono>

namespace rill::io::tools {

namespace {
using namespace std::chrono_literals;
constexpr auto empty_ring_pause = 5ms; // a fraction of a chunk
} // namespace

DiskWriter::DiskWriter(file::Writer& file, ChunkRing& ring)
    : file_(&file), ring_(&ring), thread_([this] { run(); }) {}

DiskWriter::~DiskWriter() {
    if (thread_.joinable())
        thread_.join();
}

Result<void> DiskWriter::finish() {
    thread_.join();
    auto completed = file_->complete();
    return status_ ? completed : status_;
}

void DiskWriter::run() {
    ChunkRing::Chunk chunk;
    while (!chunk.last) {
        if (!ring_->take_full(chunk)) {
            std::this_thread::sleep_for(empty_ring_pause);
            continue;
        }
        if (status_)
            status_ = file_->write(ring_->channel(chunk.index, 0), ring_->chunk_frames(), chunk.frames);
        if (!status_)
            failed_.store(true, std::memory_order_relaxed);
        ring_->give_empty(chunk.index);
    }
}

} // namespace rill::io::tools
