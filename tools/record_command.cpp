// SPDX-License-Identifier: MIT
//
// rill-io record: a capture to a sound file.

#include "chunk_recorder.hpp"
#include "chunk_ring.hpp"
#include "command.hpp"
#include "disk_writer.hpp"
#include "run_stream.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/window.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace rill::io::tools {

namespace {

template <class B, class StreamDriver>
Result<void> record_from(StreamDriver& driver, file::Writer& file, const Run& run) {
    const StreamConfig config = stream_config(run.options, channels_of(run.options.capture_target), 0);
    if (auto opened = open_stream(driver, run, config); !opened)
        return opened;
    const StreamInfo info = driver.info();

    // Only now, so that a file of that name survives a server that is not there.
    ChunkRing ring(info.input_channels, info.sample_rate);
    if (auto opened = file.open({.path = run.options.file,
                                 .sample_rate = info.sample_rate,
                                 .channels = info.input_channels,
                                 .most_frames = ring.chunk_frames()});
        !opened)
        return opened;
    DiskWriter disk(file, ring);
    Cue cue(info.freewheeling);
    const std::uint64_t limit = frames_of(run.options.seconds, info.sample_rate);
    ChunkRecorder recorder(ring, cue, limit, run.signals.stop_token());
    Meter meter(info.sample_rate / 10);
    auto graph =
        Input<typename B::Capture, dynamic_extent>::with_channels(driver.capture(), info.input_channels) >>
        meter >> recorder;

    const std::string length = limit == 0 ? "" : " / " + clock_text(run.options.seconds);
    Show show;
    show.doing = fmt::format("Recording {}{}", run.options.file, limit == 0 ? ", Ctrl-C ends it" : "");
    show.relation = "from";
    show.progress = [&] {
        return clock_text(static_cast<double>(recorder.taken_frames()) / info.sample_rate) + length;
    };
    show.carry_on = [&] { return !disk.failed(); };
    auto ended = run_stream(driver, graph, cue, meter, run, std::move(show));

    recorder.finish();
    auto written = disk.finish();
    run.report.disk_lost_frames = recorder.lost_frames();
    return written ? ended : written;
}

} // namespace

Outcome record(const Run& run) {
    if (const auto good = file::Writer::check_path(run.options.file); !good)
        return Outcome::failed(good.error());
    file::Writer file;
    const auto ended = on_chosen_backend(run, {.capture = true}, [&]<class B>() {
        return with_driver<typename B::Capture, NoPlayback>(
            run, [&](auto& driver) { return record_from<B>(driver, file, run); });
    });
    run.report.extra.add("file", run.options.file).add("recorded_frames", file.frames());
    // Also when it ended badly: what there is can be used.
    if (ended || file.frames() != 0) {
        const double seconds = static_cast<double>(file.frames()) / run.report.info.sample_rate;
        print_result(run, "Recorded",
                     fmt::format("{}: {:.2f} s, {} frames", run.options.file, seconds, file.frames()), "from",
                     seconds);
    }
    return ended ? Outcome{} : Outcome::failed(ended.error());
}

} // namespace rill::io::tools
