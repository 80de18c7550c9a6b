// SPDX-License-Identifier: MIT
//
// rill-io loopback: how long the way out and back is, and whether what comes back is what went out.

#include "chunk_recorder.hpp"
#include "chunk_ring.hpp"
#include "command.hpp"
#include "noise_finder.hpp"
#include "playout.hpp"
#include "run_stream.hpp"
#include "test_noise.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rill::io::tools {

namespace {

constexpr double usual_seconds = 2.0;
constexpr double search_seconds = 3.0;          // the longest round trip, and what servers take to connect
constexpr double search_by_hand_seconds = 60.0; // --connect none: somebody is about to make the connections

/// Two chains in one graph. The capture first: the server may use the same memory for both.
template <class Receive, class Send>
class BothWays {
public:
    static constexpr bool fills_playback = true;

    BothWays(Receive& receive, Send& send) noexcept : receive_(&receive), send_(&send) {}

    Result<void> prepare(const StreamInfo& info) {
        auto received = receive_->prepare(info);
        return received ? send_->prepare(info) : received;
    }
    template <std::size_t Frames>
    void process(const ClockTick& tick, FrameRange<Frames> range) noexcept {
        receive_->process(tick, range);
        send_->process(tick, range);
    }

private:
    Receive* receive_;
    Send* send_;
};

/// Nobody has said otherwise: from our own playback straight to our own capture.
bool connects_itself(const Options& options) {
    return options.autoconnect == Autoconnect::standard && !options.ports_given && options.device.empty();
}

template <class B>
Result<void> send_and_compare(const Run& run, NoiseFinder::Finding& finding, bool& interrupted) {
    if (renders_files<B>)
        return Error::make(Errc::invalid_config, B::name, "loopback", 0,
                           "files have no way back; choose a backend with a server or device, or null");
    const Options& options = run.options;
    const bool by_hand = options.autoconnect == Autoconnect::off;
    Driver<typename B::Capture, typename B::Playback> driver;
    const std::uint32_t channels =
        std::max(channels_of(options.capture_target), channels_of(options.playback_target));
    StreamConfig config = stream_config(options, channels, 0);
    if (connects_itself(options))
        config.autoconnect = Autoconnect::loopback;
    auto opened = open_stream(driver, run, config);
    if (!opened && opened.error().code == Errc::invalid_config && connects_itself(options)) {
        config.autoconnect = Autoconnect::standard; // a device has no way back of its own: it is a cable
        opened = open_stream(driver, run, config);
    }
    if (!opened)
        return opened;
    const StreamInfo info = driver.info();

    const double seconds = options.seconds != 0.0 ? options.seconds : usual_seconds;
    ChunkRing ring(info.input_channels, info.sample_rate);
    NoiseFinder finder(ring, info.sample_rate,
                       std::max<std::uint64_t>(1, frames_of(seconds, info.sample_rate)),
                       frames_of(by_hand ? search_by_hand_seconds : search_seconds, info.sample_rate));
    Cue send_cue(info.freewheeling);
    Cue receive_cue(true); // from the first frame on: what is not noise finds no equal
    ChunkRecorder recorder(ring, receive_cue, 0, run.signals.stop_token());
    NoiseSignal noise;
    Playout source(noise, send_cue, info.output_channels);
    Meter meter(info.sample_rate / 10);
    auto receive =
        Input<typename B::Capture, dynamic_extent>::with_channels(driver.capture(), info.input_channels) >>
        meter >> recorder;
    auto send = source >> Output<typename B::Playback, dynamic_extent>::with_channels(driver.playback(),
                                                                                      info.output_channels);
    BothWays graph(receive, send);

    Show show;
    show.doing = fmt::format("Sending noise{}", by_hand ? ", connect outputs to inputs now" : "");
    show.relation = "on";
    show.progress = [&] {
        return finder.compared_frames() == 0
                   ? std::string("searching")
                   : fmt::format("{} / {}",
                                 clock_text(static_cast<double>(finder.compared_frames()) / info.sample_rate),
                                 clock_text(seconds));
    };
    show.carry_on = [&] { return !finder.done(); };
    auto ended = run_stream(driver, graph, send_cue, meter, run, std::move(show));

    interrupted = !finder.done();
    recorder.finish();
    finding = finder.finish();
    run.report.disk_lost_frames = recorder.lost_frames();
    return ended;
}

void fill_report(const Run& run, const NoiseFinder::Finding& finding) {
    JsonObject& extra = run.report.extra;
    if (!finding.found) {
        extra.add_null("round_trip_frames").add_null("round_trip_ms").add_null("mismatched_samples");
        extra.add("compared_samples", finding.compared_samples);
        return;
    }
    extra.add("round_trip_frames", finding.round_trip_frames)
        .add("round_trip_ms",
             1000.0 * static_cast<double>(finding.round_trip_frames) / run.report.info.sample_rate)
        .add("mismatched_samples", finding.mismatched_samples)
        .add("compared_samples", finding.compared_samples);
}

void print_finding(const Run& run, const NoiseFinder::Finding& finding) {
    const StreamInfo& info = run.report.info;
    run.display.result(fmt::format("Round trip {}: {} samples compared, {} differ",
                                   latency_text(finding.round_trip_frames, info.sample_rate),
                                   finding.compared_samples, finding.mismatched_samples));
    run.display.result(fmt::format("  on {}, {} frames of it in the block adapter, {}", stream_text(info),
                                   info.adapter_latency, loss_text(run.report)));
}

Outcome judge(const NoiseFinder::Finding& finding, bool interrupted) {
    if (!finding.found)
        return interrupted ? Outcome{}
                           : Outcome::not_exact(
                                 "signal_not_found",
                                 "the signal did not come back; connect the outputs to the inputs: with a "
                                 "cable, or with --connect PLAYBACK=CAPTURE");
    if (finding.mismatched_samples == 0)
        return {};
    const std::string how = finding.exact ? ""
                                          : fmt::format(" (it comes back {:+.1f} dB, not sample for sample)",
                                                        20.0 * std::log10(std::fabs(finding.gain)));
    return Outcome::not_exact("samples_differ",
                              fmt::format("{} of {} samples came back changed{}", finding.mismatched_samples,
                                          finding.compared_samples, how));
}

} // namespace

Outcome loopback(const Run& run) {
    NoiseFinder::Finding finding;
    bool interrupted = false;
    const bool by_itself = connects_itself(run.options);
    const auto ended =
        on_chosen_backend(run, {.capture = !by_itself, .playback = !by_itself},
                          [&]<class B>() { return send_and_compare<B>(run, finding, interrupted); });
    fill_report(run, finding);
    if (finding.found)
        print_finding(run, finding);
    return ended ? judge(finding, interrupted) : Outcome::failed(ended.error());
}

} // namespace rill::io::tools
