// SPDX-License-Identifier: MIT
#pragma once

// TickPublisher: tells control-side subscribers of every block. A slow subscriber loses ticks, which are
// counted; it never slows the cycle.

#include <rill_io/queue.hpp>
#include <rill_io/tick.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rill::io {

template <std::size_t MaxSubscribers = 4, std::size_t Backlog = 64>
class TickPublisher {
    struct Slot {
        std::atomic<bool> taken{false};
        std::atomic<bool> listening{false};
        std::atomic<std::uint64_t> lost{0};
        BoundedQueue<ClockTick, Backlog> ticks;
    };

public:
    /// A seat at the publisher, given back by the destructor. It must not outlive the publisher.
    class Subscription {
    public:
        Subscription() = default;
        Subscription(Subscription&& other) noexcept : publisher_(other.publisher_), slot_(other.slot_) {
            other.slot_ = nullptr;
        }
        Subscription& operator=(Subscription&& other) noexcept {
            if (this != &other) {
                release();
                publisher_ = other.publisher_;
                slot_ = other.slot_;
                other.slot_ = nullptr;
            }
            return *this;
        }
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;
        ~Subscription() { release(); }

        /// False: all seats were taken. Thread: any. Realtime-safe: yes.
        [[nodiscard]] explicit operator bool() const noexcept { return slot_ != nullptr; }
        /// Takes the oldest tick not yet read; false if there is none. Thread: one at a time. Realtime-safe:
        /// yes.
        bool read(ClockTick& tick) noexcept { return slot_ != nullptr && slot_->ticks.try_pop(tick); }
        /// Ticks lost so far because they were not read in time. Thread: any. Realtime-safe: yes.
        [[nodiscard]] std::uint64_t lost() const noexcept {
            return slot_ == nullptr ? 0 : slot_->lost.load(std::memory_order_relaxed);
        }

    private:
        friend class TickPublisher;
        Subscription(TickPublisher& publisher, Slot& slot) noexcept : publisher_(&publisher), slot_(&slot) {}
        void release() noexcept {
            if (slot_ == nullptr)
                return;
            slot_->listening.store(false, std::memory_order_relaxed);
            publisher_->listeners_.fetch_sub(1, std::memory_order_relaxed);
            slot_->taken.store(false, std::memory_order_release);
            slot_ = nullptr;
        }
        TickPublisher* publisher_ = nullptr;
        Slot* slot_ = nullptr;
    };

    /// Thread: control, several at once. Realtime-safe: yes.
    [[nodiscard]] Subscription subscribe() noexcept {
        for (Slot& slot : slots_) {
            bool expected = false;
            // Acquire: the previous holder's reads are over before ours begin.
            if (!slot.taken.compare_exchange_strong(expected, true, std::memory_order_acquire))
                continue;
            ClockTick old;
            while (slot.ticks.try_pop(old)) {
            }
            slot.lost.store(0, std::memory_order_relaxed);
            slot.listening.store(true, std::memory_order_relaxed);
            listeners_.fetch_add(1, std::memory_order_relaxed);
            return Subscription{*this, slot};
        }
        return {};
    }

    /// Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool has_listeners() const noexcept {
        return listeners_.load(std::memory_order_relaxed) != 0;
    }
    /// Thread: cycle. Realtime-safe: yes.
    [[gnu::always_inline]] void send(const ClockTick& tick) noexcept {
        if (has_listeners()) [[unlikely]]
            send_to_listeners(tick);
    }

private:
    [[gnu::noinline]] void send_to_listeners(const ClockTick& tick) noexcept {
        ClockTick told = tick.detached();
        told.known_time_ns = tick.time_ns(); // nobody can ask for it later
        for (Slot& slot : slots_)
            if (slot.listening.load(std::memory_order_relaxed) && !slot.ticks.try_push(told))
                slot.lost.fetch_add(1, std::memory_order_relaxed);
    }

    std::atomic<std::uint32_t> listeners_{0};
    std::array<Slot, MaxSubscribers> slots_{};
};

} // namespace rill::io
