// SPDX-License-Identifier: MIT
#pragma once

// The session of two backends: the inside of bridge.hpp.

#include <rill_io/bridge_options.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/cycle_time.hpp>
#include <rill_io/drift_bridge.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/pacer.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace rill::io::bridge {

/// The playback side's session with the capture side's driver and the bridge between them.
template <class A, class B>
class Session {
    using Player = typename B::Session;
    using Source = Driver<io::Capture<A>, NoPlayback>;

public:
    using Options = bridge::Options<A, B>;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);

    template <class Cycle>
    Result<void> start(void* engine) {
        // Open since open(), but the player may be calling already, in a server that does not stop between
        // runs.
        bridge_.reset();
        push_.first = true;
        known_xruns_ = 0;
        idle_frames_ = 0;
        source_times_.start();
        player_times_.start();
        if (auto started = source_.start(); !started)
            return started;
        live_.store(true, std::memory_order_release); // publishes the bridge's new state
        auto started = player_.template start<Cycle>(engine);
        if (!started) {
            live_.store(false, std::memory_order_relaxed);
            (void)source_.stop();
        }
        return started;
    }
    Result<void> stop() {
        live_.store(false, std::memory_order_relaxed); // the gate is closed: no cycle is in the bridge
        auto captured = source_.stop();
        auto played = player_.stop();
        return played ? captured : played;
    }
    bool close() {
        source_.close();
        const bool quiet = player_.close();
        return quiet && !source_.is_abandoned();
    }

    template <std::size_t Inputs, std::size_t Outputs, class... Memory>
    void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
               const Memory&... memory) noexcept {
        player_.template fetch<0, Outputs>(nothing_, playback, frames, memory...);
        fetch_capture(capture, frames);
    }
    template <class... Memory>
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
                       const Memory&... memory) noexcept {
        if (!player_.fetch_checked(nothing_, playback, frames, memory...))
            return false;
        if (frames > max_quantum) { // a host's: nothing is prepared for it
            playback.silence(frames);
            stream_->report_xrun(frames);
            return false;
        }
        fetch_capture(capture, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return player_.owns_cycle_thread(); }
    [[nodiscard]] std::uint32_t frame_time() const noexcept
    requires requires(const Player& player) { player.frame_time(); }
    {
        return player_.frame_time();
    }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept {
        const auto& self = *static_cast<const Session*>(session);
        if constexpr (Player::tick_source.time_ns != nullptr)
            return Player::tick_source.time_ns(&self.player_, offset);
        return 0;
    }
    static double tempo(const void* session) noexcept {
        if constexpr (Player::tick_source.tempo != nullptr)
            return Player::tick_source.tempo(&static_cast<const Session*>(session)->player_);
        return 0.0;
    }
    static double speed(const void* session) noexcept {
        if constexpr (Player::tick_source.speed != nullptr)
            return Player::tick_source.speed(&static_cast<const Session*>(session)->player_);
        return 1.0;
    }
    static constexpr TickSource tick_source{
        .time_ns = &Session::time_ns, .tempo = &Session::tempo, .speed = &Session::speed};

    /// How the bridge is doing. Thread: any. Realtime-safe: yes.
    [[nodiscard]] BridgeInfo bridge_info() const noexcept { return bridge_.info(); }
    /// The capture side, with its own info() and stats(). Thread: see there.
    [[nodiscard]] Source& source() noexcept { return source_; }
    /// The playback side. Thread: see there.
    [[nodiscard]] Player& player() noexcept { return player_; }

private:
    /// The capture side's process callback.
    struct Push {
        Session* session = nullptr;
        bool first = true; ///< the first block of a run follows nothing
        void operator()(const ClockTick& tick) noexcept {
            session->push(tick, !first && has(tick.flags, TickFlags::discontinuity));
            first = false;
        }
    };

    Result<void> open_source(const StreamConfig& config, const Options& options);
    void fetch_capture(CaptureWindow& capture, std::uint32_t frames) noexcept;
    void push(const ClockTick& tick, bool jumped) noexcept;
    void watch_source(std::uint32_t frames) noexcept;
    void report_latency() noexcept;
    [[nodiscard]] double seconds(CycleTime& times, std::uint64_t own_time_ns, double cycle,
                                 bool jumped) const noexcept;

    Stream* stream_ = nullptr;
    Player player_{};
    CaptureWindow nothing_{};
    DriftBridge bridge_;
    BridgeClock clock_{};
    std::uint32_t source_rate_ = 0;
    std::uint32_t player_rate_ = 0;
    std::uint64_t max_idle_frames_ = 0; ///< of the capture side, in frames of the playback side; 0 = any
    std::atomic<bool> live_{false};     ///< the bridge may be pulled from

    // Playback's cycle thread only.
    std::uint32_t known_xruns_ = 0;
    std::uint64_t known_cycles_ = 0;
    std::uint64_t idle_frames_ = 0;
    CycleTime player_times_;
    std::vector<float> memory_; ///< what the window shows: planar, max_quantum frames per channel
    std::array<float*, max_channels> channels_{};

    Push push_{};
    CycleTime source_times_; ///< capture's cycle thread only
    Source source_{};        ///< last: destroyed, and so stopped, before what it pushes into
};

/// Says on which side it was.
inline Error on_side(const char* side, const Error& error) noexcept {
    return Error::make(error.code, error.backend, error.operation, error.native_code, "%s side: %s", side,
                       error.text);
}

template <class A, class B>
Result<void> Session<A, B>::open(const StreamConfig& config, const Options& options, Stream& stream) {
    constexpr const char* name = Name<A, B>::text.data();
    if (config.autoconnect == Autoconnect::loopback)
        return Error::make(
            Errc::invalid_config, name, "open", 0,
            "there is no loopback between two backends; connect the other ends, or use one backend");
    stream_ = &stream;
    clock_ = options.bridge.clock;
    StreamConfig playback = config;
    playback.input_channels = 0;
    playback.capture_target = {};
    if (auto opened = player_.open(playback, options.playback, stream); !opened)
        return on_side("playback", opened.error());
    if (auto opened = open_source(config, options); !opened) {
        source_.close();
        player_.close();
        return on_side("capture", opened.error());
    }
    const StreamInfo source = source_.info();
    StreamInfo& got = stream.negotiated;
    if (clock_.now_ns == nullptr && (stream.freewheeling() || source.freewheeling)) {
        const char* const timeless = source.freewheeling    ? source.backend
                                     : *got.backend != '\0' ? got.backend
                                                            : B::name;
        source_.close();
        player_.close();
        return Error::make(
            Errc::invalid_config, name, "open", 0,
            "%s runs as fast as it is let, so there is no clock to follow; use it with one backend",
            timeless);
    }
    got.input_channels = source.input_channels;
    got.direct = false;
    char device[sizeof got.device];
    std::snprintf(device, sizeof device, "%.60s -> %.60s", source.device, got.device);
    std::snprintf(got.device, sizeof got.device, "%s", device);
    source_rate_ = source.sample_rate;
    player_rate_ = got.sample_rate;
    max_idle_frames_ = A::drives_itself && clock_.now_ns == nullptr
                           ? std::uint64_t{config.liveness_timeout_ms} * player_rate_ / 1000
                           : 0;
    memory_.assign(std::size_t{got.input_channels} * max_quantum, 0.0F);
    for (std::uint32_t channel = 0; channel < got.input_channels; ++channel)
        channels_[channel] = memory_.data() + std::size_t{channel} * max_quantum;
    const DriftSettings settings{.channels = got.input_channels,
                                 .capture_rate = static_cast<double>(source_rate_),
                                 .playback_rate = static_cast<double>(player_rate_),
                                 .capture_quantum = source.quantum,
                                 .playback_quantum = got.quantum,
                                 .margin = options.bridge.margin,
                                 .quality = options.bridge.quality};
    if (auto ready = bridge_.allocate(settings); !ready) {
        source_.close();
        player_.close();
        return ready;
    }
    report_latency();
    return {};
}

template <class A, class B>
Result<void> Session<A, B>::open_source(const StreamConfig& config, const Options& options) {
    StreamConfig capture = config;
    capture.device = options.bridge.capture_device;
    capture.block = 0;
    capture.playback_target = {};
    capture.sample_rate =
        options.bridge.capture_rate != 0 ? options.bridge.capture_rate : stream_->negotiated.sample_rate;
    if (options.bridge.capture_rate == 0)
        capture.rate_match = Match::adapt; // every rate can be bridged
    if (auto opened = source_.open(capture, options.capture); !opened)
        return opened;
    push_.session = this;
    return source_.set_process_callback(push_);
}

template <class A, class B>
void Session<A, B>::fetch_capture(CaptureWindow& capture, std::uint32_t frames) noexcept {
    for (std::size_t channel = 0; channel < capture.num_input_channels(); ++channel)
        capture.set_input(channel, channels_[channel]);
    // Acquire: pairs with start(). Both are needed: without the gate a cycle between stop() and start() might
    // still be in here when start() resets the bridge.
    if (!stream_->gate.is_open() || !live_.load(std::memory_order_acquire))
        return;
    const std::uint32_t xruns = stream_->xruns();
    const bool jumped = xruns != known_xruns_;
    const double now = seconds(player_times_, time_ns(this, 0), double(frames) / player_rate_, jumped);
    const auto pulled = bridge_.pull(channels_.data(), frames, now, jumped);
    known_xruns_ = xruns;
    if (pulled.broke_off) {
        stream_->report_xrun(pulled.missing);
        ++known_xruns_; // ours does not concern the playback side's clock
    } else if (pulled.missing != 0) {
        stream_->add_lost_frames(pulled.missing);
    }
    watch_source(frames);
}

template <class A, class B>
void Session<A, B>::watch_source(std::uint32_t frames) noexcept {
    Stream& source = source_.engine().stream;
    if (source.ended()) {
        if (source.end_reason().lost)
            stream_->end(source.end_reason());
        else if (bridge_.is_drained())
            stream_->finished();
    }
    if (source.sample_rate() != source_rate_ || stream_->sample_rate() != player_rate_)
        stream_->lost(Errc::unsupported_rate, "a side of the bridge has changed its sample rate; open again");
    const std::uint64_t cycles = source.cycles.load();
    idle_frames_ = cycles != known_cycles_ ? 0 : idle_frames_ + frames;
    known_cycles_ = cycles;
    if (max_idle_frames_ != 0 && idle_frames_ > max_idle_frames_)
        stream_->lost(Errc::timed_out,
                      "no cycle has come from the capture side for the liveness timeout; its server "
                      "hangs, or nothing drives it: check it and open again");
    report_latency();
}

template <class A, class B>
void Session<A, B>::report_latency() noexcept {
    const std::uint64_t before = source_.engine().stream.info().capture_latency;
    const std::uint64_t in_our_frames = before * player_rate_ / source_rate_;
    stream_->bridged_latency.store(static_cast<std::uint32_t>(in_our_frames) + bridge_.latency(),
                                   std::memory_order_relaxed);
}

template <class A, class B>
void Session<A, B>::push(const ClockTick& tick, bool jumped) noexcept {
    const double now = seconds(source_times_, tick.time_ns(), double(tick.frames) / source_rate_, jumped);
    bridge_.push(source_.capture(), tick.frames, now, tick.lost_frames, jumped);
}

template <class A, class B>
double Session<A, B>::seconds(CycleTime& times, std::uint64_t own_time_ns, double cycle,
                              bool jumped) const noexcept {
    const std::uint64_t now = clock_.now_ns != nullptr ? clock_.now_ns(clock_.context) : Pacer::now_ns();
    return times.update(own_time_ns, now, cycle, jumped);
}

} // namespace rill::io::bridge
