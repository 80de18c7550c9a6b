// SPDX-License-Identifier: MIT
#pragma once

// ProcessingState: the process callback that runs a graph. Per block: drain the mailbox, process the block,
// tell the subscribers. It is what is given to Driver::set_process_callback.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/mailbox.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/tick_publisher.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rill::io {

/// Something that can process a part of a block and take parameters: a Chain, or your own.
template <class G>
concept Graph =
    requires(G graph, const ClockTick& tick, FrameRange<dynamic_extent> part, SetParameter command) {
        { graph.process(tick, part) } noexcept;
        {
            graph.set_parameter(command.node, command.parameter, command.value)
        } noexcept -> std::same_as<bool>;
    };

/// Borrows the graph, which must outlive it. Commands that wait for a later frame are kept in order of that
/// frame, `MailboxCapacity` at most; beyond that they wait in the mailbox.
template <Graph G, std::size_t MailboxCapacity = 256>
class ProcessingState {
public:
    static constexpr std::size_t block = CallbackTraits<G>::block();
    static constexpr std::size_t num_inputs = CallbackTraits<G>::num_inputs();
    static constexpr std::size_t num_outputs = CallbackTraits<G>::num_outputs();
    static constexpr bool fills_playback = CallbackTraits<G>::fills_playback();
    using Subscription = TickPublisher<>::Subscription;

    explicit ProcessingState(G& graph) noexcept : steady_graph_(&graph), graph_(&graph) {}
    ProcessingState(const ProcessingState&) = delete;
    ProcessingState& operator=(const ProcessingState&) = delete;

    /// Leaves a command for the graph. False: the mailbox is full, try again later. A node or parameter that
    /// does not exist is ignored and counted in `unknown_commands()`. Thread: any, several at once.
    /// Realtime-safe: yes.
    [[nodiscard]] bool send(const SetParameter& command) noexcept {
        if (!mailbox_.try_push(command))
            return false;
        ask_for_more();
        return true;
    }

    /// A seat from which to read every block's tick. Thread: control. Realtime-safe: yes.
    [[nodiscard]] Subscription subscribe() noexcept {
        Subscription seat = publisher_.subscribe();
        ask_for_more();
        return seat;
    }

    /// Commands that named a node or parameter that does not exist. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint64_t unknown_commands() const noexcept {
        return unknown_commands_.load(std::memory_order_relaxed);
    }

    /// Called by the driver before the first cycle. Commands for frames that the last run did not reach are
    /// forgotten: positions begin anew. (What was sent since waits in the mailbox.) Thread: control.
    Result<void> prepare(const StreamInfo& info) {
        num_pending_ = 0;
        if constexpr (requires {
                          { graph_->prepare(info) } -> std::same_as<Result<void>>;
                      })
            return graph_->prepare(info);
        else
            return {};
    }

    /// One block. Thread: cycle. Realtime-safe: yes, if the graph is.
    [[gnu::always_inline]] void operator()(const ClockTick& tick) noexcept {
        // One way out for all that is more than the block itself; the way straight on has only to look
        // whether there is a graph. Relaxed: the other way synchronises by what it finds.
        if (G* const graph = steady_graph_.load(std::memory_order_relaxed); graph != nullptr) [[likely]]
            process_block(*graph, tick);
        else
            process_with_commands(tick);
    }

private:
    [[gnu::always_inline]] static void process_block(G& graph, const ClockTick& tick) noexcept {
        if constexpr (block != dynamic_extent)
            graph.process(tick, FrameRange<block>{});
        else
            graph.process(tick, FrameRange<dynamic_extent>{0, tick.frames});
    }

    void send_clock_tick(const ClockTick& tick) noexcept { publisher_.send(tick); }

    /// Drains the mailbox and processes the block in parts, so that each command takes effect on its frame;
    /// then tells the subscribers.
    [[gnu::noinline]] void process_with_commands(const ClockTick& tick) noexcept {
        ClockTick part = tick;
        for (std::uint32_t done = 0; done < tick.frames;) {
            drain_mailbox(tick.position + done);
            apply_due(tick.position + done);
            std::uint32_t until = tick.frames;
            if (num_pending_ != 0 && pending_[0].frame - tick.position < tick.frames)
                until = static_cast<std::uint32_t>(pending_[0].frame - tick.position);
            if (done == 0 && until == tick.frames) {
                process_block(*graph_, tick);
                break;
            }
            part.position = tick.position + done;
            part.frames = until - done;
            part.cycle_offset = tick.cycle_offset + static_cast<std::int32_t>(done);
            part.flags = flags_of_part(tick.flags, done == 0, until == tick.frames);
            graph_->process(part, FrameRange<dynamic_extent>{done, until - done});
            part.lost_frames = 0;
            part.known_time_ns = 0;
            done = until;
        }
        send_clock_tick(tick);
        rest();
    }

    /// After a command was left, or a seat taken. Release: whoever sees this sees that too.
    void ask_for_more() noexcept { steady_graph_.store(nullptr, std::memory_order_release); }
    [[nodiscard]] bool is_more_to_do() const noexcept {
        return num_pending_ != 0 || !mailbox_.empty() || publisher_.has_listeners();
    }
    /// Straight on again when nothing is left. Acquire: if more was asked for after we had looked, what it
    /// was is found now; if it is asked for later than this, the next block finds no graph.
    void rest() noexcept {
        if (is_more_to_do())
            return;
        steady_graph_.exchange(graph_, std::memory_order_acq_rel);
        if (is_more_to_do())
            steady_graph_.store(nullptr, std::memory_order_relaxed);
    }

    /// The first part begins the block, the last one may be the final one of the stream.
    [[nodiscard]] static TickFlags flags_of_part(TickFlags whole, bool first, bool last) noexcept {
        TickFlags flags = whole & TickFlags::freewheeling;
        if (first)
            flags = flags | (whole & (TickFlags::new_block | TickFlags::discontinuity));
        if (last)
            flags = flags | (whole & TickFlags::final);
        return flags;
    }

    /// Insertion keeps the order of arrival among commands for the same frame; all that are late are for
    /// `now`.
    void drain_mailbox(std::uint64_t now) noexcept {
        SetParameter command;
        while (num_pending_ < MailboxCapacity && mailbox_.try_pop(command)) {
            command.frame = std::max(command.frame, now);
            std::size_t place = num_pending_++;
            for (; place > 0 && pending_[place - 1].frame > command.frame; --place)
                pending_[place] = pending_[place - 1];
            pending_[place] = command;
        }
    }

    void apply_due(std::uint64_t position) noexcept {
        std::size_t due = 0;
        for (; due < num_pending_ && pending_[due].frame <= position; ++due)
            if (!graph_->set_parameter(pending_[due].node, pending_[due].parameter, pending_[due].value))
                unknown_commands_.store(unknown_commands_.load(std::memory_order_relaxed) + 1,
                                        std::memory_order_relaxed);
        if (due == 0)
            return;
        for (std::size_t i = due; i < num_pending_; ++i)
            pending_[i - due] = pending_[i];
        num_pending_ -= due;
    }

    std::atomic<G*>
        steady_graph_; ///< null: there is more to do than the block. (A steady block touches only this.)
    G* graph_;
    std::size_t num_pending_ = 0;
    Mailbox<MailboxCapacity> mailbox_;
    std::array<SetParameter, MailboxCapacity> pending_{};
    TickPublisher<> publisher_;
    std::atomic<std::uint64_t> unknown_commands_{0};
};

} // namespace rill::io
