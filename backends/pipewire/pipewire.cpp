// SPDX-License-Identifier: MIT
#include "control.hpp"
#include <rill_io/bounded_call.hpp>
#include <rill_io/cycle_gate.hpp>
#include <rill_io/pipewire.hpp>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

namespace rill::io::pipewire {

static_assert(offsetof(Clock, flags) == offsetof(spa_io_clock, flags));
static_assert(offsetof(Clock, id) == offsetof(spa_io_clock, id));
static_assert(offsetof(Clock, nsec) == offsetof(spa_io_clock, nsec));
static_assert(offsetof(Clock, rate_denom) == offsetof(spa_io_clock, rate) + offsetof(spa_fraction, denom));
static_assert(offsetof(Clock, position) == offsetof(spa_io_clock, position));
static_assert(offsetof(Clock, duration) == offsetof(spa_io_clock, duration));
static_assert(offsetof(Clock, rate_diff) == offsetof(spa_io_clock, rate_diff));
static_assert(offsetof(spa_io_position, clock) == 0);

namespace {

constexpr const char* name = Backend::name;
constexpr int close_timeout_ms = 2000;

} // namespace

Session::~Session() {
    delete control_;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    // For start(): the first fence takes up to two milliseconds once the process has other threads, for which
    // the kernel then waits.
    fence_all_threads();
    delete control_;
    control_ = new Control{};
    control_->session = this;
    control_->block = config.block;
    stream_ = &stream;
    owns_connection_ = options.loop == nullptr;
    engine_.store(nullptr, std::memory_order_relaxed);
    expected_position_ = 0;
    rate_ = clock_id_ = 0;
    seen_quantum_.store(0, std::memory_order_relaxed);
    seen_adapter_latency_ = 0;
    idle_cycles_.store(0, std::memory_order_relaxed);

    Connection& connection = control_->connection;
    if (auto connected = connection.open(options); !connected)
        return connected;
    control_->autoconnect = config.autoconnect;
    control_->capture_target = config.capture_target.empty() ? config.device : config.capture_target;
    control_->playback_target = config.playback_target.empty() ? config.device : config.playback_target;
    Result<void> result;
    {
        const Connection::Lock lock(connection);
        connection.on_lost(
            [](void* session, int native) {
                static_cast<Session*>(session)->stream_->lost(
                    Errc::server_lost, "the PipeWire server is gone; restart it and open again", native);
            },
            this);
        result = control_->open(config, options);
    }
    if (result)
        result = control_->wait_for_clock();
    if (connection.lost()) // whatever else came of it
        result = Error::make(Errc::no_server, name, "open", EPIPE,
                             "the PipeWire server went away; restart it (systemctl --user restart pipewire)");
    if (!result) {
        if (!close())
            control_ = nullptr; // never freed: the thread that hangs in closing still uses it
        return result;
    }
    StreamInfo& got = stream.negotiated;
    got.sample_rate = control_->known_rate;
    got.quantum = control_->known_quantum;
    copy_text(got.client_name, config.client_name);
    copy_text(got.device, config.device.empty() ? std::string_view("default") : config.device);
    got.input_channels = config.input_channels;
    got.output_channels = config.output_channels;
    got.hardware_format = "float32";
    got.direct = true;
    return {};
}

Result<void> Session::switch_process(ProcessFunction function, void* engine) {
    if (control_->connection.lost())
        return Error::make(Errc::server_lost, name, "start", EPIPE,
                           "the PipeWire server has gone since open(); close() and open() again");
    // Whoever calls the new function must see the engine. libpipewire loads the pointer plainly, anew in
    // every cycle, so nothing on its side orders the two: the fence, which every thread passes, does.
    engine_.store(engine, std::memory_order_relaxed);
    fence_all_threads();
    std::atomic_ref<decltype(control_->events.process)>(control_->events.process)
        .store(function, std::memory_order_relaxed);
    return {};
}

Result<void> Session::stop() {
    return {}; // the node stays linked; the gate is closed and it plays silence
}

bool Session::close() {
    if (control_ == nullptr || control_->connection.loop() == nullptr)
        return true;
    const auto tear_down = [](Control*& control) {
        Connection& connection = control->connection;
        connection.stop_loop(); // nothing calls back any more, but for the data thread
        const auto destroy = [&] {
            control->linking = false;
            control->links.destroy_all();
            if (control->filter != nullptr)
                pw_filter_destroy(std::exchange(control->filter, nullptr));
            if (control->latency_event != nullptr)
                pw_loop_destroy_source(pw_thread_loop_get_loop(connection.loop()),
                                       std::exchange(control->latency_event, nullptr));
        };
        if (control->session->owns_connection_) {
            destroy();
        } else {
            const Connection::Lock lock(connection);
            destroy();
            (void)connection.round_trip(close_timeout_ms / 2);
        }
        connection.close();
    };
    Control* control = control_;
    return bounded_call<Control*>(close_timeout_ms, control, tear_down, [](Control*&) {});
}

bool Session::fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
    look_at_latency(frames);
    ports_.fetch_with_stand_ins(capture, playback, frames);
    if (frames <= max_quantum || ports_.has_all(capture, playback))
        return true;
    ports_.silence_fetched(playback, frames); // too long for the stand-ins: this cycle passes
    return false;
}

void Session::look_at_latency(std::uint32_t frames) noexcept {
    const std::uint32_t adapter_latency = stream_->adapter_latency.load(std::memory_order_relaxed);
    if (frames == seen_quantum_.load(std::memory_order_relaxed) && adapter_latency == seen_adapter_latency_)
        return;
    seen_quantum_.store(frames, std::memory_order_relaxed); // the loop's thread reads it after the event
    stream_->report_quantum(frames, control_->block); // also where the gate is closed: for the next start()
    seen_adapter_latency_ = adapter_latency;
    if (control_->latency_event != nullptr) // (a write to an eventfd: it does not block)
        pw_loop_signal_event(pw_thread_loop_get_loop(control_->connection.loop()), control_->latency_event);
}

std::uint32_t Session::clock_changed() noexcept {
    const bool same_clock = clock_->id == clock_id_ && clock_->rate_denom == rate_;
    if (same_clock && clock_->position > expected_position_)
        stream_->report_xrun(clock_->position -
                             expected_position_); // 0.3.65 tells of an xrun in no other way
    else if (rate_ != 0) // another device drives the node, or the driver has begun to count anew
        stream_->report_discontinuity();
    clock_id_ = clock_->id;
    rate_ = clock_->rate_denom;
    stream_->report_sample_rate(rate_);
    stream_->report_freewheeling((clock_->flags & SPA_IO_CLOCK_FLAG_FREEWHEEL) != 0);
    expected_position_ = clock_->position + clock_->duration;
    return static_cast<std::uint32_t>(clock_->duration);
}

void Session::process_idle(void* session, spa_io_position* position) noexcept {
    auto& self = *static_cast<Session*>(session);
    const std::uint32_t frames = self.read_clock(position);
    self.look_at_latency(frames);
    for (void* const port : self.ports_.inputs())
        (void)pw_filter_get_dsp_buffer(port, frames);
    self.ports_.silence(frames);
    self.stream_->report_quantum(frames, self.control_->block);
    self.idle_cycles_.fetch_add(1, std::memory_order_release);
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    if (self.clock_ == nullptr || self.rate_ == 0)
        return 0;
    const std::int64_t offset_ns = std::int64_t{offset} * 1'000'000'000 / self.rate_;
    return self.clock_->nsec + static_cast<std::uint64_t>(offset_ns);
}

double Session::speed(const void* session) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    // (a driver that measures nothing leaves it 0)
    return self.clock_ == nullptr || self.clock_->rate_diff <= 0.0 ? 1.0 : self.clock_->rate_diff;
}

std::uint32_t Session::node_id() const noexcept {
    return control_ != nullptr && control_->filter != nullptr ? pw_filter_get_node_id(control_->filter)
                                                              : SPA_ID_INVALID;
}

Result<void> Backend::available() {
    Connection connection;
    if (auto connected = connection.open({}); !connected)
        return connected;
    const Connection::Lock lock(connection);
    return connection.wait_until_listed(); // (one that hangs accepts, too)
}

} // namespace rill::io::pipewire
