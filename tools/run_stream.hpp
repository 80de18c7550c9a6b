// SPDX-License-Identifier: MIT
#pragma once

// Opening and running a stream on a driver of any backend.

#include "backend_choice.hpp"
#include "backend_options.hpp"
#include "command.hpp"
#include "cue.hpp"
#include "stream_watch.hpp"
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/device.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/error.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/reconnecting.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace rill::io::tools {

/// The process callback: runs the graph and ends the stream when the command's signal is over.
template <class Graph, class StreamDriver>
class UntilOver {
public:
    static constexpr std::size_t num_inputs = CallbackTraits<Graph>::num_inputs();
    static constexpr std::size_t num_outputs = CallbackTraits<Graph>::num_outputs();
    static constexpr bool fills_playback = CallbackTraits<Graph>::fills_playback();

    UntilOver(Graph& graph, StreamDriver& driver, const Cue& cue) noexcept
        : graph_(&graph), driver_(&driver), cue_(&cue), sample_rate_(driver.info().sample_rate) {}

    /// Files and signals were made for the rate at which the stream began.
    Result<void> prepare(const StreamInfo& info) {
        if (info.sample_rate != sample_rate_)
            return Error::make(Errc::unsupported_rate, info.backend, "start", 0,
                               "the server is back, but runs at %u Hz and not at %u as before; start it with "
                               "that rate, or this program again",
                               info.sample_rate, sample_rate_);
        return graph_->prepare(info);
    }

    void operator()(const ClockTick& tick) noexcept {
        graph_->process(tick, FrameRange<dynamic_extent>{0, tick.frames});
        if (cue_->over())
            driver_->finish();
    }

private:
    Graph* graph_;
    StreamDriver* driver_;
    const Cue* cue_;
    std::uint32_t sample_rate_;
};

template <class StreamDriver>
inline constexpr bool reconnects = requires(StreamDriver driver) { driver.events(); };

/// Calls `function(driver)` with a driver of these halves, which reconnects if the user wants that. Thread:
/// control.
template <class CaptureHalf, class PlaybackHalf, class Function>
Result<void> with_driver(const Run& run, const Function& function) {
    if (run.options.reconnect) {
        ReconnectingDriver<CaptureHalf, PlaybackHalf> driver;
        return function(driver);
    }
    Driver<CaptureHalf, PlaybackHalf> driver;
    return function(driver);
}

/// What a person is told of an event; nothing if it shows in the counters.
[[nodiscard]] inline std::string event_text(const StreamEvent& event) {
    switch (event.kind) {
    case StreamEvent::Kind::lost:
        return fmt::format("  {}: {}; waiting for it to come back", event.error.backend, event.error.text);
    case StreamEvent::Kind::reconnected:
        return fmt::format("  It is back after {}", latency_text(event.frames, event.sample_rate));
    case StreamEvent::Kind::quantum_changed:
        return fmt::format("  The quantum is now {} frames", event.quantum);
    default:
        return {};
    }
}

namespace detail {

/// The fewest channels of the default devices in the directions that are wanted; 0 if nobody knows.
template <class B>
std::uint32_t default_channels([[maybe_unused]] bool captures, [[maybe_unused]] bool plays) {
    std::uint32_t fewest = 0;
    if constexpr (has_devices<B>) {
        const auto devices = B::devices();
        const auto count = [&](bool Device::* is_default, std::uint32_t Device::* channels) {
            std::uint32_t sum = 0;
            for (const Device& device : *devices)
                if (device.*is_default && device.*channels <= max_channels) // more: unknown
                    sum += device.*channels;
            fewest = fewest == 0 ? sum : std::min(fewest, sum);
        };
        if (captures && devices)
            count(&Device::default_capture, &Device::input_channels);
        if (plays && devices)
            count(&Device::default_playback, &Device::output_channels);
    }
    return fewest;
}

} // namespace detail

/// As many channels as ports are named, but a pair at least.
[[nodiscard]] inline std::uint32_t channels_of(std::string_view ports) noexcept {
    constexpr std::uint32_t usual = 2;
    return std::max(usual, static_cast<std::uint32_t>(std::count(ports.begin(), ports.end(), ',')) + 1);
}

/// Frames in that many seconds: one at least, unless it is 0, which means no limit.
[[nodiscard]] inline std::uint64_t frames_of(double seconds, std::uint32_t sample_rate) noexcept {
    const auto frames = static_cast<std::uint64_t>(std::llround(seconds * sample_rate));
    return seconds > 0.0 ? std::max<std::uint64_t>(frames, 1) : frames;
}

/// What is asked of the backend. `channels` and `rate` count unless the user gave others. Text is borrowed
/// from the options.
[[nodiscard]] inline StreamConfig stream_config(const Options& options, std::uint32_t channels,
                                                std::uint32_t rate) {
    StreamConfig config;
    config.device = options.device;
    config.sample_rate = options.rate != 0 ? options.rate : rate;
    config.rate_match = options.rate != 0 ? Match::exact : Match::adapt;
    config.block = options.block;
    config.period_match = Match::adapt;
    config.input_channels = config.output_channels = options.channels.value_or(channels);
    config.autoconnect = options.autoconnect;
    config.playback_target = options.playback_target;
    config.capture_target = options.capture_target;
    return config;
}

/// Opens the driver; a file ends after `end_after_frames` (0 = by itself). Where the number of channels was
/// our own idea, a default device with fewer is taken as it is. Thread: control. Realtime-safe: no.
template <class StreamDriver>
Result<void> open_stream(StreamDriver& driver, const Run& run, StreamConfig config,
                         std::uint64_t end_after_frames = 0) {
    using Backend = typename StreamDriver::Backend;
    const bool captures = !std::is_same_v<std::remove_reference_t<decltype(driver.capture())>, NoCapture>;
    const bool plays = !std::is_same_v<std::remove_reference_t<decltype(driver.playback())>, NoPlayback>;
    const auto backend_specific = backend_options<Backend>(config, end_after_frames);
    if constexpr (renders_files<Backend>) {
        if (captures && backend_specific.capture_path.empty())
            return Error::make(Errc::no_device, Backend::name, "open", 0,
                               "there is no file to capture from; name one with --device");
        const std::string_view other = plays ? backend_specific.playback_path : backend_specific.capture_path;
        std::error_code neither_exists;
        if (!run.options.file.empty() && std::filesystem::equivalent(run.options.file, other, neither_exists))
            return Error::make(Errc::invalid_config, Backend::name, "open", 0,
                               "'%s' would be overwritten by what is made of it; name another with --device",
                               run.options.file.c_str());
    }
    auto opened = driver.open(config, backend_specific);
    if (!opened && opened.error().code == Errc::unsupported_channels && !run.options.channels) {
        const std::uint32_t fewer = detail::default_channels<Backend>(captures, plays);
        if (fewer != 0 && fewer < config.output_channels) {
            config.input_channels = config.output_channels = fewer;
            opened = driver.open(config, backend_specific);
        }
    }
    if (opened)
        run.report.info = driver.info();
    return opened;
}

/// Runs the graph until its signal is over, somebody wants it to stop, or the stream is lost, and fills the
/// report. Thread: control. Realtime-safe: no.
template <class StreamDriver, class Graph>
Result<void> run_stream(StreamDriver& driver, Graph& graph, Cue& cue, Meter& meter, const Run& run,
                        Show show) {
    UntilOver<Graph, StreamDriver> callback(graph, driver, cue);
    if (auto set = driver.set_process_callback(callback); !set)
        return set;
    const StreamInfo opened = driver.info();
    Levels levels(meter, std::max(opened.input_channels, opened.output_channels));
    std::uint64_t reconnections = 0;
    const auto next_news = [&]() -> std::optional<std::string> {
        if constexpr (reconnects<StreamDriver>)
            if (StreamEvent event; driver.events().take(event)) {
                reconnections += event.kind == StreamEvent::Kind::reconnected ? 1U : 0U;
                return event_text(event);
            }
        return {};
    };
    const WatchedStream watched{[&] { return driver.is_running(); }, [&] { return driver.info(); },
                                [&] { return driver.stats(); }, next_news};
    const Result<void> ended = [&] {
        const StreamWatch watch(watched, std::move(show), cue, run.display, levels,
                                [&] { run.signals.request_stop(); });
        return driver.run(run.signals.stop_token());
    }();
    run.report.info = driver.info();
    run.report.stats = driver.stats();
    if constexpr (reconnects<StreamDriver>)
        run.report.extra.add("reconnections", reconnections);
    return ended;
}

} // namespace rill::io::tools
