// SPDX-License-Identifier: MIT
#include "disk.hpp"

#include <rill_io/file.hpp>

#include <algorithm>

namespace rill::io::file {

namespace {
constexpr int join_timeout_ms = 5000; // to write what is buffered to a slow disk
} // namespace

Result<void> Disk::start(bool paced, int poll_ms) {
    if (plays && !writer.can_continue())
        return Error::make(
            Errc::invalid_state, Backend::name, "start", 0,
            "'%s' is complete and its format can't be appended to; close() and open() with another "
            "playback_path, or use .wav",
            writer.name().c_str());
    paced_ = paced;
    poll_ms_ = poll_ms;
    work(); // the first cycles shall find their frames
    if (failed_)
        return result();
    end_requested_.store(false, std::memory_order_relaxed); // before there are other threads
    if (!paced_)
        return {};
    return thread_.start(
        Backend::name, "rill-io-disk", 0, [](void* self) { static_cast<Disk*>(self)->run(); }, this);
}

Result<void> Disk::rewind() {
    read_all_ = false;
    return reader.rewind();
}

void Disk::run() noexcept {
    // Acquire: what the cycle thread left behind is visible, see end().
    while (!end_requested_.load(std::memory_order_acquire)) {
        work();
        wakeup_.wait(poll_ms_);
    }
    complete();
}

void Disk::work() noexcept {
    // In turns: a slow write must not let capture run dry, nor the other way round.
    while (true) {
        const bool wrote = write_one();
        const bool read = read_one();
        if (!wrote && !read)
            return;
    }
}

bool Disk::write_one() noexcept {
    Chunk* const chunk = plays && !failed_ ? playback.take_full() : nullptr;
    if (chunk == nullptr)
        return false;
    Result<void> written = writer.write_silence(chunk->silence);
    if (written)
        written = writer.write(chunk->samples, playback.frames(), chunk->frames);
    playback.put_empty(*chunk);
    if (!written)
        fail(written.error());
    return true;
}

bool Disk::read_one() noexcept {
    Chunk* const chunk = captures && !failed_ && !read_all_ ? capture.take_empty() : nullptr;
    if (chunk == nullptr)
        return false;
    const std::uint32_t frames = capture.frames();
    const Reader::Piece piece = reader.read(chunk->samples, frames, frames);
    chunk->frames = piece.frames;
    chunk->last = read_all_ = piece.last;
    if (piece.last) // the rest of the last quantum
        for (std::size_t channel = 0; channel < reader.channels(); ++channel)
            std::fill(chunk->samples + channel * frames + piece.frames,
                      chunk->samples + (channel + 1) * frames, 0.0F);
    capture.put_full(*chunk);
    return true;
}

void Disk::end(const Ending& ending) noexcept {
    if (end_requested_.load(std::memory_order_relaxed)) // written by this thread, or by one that was joined
        return;
    ending_ = ending;
    end_requested_.store(true, std::memory_order_release); // publishes the ending and the last chunks
    if (paced_)
        wakeup_.ring();
    else
        complete();
}

void Disk::complete() noexcept {
    while (write_one()) {
    }
    if (plays && !failed_) {
        Result<void> written = writer.write_silence(ending_.silence);
        if (written)
            written = writer.complete();
        if (!written)
            fail(written.error());
    }
    if (!ending_.ends_stream || failed_)
        return;
    if (ending_.at_capture_end && reader.failure() != nullptr)
        fail(*reader.failure());
    else
        stream_.finished();
}

bool Disk::join() noexcept {
    return thread_.join(join_timeout_ms);
}

void Disk::fail(const Error& error) noexcept {
    failed_ = true;
    failure_ = error;
    (void)writer.complete(); // as much as can be saved now
    stream_.lost(failure_.code, failure_.text, failure_.native_code);
}

} // namespace rill::io::file
