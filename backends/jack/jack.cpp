// SPDX-License-Identifier: MIT
#include "client.hpp"
#include "jack_library.hpp"
#include "libjack.hpp"
#include "ports.hpp"
#include <rill_io/block_adapter.hpp>
#include <rill_io/bounded_call.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/pacer.hpp>

#include <jack/jack.h>
#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace rill::io::jack {

namespace {

constexpr const char* name = Backend::name;
constexpr int activate_timeout_ms = 5000;
constexpr int close_timeout_ms = 2000;

/// A host's client goes on without us.
void forget_callbacks(const Client& lent) {
    const auto& [libjack, client] = lent;
    libjack->jack_set_process_callback(client, nullptr, nullptr);
    libjack->jack_on_info_shutdown(client, nullptr, nullptr);
    libjack->jack_set_xrun_callback(client, nullptr, nullptr);
    libjack->jack_set_buffer_size_callback(client, nullptr, nullptr);
    libjack->jack_set_sample_rate_callback(client, nullptr, nullptr);
    // Not null: jack2 would no longer tell libjack, and then wait ten seconds for the client when
    // freewheeling ends.
    libjack->jack_set_freewheel_callback(client, [](int, void*) {}, nullptr);
    libjack->jack_set_latency_callback(client, nullptr, nullptr);
}

} // namespace

struct Session::Control {
    std::string capture_target;
    std::string playback_target;
    Autoconnect autoconnect = Autoconnect::standard;
    ProcessFunction function = nullptr;
    void* engine = nullptr;
    bool active = false;
    bool connected_once = false;
    bool hung = false; ///< a thread that was left behind still works on this session
};

Session::~Session() {
    delete control_;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    delete control_;
    control_ = new Control{};
    stream_ = &stream;
    block_ = config.block;
    shut_down_.store(false, std::memory_order_relaxed);
    const std::string_view device = config.device;
    control_->capture_target = config.capture_target.empty() ? device : config.capture_target;
    control_->playback_target = config.playback_target.empty() ? device : config.playback_target;
    control_->autoconnect = config.autoconnect;

    Result<void> result = open_client(config, options);
    if (result) {
        ports_.clear(client_.libjack->jack_port_get_buffer);
        result = check_targets(config);
    }
    if (result)
        result = register_ports(config, options);
    if (!result) {
        if (client_.handle != nullptr)
            (void)give_back_client();
        client_ = {}; // also if that hangs: nothing of ours is called back yet
        return result;
    }
    set_callbacks();

    const auto& [libjack, client] = client_;
    StreamInfo& got = stream.negotiated;
    copy_text(got.client_name, libjack->jack_get_client_name(client));
    copy_text(got.device, device.empty() ? std::string_view("default") : device);
    got.sample_rate = libjack->jack_get_sample_rate(client);
    got.quantum = libjack->jack_get_buffer_size(client);
    got.input_channels = config.input_channels;
    got.output_channels = config.output_channels;
    got.hardware_format = "float32";
    got.direct = true;
    return {};
}

Result<void> Session::open_client(const StreamConfig& config, const Options& options) {
    if (auto loaded = load_library(); !loaded)
        return loaded;
    owns_client_ = options.client == nullptr;
    if (!owns_client_) {
        client_ = {enter_own_libjack(), options.client};
        return {};
    }
    const auto opened = open_client_bounded(std::string(config.client_name), std::string(options.server));
    if (!opened)
        return opened.error();
    client_ = *opened;
    return {};
}

Result<void> Session::check_targets(const StreamConfig& config) {
    if (config.autoconnect != Autoconnect::standard)
        return {};
    const auto check = [&](std::uint32_t channels, const std::string& target, unsigned long flags,
                           const char* what) -> Result<void> {
        if (channels == 0)
            return {};
        const auto ports = find_ports(client_, target, flags);
        if (!ports)
            return ports.error();
        if (target.empty() && !ports->empty() && ports->size() < channels)
            return Error::make(
                Errc::unsupported_channels, name, "open", 0,
                "the default device has %zu %s ports, %u channels were asked; ask for %zu, or set "
                "autoconnect = off",
                ports->size(), what, channels, ports->size());
        return {};
    };
    if (auto ok = check(config.input_channels, control_->capture_target, JackPortIsOutput, "capture"); !ok)
        return ok;
    return check(config.output_channels, control_->playback_target, JackPortIsInput, "playback");
}

Result<void> Session::register_ports(const StreamConfig& config, const Options& options) {
    const auto& [libjack, client] = client_;
    const auto add = [&](std::string_view prefix, std::uint32_t count, unsigned long flags) -> Result<void> {
        for (std::uint32_t number = 1; number <= count; ++number) {
            std::string port_name(prefix);
            port_name.append(std::to_string(number));
            jack_port_t* const port =
                libjack->jack_port_register(client, port_name.c_str(), JACK_DEFAULT_AUDIO_TYPE, flags, 0);
            if (port == nullptr)
                return Error::make(Errc::unsupported_channels, name, "open", 0,
                                   "the server refused port '%s' (%u of %u); it has no ports left (see jackd "
                                   "--port-max) or the name is taken: ask for fewer channels",
                                   port_name.c_str(), number, count);
            flags == JackPortIsInput ? ports_.add_input(port) : ports_.add_output(port);
        }
        return {};
    };
    if (auto ok = add(options.input_prefix, config.input_channels, JackPortIsInput); !ok)
        return ok;
    return add(options.output_prefix, config.output_channels, JackPortIsOutput);
}

void Session::set_callbacks() {
    const auto& [libjack, client] = client_;
    libjack->jack_on_info_shutdown(
        client,
        [](jack_status_t code, const char* reason, void* session) {
            on_shutdown(int{code}, reason, session);
        },
        this);
    libjack->jack_set_xrun_callback(client, &Session::on_xrun, this);
    libjack->jack_set_buffer_size_callback(client, &Session::on_buffer_size, this);
    libjack->jack_set_sample_rate_callback(client, &Session::on_sample_rate, this);
    libjack->jack_set_freewheel_callback(client, &Session::on_freewheel, this);
    libjack->jack_set_latency_callback(
        client, [](jack_latency_callback_mode_t mode, void* session) { on_latency(int{mode}, session); },
        this);
}

Result<void> Session::activate(ProcessFunction function, void* engine) {
    if (control_->active && control_->function == function && control_->engine == engine &&
        told_adapter_latency_.load(std::memory_order_relaxed) == adapter_latency() &&
        !shut_down_.load(std::memory_order_acquire))
        return {};      // still running from before: the gate is open again
    if (control_->hung) // the client may be closed at any moment
        return Error::make(Errc::invalid_state, name, "start", 0,
                           "the JACK server hung when it was started last; close() and open() again");
    struct Activation {
        Session* session;
        ProcessFunction function;
        void* engine;
        Result<void> result;
    } activation{this, function, engine, {}};
    const auto work = [](Activation& call) {
        call.result = call.session->activate_now(call.function, call.engine);
    };
    // When it comes back nobody wants the client any more.
    const auto discard = [](Activation& call) {
        if (call.session->owns_client_)
            close_client(call.session->client_);
        else
            leave_libjack(call.session->client_.libjack);
    };
    control_->hung = !bounded_call<Activation>(activate_timeout_ms, activation, work, discard);
    if (control_->hung)
        return Error::make(
            Errc::timed_out, name, "start", 0,
            "the JACK server has not answered for %d ms; it hangs: restart it, close() and open() again",
            activate_timeout_ms);
    return activation.result;
}

Result<void> Session::activate_now(ProcessFunction function, void* engine) {
    const auto& [libjack, client] = client_;
    if (shut_down_.load(std::memory_order_acquire))
        return Error::make(Errc::server_lost, name, "start", 0,
                           "the JACK server has gone since open(); close() and open() again");
    if (control_->active && control_->function == function && control_->engine == engine) {
        libjack->jack_recompute_total_latencies(client);
        return {};
    }
    Connections connections;
    if (control_
            ->active) { // another callback's type: the process function can only be changed while inactive
        connections = save_connections(client_, ports_.inputs(), ports_.outputs());
        libjack->jack_deactivate(client);
        control_->active = false;
    }
    if (const int status = libjack->jack_set_process_callback(client, function, engine); status != 0)
        return Error::make(
            Errc::invalid_state, name, "start", status,
            "the JACK client does not take a process callback; an adopted client must not be active");
    if (const int status = libjack->jack_activate(client); status != 0)
        return Error::make(
            Errc::server_lost, name, "start", status,
            "the JACK server did not activate the client; it may have gone: close() and open() again");
    control_->active = true;
    control_->function = function;
    control_->engine = engine;
    stream_->report_sample_rate(libjack->jack_get_sample_rate(client));
    restore_connections(client_, connections);
    if (!std::exchange(control_->connected_once, true))
        connect_targets();
    update_latency();
    return {};
}

void Session::connect_targets() {
    const auto& [libjack, client] = client_;
    if (control_->autoconnect == Autoconnect::loopback)
        for (std::size_t i = 0; i < std::min(ports_.inputs().size(), ports_.outputs().size()); ++i)
            libjack->jack_connect(client, libjack->jack_port_name(ports_.outputs()[i]),
                                  libjack->jack_port_name(ports_.inputs()[i]));
    if (control_->autoconnect != Autoconnect::standard)
        return;
    // A port may have gone since open(), or a connection be refused: the stream runs all the same,
    // unconnected there.
    const auto sources = find_ports(client_, control_->capture_target, JackPortIsOutput);
    if (sources)
        for (std::size_t i = 0; i < std::min(ports_.inputs().size(), sources->size()); ++i)
            libjack->jack_connect(client, (*sources)[i].c_str(), libjack->jack_port_name(ports_.inputs()[i]));
    const auto targets = find_ports(client_, control_->playback_target, JackPortIsInput);
    if (targets)
        for (std::size_t i = 0; i < std::min(ports_.outputs().size(), targets->size()); ++i)
            libjack->jack_connect(client, libjack->jack_port_name(ports_.outputs()[i]),
                                  (*targets)[i].c_str());
}

Result<void> Session::stop() {
    return {}; // the client stays active: its connections would be lost
}

bool Session::close() {
    if (client_.handle == nullptr)
        return true;
    if (control_->hung)
        return false;
    return give_back_client();
}

bool Session::give_back_client() {
    struct Leave {
        Client client;
        bool owned;
        bool deactivate;
        const CycleGate* gate;
        std::vector<jack_port_t*> ports;
    } leave{client_, owns_client_, std::exchange(control_->active, false), &stream_->gate, {}};
    leave.ports.assign(ports_.all().begin(), ports_.all().end());
    const auto work = [](Leave& job) {
        // libjack cancels its thread, also in the middle of a callback that blocks: that would end the
        // process.
        while (job.gate->inside())
            ::poll(nullptr, 0, 10);
        if (job.owned) {
            close_client(job.client);
            return;
        }
        const auto& [libjack, client] = job.client;
        if (job.deactivate)
            libjack->jack_deactivate(client);
        forget_callbacks(job.client);
        for (jack_port_t* const port : job.ports)
            libjack->jack_port_unregister(client, port);
        leave_libjack(libjack);
    };
    if (!bounded_call<Leave>(close_timeout_ms, leave, work, [](Leave&) {}))
        return false;
    client_ = {}; // not before: the server may be telling us something at this moment
    return true;
}

bool Session::fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
    ports_.fetch_with_stand_ins(capture, playback, frames);
    if (ports_.has_all(capture, playback))
        return true;
    ports_.silence_fetched(playback, frames); // the fast path looks for no stand-ins: this cycle passes
    return false;
}

_jack_client* Session::client() const noexcept {
    return is_own_libjack(client_.libjack) ? client_.handle : nullptr;
}

std::uint32_t Session::frame_time() const noexcept {
    return client_.libjack->jack_last_frame_time(client_.handle);
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    const auto& [libjack, client] = self.client_;
    jack_nframes_t frames = 0;
    jack_time_t now_us = 0;
    jack_time_t next_us = 0;
    float period_us = 0.0F;
    if (libjack->jack_get_cycle_times(client, &frames, &now_us, &next_us, &period_us) != 0)
        return 0;
    // JACK counts by CLOCK_MONOTONIC_RAW, which runs apart from CLOCK_MONOTONIC: only differences carry over.
    const auto age_us = static_cast<std::int64_t>(libjack->jack_get_time() - now_us);
    const std::int64_t offset_ns = std::int64_t{offset} * 1'000'000'000 / self.stream_->sample_rate();
    return Pacer::now_ns() - static_cast<std::uint64_t>(age_us * 1000 - offset_ns);
}

double Session::tempo(const void* session) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    jack_position_t position{};
    self.client_.libjack->jack_transport_query(self.client_.handle, &position);
    return (position.valid & JackPositionBBT) != 0 ? position.beats_per_minute : 0.0;
}

void Session::on_shutdown(int code, const char*, void* session) noexcept {
    // May run on the cycle thread or as a signal handler would: atomics and an eventfd write only.
    // libjack cancels this thread when the client is closed, which whoever learns of the loss may do at once:
    // the cancellation would unwind this frame, which is noexcept, and end the program. The thread ends by
    // itself.
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    auto& self = *static_cast<Session*>(session);
    self.shut_down_.store(true, std::memory_order_release);
    lost_client_of(self.client_.libjack);
    self.stream_->lost(Errc::server_lost,
                       "the JACK server has shut down or thrown this client out; restart it and open again",
                       code);
}

int Session::on_xrun(void* session) noexcept {
    // How much was lost shows in the frame counter at the next cycle.
    static_cast<Session*>(session)->stream_->report_xrun();
    return 0;
}

int Session::on_buffer_size(std::uint32_t frames, void* session) noexcept {
    // Not a barrier: jack2 may already process the new size. Cycles go by the size they are given.
    auto& self = *static_cast<Session*>(session);
    self.stream_->report_quantum(frames, self.block_);
    return 0;
}

int Session::on_sample_rate(std::uint32_t rate, void* session) noexcept {
    static_cast<Session*>(session)->stream_->report_sample_rate(rate);
    return 0;
}

void Session::on_freewheel(int starting, void* session) noexcept {
    static_cast<Session*>(session)->stream_->report_freewheeling(starting != 0);
}

void Session::on_latency(int mode, void* session) noexcept {
    // With a callback of our own libjack no longer passes the ranges on: we do, and add what the adapter
    // adds.
    auto& self = *static_cast<Session*>(session);
    const bool capture = mode == int{JackCaptureLatency};
    const auto from = capture ? self.ports_.inputs() : self.ports_.outputs();
    const auto to = capture ? self.ports_.outputs() : self.ports_.inputs();
    const auto direction = static_cast<jack_latency_callback_mode_t>(mode);
    const std::uint32_t adapter = self.adapter_latency();
    self.told_adapter_latency_.store(adapter, std::memory_order_relaxed);

    jack_latency_range_t all{};
    for (jack_port_t* const port : from) {
        const jack_latency_range_t range = latency_of_others(self.client_, port, direction);
        all.min = port == from.front() ? range.min : std::min(all.min, range.min);
        all.max = std::max(all.max, range.max);
    }
    all.min += adapter;
    all.max += adapter;
    for (jack_port_t* const port : to)
        self.client_.libjack->jack_port_set_latency_range(port, direction, &all);
    self.update_latency();
}

std::uint32_t Session::adapter_latency() const noexcept {
    // A quantum that is on its way, or more that a quantum before needed: the adapter gives nothing back.
    return std::max(BlockAdapter::latency_for(block_, stream_->quantum.load(std::memory_order_relaxed)),
                    stream_->adapter_latency.load(std::memory_order_relaxed));
}

void Session::update_latency() {
    const auto largest = [this](std::span<jack_port_t* const> ports, jack_latency_callback_mode_t mode) {
        std::uint32_t frames = 0;
        for (jack_port_t* const port : ports)
            frames = std::max(frames, latency_of_others(client_, port, mode).max);
        return frames;
    };
    stream_->report_latency(largest(ports_.inputs(), JackCaptureLatency),
                            largest(ports_.outputs(), JackPlaybackLatency));
}

} // namespace rill::io::jack
