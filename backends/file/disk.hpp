// SPDX-License-Identifier: MIT
#pragma once

// Disk: the files of a session, and everything that touches them. Offline its functions are called by the
// cycle thread; paced by a thread of its own, which looks for work a few times per chunk: the cycle need not
// wake it.

#include "chunks.hpp"
#include "reader.hpp"
#include "writer.hpp"
#include <rill_io/error.hpp>
#include <rill_io/loop_thread.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/wakeup.hpp>

#include <atomic>
#include <cstdint>

namespace rill::io::file {

class Disk {
public:
    /// `failure`: where to keep what went wrong; it outlives the stream's end, which refers to its text.
    Disk(Stream& stream, Error& failure) : stream_(stream), failure_(failure) {}

    /// What is left to do when no more comes from the cycle.
    struct Ending {
        std::uint64_t silence = 0;   ///< frames lost at the very end, to be written
        bool ends_stream = false;    ///< the natural end, not a stop()
        bool at_capture_end = false; ///< it is the capture file's: its failure() is the stream's
    };

    /// Only while stopped. Thread: control. Realtime-safe: no.
    Result<void> start(bool paced, int poll_ms);
    /// Reads the capture file from its beginning. Only while stopped. Thread: control. Realtime-safe: no.
    Result<void> rewind();
    /// Writes what there is, and reads ahead as far as there are chunks. Thread: disk. Realtime-safe: no.
    void work() noexcept;
    /// The cycle has ended. Offline everything is done on return, paced soon. The first call after start()
    /// counts. Thread: cycle, after its last cycle, or control, once there is no cycle thread. Realtime-safe:
    /// no.
    void end(const Ending& ending) noexcept;
    /// Waits until the thread has ended, which end() asked for. False if it hangs. Thread: control.
    [[nodiscard]] bool join() noexcept;
    /// Gives up a thread that hangs, with all that it uses. Thread: control.
    void abandon() noexcept { thread_.abandon(); }
    /// Success, or what went wrong. Thread: control, while stopped.
    [[nodiscard]] Result<void> result() const noexcept {
        return failed_ ? Result<void>(failure_) : Result<void>();
    }

    Reader reader;
    Writer writer;
    Chunks capture;
    Chunks playback;
    bool captures = false;
    bool plays = false;

private:
    void run() noexcept;
    void complete() noexcept;
    bool write_one() noexcept;
    bool read_one() noexcept;
    void fail(const Error& error) noexcept;

    Stream& stream_;
    bool paced_ = false;
    int poll_ms_ = 0;
    bool read_all_ = false; ///< the capture file's last chunk has been given
    bool failed_ = false;
    Error& failure_;
    Ending ending_{};
    std::atomic<bool> end_requested_{true};
    Wakeup wakeup_;
    LoopThread thread_;
};

} // namespace rill::io::file
