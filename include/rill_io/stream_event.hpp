// SPDX-License-Identifier: MIT
#pragma once

// StreamEvent: what an application is told about a stream that is supervised. StreamEvents: the queue it
// reads them from.

#include <rill_io/error.hpp>
#include <rill_io/queue.hpp>
#include <rill_io/wakeup.hpp>

#include <atomic>
#include <cstdint>

namespace rill::io {

struct StreamEvent {
    enum class Kind : std::uint8_t {
        lost,                     ///< the server or device has gone: `error` says how
        reconnected,              ///< the graph runs there again; `frames` of time have passed meanwhile
        rate_changed,             ///< `sample_rate` is new
        quantum_changed,          ///< `quantum` is new
        xrun,                     ///< `count` xruns since the last such event, in which `frames` were lost
        scheduling_degraded,      ///< the cycle thread does not, or no longer, run with a real-time class
        default_capture_changed,  ///< `device` is now what an empty StreamConfig::device captures from
        default_playback_changed, ///< `device` is now what it plays to
    };
    Kind kind = Kind::lost;
    std::uint64_t position = 0;    ///< of the stream when it was noticed, in frames
    std::uint64_t frames = 0;      ///< see kind
    std::uint32_t count = 0;       ///< see kind
    std::uint32_t sample_rate = 0; ///< Hz, the stream's
    std::uint32_t quantum = 0;     ///< frames, the stream's
    Error error{};                 ///< of `lost`
    char device[128]{};            ///< Device::id of a new default, its first 127 bytes; empty: none is
};

[[nodiscard]] constexpr const char* to_string(StreamEvent::Kind kind) noexcept {
    switch (kind) {
    case StreamEvent::Kind::lost:
        return "lost";
    case StreamEvent::Kind::reconnected:
        return "reconnected";
    case StreamEvent::Kind::rate_changed:
        return "rate_changed";
    case StreamEvent::Kind::quantum_changed:
        return "quantum_changed";
    case StreamEvent::Kind::xrun:
        return "xrun";
    case StreamEvent::Kind::scheduling_degraded:
        return "scheduling_degraded";
    case StreamEvent::Kind::default_capture_changed:
        return "default_capture_changed";
    case StreamEvent::Kind::default_playback_changed:
        return "default_playback_changed";
    }
    return "unknown";
}

/// Lock-free and bounded: who does not read in time loses the newest events, which are counted.
class StreamEvents {
public:
    /// Thread: any. Realtime-safe: yes (a system call that does not block).
    void push(const StreamEvent& event) noexcept {
        if (!queue_.try_push(event))
            dropped_.fetch_add(1, std::memory_order_relaxed); // only a number: orders nothing
        wakeup_.ring();
    }

    /// Takes the oldest event; false if there is none. Thread: one at a time. Realtime-safe: yes.
    bool take(StreamEvent& event) noexcept { return queue_.try_pop(event); }

    /// Waits until there may be something to take(), at most `timeout_ms` (-1: for ever); takes back what
    /// made fd() readable, so take() until it has no more. Thread: the one that takes. Realtime-safe: no.
    bool wait(int timeout_ms) noexcept { return wakeup_.wait(timeout_ms); }

    /// Readable when there is something to take: for an application's own poll(2); then wait(0). Thread: any.
    [[nodiscard]] int fd() const noexcept { return wakeup_.fd(); }

    /// Events that found the queue full. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t capacity = 64;

    BoundedQueue<StreamEvent, capacity> queue_;
    Wakeup wakeup_;
    std::atomic<std::uint64_t> dropped_{0};
};

} // namespace rill::io
