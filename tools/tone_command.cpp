// SPDX-License-Identifier: MIT
//
// rill-io tone: a sine to a playback.

#include "channel_table.hpp"
#include "command.hpp"
#include "playout.hpp"
#include "run_stream.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>
#include <rill_io/tone.hpp>
#include <rill_io/window.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace rill::io::tools {

namespace {

/// A sine of a certain length.
class ToneSignal {
public:
    /// `limit_frames` 0: for ever.
    ToneSignal(double frequency, float peak, std::size_t num_channels, std::uint64_t limit_frames) noexcept
        : tone_(Tone<>::with_channels(num_channels, frequency, peak)),
          left_frames_(limit_frames != 0 ? limit_frames : std::numeric_limits<std::uint64_t>::max()) {}

    /// See Signal.
    std::size_t fill(const ClockTick& tick, const AnyBlock& block) noexcept {
        const auto frames = static_cast<std::size_t>(std::min<std::uint64_t>(left_frames_, block.frames()));
        tone_.generate(tick, FrameRange<dynamic_extent>{0, frames}, table_.part(block, 0, frames));
        left_frames_ -= frames;
        return frames;
    }

private:
    Tone<dynamic_extent, dynamic_extent> tone_;
    std::uint64_t left_frames_;
    ChannelTable table_{};
};

template <class B, class StreamDriver>
Result<void> play_tone(StreamDriver& driver, const Run& run) {
    const Options& options = run.options;
    if (renders_files<B> && options.seconds == 0.0)
        return Error::make(Errc::invalid_config, B::name, "tone", 0,
                           "a tone into a file would never end; add --seconds");
    constexpr std::uint32_t usual_rate = 48000; // where any will do
    const StreamConfig config =
        stream_config(options, channels_of(options.playback_target), renders_files<B> ? usual_rate : 0);
    if (auto opened = open_stream(driver, run, config, frames_of(options.seconds, config.sample_rate));
        !opened)
        return opened;
    const StreamInfo info = driver.info();
    if (options.frequency >= info.sample_rate / 2.0)
        return Error::make(Errc::invalid_config, B::name, "tone", 0,
                           "%g Hz can't be played at a sample rate of %u Hz; use less than half of it",
                           options.frequency, info.sample_rate);

    Cue cue(info.freewheeling);
    ToneSignal signal(options.frequency, options.gain, info.output_channels,
                      frames_of(options.seconds, info.sample_rate));
    Playout source(signal, cue, info.output_channels);
    Meter meter(info.sample_rate / 10);
    auto graph = source >> meter >> Output<typename B::Playback, dynamic_extent>::with_channels(
                                        driver.playback(), info.output_channels);

    Show show;
    show.doing =
        fmt::format("Playing {:g} Hz{}", options.frequency, options.seconds == 0.0 ? ", Ctrl-C ends it" : "");
    show.relation = "through";
    show.progress = [&] {
        return clock_text(static_cast<double>(driver.stats().frames) / info.sample_rate) +
               (options.seconds == 0.0 ? "" : " / " + clock_text(options.seconds));
    };
    return run_stream(driver, graph, cue, meter, run, std::move(show));
}

} // namespace

Outcome tone(const Run& run) {
    const auto ended = on_chosen_backend(run, {.playback = true}, [&]<class B>() {
        return with_driver<NoCapture, typename B::Playback>(
            run, [&](auto& driver) { return play_tone<B>(driver, run); });
    });
    if (!ended)
        return Outcome::failed(ended.error());
    print_result(run, "Played", fmt::format("{:g} Hz", run.options.frequency), "through",
                 static_cast<double>(run.report.stats.frames) / run.report.info.sample_rate);
    return {};
}

} // namespace rill::io::tools
