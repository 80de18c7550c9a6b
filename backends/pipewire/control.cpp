// SPDX-License-Identifier: MIT
#include "control.hpp"

#include "latency.hpp"
#include <rill_io/block_adapter.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace rill::io::pipewire {

namespace {

constexpr const char* name = Backend::name;
constexpr int node_timeout_ms = 3000;
constexpr int link_timeout_ms = 500; ///< a target that sleeps may take long; it is not waited for
constexpr int first_cycle_timeout_ms = 2000;
constexpr int answer_timeout_ms = 1000;
/// Enough for a new link's driver to have taken the node over, with the quantum that it then has.
constexpr std::uint32_t cycles_until_known = 2;

} // namespace

Result<void> Session::Control::open(const StreamConfig& config, const Options& options) {
    const bool needs_rate = config.block != 0 && config.sample_rate == 0; // a block is asked for as a time
    if (needs_rate)
        if (auto listed = connection.wait_until_listed(); !listed)
            return listed;
    if (auto made = make_filter(config, options); !made)
        return made;
    // (Behind the filter: the server makes the node first.)
    if (autoconnect != Autoconnect::off)
        connection.list();
    if (auto started = connection.run(); !started)
        return started;
    if (autoconnect == Autoconnect::standard) {
        if (auto listed = connection.wait_until_listed(); !listed)
            return listed;
        if (auto found = check_targets(config); !found)
            return found;
    }
    if (autoconnect != Autoconnect::off)
        if (auto listed = wait_for_ports(); !listed)
            return listed;
    connection.on_change([](void* control) { static_cast<Control*>(control)->link(); }, this);
    linking = true;
    link();
    return {};
}

Result<void> Session::Control::check_targets(const StreamConfig& config) {
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
        if (auto added = add_port(PW_DIRECTION_INPUT, number); !added)
            return added;
    for (std::uint32_t number = 1; number <= config.output_channels; ++number)
        if (auto added = add_port(PW_DIRECTION_OUTPUT, number); !added)
            return added;
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

Result<void> Session::Control::add_port(pw_direction direction, std::uint32_t number) {
    const bool is_input = direction == PW_DIRECTION_INPUT;
    const std::string port_name = (is_input ? "in_" : "out_") + std::to_string(number);
    pw_properties* const properties = pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
                                                        PW_KEY_PORT_NAME, port_name.c_str(), nullptr);
    void* const port = pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS,
                                          sizeof(PortLatency), properties, nullptr, 0);
    if (port == nullptr)
        return Error::make(Errc::backend_failure, name, "open", errno, "port '%s' could not be made: %s",
                           port_name.c_str(), std::strerror(errno));
    new (port) PortLatency{};
    is_input ? session->ports_.add_input(port) : session->ports_.add_output(port);
    return {};
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

Result<void> Session::Control::wait_for_clock() {
    {
        const Connection::Lock lock(connection);
        // Until its links work the node has one driver after another.
        (void)connection.wait_until(node_timeout_ms, [&] { return links.settled(); });
        (void)connection.wait_until(link_timeout_ms, [&] { return links.active(); });
        cycles_before = session->idle_cycles_.load(std::memory_order_acquire);
        awaits_clock = true;
    }
    // Cycles tell nobody: look again in small steps. Once the clock is told the driver's first cycle is less
    // than half a millisecond away, so nothing here then waits for the lock.
    constexpr int step_ms = 1;
    for (int waited = 0; waited < first_cycle_timeout_ms && !connection.lost(); waited += step_ms) {
        {
            const Connection::Lock lock(connection);
            look_at_clock();
        }
        if (clock_known.try_acquire_for(std::chrono::milliseconds(step_ms)))
            return {};
    }
    const Connection::Lock lock(connection);
    awaits_clock = false;
    if (!connection.round_trip(answer_timeout_ms))
        return connection.no_answer();
    return Error::make(Errc::timed_out, name, "open", 0,
                       "the graph has not run for %d ms; is there a driver in the server's configuration "
                       "(pw-top shows them)?",
                       first_cycle_timeout_ms);
}

void Session::Control::look_at_clock() {
    if (!awaits_clock || !clock.is_drivers(pw_filter_get_node_id(filter)))
        return;
    const std::uint32_t cycles = session->idle_cycles_.load(std::memory_order_acquire) - cycles_before;
    if (cycles < cycles_until_known && !clock.is_at_rest())
        return;
    awaits_clock = false;
    known_rate = clock.rate();
    known_quantum = clock.quantum();
    tell_ports_latency(known_rate, known_quantum);
    clock_known.release();
    tell_nodes_latency(); // (nobody waits for that)
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
    session.control_->clock.set(static_cast<const spa_io_position*>(area));
    session.control_->look_at_clock();
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
    tell_ports_latency(session->stream_->sample_rate(),
                       session->seen_quantum_.load(std::memory_order_relaxed));
    tell_nodes_latency();
}

void Session::Control::tell_ports_latency(std::uint32_t rate, std::uint32_t quantum) {
    adapter_latency = std::max(BlockAdapter::latency_for(block, quantum),
                               session->stream_->adapter_latency.load(std::memory_order_relaxed));
    const auto inputs = session->ports_.inputs();
    const auto outputs = session->ports_.outputs();
    const spa_latency_info before =
        tell_latency_through(filter, inputs, outputs, SPA_DIRECTION_OUTPUT, adapter_latency);
    const spa_latency_info behind =
        tell_latency_through(filter, outputs, inputs, SPA_DIRECTION_INPUT, adapter_latency);
    session->stream_->report_latency(frames_of(before, quantum, rate), frames_of(behind, quantum, rate));
}

void Session::Control::tell_nodes_latency() {
    if (std::exchange(told_process_latency, adapter_latency) != adapter_latency)
        tell_process_latency(filter, adapter_latency);
}

} // namespace rill::io::pipewire
