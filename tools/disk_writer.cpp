// SPDX-License-Identifier: MIT
#include "disk_writer.hpp"

#include <chrono>

namespace rill::io::tools {

namespace {
using namespace std::chrono_literals;
constexpr auto empty_ring_pause = 5ms; // a fraction of a chunk
} // namespace

DiskWriter::DiskWriter(SoundFileWriter& file, ChunkRing& ring)
    : file_(&file),
      ring_(&ring),
      samples_(std::size_t{ring.chunk_frames()} * ring.num_channels()),
      thread_([this] { run(); }) {}

DiskWriter::~DiskWriter() {
    if (thread_.joinable())
        thread_.join();
}

Result<void> DiskWriter::finish() {
    thread_.join();
    auto closed = file_->close();
    return status_ ? closed : status_;
}

void DiskWriter::run() {
    ChunkRing::Chunk chunk;
    while (!chunk.last) {
        if (!ring_->take_full(chunk)) {
            std::this_thread::sleep_for(empty_ring_pause);
            continue;
        }
        if (status_)
            status_ = write(chunk);
        if (!status_)
            failed_.store(true, std::memory_order_relaxed);
        ring_->give_empty(chunk.index);
    }
}

Result<void> DiskWriter::write(const ChunkRing::Chunk& chunk) {
    const std::size_t channels = ring_->num_channels();
    for (std::size_t channel = 0; channel < channels; ++channel) {
        const float* const samples = ring_->channel(chunk.index, channel);
        for (std::size_t i = 0; i < chunk.frames; ++i)
            samples_[i * channels + channel] = samples[i];
    }
    return file_->write(samples_.data(), chunk.frames);
}

} // namespace rill::io::tools
