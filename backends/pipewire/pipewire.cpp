// SPDX-License-Identifier: MIT
#include "connection.hpp"
#include "latency.hpp"
#include "links.hpp"
#include <rill_io/block_adapter.hpp>
#include <rill_io/bounded_call.hpp>
#include <rill_io/cycle_gate.hpp>
#include <rill_io/pipewire.hpp>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <span>
#include <string>
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
constexpr int node_timeout_ms = 3000;
constexpr int first_cycle_timeout_ms = 2000;
constexpr int close_timeout_ms = 2000;
/// Enough for a new link's driver to have taken the node over, with the quantum that it then has.
constexpr std::uint32_t cycles_until_known = 2;

/// Whether a driver with this clock has stopped: its last cycle is two periods ago, and what it may be late.
bool is_at_rest(const spa_io_clock& clock) noexcept {
    constexpr std::uint64_t lateness_ns = 5'000'000;
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const auto now =
        static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    return clock.nsec + 2 * clock.duration * 1'000'000'000 / clock.rate.denom + lateness_ns < now;
}

} // namespace

struct Session::Control {
    Connection connection;
    Links links;
    pw_filter* filter = nullptr;
    spa_hook filter_hook{};
    pw_filter_events events{}; ///< events.process is read by the data thread in every cycle
    Autoconnect autoconnect = Autoconnect::standard;
    std::string capture_target;
    std::string playback_target;
    bool linking = false;                       ///< follow changes of the graph
    const spa_io_clock* driver_clock = nullptr; ///< in memory that the server, too, writes to
    bool driver_was_at_rest = false;            ///< when it got the node
    std::uint32_t block = 0;
    spa_source* latency_event = nullptr;                    ///< rung by the cycle thread
    std::uint32_t told_process_latency = ~std::uint32_t{0}; ///< frames; nothing yet
    Session* session = nullptr;

    Result<void> open(const StreamConfig& config, const Options& options);
    Result<void> make_filter(const StreamConfig& config, const Options& options);
    Result<void> wait_for_ports();
    Result<void> check_targets(const StreamConfig& config);
    void* add_port(pw_direction direction, std::uint32_t number);
    void link();
    void tell_latency(); ///< of the latest cycle's rate and quantum
    void tell_latency(std::uint32_t rate, std::uint32_t quantum);
    Result<void> wait_for_clock();
    [[nodiscard]] bool knows_clock() const;

    static void on_state(void* self, pw_filter_state old, pw_filter_state state, const char* error) noexcept;
    static void on_io(void* self, void* port, std::uint32_t id, void* area, std::uint32_t size) noexcept;
    static void on_param(void* self, void* port, std::uint32_t id, const spa_pod* parameter) noexcept;
};

Session::~Session() {
    delete control_;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
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
    StreamInfo& got = stream.negotiated;
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
        if (connection.lost()) // whatever else came of it
            result = Error::make(Errc::no_server, name, "open", EPIPE,
                                 "the PipeWire server went away; restart it (systemctl --user restart "
                                 "pipewire)");
        if (result) {
            got.sample_rate = control_->driver_clock->rate.denom;
            got.quantum = static_cast<std::uint32_t>(control_->driver_clock->duration);
            control_->tell_latency(got.sample_rate, got.quantum);
        }
    }
    if (!result) {
        (void)close();
        return result;
    }
    copy_text(got.client_name, config.client_name);
    copy_text(got.device, config.device.empty() ? std::string_view("default") : config.device);
    got.input_channels = config.input_channels;
    got.output_channels = config.output_channels;
    got.hardware_format = "float32";
    got.direct = true;
    return {};
}

Result<void> Session::Control::open(const StreamConfig& config, const Options& options) {
    const bool needs_rate = config.block != 0 && config.sample_rate == 0; // a block is asked for as a time
    if (needs_rate)
        if (auto listed = connection.wait_until_listed(); !listed)
            return listed;
    if (auto made = make_filter(config, options); !made)
        return made;
    // (If once more, it takes no longer: the server makes the node meanwhile.)
    if (auto listed = connection.wait_until_listed(); !listed)
        return listed;
    if (auto found = check_targets(config); !found)
        return found;
    if (auto listed = wait_for_ports(); !listed)
        return listed;
    connection.on_change([](void* control) { static_cast<Control*>(control)->link(); }, this);
    linking = true;
    link();
    return wait_for_clock();
}

Result<void> Session::Control::check_targets(const StreamConfig& config) {
    if (config.autoconnect != Autoconnect::standard)
        return {};
    const auto check = [&](std::uint32_t channels, const std::string& target, bool playback) -> Result<void> {
        if (channels == 0)
            return {};
        const auto ports = find_ports(connection, target, playback);
        if (!ports)
            return ports.error();
        if (target.empty() && !ports->empty() && ports->size() < channels)
            return Error::make(
                Errc::unsupported_channels, name, "open", 0,
                "the default %s has %zu ports, %u channels were asked; ask for %zu, or set autoconnect "
                "= off",
                playback ? "sink" : "source", ports->size(), channels, ports->size());
        return {};
    };
    if (auto ok = check(config.input_channels, capture_target, false); !ok)
        return ok;
    return check(config.output_channels, playback_target, true);
}

Result<void> Session::Control::make_filter(const StreamConfig& config, const Options& options) {
    const std::string client(config.client_name);
    const std::string description(options.description.empty() ? config.client_name : options.description);
    const char* const category = config.output_channels == 0  ? "Capture"
                                 : config.input_channels == 0 ? "Playback"
                                                              : "Duplex";
    pw_properties* const properties = pw_properties_new(
        PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, category, PW_KEY_MEDIA_ROLE,
        std::string(options.media_role).c_str(), PW_KEY_NODE_NAME, client.c_str(), PW_KEY_NODE_DESCRIPTION,
        description.c_str(), PW_KEY_APP_NAME, description.c_str(), PW_KEY_APP_ICON_NAME,
        std::string(options.icon).c_str(), PW_KEY_NODE_ALWAYS_PROCESS, "true", nullptr);
    constexpr std::uint32_t usual_rate = 48000;
    const std::uint32_t rate = config.sample_rate != 0  ? config.sample_rate
                               : connection.rate() != 0 ? connection.rate()
                                                        : usual_rate;
    if (config.block != 0)
        pw_properties_setf(properties, PW_KEY_NODE_LATENCY, "%u/%u", config.block, rate);
    if (config.sample_rate != 0)
        pw_properties_setf(properties, PW_KEY_NODE_RATE, "1/%u", config.sample_rate);
    if (config.block != 0 && options.force_quantum)
        pw_properties_setf(properties, PW_KEY_NODE_FORCE_QUANTUM, "%u", config.block);
    if (config.sample_rate != 0 && options.force_rate)
        pw_properties_setf(properties, PW_KEY_NODE_FORCE_RATE, "%u", config.sample_rate);
    filter = pw_filter_new(connection.core(), client.c_str(), properties);
    if (filter == nullptr)
        return Error::make(Errc::backend_failure, name, "open", errno, "the filter could not be made: %s",
                           std::strerror(errno));
    events.version = PW_VERSION_FILTER_EVENTS;
    events.state_changed = &Control::on_state;
    events.io_changed = &Control::on_io;
    events.param_changed = &Control::on_param;
    events.process = &Session::process_idle;
    pw_filter_add_listener(filter, &filter_hook, &events, session);
    latency_event = pw_loop_add_event(
        pw_thread_loop_get_loop(connection.loop()),
        [](void* control, std::uint64_t) { static_cast<Control*>(control)->tell_latency(); }, this);
    session->ports_.clear(&pw_filter_get_dsp_buffer);
    for (std::uint32_t number = 1; number <= config.input_channels; ++number)
        session->ports_.add_input(add_port(PW_DIRECTION_INPUT, number));
    for (std::uint32_t number = 1; number <= config.output_channels; ++number)
        session->ports_.add_output(add_port(PW_DIRECTION_OUTPUT, number));
    // Custom: only then are we told of latencies; what we tell of ours is in tell_latency().
    constexpr auto flags =
        static_cast<pw_filter_flags>(PW_FILTER_FLAG_RT_PROCESS | PW_FILTER_FLAG_CUSTOM_LATENCY);
    if (const int status = pw_filter_connect(filter, flags, nullptr, 0); status < 0)
        return Error::make(Errc::backend_failure, name, "open", status,
                           "the filter could not be connected: %s", std::strerror(-status));
    return {};
}

Result<void> Session::Control::wait_for_ports() {
    const std::size_t num_ports = session->ports_.all().size();
    const bool listed = connection.wait_until(node_timeout_ms, [&] {
        const std::uint32_t id = pw_filter_get_node_id(filter);
        return id != SPA_ID_INVALID &&
               ports_of(connection, id, false).size() + ports_of(connection, id, true).size() >= num_ports;
    });
    if (!listed)
        return Error::make(Errc::timed_out, name, "open", 0,
                           "the server has not shown our %zu ports within %d ms; is it overloaded?",
                           num_ports, node_timeout_ms);
    return {};
}

void* Session::Control::add_port(pw_direction direction, std::uint32_t number) {
    const std::string port_name = (direction == PW_DIRECTION_INPUT ? "in_" : "out_") + std::to_string(number);
    pw_properties* const properties = pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
                                                        PW_KEY_PORT_NAME, port_name.c_str(), nullptr);
    return new (pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, sizeof(PortLatency),
                                   properties, nullptr, 0)) PortLatency{};
}

void Session::Control::link() {
    if (!linking || autoconnect == Autoconnect::off)
        return;
    const std::uint32_t node = pw_filter_get_node_id(filter);
    const PortIds inputs = ports_of(connection, node, false);
    const PortIds outputs = ports_of(connection, node, true);
    std::vector<Links::Pair> wanted;
    const auto join = [&](const PortIds& from, const PortIds& to) {
        for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i)
            wanted.push_back({from[i], to[i]});
    };
    if (autoconnect == Autoconnect::loopback) {
        join(outputs, inputs);
    } else {
        if (const auto sources = find_ports(connection, capture_target, false); sources && !inputs.empty())
            join(*sources, inputs);
        if (const auto sinks = find_ports(connection, playback_target, true); sinks && !outputs.empty())
            join(outputs, *sinks);
    }
    links.want(connection, wanted);
}

/// The server writes the quantum and the rate that it has found into the clock of a driver at rest before it
/// tells us of it; one that runs takes them up in its next cycle, and only cycles show that.
bool Session::Control::knows_clock() const {
    return driver_clock != nullptr && driver_was_at_rest && links.active();
}

Result<void> Session::Control::wait_for_clock() {
    (void)connection.wait_until(node_timeout_ms, [&] { return links.settled(); });
    // The data thread does not signal the loop: look again in small steps.
    const std::uint32_t from = session->idle_cycles_.load(std::memory_order_acquire);
    constexpr int step_ms = 1;
    for (int waited = 0; waited < first_cycle_timeout_ms && !connection.lost(); waited += step_ms) {
        const std::uint32_t cycles = session->idle_cycles_.load(std::memory_order_acquire) - from;
        if (driver_clock != nullptr && cycles >= cycles_until_known)
            return {};
        if (connection.wait_until(step_ms, [&] { return knows_clock(); }))
            return {};
    }
    return Error::make(Errc::timed_out, name, "open", 0,
                       "the graph has not run for %d ms; is there a driver in the server's configuration "
                       "(pw-top shows them)?",
                       first_cycle_timeout_ms);
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
    self.stream_->quantum.store(frames, std::memory_order_relaxed);
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

void Session::Control::on_state(void* self, pw_filter_state, pw_filter_state state, const char*) noexcept {
    auto& session = *static_cast<Session*>(self);
    pw_thread_loop_signal(session.control_->connection.loop(), false);
    if (state == PW_FILTER_STATE_ERROR)
        session.stream_->lost(Errc::device_lost,
                              "the server put our node into an error state; see pw-dump, open again");
    else if (state == PW_FILTER_STATE_UNCONNECTED && session.control_->linking)
        session.stream_->lost(Errc::server_lost, "the PipeWire server is gone; restart it and open again");
}

void Session::Control::on_io(void* self, void* port, std::uint32_t id, void* area, std::uint32_t) noexcept {
    if (port != nullptr || id != SPA_IO_Position)
        return;
    auto& session = *static_cast<Session*>(self);
    Control& control = *session.control_;
    control.driver_clock = nullptr;
    if (area == nullptr)
        return;
    const spa_io_clock& clock = static_cast<const spa_io_position*>(area)->clock;
    // (Its own clock is what a node gets that no driver has.)
    if (clock.id == session.node_id() || clock.duration == 0 || clock.rate.denom == 0)
        return;
    control.driver_clock = &clock;
    control.driver_was_at_rest = is_at_rest(clock);
    pw_thread_loop_signal(control.connection.loop(), false);
}

void Session::Control::on_param(void* self, void* port, std::uint32_t id, const spa_pod* parameter) noexcept {
    auto& session = *static_cast<Session*>(self);
    spa_latency_info latency{};
    if (port == nullptr || id != SPA_PARAM_Latency || parameter == nullptr ||
        spa_latency_parse(parameter, &latency) < 0)
        return;
    static_cast<PortLatency*>(port)->others = latency;
    session.control_->tell_latency();
}

void Session::Control::tell_latency() {
    tell_latency(session->stream_->sample_rate(), session->seen_quantum_.load(std::memory_order_relaxed));
}

void Session::Control::tell_latency(std::uint32_t rate, std::uint32_t quantum) {
    const std::uint32_t adapter = std::max(BlockAdapter::latency_for(block, quantum),
                                           session->stream_->adapter_latency.load(std::memory_order_relaxed));
    const auto inputs = session->ports_.inputs();
    const auto outputs = session->ports_.outputs();
    if (std::exchange(told_process_latency, adapter) != adapter)
        tell_process_latency(filter, adapter);
    const spa_latency_info before =
        tell_latency_through(filter, inputs, outputs, SPA_DIRECTION_OUTPUT, adapter);
    const spa_latency_info behind =
        tell_latency_through(filter, outputs, inputs, SPA_DIRECTION_INPUT, adapter);
    session->stream_->report_latency(frames_of(before, quantum, rate), frames_of(behind, quantum, rate));
}

Result<void> Backend::available() {
    Connection connection;
    return connection.open({});
}

} // namespace rill::io::pipewire
