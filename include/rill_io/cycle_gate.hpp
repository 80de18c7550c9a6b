// SPDX-License-Identifier: MIT
#pragma once

// CycleGate: lets the cycle thread into the callback with one compare, and lets stop() wait until it has
// left.
//
// Fast path: `enter(frames)` is a store, a load, a compare. It admits exactly the quantum that the last slow
// cycle armed it for; anything else (stopped, another quantum, an xrun to be told of) finds a different
// number there and takes the slow path. So "does the quantum still match the block" and "may I run at all"
// are the same branch.
//
// Closing is a Dekker hand-shake: the cycle writes `inside_` and reads `admitted_`, the closer writes
// `admitted_` and reads `inside_`. Each needs a full fence between its write and its read. A fence costs more
// than all the rest of the cycle's bookkeeping, so only the closer pays: membarrier(2) runs a fence on every
// thread of this process (PRIVATE_EXPEDITED; where the kernel refuses it, the TLB shoot-down of an
// mprotect(2) does the same).

#include <linux/membarrier.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace rill::io {

/// A full memory fence on every running thread of the process. Thread: control. Realtime-safe: no.
inline void fence_all_threads() noexcept {
    static const bool registered =
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0U, 0) == 0;
    if (registered && ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0U, 0) == 0)
        return;
    const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const page =
        ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    *static_cast<volatile char*>(page) =
        1; // present in the page table, so that lowering its rights must reach all
    ::mprotect(page, page_bytes, PROT_READ);
    ::munmap(page, page_bytes);
}

class CycleGate {
public:
    /// Marks the cycle thread as inside and says whether the fast path may be taken with this many frames.
    /// Every enter() is paired with leave(), whatever it returned. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] bool enter(std::uint32_t frames) noexcept {
        // Relaxed: ordered against admitted_ by the closer's fence_all_threads(), against the compiler by the
        // signal fence.
        inside_.store(true, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return admitted_.load(std::memory_order_acquire) == frames;
    }

    /// Thread: cycle. Realtime-safe: yes.
    void leave() noexcept {
        // Release: what the callback wrote is visible to whoever sees it gone.
        inside_.store(false, std::memory_order_release);
    }

    /// Is a cycle inside at this moment? Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool inside() const noexcept { return inside_.load(std::memory_order_acquire); }

    /// Is the graph allowed to run? Asked on the slow path. Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_seq_cst); }

    /// Arms the fast path for cycles of `frames` frames (0 = none: every cycle is slow). Thread: cycle,
    /// between enter() and leave(). Realtime-safe: yes.
    void arm(std::uint32_t frames) noexcept {
        if (frames == 0) { // what close() and request_attention() write too: nothing to win or lose
            admitted_.store(nobody, std::memory_order_relaxed);
            return;
        }
        admitted_.store(frames, std::memory_order_seq_cst);
        // close() or request_attention() may have come in between; theirs must win.
        if (!is_open() || attention_.load(std::memory_order_seq_cst))
            admitted_.store(nobody, std::memory_order_relaxed);
    }

    /// Sends the next cycle along the slow path. Thread: any. Realtime-safe: yes, also in a signal handler.
    void request_attention() noexcept {
        attention_.store(true, std::memory_order_seq_cst);
        admitted_.store(nobody, std::memory_order_seq_cst);
    }
    /// Taken by the slow path before it looks at what happened. Thread: cycle. Realtime-safe: yes.
    void acknowledge_attention() noexcept {
        // Looked at first: where every cycle is slow, because blocks go through the adapter, a locked
        // instruction for each would be felt. An exchange, not a store: it reads the request, so that what
        // was written before it is seen after this.
        if (attention_.load(std::memory_order_acquire))
            attention_.exchange(false, std::memory_order_seq_cst);
    }

    /// Lets cycles in, the first along the slow path. Thread: control. Realtime-safe: no.
    void open() noexcept {
        admitted_.store(nobody, std::memory_order_seq_cst);
        open_.store(true, std::memory_order_seq_cst);
    }

    /// Lets no further cycle in and waits until none is inside. False if one has not left within
    /// `timeout_ms`. Idempotent. Thread: control, never cycle. Realtime-safe: no.
    [[nodiscard]] bool close(int timeout_ms) noexcept {
        open_.store(false, std::memory_order_seq_cst);
        admitted_.store(nobody, std::memory_order_seq_cst);
        fence_all_threads();
        for (int waited_ms = 0; inside_.load(std::memory_order_acquire); ++waited_ms) {
            if (waited_ms >= timeout_ms)
                return false;
            ::poll(nullptr, 0, 1); // a block lasts around a millisecond: no need for a wake-up protocol
        }
        return true;
    }

private:
    /// Matches no cycle. Not 0: a plugin host may well bring a cycle of 0 frames.
    static constexpr std::uint32_t nobody = ~std::uint32_t{0};

    std::atomic<std::uint32_t> admitted_{nobody};
    std::atomic<bool> inside_{false};
    std::atomic<bool> open_{false};
    std::atomic<bool> attention_{false};
};

static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

} // namespace rill::io
