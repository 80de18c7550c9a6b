// SPDX-License-Identifier: MIT
#pragma once

// CycleEngine: the cycle thread's half of a driver. It holds the only trampoline.
//
// `run_cycle<F>` is instantiated for exactly the callback's type; the backend's own C callback (or loop
// thread) calls it, and everything from there to the samples is inlined. A steady cycle takes the fast path:
// one compare in the gate, the channel pointers, the callback. Whatever is not steady (the first cycle, an
// xrun, another quantum, a block that is not the quantum) takes `slow_cycle`.

#include <rill_io/block_adapter.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/denormals.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rill::io {

/// Everything that a backend's callbacks may touch lies in here, and the driver keeps it on the heap: should
/// a server hang so that it can't be told to stop calling, this is left behind with its gate closed, and a
/// late callback finds it as it was.
template <class Backend, class CaptureHalf, class PlaybackHalf>
class CycleEngine {
public:
    using Session = typename Backend::Session;

    /// What the backend calls once per quantum; inlined into its C callback. `engine` is a `CycleEngine*`,
    /// `memory` what the session's fetch() is to be given: nothing, or a CycleMemory.
    /// Thread: cycle. Realtime-safe: yes, if the callback is.
    template <class F>
    struct Cycle {
        template <class... Memory>
        [[gnu::always_inline]] static void run(void* engine, std::uint32_t frames,
                                               Memory... memory) noexcept {
            static_cast<CycleEngine*>(engine)->template run_cycle<F>(frames, memory...);
        }
    };

    /// Makes ready for the first cycle of a run. Thread: control, with the gate closed. `fixed_block` 0:
    /// none.
    template <class F>
    void rewind(F& callback, std::uint32_t fixed_block) noexcept {
        callback_ = &callback;
        callback_type_ = &type_tag<F>;
        fixed_block_ = fixed_block;
        stream.reset_counters();
        adapter.restart();
        stream.adapter_latency.store(
            BlockAdapter::latency_for(fixed_block, stream.quantum.load(std::memory_order_relaxed)),
            std::memory_order_relaxed);
        tick_ = ClockTick{};
        tick_.sample_rate = stream.sample_rate();
        tick_.backend = Backend::name;
        tick_.source = &Session::tick_source;
        tick_.session = &session;
        cycle_frames_ = 0;
        told_xruns_ = 0;
        told_lost_frames_ = 0;
    }

    Session session{};
    Stream stream{};
    CaptureHalf capture{};
    PlaybackHalf playback{};
    BlockAdapter adapter{};

private:
    static constexpr bool plays = !std::is_same_v<PlaybackHalf, NoPlayback>;

    template <class F, class... Memory>
    [[gnu::always_inline]] void run_cycle(std::uint32_t frames, Memory... memory) noexcept {
        using Traits = CallbackTraits<F>;
        if (stream.gate.enter(frames)) [[likely]] {
            // The gate admits whole blocks only: with a constant, `frames` need not outlive the calls of
            // fetch().
            const std::uint32_t block =
                Traits::block() == dynamic_extent ? frames : static_cast<std::uint32_t>(Traits::block());
            session.template fetch<Traits::num_inputs(), Traits::num_outputs()>(capture, playback, block,
                                                                                memory...);
            call<F>(block);
            stream.cycles.add(1);
        } else {
            slow_cycle<F>(frames, memory...);
        }
        stream.gate.leave();
    }

    template <class F>
    [[gnu::always_inline]] void call(std::uint32_t frames) noexcept {
        (*static_cast<F*>(callback_))(static_cast<const ClockTick&>(tick_));
        if constexpr (plays && !CallbackTraits<F>::fills_playback())
            playback.silence_unwritten();
        tick_.position += frames;
        stream.frames.add(frames);
    }

    /// The slow path's: the graph is not inlined twice.
    template <class F>
    [[gnu::noinline]] void call_out_of_line(std::uint32_t frames) noexcept {
        call<F>(frames);
    }

    template <class F, class... Memory>
    [[gnu::noinline]] void slow_cycle(std::uint32_t frames, Memory... memory) noexcept {
        if (frames == 0 || !session.fetch_checked(capture, playback, frames, memory...))
            return;
        // A server that goes on calling between stop() and start() may still be calling for the callback
        // before.
        if (!stream.gate.is_open() || callback_type_ != &type_tag<F>) {
            playback.silence(frames);
            return;
        }
        stream.gate.acknowledge_attention();
        begin_slow_cycle(frames);
        playback.forget_written();
        const bool final_cycle = stream.take_final();
        using Traits = CallbackTraits<F>;
        adapter.template cycle<Traits::num_inputs(), Traits::num_outputs()>(
            capture, playback, frames, final_cycle, [&](const BlockPlace& place) noexcept {
                tick_.frames = place.frames;
                tick_.cycle_offset = place.offset;
                if (final_cycle && place.last)
                    tick_.flags = tick_.flags | TickFlags::final;
                call_out_of_line<F>(place.frames);
                tick_.flags = steady_flags();
                tick_.lost_frames = 0;
            });
        stream.adapter_latency.store(adapter.latency(), std::memory_order_relaxed);
        stream.cycles.add(1);
        stream.gate.arm(adapter.is_single_block(frames) ? frames : 0);
    }

    /// Brings the tick up to date with what has happened since the last slow cycle.
    void begin_slow_cycle(std::uint32_t frames) noexcept {
        // A cycle may have been too short for a block: what that block was to be told still waits.
        tick_.flags = steady_flags() | (tick_.flags & TickFlags::discontinuity);
        if (cycle_frames_ == 0) { // the first cycle after start()
            stream.set_cycle_thread(current_thread_id());
            if (session.owns_cycle_thread())
                flush_denormals();
        } else if (cycle_frames_ != frames) {
            tick_.flags = tick_.flags | TickFlags::discontinuity;
        }
        if (stream.xruns() != told_xruns_ && cycle_frames_ != 0)
            count_lost_frames();
        if (cycle_frames_ != frames) {
            cycle_frames_ = frames;
            stream.report_quantum(frames, fixed_block_);
        }
        const std::uint32_t xruns = stream.xruns();
        const std::uint64_t lost = stream.lost_frames();
        const bool broken = stream.take_discontinuity();
        if (broken || xruns != told_xruns_ || lost != told_lost_frames_ ||
            stream.sample_rate() != tick_.sample_rate)
            tick_.flags = tick_.flags | TickFlags::discontinuity;
        tick_.sample_rate = stream.sample_rate();
        tick_.xruns = told_xruns_ = xruns;
        tick_.lost_frames += lost - told_lost_frames_;
        told_lost_frames_ = lost;
        remember_frame_time();
    }

    /// After an xrun: how far the server's frame counter has run ahead of what we were given since the last
    /// slow cycle. (All cycles in between were fast ones, of the same length: the counter need not be read in
    /// each.)
    void count_lost_frames() noexcept {
        if constexpr (requires { session.frame_time(); }) {
            const std::uint64_t cycles = stream.cycles.load() - slow_cycles_;
            const std::uint32_t expected = frame_time_ + static_cast<std::uint32_t>(cycles * cycle_frames_);
            const std::uint32_t ahead = session.frame_time() - expected; // both wrap
            if (ahead < max_plausible_loss)
                stream.add_lost_frames(ahead);
        }
    }
    /// At a slow cycle: what count_lost_frames() will compare with.
    void remember_frame_time() noexcept {
        if constexpr (requires { session.frame_time(); }) {
            frame_time_ = session.frame_time();
            slow_cycles_ = stream.cycles.load();
        }
    }

    [[nodiscard]] TickFlags steady_flags() const noexcept {
        return TickFlags::new_block | (stream.freewheeling() ? TickFlags::freewheeling : TickFlags::none);
    }

    /// Its address stands for the callback's type.
    template <class F>
    static constexpr char type_tag = 0;

    // What every cycle touches, on one cache line (the tick's position and frames are its first members).
    alignas(64) void* callback_ = nullptr;
    ClockTick tick_{};
    const char* callback_type_ = nullptr;
    /// A larger jump of the server's counter is a new counter, not a loss (about 90 s at 48 kHz).
    static constexpr std::uint32_t max_plausible_loss = 1U << 22U;

    std::uint32_t cycle_frames_ = 0; ///< of the last slow cycle; 0 before the first
    std::uint32_t fixed_block_ = 0;
    std::uint32_t told_xruns_ = 0;
    std::uint64_t told_lost_frames_ = 0;
    std::uint32_t frame_time_ = 0;  ///< the server's counter at the last slow cycle
    std::uint64_t slow_cycles_ = 0; ///< stream.cycles at the last slow cycle
};

} // namespace rill::io
