// SPDX-License-Identifier: MIT
#include "devices.hpp"
#include "library.hpp"
#include "stream_calls.hpp"
#include <rill_io/portaudio.hpp>

#include <portaudio.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace rill::io::portaudio {

namespace {

constexpr const char* name = Backend::name;
constexpr int open_timeout_ms = 5000;
constexpr int start_timeout_ms = 3000;
constexpr int stop_timeout_ms = 2000;
constexpr int first_cycle_timeout_ms = 2000;
/// How soon a JACK server's death is noticed: PortAudio tells only those who ask.
constexpr auto watch_interval = std::chrono::milliseconds(100);
/// A device that does not call for so long will not. (A larger buffer than that is only cut short.)
constexpr int stuck_after_ms = 500;
/// Enough periods for a device's buffer where nobody asks for a number; with two, many plug-in PCMs run dry.
constexpr std::uint32_t default_periods = 3;
/// PortAudio reports latencies of a day for JACK clients that are no devices.
constexpr double longest_latency_s = 10.0;

constexpr const char* jack_died =
    "the JACK server has died or shut PortAudio out, which can't connect again in the same process; restart "
    "the program, or open() the jack backend";

} // namespace

struct Session::Control {
    OpenStream opened; ///< the stream, if it is not null, and what it was opened with
    Attempt attempt;   ///< what errors will say
    Standby standby;
    std::atomic<bool> stopping{false}; ///< by our own will
    bool quiet = true;
    bool holds_library = false;
    bool running = false;
    /// A call hangs, or the server has died: nothing more is done to the stream, and this is left behind.
    std::atomic<bool> given_up{false};
    std::jthread watch; ///< over JACK, while running

    [[nodiscard]] EndStream end(bool over_jack) const {
        return {.stream = opened.stream,
                .over_jack = over_jack,
                .finished = &standby.finished,
                .given_up = &given_up,
                .running = running};
    }
    void start_watch(Stream& stream);
    void stop_watch() { watch = {}; }
};

static_assert(
    std::is_same_v<PaStreamCallback*, int (*)(const void*, void*, unsigned long,
                                              const PaStreamCallbackTimeInfo*, unsigned long, void*)>);
static_assert(paContinue == 0);

Session::~Session() {
    forget_control();
}

void Session::forget_control() {
    if (control_ != nullptr && !control_->given_up)
        delete control_;
    control_ = nullptr;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    forget_control();
    control_ = new Control{};
    control_->quiet = options.quiet;
    control_->standby.num_outputs = config.output_channels;
    stream_ = &stream;
    engine_ = nullptr;
    num_inputs_ = config.input_channels;
    num_outputs_ = config.output_channels;
    if (auto ready = acquire(config.client_name, options.quiet); !ready)
        return ready;
    control_->holds_library = true;
    auto result = negotiate(config);
    if (result)
        publish(config);
    else
        (void)close();
    return result;
}

Result<void> Session::negotiate(const StreamConfig& config) {
    if (config.autoconnect != Autoconnect::standard)
        return Error::make(
            Errc::invalid_config, name, "open", 0,
            "PortAudio always connects to its device; leave autoconnect = standard, or use the "
            "jack or pipewire backend");
    Control& control = *control_;
    OpenStream& asked = control.opened;
    Attempt& attempt = control.attempt;
    if (num_inputs_ != 0)
        if (auto chosen = choose_device(config, true); !chosen)
            return chosen;
    if (num_outputs_ != 0)
        if (auto chosen = choose_device(config, false); !chosen)
            return chosen;
    const PaHostApiTypeId host = host_of(asked.playback ? asked.playback->device : asked.capture->device);
    if (asked.capture && host_of(asked.capture->device) != host)
        return Error::make(Errc::invalid_config, name, "open", paBadIODeviceCombination,
                           "'%s' belong to different host APIs; name two devices of one",
                           attempt.device.c_str());
    over_jack_ = host == paJACK;
    attempt.over_jack = over_jack_;
    attempt.block = config.block;
    attempt.input_channels = num_inputs_;
    attempt.output_channels = num_outputs_;
    asked.flags =
        over_jack_ ? paClipOff | paDitherOff : paNoFlag; // JACK takes floats, the others' samples must fit in
    asked.realtime = host == paALSA && config.realtime_priority > 0;
    // Over JACK find_quantum() decides: PortAudio would add a block of latency even where the block fits.
    if (!over_jack_ && config.period_match == Match::exact)
        asked.frames = config.block;
    if (auto opened = open_at_some_rate(config); !opened)
        return opened;
    return over_jack_ ? find_quantum(config) : Result<void>{};
}

Result<void> Session::choose_device(const StreamConfig& config, bool capture) {
    const std::string_view target = capture ? config.capture_target : config.playback_target;
    const auto device = find_device(target.empty() ? config.device : target, capture);
    if (!device)
        return device.error();
    const PaDeviceInfo& info = *Pa_GetDeviceInfo(*device);
    const int offered = capture ? info.maxInputChannels : info.maxOutputChannels;
    const int channels = static_cast<int>(capture ? num_inputs_ : num_outputs_);
    const std::string id = device_id(*device);
    if (channels > offered)
        return Error::make(Errc::unsupported_channels, name, "open", paInvalidChannelCount,
                           "'%s' has %d %s channels, %d were asked; ask for %d or fewer", id.c_str(), offered,
                           capture ? "capture" : "playback", channels, offered);
    OpenStream& asked = control_->opened;
    (capture ? asked.capture : asked.playback) =
        PaStreamParameters{*device, channels, paFloat32 | paNonInterleaved,
                           capture ? info.defaultLowInputLatency : info.defaultLowOutputLatency, nullptr};
    Attempt& attempt = control_->attempt;
    attempt.own_rate = static_cast<std::uint32_t>(std::lround(info.defaultSampleRate));
    if (attempt.device.empty())
        attempt.device = id;
    else if (attempt.device != id)
        attempt.device.append("' with '").append(id);
    return {};
}

Result<void> Session::open_at_some_rate(const StreamConfig& config) {
    Control& control = *control_;
    const auto try_rate = [&](std::uint32_t rate) {
        control.opened.rate = rate;
        control.attempt.rate = rate;
        if (config.block != 0) { // PortAudio's latency is the device's buffer without one period
            const std::uint32_t periods =
                std::max(config.periods != 0 ? config.periods : default_periods, 2U);
            suggest_latency([&](double) { return static_cast<double>((periods - 1) * config.block) / rate; });
        }
        return open_stream(&Standby::process, &Standby::on_finished, &control.standby);
    };
    auto opened = try_rate(config.sample_rate != 0 ? config.sample_rate : control.attempt.own_rate);
    if (!opened && opened.error().code == Errc::unsupported_rate && config.rate_match == Match::adapt)
        opened = try_rate(control.attempt.own_rate);
    return opened;
}

template <class F>
void Session::suggest_latency(F seconds) {
    for (auto* const parameters : {&control_->opened.capture, &control_->opened.playback})
        if (*parameters)
            (*parameters)->suggestedLatency = seconds((*parameters)->suggestedLatency);
}

/// JACK's quantum shows only in its cycles. A block that does not divide it is PortAudio's to make.
Result<void> Session::find_quantum(const StreamConfig& config) {
    Control& control = *control_;
    const auto observe = [&]() -> Result<void> {
        if (auto running = run_stream(); !running)
            return running;
        for (int waited_ms = 0; control.standby.frames.load() == 0; ++waited_ms) {
            if (waited_ms >= first_cycle_timeout_ms)
                return Error::make(Errc::timed_out, name, "open", 0,
                                   "the JACK server has not called for %d ms; it hangs: restart it",
                                   first_cycle_timeout_ms);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return {};
    };
    if (auto observed = observe(); !observed)
        return observed;
    if (config.block == 0 || config.period_match == Match::adapt ||
        control.standby.frames.load() % config.block == 0)
        return {};
    if (auto ended = end_stream(); !ended)
        return ended;
    control.opened.frames = config.block;
    if (auto opened = open_stream(&Standby::process, &Standby::on_finished, &control.standby); !opened)
        return opened;
    return observe();
}

void Session::publish(const StreamConfig& config) {
    const OpenStream& opened = control_->opened;
    const PaStreamInfo& info = *Pa_GetStreamInfo(opened.stream);
    // Of a JACK client that is no device PortAudio computes nonsense; then what is known is its own block.
    const std::uint32_t at_least = over_jack_ ? static_cast<std::uint32_t>(opened.frames) : 0;
    const auto frames = [&](double seconds, std::uint32_t otherwise) {
        return seconds > 0.0 && seconds < longest_latency_s
                   ? static_cast<std::uint32_t>(std::lround(seconds * info.sampleRate))
                   : otherwise;
    };
    StreamInfo& got = stream_->negotiated;
    copy_text(got.client_name, over_jack_ ? client_name() : config.client_name);
    copy_text(got.device, control_->attempt.device);
    got.sample_rate = static_cast<std::uint32_t>(std::lround(info.sampleRate));
    got.quantum = over_jack_ ? control_->standby.frames.load() : static_cast<std::uint32_t>(opened.frames);
    got.input_channels = num_inputs_;
    got.output_channels = num_outputs_;
    got.hardware_format = over_jack_ ? "float32" : "unknown (PortAudio converts)";
    got.direct = over_jack_ && opened.frames == paFramesPerBufferUnspecified;
    stream_->report_latency(num_inputs_ != 0 ? frames(info.inputLatency, 0) : 0,
                            num_outputs_ != 0 ? frames(info.outputLatency, at_least) : 0);
}

Result<void> Session::open_stream(ProcessFunction callback, void (*when_finished)(void*), void* user_data) {
    Control& control = *control_;
    control.opened.callback = callback;
    control.opened.on_finished = when_finished;
    control.opened.user_data = user_data;
    if (!call(open_timeout_ms, control.quiet, control.opened))
        return hangs("open");
    if (control.opened.result != paNoError)
        return error_of(control.opened.result, control.attempt);
    return {};
}

Result<void> Session::run_stream() {
    Control& control = *control_;
    constexpr int attempts = 2; // PortAudio's ALSA times out now and then where a larger buffer helps
    for (int attempt = 1;; ++attempt) {
        control.stopping.store(false);
        control.standby.finished.store(false);
        control.standby.frames.store(0);
        StartStream start{control.end(over_jack_)};
        if (!call(start_timeout_ms, control.quiet, start))
            return hangs("start");
        if (start.result == paNoError)
            break;
        if (start.result != paTimedOut || attempt == attempts)
            return error_of(start.result, control.attempt);
        if (auto ended = end_stream(); !ended)
            return ended;
        suggest_latency([](double seconds) { return 2 * seconds; });
        if (!call(open_timeout_ms, control.quiet, control.opened))
            return hangs("open");
        if (control.opened.result != paNoError)
            return error_of(control.opened.result, control.attempt);
    }
    control.running = true;
    if (over_jack_)
        control.start_watch(*stream_);
    return {};
}

/// Stops and closes it.
Result<void> Session::end_stream() {
    Control& control = *control_;
    if (control.opened.stream == nullptr)
        return {};
    control.stopping.store(true);
    control.stop_watch();
    if (over_jack_ && control.running && Pa_IsStreamActive(control.opened.stream) != 1)
        return gone();
    EndStream end = control.end(over_jack_);
    if (!call(stop_timeout_ms, control.quiet, end))
        return hangs("stop");
    if (!end.closed)
        return gone();
    control.running = false;
    control.opened.stream = nullptr;
    return {};
}

Result<void> Session::start_stream(ProcessFunction callback, void* engine) {
    Control& control = *control_;
    control.attempt.operation = "start";
    if (control.given_up)
        return Error::make(Errc::invalid_state, name, "start", 0,
                           "the stream had to be given up; close() and open() again");
    if (control.opened.stream == nullptr ||
        control.opened.callback != callback) { // PortAudio takes the callback only when it opens
        if (auto ended = end_stream(); !ended)
            return ended;
        engine_ = engine; // (only here: otherwise the stream may be running)
        if (auto opened = open_stream(callback, &Session::on_finished, this); !opened)
            return opened;
    }
    return control.running ? Result<void>{} : run_stream();
}

Result<void> Session::stop() {
    Control& control = *control_;
    if (over_jack_ || !control.running || control.given_up)
        return {}; // over JACK it runs on: the connections would be lost
    control.stopping.store(true);
    EndStream stop = control.end(over_jack_);
    stop.closing = false;
    stop.stuck = is_stuck();
    if (!call(stop_timeout_ms, control.quiet, stop))
        return hangs("stop");
    control.running = false;
    return {};
}

/// With the gate closed, so that every cycle is a checked one: have they ceased, none being inside?
bool Session::is_stuck() const {
    const std::uint32_t seen = checked_cycles_.load(std::memory_order_relaxed);
    for (int waited_ms = 0; waited_ms < stuck_after_ms; ++waited_ms) {
        if (control_->standby.finished.load() || stream_->gate.inside() ||
            checked_cycles_.load(std::memory_order_relaxed) != seen)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

bool Session::close() {
    if (control_ == nullptr)
        return true;
    // Such a stream is closed by the server's own cycles, or not at all.
    const bool jack_answers = over_jack_ && control_->opened.stream != nullptr;
    if (!control_->given_up)
        (void)end_stream();
    if (control_->given_up)
        return false;
    if (std::exchange(control_->holds_library, false))
        release(jack_answers);
    return true;
}

Error Session::gone() {
    control_->given_up = true;
    report_jack_gone();
    return Error::make(Errc::server_lost, name, control_->attempt.operation, 0, "%s", jack_died);
}

Error Session::hangs(const char* what) {
    control_->stop_watch();
    control_->given_up = true;
    return Error::make(
        Errc::timed_out, name, control_->attempt.operation, 0,
        "PortAudio does not come back from the %s of '%s'; its server or device hangs: restart that, then "
        "open() again",
        what, control_->attempt.device.c_str());
}

void Session::Control::start_watch(Stream& stream) {
    watch = std::jthread([&stream, watched = opened.stream](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            if (Pa_IsStreamActive(watched) != 1) {
                report_jack_gone();
                return stream.lost(Errc::server_lost, jack_died);
            }
            never.wait_for(lock, stop, watch_interval, [] { return false; });
        }
    });
}

bool Session::fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
                            const CycleMemory& memory) noexcept {
    checked_cycles_.store(checked_cycles_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (num_outputs_ != 0 && memory.outputs == nullptr)
        return false;
    if (num_inputs_ != 0 && memory.inputs == nullptr) {
        for (std::uint32_t channel = 0; channel < num_outputs_; ++channel)
            std::memset(memory.outputs[channel], 0, frames * sizeof(float));
        return false;
    }
    memory.fetch<dynamic_extent, dynamic_extent>(capture, playback);
    return true;
}

void Session::look_at(unsigned long status) noexcept {
    // (The remaining flag, paPrimingOutput, comes only to those who ask for it.)
    constexpr PaStreamCallbackFlags lost =
        paInputOverflow | paInputUnderflow | paOutputOverflow | paOutputUnderflow;
    if ((status & lost) != 0)
        stream_->report_xrun(); // how much was lost PortAudio does not say
}

void Session::on_finished(void* session) noexcept {
    auto& self = *static_cast<Session*>(session);
    if (!self.control_->stopping.load())
        self.stream_->lost(Errc::device_lost,
                           "PortAudio has given the device up; see that it is there, then open() again");
    self.control_->standby.finished.store(true);
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t now_ns = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    return static_cast<std::uint64_t>(now_ns +
                                      std::int64_t{offset} * 1'000'000'000 / self.stream_->sample_rate());
}

Result<void> Backend::available() {
    if (auto ready = acquire("rill-io-probe", true); !ready)
        return ready;
    const int count = Pa_GetDeviceCount();
    release(true);
    if (count > 0)
        return {};
    return Error::make(Errc::no_device, name, "available", 0,
                       "PortAudio knows no device; plug one in, define an ALSA PCM, or start a JACK server");
}

Result<DeviceList> Backend::devices() {
    if (auto ready = acquire("rill-io-probe", true); !ready)
        return ready.error();
    DeviceList devices = list_devices();
    release(true);
    return devices;
}

} // namespace rill::io::portaudio
