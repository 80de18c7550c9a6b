// SPDX-License-Identifier: MIT
#pragma once

// Stream: what a driver and its backend session share while a stream is open.
//
// The session fills `negotiated` in open() and from then on reports news through the functions below. They
// are atomics only: a backend may call them from its server's notification thread, from the cycle thread or
// from a shutdown handler that must behave like a signal handler.

#include <rill_io/config.hpp>
#include <rill_io/cycle_gate.hpp>
#include <rill_io/error.hpp>
#include <rill_io/single_writer_counter.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/wakeup.hpp>

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace rill::io {

/// The kernel's id of the calling thread. Thread: any. Realtime-safe: yes (a system call that does not
/// block).
[[nodiscard]] inline int current_thread_id() noexcept {
    return ::gettid();
}

class Stream {
public:
    /// Why a stream ended. All text is static, so that it can be recorded anywhere.
    struct End {
        bool lost = false; ///< false: it came to its natural end
        Errc code = Errc::backend_failure;
        int native_code = 0;
        const char* text = "";
    };

    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // --- Told by the session. Thread: any. Realtime-safe: yes.

    /// An xrun happened; `lost` frames of it are known to be gone. The next block's tick carries it.
    void report_xrun(std::uint64_t lost = 0) noexcept {
        xruns_.fetch_add(1, std::memory_order_relaxed);
        lost_frames_.fetch_add(lost, std::memory_order_relaxed);
        gate.request_attention(); // seq_cst: publishes the counters to the slow path
    }

    /// The next block does not follow the one before in time, and nobody knows by how much: another clock
    /// counts from now on.
    void report_discontinuity() noexcept {
        discontinuity_.store(true, std::memory_order_relaxed);
        gate.request_attention();
    }

    /// Frames found to be lost in an xrun already reported. Thread: cycle.
    void add_lost_frames(std::uint64_t lost) noexcept {
        lost_frames_.fetch_add(lost, std::memory_order_relaxed);
    }

    /// The server changed the rate (Hz), in all later cycles.
    void report_sample_rate(std::uint32_t rate) noexcept {
        if (sample_rate_.exchange(rate, std::memory_order_relaxed) != rate)
            gate.request_attention();
    }

    /// Cycles are `length` frames long by now. `fixed_block` (frames): the graph's; 0: a block is a cycle.
    void report_quantum(std::uint32_t length, std::uint32_t fixed_block) noexcept {
        quantum.store(length, std::memory_order_relaxed);
        block.store(fixed_block != 0 ? fixed_block : length, std::memory_order_relaxed);
    }

    void report_freewheeling(bool on) noexcept {
        if (freewheeling_.exchange(on, std::memory_order_relaxed) != on)
            gate.request_attention();
    }

    /// The next block is the last one: its tick gets TickFlags::final.
    void report_final_block() noexcept {
        final_.store(true, std::memory_order_relaxed);
        gate.request_attention();
    }

    /// Latency in frames between the graph's side of the backend and the outside.
    void report_latency(std::uint32_t capture, std::uint32_t playback) noexcept {
        capture_latency_.store(capture, std::memory_order_relaxed);
        playback_latency_.store(playback, std::memory_order_relaxed);
    }

    /// The stream is over; the first reason counts. run() and status() report it. `text` must be static.
    void end(const End& reason) noexcept {
        int expected = end_none;
        if (!end_state_.compare_exchange_strong(expected, end_writing, std::memory_order_relaxed))
            return;
        end_ = reason;
        end_state_.store(end_written, std::memory_order_release);
        wakeup.ring();
    }
    void lost(Errc code, const char* text, int native_code = 0) noexcept {
        end({true, code, native_code, text});
    }
    void finished() noexcept { end({}); }

    // --- Asked by the driver.

    [[nodiscard]] bool ended() const noexcept {
        return end_state_.load(std::memory_order_acquire) == end_written;
    }
    /// Only when ended().
    [[nodiscard]] const End& end_reason() const noexcept { return end_; }

    [[nodiscard]] std::uint32_t xruns() const noexcept { return xruns_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t lost_frames() const noexcept {
        return lost_frames_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t sample_rate() const noexcept {
        return sample_rate_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool freewheeling() const noexcept { return freewheeling_.load(std::memory_order_relaxed); }
    // (Looked at first, see CycleGate::acknowledge_attention().)
    [[nodiscard]] bool take_discontinuity() noexcept {
        return discontinuity_.load(std::memory_order_relaxed) &&
               discontinuity_.exchange(false, std::memory_order_relaxed);
    }
    [[nodiscard]] bool take_final() noexcept {
        return final_.load(std::memory_order_relaxed) && final_.exchange(false, std::memory_order_relaxed);
    }

    /// Starts counting anew. Thread: control, with the gate closed.
    void reset_counters() noexcept {
        xruns_.store(0, std::memory_order_relaxed);
        lost_frames_.store(0, std::memory_order_relaxed);
        discontinuity_.store(false, std::memory_order_relaxed);
        final_.store(false, std::memory_order_relaxed);
        cycle_thread_.store(0, std::memory_order_relaxed);
        frames.reset();
        cycles.reset();
        if (ended() && !end_.lost)
            end_state_.store(end_none, std::memory_order_relaxed);
    }
    /// Forgets everything. Thread: control, with the session closed.
    void reset() noexcept {
        reset_counters();
        end_state_.store(end_none, std::memory_order_relaxed);
        freewheeling_.store(false, std::memory_order_relaxed);
        report_latency(0, 0);
        bridged_latency.store(0, std::memory_order_relaxed);
        scheduling_.store(Scheduling::unknown, std::memory_order_relaxed);
        realtime_priority_.store(0, std::memory_order_relaxed);
        negotiated = {};
    }

    /// The first cycle after start() says which thread it runs on. Thread: cycle.
    void set_cycle_thread(int thread_id) noexcept {
        cycle_thread_.store(thread_id, std::memory_order_relaxed);
    }
    [[nodiscard]] int cycle_thread() const noexcept { return cycle_thread_.load(std::memory_order_relaxed); }

    /// What was negotiated, with what has changed since. Thread: control.
    [[nodiscard]] StreamInfo info() const noexcept {
        StreamInfo now = negotiated;
        now.sample_rate = sample_rate();
        now.quantum = quantum.load(std::memory_order_relaxed);
        now.block = block.load(std::memory_order_relaxed);
        now.adapter_latency = adapter_latency.load(std::memory_order_relaxed);
        const std::uint32_t bridged = bridged_latency.load(std::memory_order_relaxed);
        now.capture_latency = bridged != 0 ? bridged : capture_latency_.load(std::memory_order_relaxed);
        now.playback_latency = playback_latency_.load(std::memory_order_relaxed);
        now.freewheeling = freewheeling();
        now.scheduling = scheduling_.load(std::memory_order_relaxed);
        now.realtime_priority = realtime_priority_.load(std::memory_order_relaxed);
        return now;
    }

    /// Asks the kernel what the cycle thread really runs with; once it is gone, the last answer stands.
    /// Thread: control. Realtime-safe: no.
    void update_scheduling() noexcept {
        const int thread_id = cycle_thread();
        sched_param parameters{};
        if (thread_id == 0 || ::sched_getparam(thread_id, &parameters) != 0)
            return;
        scheduling_.store(scheduling_of(::sched_getscheduler(thread_id)), std::memory_order_relaxed);
        realtime_priority_.store(parameters.sched_priority, std::memory_order_relaxed);
    }

    // What every cycle touches, on one cache line.
    alignas(64) CycleGate gate; ///< see there
    SingleWriterCounter frames; ///< of the cycle thread
    SingleWriterCounter cycles; ///< of the cycle thread

    StreamInfo negotiated{};                       ///< written by the session's open(), constant afterwards
    Wakeup wakeup;                                 ///< rings when the stream ends or is stopped
    std::atomic<std::uint32_t> quantum{0};         ///< frames of the current cycle
    std::atomic<std::uint32_t> block{0};           ///< frames of the current block
    std::atomic<std::uint32_t> adapter_latency{0}; ///< frames
    std::atomic<std::uint32_t> bridged_latency{0}; ///< frames; 0 = the capture is not bridged

private:
    enum : int { end_none, end_writing, end_written };

    [[nodiscard]] static Scheduling scheduling_of(int policy) noexcept {
        constexpr int sched_deadline = 6; // which <sched.h> does not name
        switch (policy & ~SCHED_RESET_ON_FORK) {
        case SCHED_FIFO:
            return Scheduling::fifo;
        case SCHED_RR:
            return Scheduling::round_robin;
        case sched_deadline:
            return Scheduling::deadline;
        default:
            return Scheduling::other;
        }
    }

    std::atomic<int> end_state_{end_none};
    End end_{};
    std::atomic<std::uint32_t> xruns_{0};
    std::atomic<std::uint64_t> lost_frames_{0};
    std::atomic<std::uint32_t> sample_rate_{0};
    std::atomic<bool> freewheeling_{false};
    std::atomic<bool> discontinuity_{false};
    std::atomic<bool> final_{false};
    std::atomic<std::uint32_t> capture_latency_{0};
    std::atomic<std::uint32_t> playback_latency_{0};
    std::atomic<int> cycle_thread_{0};
    std::atomic<Scheduling> scheduling_{Scheduling::unknown};
    std::atomic<int> realtime_priority_{0};
};

} // namespace rill::io
