// SPDX-License-Identifier: MIT
#pragma once

// ReconnectingDriver<Capture, Playback, Block>: a driver whose stream outlives its server.
//
// When the stream is lost (the server or device has gone, no cycle for the liveness timeout) a supervisor
// thread closes and opens it again with the same configuration, at once and then after 50 ms doubling to 1 s,
// until it is back. The graph keeps its state, and its positions go on without a gap; what the outage took is
// counted. What happens is told as events. A backend that hangs in close() can't be brought back: the stream
// then ends with `invalid_state`.
//
//     ReconnectingDriver<jack::Capture, jack::Playback> driver;
//     driver.open({.client_name = "looper"}, {}, {.meanwhile = Meanwhile::clock});
//     driver.set_process_callback(graph);
//     driver.run(stop_token); // ends when stop is asked, not when the server does

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/continued.hpp>
#include <rill_io/error.hpp>
#include <rill_io/reconnection.hpp>
#include <rill_io/stream_event.hpp>
#include <rill_io/supervisor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace rill::io {

/// Used like a Driver. Control functions may be called from any thread but the cycle thread and the
/// supervisor, which get `invalid_state`.
template <class CaptureHalf, class PlaybackHalf, std::size_t Block = dynamic_extent>
class ReconnectingDriver {
    using Supervisor = StreamSupervisor<CaptureHalf, PlaybackHalf, Block>;

public:
    using Backend = typename Supervisor::Backend;
    using Options = typename Backend::Options;

    ReconnectingDriver() = default;
    ReconnectingDriver(const ReconnectingDriver&) = delete;
    ReconnectingDriver& operator=(const ReconnectingDriver&) = delete;
    /// Stops and closes. Thread: control. Bounded in time.
    ~ReconnectingDriver() { close(); }

    /// As Driver::open(); a server that is not there yet is not waited for. Text and constant spans are
    /// copied; a client or connection of the host's can't be adopted a second time. Thread: control.
    /// Realtime-safe: no.
    Result<void> open(const StreamConfig& config = {}, const Options& options = {},
                      const Reconnection& reconnection = {}) {
        if (supervisor_.is_own_thread())
            return wrong_thread("open");
        const std::lock_guard lock(mutex_);
        if (auto opened = supervisor_.driver.open(config, options); !opened)
            return opened;
        supervisor_.config.keep(config);
        supervisor_.options.keep(options);
        supervisor_.reconnection = reconnection;
        supervisor_.reset();
        return {};
    }

    /// Stops, disconnects and forgets the callback. Idempotent; does nothing on the cycle thread and for an
    /// event. Thread: control. Realtime-safe: no. Bounded in time.
    void close() noexcept {
        if (supervisor_.is_own_thread())
            return;
        const std::lock_guard lock(mutex_);
        (void)supervisor_.stop();
        supervisor_.driver.close();
        supervisor_.continued.reset();
        supervisor_.reset();
    }

    /// Borrows the callback until close(). Its prepare() is called again only if rate, quantum, block or
    /// channels are not what they were. Only while not running. Thread: control. Realtime-safe: no.
    template <ProcessCallback F>
    Result<void> set_process_callback(F& callback) {
        if (supervisor_.is_own_thread())
            return wrong_thread("set_process_callback");
        const std::lock_guard lock(mutex_);
        if (supervisor_.is_started())
            return misuse("set_process_callback", "stop() the driver first");
        auto continued = std::make_unique<Continued<typename Supervisor::Inner, F>>(callback);
        if (auto attached = continued->attach(supervisor_.driver); !attached)
            return attached;
        supervisor_.continued = std::move(continued);
        return {};
    }
    template <class F>
    requires(!std::is_lvalue_reference_v<F>)
    Result<void> set_process_callback(F&& callback) = delete; // it would dangle

    /// Starts cycles and the supervisor, and returns. Errors: as Driver::start(). Thread: control.
    /// Realtime-safe: no.
    Result<void> start() {
        if (supervisor_.is_own_thread())
            return wrong_thread("start");
        const std::lock_guard lock(mutex_);
        if (supervisor_.is_started())
            return misuse("start", "it is running already; stop() it first");
        if (supervisor_.continued == nullptr)
            return misuse("start", "open() the driver and set_process_callback() first");
        if (!supervisor_.status())
            return misuse("start", "the stream was lost for good; close() and open() again");
        return supervisor_.start();
    }

    /// After it returns no callback runs. Idempotent. Errors: as Driver::stop(). Thread: control.
    /// Realtime-safe: no. Bounded in time, also during an outage (by what the backend needs to open).
    Result<void> stop() noexcept {
        if (supervisor_.is_own_thread())
            return wrong_thread("stop");
        const std::lock_guard lock(mutex_);
        return supervisor_.stop();
    }

    /// start(), then blocks until stop is requested or stop() is called (success), the graph or the stream
    /// comes to its end (success), or it can't be brought back (the reason); then stop(). Thread: control.
    /// Realtime-safe: no.
    Result<void> run(const std::stop_token& stop_requested = {}) {
        if (auto started = start(); !started)
            return started;
        const std::uint64_t this_run = supervisor_.wait(stop_requested);
        if (!supervisor_.is_current(this_run)) // somebody else has stopped it and started it again
            return status();
        auto stopped = stop();
        auto reason = status();
        return reason ? stopped : reason;
    }

    /// The graph has come to its end: run() stops and returns success. Cycles go on until it does.
    /// Thread: any, also cycle. Realtime-safe: yes (a system call that does not block).
    void finish() noexcept { supervisor_.finish(); }

    /// Success as long as the stream can go on, else the reason why it ended for good. Thread: control.
    [[nodiscard]] Result<void> status() const noexcept { return supervisor_.status(); }
    /// True between start() and stop(), also during an outage, unless the stream has ended. Thread: control.
    [[nodiscard]] bool is_running() const noexcept { return supervisor_.is_running(); }
    /// True while it runs on its server or device. Thread: control.
    [[nodiscard]] bool is_connected() const noexcept { return supervisor_.is_connected(); }

    /// The halves that nodes refer to; valid as long as the driver lives, open or not. Thread: any.
    [[nodiscard]] CaptureHalf& capture() noexcept { return supervisor_.driver.capture(); }
    [[nodiscard]] PlaybackHalf& playback() noexcept { return supervisor_.driver.playback(); }

    /// The backend's own side, as Driver::session(); during an outage, as it was left. Thread: see there.
    [[nodiscard]] typename Supervisor::Inner::Session& session() noexcept {
        return supervisor_.driver.session();
    }

    /// What happens, to be taken by one thread at a time. Thread: control.
    [[nodiscard]] StreamEvents& events() noexcept { return supervisor_.events; }

    /// What was negotiated; during an outage, what was before. Thread: control. Realtime-safe: no.
    [[nodiscard]] StreamInfo info() const noexcept { return supervisor_.info(); }
    /// Counters since start(); lost_frames also has what outages took, once they are over. Thread: control.
    /// Realtime-safe: no.
    [[nodiscard]] StreamStats stats() const noexcept { return supervisor_.stats(); }

private:
    [[nodiscard]] static Error wrong_thread(const char* operation) noexcept {
        return Error::make(
            Errc::invalid_state, Backend::name, operation, 0,
            "%s() must not be called by the process callback or for an event; tell another thread",
            operation);
    }
    [[nodiscard]] static Error misuse(const char* operation, const char* what) noexcept {
        return Error::make(Errc::invalid_state, Backend::name, operation, 0, "%s", what);
    }

    std::mutex mutex_; ///< one control function at a time
    Supervisor supervisor_;
};

} // namespace rill::io
