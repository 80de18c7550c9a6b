// SPDX-License-Identifier: MIT
#pragma once

// What bridge::Session does, out of line; included by bridge.hpp.

#include <rill_io/bridge.hpp>

namespace rill::io::bridge {

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
        return opened;
    if (auto opened = open_source(config, options); !opened) {
        source_.close();
        player_.close();
        return opened;
    }
    const StreamInfo source = source_.info();
    StreamInfo& got = stream.negotiated;
    if (clock_.now_ns == nullptr && (stream.freewheeling() || source.freewheeling)) {
        const char* const timeless = source.freewheeling ? A::name : B::name;
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
    const auto pulled =
        bridge_.pull(channels_.data(), frames, seconds(time_ns(this, 0)), xruns != known_xruns_);
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
    const std::uint64_t cycles = source.cycles.load(std::memory_order_relaxed);
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
    bridge_.push(source_.capture(), tick.frames, seconds(tick.time_ns()), tick.lost_frames, jumped);
}

template <class A, class B>
double Session<A, B>::seconds(std::uint64_t own_time_ns) const noexcept {
    constexpr double per_ns = 1e-9;
    constexpr std::int64_t plausible_ns = 100'000'000;
    if (clock_.now_ns != nullptr)
        return static_cast<double>(clock_.now_ns(clock_.context)) * per_ns;
    // A backend may have no time for its cycles, or one of another clock: then this one's, jitter and all.
    const std::uint64_t now = Pacer::now_ns();
    const auto apart_ns = static_cast<std::int64_t>(own_time_ns - now);
    const bool plausible = own_time_ns != 0 && apart_ns > -plausible_ns && apart_ns < plausible_ns;
    return static_cast<double>(plausible ? own_time_ns : now) * per_ns;
}

} // namespace rill::io::bridge
