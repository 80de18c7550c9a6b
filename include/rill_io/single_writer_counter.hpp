// SPDX-License-Identifier: MIT
#pragma once

// SingleWriterCounter: counts what one thread does, for any thread to read.

#include <atomic>
#include <cstdint>

namespace rill::io {

class SingleWriterCounter {
public:
    [[nodiscard]] std::uint64_t load() const noexcept { return value_.load(std::memory_order_relaxed); }

    /// Thread: the one that counts, or any while it does not. Realtime-safe: yes.
    void reset() noexcept { value_.store(0, std::memory_order_relaxed); }
    [[gnu::always_inline]] void add(std::uint64_t more) noexcept {
#if defined(__x86_64__)
        // Two readers never see half of it, and no other thread writes: it need not be locked. Compilers make
        // a locked instruction of fetch_add(), and three of load() and store().
        __asm__("{addq %1, %0|add QWORD PTR %0, %1}" : "+m"(value_) : "er"(more) : "cc");
#else
        value_.store(load() + more, std::memory_order_relaxed);
#endif
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

} // namespace rill::io
