// SPDX-License-Identifier: MIT
#pragma once

// Driver<Capture, Playback, Block>: composes the two halves of a backend and controls the stream. What runs
// on the cycle thread is in cycle.hpp.

#include <rill_io/backend_of.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/cycle.hpp>
#include <rill_io/error.hpp>
#include <rill_io/negotiation.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <type_traits>

namespace rill::io {

/// Captures from and plays to one backend, one callback per block. It does not move: nodes refer to its
/// halves.
///
/// `Block` fixes the block size at compile time (it overrides `StreamConfig::block`). Control functions may
/// be called from any thread but the cycle thread, also at the same time; the cycle thread gets
/// `invalid_state`.
template <class CaptureHalf, class PlaybackHalf, std::size_t Block = dynamic_extent>
class Driver {
    static constexpr bool captures = !std::is_same_v<CaptureHalf, NoCapture>;
    static constexpr bool plays = !std::is_same_v<PlaybackHalf, NoPlayback>;
    static_assert(captures || plays, "a driver needs a capture, a playback, or both");
    static_assert(Block == dynamic_extent || (Block > 0 && Block <= max_quantum),
                  "a block has 1 to 8192 frames");

public:
    using Backend = typename BackendOf<CaptureHalf, PlaybackHalf>::type;
    static_assert(IoBackend<Backend>);
    using Session = typename Backend::Session;
    using Options = typename Backend::Options;
    using Engine = CycleEngine<Backend, CaptureHalf, PlaybackHalf>;

    Driver() : engine_(*new Engine) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    /// Stops and closes. Thread: control. Bounded in time.
    ~Driver() {
        close();
        if (state_ != State::abandoned)
            delete &engine_;
    }

    /// Connects to the server or device and negotiates; nothing runs yet. Errors: any of Errc,
    /// `invalid_state` if already open. Thread: control. Realtime-safe: no.
    Result<void> open(const StreamConfig& config = {}, const Options& options = {}) {
        if (on_cycle_thread())
            return wrong_thread("open");
        const std::lock_guard lock(mutex_);
        if (state_ == State::abandoned)
            return misuse("open", "the server hung and this driver had to be given up; make a new one");
        if (state_ != State::closed)
            return misuse("open", "the driver is open already; close() it first");
        StreamConfig wanted = config;
        wanted.input_channels = captures ? config.input_channels : 0;
        wanted.output_channels = plays ? config.output_channels : 0;
        if constexpr (Block != dynamic_extent)
            wanted.block = Block;
        if (wanted.client_name.empty())
            wanted.client_name = StreamConfig{}.client_name;
        if (auto valid = check_config(wanted, Backend::name, captures, plays); !valid)
            return valid;
        engine_.stream.reset();
        if (auto opened = engine_.session.open(wanted, options, engine_.stream); !opened)
            return opened;
        state_ = State::open;
        if (auto accepted = accept_negotiated(wanted, Backend::name, engine_.stream); !accepted) {
            close_session();
            return accepted;
        }
        const StreamInfo& got = engine_.stream.negotiated;
        fixed_block_ = wanted.block;
        liveness_timeout_ms_ = wanted.liveness_timeout_ms;
        engine_.capture.set_num_channels(got.input_channels);
        engine_.playback.set_num_channels(got.output_channels);
        engine_.adapter.allocate(got.input_channels, got.output_channels, wanted.block);
        return {};
    }

    /// Stops, disconnects and forgets the callback. Idempotent; does nothing on the cycle thread. Thread:
    /// control. Realtime-safe: no. Bounded in time.
    void close() noexcept {
        if (on_cycle_thread())
            return;
        const std::lock_guard lock(mutex_);
        (void)stop_running();
        if (state_ == State::open)
            close_session();
    }

    /// Borrows the callback until close() or another call; it must outlive that. Only while not running.
    /// Thread: control. Realtime-safe: no.
    template <ProcessCallback F>
    Result<void> set_process_callback(F& callback) {
        static_assert(!std::is_const_v<F>, "the callback must not be const");
        if (on_cycle_thread())
            return wrong_thread("set_process_callback");
        const std::lock_guard lock(mutex_);
        if (state_ != State::open)
            return misuse("set_process_callback",
                          state_ == State::running ? "stop() the driver first" : "open() the driver first");
        callback_ = &callback;
        start_ = &Driver::start_with<F>;
        return {};
    }
    template <class F>
    requires(!std::is_lvalue_reference_v<F>)
    Result<void> set_process_callback(F&& callback) = delete; // it would dangle

    /// Starts cycles and returns. Errors: those of the callback's prepare(), `invalid_state`, what the
    /// backend says. Thread: control. Realtime-safe: no.
    Result<void> start() {
        if (on_cycle_thread())
            return wrong_thread("start");
        const std::lock_guard lock(mutex_);
        if (state_ != State::open)
            return misuse("start",
                          state_ == State::running ? "it is running already" : "open() the driver first");
        if (start_ == nullptr)
            return misuse("start", "set_process_callback() first");
        if (engine_.stream.ended() && engine_.stream.end_reason().lost)
            return misuse("start", "the stream was lost; close() and open() again");
        if (hung_)
            hung_ = !engine_.stream.gate.close(second_chance_ms);
        if (hung_)
            return misuse("start",
                          "the process callback of the last run has not returned yet; it must not block");
        if (auto started = start_(*this); !started)
            return started;
        state_ = State::running;
        ++run_;
        return {};
    }

    /// After it returns no callback runs. Idempotent. Errors: `invalid_state` on the cycle thread,
    /// `timed_out` if the callback does not return. Thread: control. Realtime-safe: no. Bounded in time.
    Result<void> stop() noexcept {
        if (on_cycle_thread())
            return wrong_thread("stop");
        const std::lock_guard lock(mutex_);
        return stop_running();
    }

    /// start(), then blocks until stop is requested (success), stop() is called (success), the stream comes
    /// to its end (success) or is lost (the reason); then stop(). Thread: control. Realtime-safe: no.
    Result<void> run(const std::stop_token& stop_requested = {}) {
        if (auto started = start(); !started)
            return started;
        const std::uint64_t this_run = run_;
        {
            const std::stop_callback wake(stop_requested, [this] { engine_.stream.wakeup.ring(); });
            std::uint64_t seen_cycles = 0;
            std::uint32_t idle_ms = 0;
            while (!stop_requested.stop_requested() && !engine_.stream.ended() && is_current(this_run)) {
                if (engine_.stream.wakeup.wait(liveness_step_ms))
                    continue;
                const std::uint64_t cycles = engine_.stream.cycles.load();
                idle_ms =
                    cycles != seen_cycles || engine_.stream.freewheeling() ? 0 : idle_ms + liveness_step_ms;
                seen_cycles = cycles;
                if (Backend::drives_itself && liveness_timeout_ms_ != 0 && idle_ms >= liveness_timeout_ms_)
                    engine_.stream.lost(Errc::timed_out,
                                        "no cycle has come for the liveness timeout; the server hangs, or "
                                        "nothing drives it: check it and open again");
            }
        }
        if (!is_current(this_run)) // somebody else has stopped it, and perhaps started it again
            return status();
        auto stopped = stop();
        auto reason = status();
        return reason ? stopped : reason;
    }

    /// The graph has come to its end: run() stops and returns success. Cycles go on until it does.
    /// Thread: any, also cycle. Realtime-safe: yes (a system call that does not block).
    void finish() noexcept { engine_.stream.finished(); }

    /// Success while the stream is alive or came to its natural end, otherwise the reason why it was lost.
    /// Thread: any. Realtime-safe: no (formats).
    [[nodiscard]] Result<void> status() const noexcept {
        if (!engine_.stream.ended() || !engine_.stream.end_reason().lost)
            return {};
        const Stream::End& end = engine_.stream.end_reason();
        return Error::make(end.code, Backend::name, "run", end.native_code, "%s", end.text);
    }

    /// True between start() and stop(), unless the stream has ended. Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool is_running() const noexcept {
        return state_ == State::running && !engine_.stream.ended();
    }

    /// True once the backend hung in close(): it may still call, so that what the process callback refers to
    /// must not go away. Thread: any. Realtime-safe: yes.
    [[nodiscard]] bool is_abandoned() const noexcept { return state_ == State::abandoned; }

    /// The halves that nodes refer to; valid as long as the driver lives, open or not. Thread: any.
    [[nodiscard]] CaptureHalf& capture() noexcept { return engine_.capture; }
    [[nodiscard]] PlaybackHalf& playback() noexcept { return engine_.playback; }
    /// The backend's own side, for what only this backend has. Thread: see there.
    [[nodiscard]] Session& session() noexcept { return engine_.session; }

    /// The cycle's half, for a backend whose caller drives it. Thread: cycle.
    [[nodiscard]] Engine& engine() noexcept { return engine_; }

    /// What was negotiated, as it is at present. Thread: control. Realtime-safe: no.
    [[nodiscard]] StreamInfo info() const noexcept {
        engine_.stream.update_scheduling();
        return engine_.stream.info();
    }
    /// Counters since start(). Thread: any. Realtime-safe: yes.
    [[nodiscard]] StreamStats stats() const noexcept {
        return {engine_.stream.frames.load(), engine_.stream.cycles.load(), engine_.stream.xruns(),
                engine_.stream.lost_frames()};
    }

private:
    enum class State : std::uint8_t { closed, open, running, abandoned };
    static constexpr int stop_timeout_ms = 1000;
    static constexpr int second_chance_ms = 10;
    static constexpr int liveness_step_ms = 100;

    template <class F>
    static Result<void> start_with(Driver& driver) {
        using Traits = CallbackTraits<F>;
        F& callback = *static_cast<F*>(driver.callback_);
        const StreamInfo info = driver.engine_.stream.info();
        if (auto fits = check_callback(info, driver.fixed_block_, Traits::block(), Traits::num_inputs(),
                                       Traits::num_outputs());
            !fits)
            return fits;
        if constexpr (requires { callback.prepare(info); })
            if (auto prepared = callback.prepare(info); !prepared)
                return prepared;
        Engine& engine = driver.engine_;
        engine.rewind(callback, driver.fixed_block_);
        engine.stream.gate.open();
        auto started = engine.session.template start<typename Engine::template Cycle<F>>(&engine);
        if (!started)
            (void)engine.stream.gate.close(stop_timeout_ms);
        return started;
    }

    /// With the mutex held.
    Result<void> stop_running() noexcept {
        if (state_ != State::running)
            return {};
        engine_.stream.update_scheduling(); // while the thread can still be asked
        const bool left = engine_.stream.gate.close(stop_timeout_ms);
        auto stopped = engine_.session.stop();
        state_ = State::open;
        hung_ = !left;
        engine_.stream.wakeup.ring();
        if (!left)
            return Error::make(Errc::timed_out, Backend::name, "stop", 0,
                               "the process callback has not returned for %d ms; it must not block",
                               stop_timeout_ms);
        engine_.stream.set_cycle_thread(0); // the kernel may give its number to another thread
        return stopped;
    }

    /// With the mutex held.
    void close_session() noexcept {
        // A callback that has not returned (stop() timed out) may still touch the engine.
        const bool quiet = engine_.session.close() && !engine_.stream.gate.inside();
        callback_ = nullptr;
        start_ = nullptr;
        if (quiet) {
            engine_.capture.set_num_channels(0);
            engine_.playback.set_num_channels(0);
        }
        state_ = quiet ? State::closed : State::abandoned;
    }

    [[nodiscard]] bool on_cycle_thread() const noexcept {
        return engine_.stream.gate.inside() && engine_.stream.cycle_thread() == current_thread_id();
    }

    /// Has the run of this number not been stopped?
    [[nodiscard]] bool is_current(std::uint64_t number) const noexcept {
        return state_ == State::running && run_ == number;
    }

    [[nodiscard]] static Error wrong_thread(const char* operation) noexcept {
        return Error::make(Errc::invalid_state, Backend::name, operation, 0,
                           "%s() must not be called by the process callback; tell another thread", operation);
    }
    [[nodiscard]] static Error misuse(const char* operation, const char* what) noexcept {
        return Error::make(Errc::invalid_state, Backend::name, operation, 0, "%s", what);
    }

    Engine& engine_; ///< left behind if the backend could not be told to stop calling
    void* callback_ = nullptr;
    Result<void> (*start_)(Driver&) = nullptr;
    std::mutex mutex_;
    bool hung_ = false; ///< the callback had not returned when stop() gave up
    std::atomic<State> state_{State::closed};
    std::atomic<std::uint64_t> run_{0}; ///< counts start()
    std::uint32_t fixed_block_ = 0;
    std::uint32_t liveness_timeout_ms_ = 0;
};

} // namespace rill::io
