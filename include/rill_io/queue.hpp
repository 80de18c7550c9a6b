// SPDX-License-Identifier: MIT
#pragma once

// BoundedQueue: many producers, one consumer, no allocation, no waiting. A full queue refuses.
//
// The algorithm is Dmitry Vyukov's bounded queue (1024cores.net, 2010), with the consumer's side simplified
// to one thread. Why not a library's: docs/decisions.md, "Queues".

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace rill::io {

/// `Capacity` is a power of two. Order is kept among what one producer pushes. A producer that is suspended
/// in the middle of a push delays what was pushed after it (the consumer sees an empty queue), never the
/// consumer.
template <class T, std::size_t Capacity>
class BoundedQueue {
    static_assert(Capacity >= 2 && (Capacity & (Capacity - 1)) == 0, "the capacity must be a power of two");
    static_assert(std::is_trivially_copyable_v<T>, "items are copied between threads");

public:
    BoundedQueue() noexcept {
        for (std::size_t i = 0; i < Capacity; ++i)
            cells_[i].sequence.store(i, std::memory_order_relaxed);
    }
    BoundedQueue(const BoundedQueue&) = delete;
    BoundedQueue& operator=(const BoundedQueue&) = delete;

    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return Capacity; }

    /// False if the queue is full. Thread: any, several at once. Realtime-safe: yes.
    [[nodiscard]] bool try_push(const T& item) noexcept {
        std::size_t tail = tail_.load(std::memory_order_relaxed);
        for (;;) {
            Cell& cell = cells_[tail % Capacity];
            // Acquire: pairs with the consumer's release, so that its read of the old item is over.
            const std::size_t sequence = cell.sequence.load(std::memory_order_acquire);
            if (sequence == tail) {
                if (tail_.compare_exchange_weak(tail, tail + 1, std::memory_order_relaxed)) {
                    cell.item = item;
                    cell.sequence.store(tail + 1, std::memory_order_release); // publishes the item
                    return true;
                }
            } else if (static_cast<std::ptrdiff_t>(sequence - tail) < 0) {
                return false; // the cell still holds the item of one round ago
            } else {
                tail = tail_.load(std::memory_order_relaxed); // another producer was faster
            }
        }
    }

    /// False if there is nothing to take. Thread: the one consumer. Realtime-safe: yes.
    [[nodiscard]] bool try_pop(T& item) noexcept {
        Cell& cell = cells_[head_ % Capacity];
        if (cell.sequence.load(std::memory_order_acquire) != head_ + 1)
            return false;
        item = cell.item;
        cell.sequence.store(head_ + Capacity,
                            std::memory_order_release); // hands the cell back to the producers
        ++head_;
        return true;
    }

    /// True when there is certainly nothing to take: one load and one compare. (False may still mean that a
    /// producer has not finished.) Thread: the one consumer. Realtime-safe: yes.
    [[nodiscard]] bool empty() const noexcept { return tail_.load(std::memory_order_relaxed) == head_; }

private:
    struct Cell {
        std::atomic<std::size_t> sequence;
        T item;
    };

    // Both on one cache line (64 bytes on every supported machine): whoever asks empty() reads both, and
    // there are at most a few pushes in a block.
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t head_ = 0;
    alignas(64) std::array<Cell, Capacity> cells_;
};

} // namespace rill::io
