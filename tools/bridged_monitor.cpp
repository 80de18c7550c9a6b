// SPDX-License-Identifier: MIT
//
// Both sides are the backend `any`: one driver for all pairs. A driver for each pair would be compiled n^2
// times, to save about ten instructions in a cycle that resamples.

#include "bridged_monitor.hpp"

#include "monitor_stream.hpp"
#include <rill_io/any.hpp>
#include <rill_io/bridge.hpp>

#include <fmt/format.h>

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace rill::io::tools {

namespace {

using CaptureHalf = Bridged<any::Capture>;
using PlaybackHalf = any::Playback;

/// "jack+alsa", for ever.
const char* pair_name(std::string_view capture, std::string_view playback) {
    const char* name = bridge::Backend<any::Backend, any::Backend>::name;
    for_each_backend(EnabledBackends{}, [&]<class A>() {
        for_each_backend(EnabledBackends{}, [&]<class B>() {
            if (capture == A::name && playback == B::name)
                name = bridge::Name<A, B>::text.data();
        });
    });
    return name;
}

/// A driver that says which two backends it is.
template <class StreamDriver>
class Pair : public StreamDriver {
public:
    /// Once it is open; later another thread may be opening it again.
    void learn_name() noexcept {
        name_ = pair_name(this->session().source().info().backend, StreamDriver::info().backend);
    }
    [[nodiscard]] StreamInfo info() noexcept {
        StreamInfo info = StreamDriver::info();
        info.backend = name_;
        return info;
    }
    Result<void> run(const std::stop_token& stop) {
        auto ended = StreamDriver::run(stop);
        if (ended)
            return ended;
        const Error& reason = ended.error();
        const bool captured = !this->session().source().status();
        return Error::make(reason.code, info().backend, reason.operation, reason.native_code, "%s%s",
                           captured ? "the capture side: " : "", reason.text);
    }

private:
    const char* name_ = "";
};

/// Files are read and written as fast as it goes.
Result<void> refuse_files(std::string_view backend, const char* side) {
    Result<void> result;
    for_each_backend(EnabledBackends{}, [&]<class B>() {
        if (renders_files<B> && backend == B::name)
            result = Error::make(Errc::invalid_config, B::name, "open", 0,
                                 "%s side: a file has no clock; use play or record", side);
    });
    return result;
}

template <class StreamDriver>
Result<void> open(StreamDriver& driver, const Run& run) {
    const Options& options = run.options;
    for (auto [side, backend] :
         {std::pair{"capture", &options.capture_backend}, {"playback", &options.playback_backend}})
        if (auto has_clock = refuse_files(*backend, side); !has_clock)
            return has_clock;
    const auto backend_of = [&](const std::string& side) -> std::string_view {
        return side.empty() ? options.backend : side;
    };
    StreamConfig config = stream_config(options, monitor_channels(options), 0);
    config.device = options.playback_device;
    typename StreamDriver::Backend::Options sides;
    sides.capture.choice.backend = backend_of(options.capture_backend);
    sides.playback.choice.backend = backend_of(options.playback_backend);
    sides.bridge.capture_device = options.capture_device;
    auto opened = driver.open(config, sides);
    if (!opened && opened.error().code == Errc::unsupported_channels && !options.channels) {
        config.input_channels = config.output_channels = 1; // a microphone
        opened = driver.open(config, sides);
    }
    return opened;
}

/// For the status line.
std::string state_text(const BridgeInfo& bridge) {
    if (!bridge.locked)
        return "  waiting for the capture side";
    const std::uint64_t breaks = bridge.gaps + bridge.jumps;
    return fmt::format("  {:+.1f} ppm  ring {:.0f}/{:.0f}{}", bridge.drift_ppm, bridge.fill_frames,
                       bridge.target_frames, breaks == 0 ? "" : fmt::format("  breaks: {}", breaks));
}

void fill_report(JsonObject& extra, const BridgeInfo& bridge, const StreamInfo& source,
                 const StreamStats& captured) {
    extra.add("drift_ppm", bridge.drift_ppm)
        .add("ratio_ppm", bridge.ratio_ppm)
        .add("ring_frames", bridge.fill_frames)
        .add("ring_target", bridge.target_frames)
        .add("gaps", bridge.gaps)
        .add("gap_frames", bridge.silent_frames)
        .add("jumps", bridge.jumps)
        .add("capture_backend", source.backend)
        .add("capture_sample_rate", source.sample_rate)
        .add("capture_quantum", source.quantum)
        .add("capture_xruns", captured.xruns)
        .add("capture_lost_frames", captured.lost_frames);
}

template <class StreamDriver>
Outcome play(const Run& run) {
    Pair<StreamDriver> driver;
    if (auto opened = open(driver, run); !opened)
        return Outcome::failed(opened.error());
    driver.learn_name();
    run.report.info = driver.info();
    run.report.backend = run.report.info.backend;
    auto& session = driver.session();
    const auto ended = play_capture(driver, run, [&] { return state_text(session.bridge_info()); });
    const BridgeInfo bridge = session.bridge_info();
    fill_report(run.report.extra, bridge, session.source().info(), session.source().stats());
    const Outcome outcome = monitored(run, ended);
    if (outcome.ok())
        run.display.result(fmt::format("  the clocks are {:+.1f} ppm apart; {} gaps, {} jumps between them",
                                       bridge.drift_ppm, bridge.gaps, bridge.jumps));
    return outcome;
}

} // namespace

Outcome bridged_monitor(const Run& run) {
    return run.options.reconnect ? play<ReconnectingDriver<CaptureHalf, PlaybackHalf>>(run)
                                 : play<Driver<CaptureHalf, PlaybackHalf>>(run);
}

} // namespace rill::io::tools
