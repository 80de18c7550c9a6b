// SPDX-License-Identifier: MIT
#pragma once

// What `monitor` runs once a driver is open, whatever is on its two sides.

#include "command.hpp"
#include "run_stream.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace rill::io::tools {

/// As many channels as the ports that are named on either side.
[[nodiscard]] inline std::uint32_t monitor_channels(const Options& options) noexcept {
    return std::max(channels_of(options.capture_target), channels_of(options.playback_target));
}

/// Plays what is captured, until it is to end. `more`: what else belongs into the status line. Thread:
/// control.
template <class StreamDriver>
Result<void> play_capture(StreamDriver& driver, const Run& run, const std::function<std::string()>& more) {
    using CaptureHalf = std::remove_reference_t<decltype(driver.capture())>;
    using PlaybackHalf = std::remove_reference_t<decltype(driver.playback())>;
    const StreamInfo info = driver.info();
    Cue cue(info.freewheeling);
    Meter meter(info.sample_rate / 10);
    auto graph = Input<CaptureHalf, dynamic_extent>::with_channels(driver.capture(), info.input_channels) >>
                 meter >>
                 Output<PlaybackHalf, dynamic_extent>::with_channels(driver.playback(), info.output_channels);

    const std::uint64_t limit = frames_of(run.options.seconds, info.sample_rate);
    Show show;
    show.doing = fmt::format("Monitoring{}", limit == 0 ? ", Ctrl-C ends it" : "");
    show.relation = "on";
    show.progress = [&] {
        return clock_text(static_cast<double>(driver.stats().frames) / info.sample_rate) + more();
    };
    show.carry_on = [&] { return limit == 0 || driver.stats().frames < limit; };
    return run_stream(driver, graph, cue, meter, run, std::move(show));
}

/// After it has ended. Thread: control.
inline Outcome monitored(const Run& run, const Result<void>& ended) {
    if (!ended)
        return Outcome::failed(ended.error());
    const double seconds = static_cast<double>(run.report.stats.frames) / run.report.info.sample_rate;
    print_result(run, "Monitored", fmt::format("{:.1f} s", seconds), "on", seconds);
    return {};
}

} // namespace rill::io::tools
