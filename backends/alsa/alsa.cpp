// SPDX-License-Identifier: MIT
#include "alsa_library.hpp"
#include "loop.hpp"
#include "messages.hpp"
#include "negotiation.hpp"
#include "realtime.hpp"
#include <rill_io/alsa.hpp>

#include <alsa/asoundlib.h>
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <new>
#include <string>
#include <utility>

namespace rill::io::alsa {

namespace {

constexpr const char* name = Backend::name;
/// More than what is written may take to be heard.
constexpr int join_timeout_ms = 1500;

/// The device of one direction: its own target, else the stream's device, else ALSA's default.
std::string device_of(std::string_view target, std::string_view device) {
    return std::string(!target.empty() ? target : !device.empty() ? device : std::string_view("default"));
}

} // namespace

Session::~Session() {
    delete loop_;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    if (auto loaded = load_library(); !loaded)
        return loaded;
    loop_ = new Loop(stream);
    priority_ = config.realtime_priority;
    const Quiet quiet;
    Pcm& capture = loop_->capture;
    Pcm& playback = loop_->playback;
    Result<void> result;
    if (config.output_channels != 0)
        result = playback.open(device_of(config.playback_target, config.device));
    if (result && config.input_channels != 0)
        result = capture.open(device_of(config.capture_target, config.device));
    if (result)
        result = negotiate(config, options, capture, playback);
    if (!result) {
        (void)close();
        return result;
    }
    // A device may be silent for a while without being lost; run() itself is no more patient than this twice
    // over.
    loop_->set_up(options.link, options.drain, config.liveness_timeout_ms / 2);

    StreamInfo& got = stream.negotiated;
    const Layout& layout = loop_->main().layout();
    copy_text(got.client_name, config.client_name);
    if (capture.is_open() && playback.is_open() && std::string_view(capture.name()) != playback.name())
        std::snprintf(got.device, sizeof got.device, "%s, %s", capture.name(), playback.name());
    else
        copy_text(got.device, loop_->main().name());
    got.sample_rate = layout.rate;
    got.quantum = layout.period;
    got.input_channels = config.input_channels;
    got.output_channels = config.output_channels;
    got.hardware_format = layout.format;
    got.direct = (!capture.is_open() || capture.layout().is_direct()) &&
                 (!playback.is_open() || playback.layout().is_direct());
    // What is read has just come in, a period of it; what is written goes behind all that is still to be
    // heard.
    stream.report_latency(capture.is_open() ? layout.period : 0,
                          playback.is_open() ? playback.layout().buffer - layout.period : 0);
    return {};
}

Result<void> Session::start_loop(void (*body)(void*)) {
    if (!thread_.join(join_timeout_ms)) // left over from a stop() that timed out
        return Error::make(
            Errc::timed_out, name, "start", 0,
            "the cycle thread of the last run has still not ended; the process callback must not block");
    const Quiet quiet;
    if (const int status = loop_->arm(); status < 0) {
        if (status == -ENODEV)
            return Error::make(Errc::device_lost, name, "start", status,
                               "%s is gone; plug it in again, close() and open() again",
                               loop_->main().name());
        return error_of(status, "start", loop_->main().name(), "the device can't be prepared");
    }
    const bool safe = (!loop_->capture.is_open() || loop_->capture.is_safe_in_real_time()) &&
                      (!loop_->playback.is_open() || loop_->playback.is_safe_in_real_time());
    const int priority = safe ? priority_ : 0;
    if (auto started = thread_.start(name, "rill-io-alsa", priority, body, this); !started)
        return started;
    if (priority > 0) {
        constexpr int patience_ms = 100; // the thread only has to be scheduled once
        for (int waited = 0; loop_->thread_id() == 0 && waited < patience_ms; ++waited)
            ::poll(nullptr, 0, 1);
        const int thread_id = loop_->thread_id();
        const int policy =
            thread_id == 0 ? SCHED_FIFO : ::sched_getscheduler(thread_id) & ~SCHED_RESET_ON_FORK;
        if (policy != SCHED_FIFO && policy != SCHED_RR)
            (void)ask_realtime_kit(thread_id, priority); // else it stays as it is, and StreamInfo says so
    }
    return {};
}

Result<void> Session::stop() {
    if (loop_ == nullptr)
        return {};
    loop_->ask_to_stop();
    if (!thread_.join(join_timeout_ms))
        return Error::make(Errc::timed_out, name, "stop", 0, "the cycle thread has not ended within %d ms",
                           join_timeout_ms);
    return {};
}

bool Session::close() {
    if (loop_ == nullptr)
        return true;
    if (!thread_.join(join_timeout_ms)) {
        thread_.abandon();
        return false;
    }
    loop_->capture.close();
    loop_->playback.close();
    delete std::exchange(loop_, nullptr);
    return true;
}

void Session::begin_loop() noexcept {
    loop_->begin();
}

std::uint32_t Session::begin_cycle() noexcept {
    return loop_->begin_cycle(std::span(inputs_).first(loop_->capture.layout().channels),
                              std::span(outputs_).first(loop_->playback.layout().channels));
}

void Session::end_cycle() noexcept {
    loop_->end_cycle(std::span(inputs_).first(loop_->capture.layout().channels),
                     std::span(outputs_).first(loop_->playback.layout().channels));
}

void Session::end_loop() noexcept {
    loop_->end();
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    const std::int64_t offset_ns = std::int64_t{offset} * 1'000'000'000 / self.loop_->rate();
    return self.loop_->cycle_time_ns() + static_cast<std::uint64_t>(offset_ns);
}

bool Session::is_linked() const noexcept {
    return loop_ != nullptr && loop_->is_linked();
}

bool Session::is_paced() const noexcept {
    return loop_ != nullptr && loop_->is_paced();
}

std::uint32_t Session::periods() const noexcept {
    if (loop_ == nullptr || loop_->period() == 0)
        return 0;
    std::uint32_t fewest = ~0U;
    for (const Pcm* pcm : {&loop_->capture, &loop_->playback})
        if (pcm->layout().period != 0)
            fewest = std::min(fewest, pcm->layout().buffer / pcm->layout().period);
    return fewest;
}

} // namespace rill::io::alsa
