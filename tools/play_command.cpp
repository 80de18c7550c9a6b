// SPDX-License-Identifier: MIT
//
// rill-io play: a sound file to a playback.

#include "chunk_player.hpp"
#include "chunk_ring.hpp"
#include "command.hpp"
#include "disk_reader.hpp"
#include "playout.hpp"
#include "run_stream.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>
#include <rill_io/window.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>

namespace rill::io::tools {

namespace {

/// As many channels as ports were named or as the file has, but both sides of a pair.
std::uint32_t wanted_channels(const file::Reader& file, const Options& options) {
    return options.playback_target.empty() ? std::clamp(file.channels(), 2U, max_channels)
                                           : channels_of(options.playback_target);
}

/// How many frames will be played at that rate; 0 if nobody knows.
std::uint64_t frames_at(std::uint32_t rate, const file::Reader& file, const Options& options) {
    const std::uint64_t limit = frames_of(options.seconds, rate);
    if (options.loop)
        return limit;
    const auto all = static_cast<std::uint64_t>(
        std::ceil(static_cast<double>(file.frames()) * rate / static_cast<double>(file.sample_rate())));
    return limit == 0 || all == 0 ? std::max(limit, all) : std::min(limit, all);
}

std::string file_text(const file::Reader& file, const Options& options, const StreamInfo& info) {
    std::string text =
        fmt::format("{}: {} Hz, {} channel{}", std::filesystem::path(options.file).filename().string(),
                    file.sample_rate(), file.channels(), file.channels() == 1 ? "" : "s");
    if (file.frames() != 0)
        text += fmt::format(", {:.1f} s", static_cast<double>(file.frames()) / file.sample_rate());
    if (file.sample_rate() != info.sample_rate)
        text += fmt::format(", resampled to {} Hz", info.sample_rate);
    if (file.channels() == 1 && info.output_channels >= 2)
        text += ", mono on both channels";
    else if (info.output_channels == 1 && file.channels() > 1)
        text += ", mixed to mono";
    else if (info.output_channels < file.channels())
        text += fmt::format(", only the first {} channels", info.output_channels);
    return text;
}

template <class B, class StreamDriver>
Result<void> play_on(StreamDriver& driver, file::Reader& file, const Run& run) {
    if (renders_files<B> && run.options.loop && run.options.seconds == 0.0)
        return Error::make(Errc::invalid_config, B::name, "play", 0,
                           "--loop into a file would never end; add --seconds");
    const StreamConfig config =
        stream_config(run.options, wanted_channels(file, run.options), file.sample_rate());
    if (auto opened = open_stream(driver, run, config, frames_at(config.sample_rate, file, run.options));
        !opened)
        return opened;
    const StreamInfo info = driver.info();

    ChunkRing ring(info.output_channels, info.sample_rate);
    DiskReader disk(file, ring, {info.sample_rate, frames_of(run.options.seconds, info.sample_rate)});
    if (auto started = disk.start(run.signals.stop_token()); !started)
        return started;

    Cue cue(info.freewheeling);
    ChunkPlayer player(ring, run.signals.stop_token());
    Playout source(player, cue, info.output_channels);
    Meter meter(info.sample_rate / 10);
    auto graph = source >> meter >> Output<typename B::Playback, dynamic_extent>::with_channels(
                                        driver.playback(), info.output_channels);

    const std::string length =
        file.frames() == 0 || run.options.loop
            ? ""
            : " / " + clock_text(static_cast<double>(file.frames()) / file.sample_rate());
    Show show;
    show.doing = fmt::format("Playing {}", file_text(file, run.options, info));
    show.relation = "through";
    show.progress = [&] {
        return clock_text(static_cast<double>(player.played_frames()) / info.sample_rate) + length;
    };
    auto ended = run_stream(driver, graph, cue, meter, run, std::move(show));

    run.report.disk_lost_frames = player.late_frames();
    run.report.extra.add("file", run.options.file)
        .add("file_sample_rate", file.sample_rate())
        .add("file_channels", file.channels())
        .add("played_frames", player.played_frames())
        .add("resampled", info.sample_rate != file.sample_rate());
    if (ended)
        ended = disk.status();
    if (ended || player.played_frames() != 0)
        print_result(run, "Played", file_text(file, run.options, info), "through",
                     static_cast<double>(player.played_frames()) / info.sample_rate);
    return ended;
}

} // namespace

Outcome play(const Run& run) {
    file::Reader file;
    if (const auto opened = file.open(run.options.file, file::Reader::all_channels, run.options.loop);
        !opened)
        return Outcome::failed(opened.error());
    const auto ended = on_chosen_backend(run, {.playback = true, .may_render = true}, [&]<class B>() {
        return with_driver<NoCapture, typename B::Playback>(
            run, [&](auto& driver) { return play_on<B>(driver, file, run); });
    });
    return ended ? Outcome{} : Outcome::failed(ended.error());
}

} // namespace rill::io::tools
