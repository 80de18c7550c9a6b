// SPDX-License-Identifier: MIT
//
// rill-io monitor: what is captured is played, with meters.

#include "command.hpp"
#include "run_stream.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace rill::io::tools {

namespace {

template <class B, class StreamDriver>
Result<void> play_capture(StreamDriver& driver, const Run& run) {
    const Options& options = run.options;
    const std::uint32_t channels =
        std::max(channels_of(options.capture_target), channels_of(options.playback_target));
    if (auto opened = open_stream(driver, run, stream_config(options, channels, 0)); !opened)
        return opened;
    const StreamInfo info = driver.info();

    Cue cue(info.freewheeling);
    Meter meter(info.sample_rate / 10);
    auto graph =
        Input<typename B::Capture, dynamic_extent>::with_channels(driver.capture(), info.input_channels) >>
        meter >>
        Output<typename B::Playback, dynamic_extent>::with_channels(driver.playback(), info.output_channels);

    const std::uint64_t limit = frames_of(options.seconds, info.sample_rate);
    Show show;
    show.doing = fmt::format("Monitoring{}", limit == 0 ? ", Ctrl-C ends it" : "");
    show.relation = "on";
    show.progress = [&] { return clock_text(static_cast<double>(driver.stats().frames) / info.sample_rate); };
    show.carry_on = [&] { return limit == 0 || driver.stats().frames < limit; };
    return run_stream(driver, graph, cue, meter, run, std::move(show));
}

} // namespace

Outcome monitor(const Run& run) {
    const auto ended = on_chosen_backend(run, {.capture = true, .playback = true}, [&]<class B>() {
        return with_driver<typename B::Capture, typename B::Playback>(
            run, [&](auto& driver) { return play_capture<B>(driver, run); });
    });
    if (!ended)
        return Outcome::failed(ended.error());
    const double seconds = static_cast<double>(run.report.stats.frames) / run.report.info.sample_rate;
    print_result(run, "Monitored", fmt::format("{:.1f} s", seconds), "on", seconds);
    return {};
}

} // namespace rill::io::tools
