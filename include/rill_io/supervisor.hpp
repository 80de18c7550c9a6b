// SPDX-License-Identifier: MIT
#pragma once

// StreamSupervisor: the thread that follows a stream and brings it back when it is lost. The inside of
// ReconnectingDriver, whose control functions call it one at a time.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/continued.hpp>
#include <rill_io/default_device_watch.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/error.hpp>
#include <rill_io/kept.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/reconnection.hpp>
#include <rill_io/stand_in.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/stream_changes.hpp>
#include <rill_io/stream_event.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

namespace rill::io {

template <class CaptureHalf, class PlaybackHalf, std::size_t Block>
class StreamSupervisor {
public:
    using Inner = Driver<CaptureHalf, PlaybackHalf, Block>;
    using Backend = typename Inner::Backend;

    Inner driver;
    Kept<StreamConfig> config;
    Kept<typename Backend::Options> options;
    Reconnection reconnection;
    std::unique_ptr<Continuation<Inner>> continued;
    StreamEvents events;

    StreamSupervisor() = default;
    StreamSupervisor(const StreamSupervisor&) = delete;
    StreamSupervisor& operator=(const StreamSupervisor&) = delete;

    /// Starts the driver (opens it again first, if it was stopped during an outage), then follows it.
    Result<void> start() {
        continued->base_position = continued->base_xruns = 0;
        continued->fresh = true;
        changes_.reset(config.value().realtime_priority > 0);
        delay_ms_ = 0;
        resuming_ = false;
        finished_.store(false, std::memory_order_relaxed);
        if (auto ready = away_ ? open_again() : Result<void>(); !ready)
            return ready;
        if (auto started = driver.start(); !started)
            return started;
        {
            const std::lock_guard lock(view_);
            before_ = {};
            outage_frames_ = 0;
            clocked_frames_.store(0, std::memory_order_relaxed);
            away_ = false;
            supervising_ = true;
            ++run_;
        }
        thread_ = std::jthread([this](const std::stop_token& stop) { supervise(stop); });
        return {};
    }

    /// Ends the thread, which stops the driver.
    Result<void> stop() noexcept {
        if (!is_started())
            return {};
        thread_ = {};
        return stopped_;
    }
    [[nodiscard]] bool is_started() const noexcept { return thread_.joinable(); }

    /// Forgets the last stream's end.
    void reset() noexcept {
        const std::lock_guard lock(view_);
        failure_ = {};
        away_ = false;
    }

    /// The number of the present run; blocks until it has ended, or `stop` is requested.
    [[nodiscard]] std::uint64_t wait(const std::stop_token& stop) {
        std::unique_lock lock(view_);
        const std::uint64_t this_run = run_;
        ended_.wait(lock, stop, [&] { return !supervising_ || run_ != this_run; });
        return this_run;
    }
    [[nodiscard]] bool is_current(std::uint64_t run) const noexcept {
        const std::lock_guard lock(view_);
        return run_ == run;
    }

    void finish() noexcept {
        finished_.store(true, std::memory_order_relaxed);
        driver.engine().stream.wakeup.ring();
    }

    [[nodiscard]] Result<void> status() const noexcept {
        const std::lock_guard lock(view_);
        return failure_;
    }
    [[nodiscard]] bool is_running() const noexcept {
        const std::lock_guard lock(view_);
        return supervising_;
    }
    [[nodiscard]] bool is_connected() const noexcept {
        const std::lock_guard lock(view_);
        return supervising_ && !away_;
    }
    [[nodiscard]] StreamInfo info() const noexcept {
        const std::lock_guard lock(view_);
        return away_ ? last_info_ : driver.info();
    }
    [[nodiscard]] StreamStats stats() const noexcept {
        const std::lock_guard lock(view_);
        const StreamStats now = away_ ? StreamStats{} : driver.stats();
        return {before_.frames + now.frames + clocked_frames_.load(std::memory_order_relaxed),
                before_.cycles + now.cycles, before_.xruns + now.xruns,
                before_.lost_frames + now.lost_frames + outage_frames_};
    }

    /// The cycle thread, or the supervisor, which also stands in for it.
    [[nodiscard]] bool is_own_thread() noexcept {
        const int self = current_thread_id();
        return supervisor_id_.load(std::memory_order_relaxed) == self ||
               (stream().gate.inside() && stream().cycle_thread() == self);
    }

private:
    static constexpr int look_ms = 100;     ///< how often it is looked for changes
    static constexpr int first_look_ms = 5; ///< until the first block has come
    static constexpr std::uint32_t first_delay_ms = 50;
    static constexpr std::uint32_t max_delay_ms = 1000;

    void supervise(const std::stop_token& stop) {
        supervisor_id_.store(current_thread_id(), std::memory_order_relaxed);
        const std::stop_callback wake(stop, [this] { stream().wakeup.ring(); });
        watch_defaults();
        Result<void> failure;
        for (bool alive = true; alive;) {
            follow(stop);
            const auto reason = driver.status();
            alive = !is_over(stop) && !reason;
            if (!alive)
                break;
            if (detail::is_loss(reason.error().code)) {
                disconnect(reason.error());
                failure = reconnect(stop);
            } else {
                failure = reason;
            }
            alive = failure && !is_over(stop);
        }
        stopped_ = driver.stop();
        defaults_.close();
        supervisor_id_.store(0, std::memory_order_relaxed);
        const std::lock_guard lock(view_);
        failure_ = failure;
        supervising_ = false;
        ended_.notify_all();
    }

    /// Until the stream ends, or is to end.
    void follow(const std::stop_token& stop) {
        std::uint64_t seen_cycles = 0;
        int idle_ms = 0;
        alive_ns_ = Pacer::now_ns();
        while (!is_over(stop) && !stream().ended()) {
            const int step_ms = !changes_.known() || resuming_ ? first_look_ms : look_ms;
            const bool rung = stream().wakeup.wait(step_ms);
            const std::uint64_t cycles = stream().cycles.load();
            if (cycles != seen_cycles || stream().freewheeling()) {
                idle_ms = 0;
                alive_ns_ = Pacer::now_ns();
            } else if (!rung) {
                idle_ms += step_ms;
            }
            seen_cycles = cycles;
            look();
            if (changes_.known() && !resuming_)
                look_at_defaults();
            const auto timeout_ms = static_cast<int>(config.value().liveness_timeout_ms);
            if (Backend::drives_itself && timeout_ms != 0 && idle_ms >= timeout_ms)
                stream().lost(Errc::timed_out,
                              "no cycle has come for the liveness timeout; the server hangs");
        }
    }

    /// Tells what has changed, once a block has come.
    void look() {
        const StreamStats counted = driver.stats();
        if (counted.cycles == 0 || continued->is_resuming())
            return;
        if (resuming_) {
            resuming_ = false;
            delay_ms_ = 0;
            {
                const std::lock_guard lock(view_);
                outage_frames_ += continued->outage_frames();
            }
            tell(StreamEvent::Kind::reconnected, continued->outage_frames());
        }
        changes_.look(driver.info(), counted,
                      [this](StreamEvent::Kind kind, std::uint64_t frames, std::uint32_t count) {
                          tell(kind, frames, count);
                      });
    }

    void look_at_defaults() {
        defaults_.look([this](StreamEvent::Kind kind, const Device& device) {
            StreamEvent event = event_of(kind);
            copy_text(event.device, device.id);
            tell(event);
        });
    }

    void disconnect(const Error& reason) {
        look(); // it may have come back only just now
        {
            const std::lock_guard lock(view_);
            (void)driver.stop();
            const StreamStats run = driver.stats();
            before_ = {before_.frames + run.frames, before_.cycles + run.cycles, before_.xruns + run.xruns,
                       before_.lost_frames + run.lost_frames};
            last_info_ = driver.info();
            away_ = true;
            continued->base_position += run.frames;
            continued->base_xruns = static_cast<std::uint32_t>(before_.xruns);
        }
        changes_.restart_counters();
        defaults_.close();
        driver.close();
        if (!resuming_) { // else it was lost again before its first block: still the same outage
            lost_ns_ = alive_ns_;
            stand_in_.begin(last_info_, lost_ns_);
        }
        StreamEvent lost = event_of(StreamEvent::Kind::lost);
        lost.error = reason;
        tell(lost);
    }

    /// Until it is back (success), is to end (success), or there is no use in trying (the reason).
    Result<void> reconnect(const std::stop_token& stop) {
        Result<void> back;
        for (;;) {
            pass_time(Pacer::now_ns() + std::uint64_t{delay_ms_} * ns_per_ms, stop);
            if (is_over(stop))
                break;
            delay_ms_ = std::clamp(2 * delay_ms_, first_delay_ms, max_delay_ms);
            back = reopen(stop);
            if (back) {
                const std::lock_guard lock(view_);
                away_ = false;
                break;
            }
            if (detail::is_permanent(back.error().code))
                break;
        }
        if (!away_) {
            watch_defaults();
            return back;
        }
        stand_in_.end(driver.capture(), driver.playback());
        const std::lock_guard lock(view_);
        outage_frames_ += frames_in(Pacer::now_ns() - lost_ns_, last_info_.sample_rate);
        return is_over(stop) ? Result<void>() : back;
    }

    void watch_defaults() {
        if (reconnection.watch_defaults)
            defaults_.open(options.value());
    }

    Result<void> open_again() {
        auto opened = driver.open(config.value(), options.value());
        return opened ? continued->attach(driver) : opened;
    }

    Result<void> reopen(const std::stop_token& stop) {
        auto started = open_again();
        if (started) {
            const StreamInfo info = driver.info();
            if (info.input_channels == last_info_.input_channels &&
                info.output_channels == last_info_.output_channels)
                catch_up(Pacer::now_ns(), stop); // open() has taken a while
            continued->resume(lost_ns_,
                              reconnection.meanwhile == Meanwhile::clock ? stand_in_.time_ns() : lost_ns_);
            resuming_ = true;
            started = driver.start();
        }
        if (!started)
            driver.close();
        return started;
    }

    /// Waits, or drives the graph by the system's clock.
    void pass_time(std::uint64_t until_ns, const std::stop_token& stop) {
        for (std::uint64_t now = Pacer::now_ns(); now < until_ns && !is_over(stop); now = Pacer::now_ns()) {
            catch_up(now, stop);
            std::uint64_t next = until_ns;
            if (reconnection.meanwhile == Meanwhile::clock)
                next = std::min(next, stand_in_.due_ns());
            if (next > now)
                (void)stream().wakeup.wait(static_cast<int>((next - now + ns_per_ms - 1) / ns_per_ms));
        }
    }
    void catch_up(std::uint64_t now_ns, const std::stop_token& stop) noexcept {
        while (reconnection.meanwhile == Meanwhile::clock && stand_in_.due_ns() <= now_ns && !is_over(stop))
            clocked_frames_.fetch_add(stand_in_.play(*continued, driver.capture(), driver.playback()),
                                      std::memory_order_relaxed); // only a number: orders nothing
    }

    [[nodiscard]] StreamEvent event_of(StreamEvent::Kind kind) const {
        const StreamInfo now = away_ ? last_info_ : driver.info();
        const std::uint64_t run_frames = away_ ? 0 : driver.stats().frames;
        return {.kind = kind,
                .position = continued->base_position + run_frames,
                .sample_rate = now.sample_rate,
                .quantum = now.quantum};
    }
    void tell(const StreamEvent& event) {
        events.push(event);
        if (reconnection.on_event != nullptr)
            reconnection.on_event(reconnection.context, event);
    }
    void tell(StreamEvent::Kind kind, std::uint64_t frames, std::uint32_t count = 0) {
        StreamEvent event = event_of(kind);
        event.frames = frames;
        event.count = count;
        tell(event);
    }

    [[nodiscard]] bool is_over(const std::stop_token& stop) const noexcept {
        return stop.stop_requested() || finished_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] Stream& stream() noexcept { return driver.engine().stream; }

    static constexpr std::uint64_t ns_per_ms = 1'000'000;

    std::atomic<bool> finished_{false};
    std::atomic<int> supervisor_id_{0};
    std::atomic<std::uint64_t> clocked_frames_{0}; ///< run by the system's clock

    // What others look at. Only the supervisor changes it while there is one, and reads it without the lock.
    mutable std::mutex view_;
    std::condition_variable_any ended_;
    bool supervising_ = false;
    bool away_ = false; ///< the driver is closed because of an outage
    std::uint64_t run_ = 0;
    Result<void> failure_;
    StreamInfo last_info_{};
    StreamStats before_{};            ///< of the streams before the present one
    std::uint64_t outage_frames_ = 0; ///< lost in all outages

    // The supervisor's own.
    StandIn<CaptureHalf, PlaybackHalf> stand_in_;
    StreamChanges changes_;
    DefaultDeviceWatch<Backend> defaults_;
    std::uint64_t alive_ns_ = 0; ///< when a cycle was last known to come
    std::uint64_t lost_ns_ = 0;
    std::uint32_t delay_ms_ = 0; ///< before the next try
    Result<void> stopped_;       ///< what the driver said at last
    bool resuming_ = false;      ///< the first block after an outage has still to come

    std::jthread thread_; // last: it uses all of the above
};

} // namespace rill::io
