// SPDX-License-Identifier: MIT
#pragma once

// jack: one client of a running JACK server (jackd, or PipeWire's JACK), N ports in and M ports out.
//
// Cycle thread: libjack's client thread. Clock, rate and quantum: the server's, also when it changes them;
// the rate is read after activation. The window is the port buffers themselves: nothing is copied. Never
// starts a server; for each further server at the same time it loads a copy of libjack. The client stays
// active between stop() and start() (its ports keep their connections and play silence). Calls that a hung
// server would block for ever are made on a thread that can be left behind.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/port_table.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/wakeup.hpp>
#include <rill_io/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct _jack_client; // jack_client_t
struct _jack_port;   // jack_port_t

namespace rill::io::jack {

struct Options {
    /// A client of the host's to work in; not yet active. Its process and notification callbacks become ours;
    /// it is deactivated but not closed by close(). Null: a client of our own.
    _jack_client* client = nullptr;
    std::string_view server = {};          ///< server name; empty = JACK_DEFAULT_SERVER or "default"
    std::string_view input_prefix = "in_"; ///< ports are named prefix + 1, 2, ...
    std::string_view output_prefix = "out_";
};

/// A client, and the copy of libjack that it is in: each server that is in use needs one of its own.
struct Client {
    const struct Libjack* libjack = nullptr;
    _jack_client* handle = nullptr;
};

class Session {
public:
    using Options = jack::Options;

    Session() = default;
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        return activate(&Session::process<Cycle>, engine);
    }

    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback,
                                      std::uint32_t frames) noexcept {
        // Ports of ours exist until close(), and the gate admits only a quantum that fetch_checked() has seen
        // good.
        ports_.fetch<Inputs, Outputs>(capture, playback, frames);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept;
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return owns_client_; }
    /// jackd counts frames in 32 bits; the counter jumps by what an xrun lost.
    [[nodiscard]] std::uint32_t frame_time() const noexcept;

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static double tempo(const void* session) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns, .tempo = &Session::tempo};

    /// The client, for what only JACK has (transport, more ports). Null while closed, and when the program's
    /// own libjack does not know it: it is in a copy that this backend has loaded, since another server, or a
    /// client of the host's, was in use when it was opened. Thread: control.
    [[nodiscard]] _jack_client* client() const noexcept;

private:
    struct Control; ///< what only the control thread needs
    using ProcessFunction = int (*)(std::uint32_t, void*);

    template <class Cycle>
    static int process(std::uint32_t frames, void* engine) noexcept {
        Cycle::run(engine, frames);
        return 0; // anything else would silently deactivate the client
    }

    Result<void> activate(ProcessFunction function, void* engine);
    Result<void> activate_now(ProcessFunction function, void* engine);
    Result<void> open_client(const StreamConfig& config, const Options& options);
    Result<void> register_ports(const StreamConfig& config, const Options& options);
    Result<void> check_targets(const StreamConfig& config);
    void set_callbacks();
    void connect_targets();
    [[nodiscard]] std::uint32_t adapter_latency() const noexcept;
    void update_latency();
    bool give_back_client();

    // What JACK calls, on threads of its own.
    static void on_shutdown(int code, const char* reason, void* session) noexcept;
    static int on_xrun(void* session) noexcept;
    static int on_buffer_size(std::uint32_t frames, void* session) noexcept;
    static int on_sample_rate(std::uint32_t rate, void* session) noexcept;
    static void on_freewheel(int starting, void* session) noexcept;
    static void on_latency(int mode, void* session) noexcept;

    PortTable<_jack_port> ports_;
    Client client_;
    bool owns_client_ = true;
    std::atomic<bool> shut_down_{false};
    std::uint32_t block_ = 0;
    std::atomic<std::uint32_t> told_adapter_latency_{0}; ///< to the other clients, frames
    Stream* stream_ = nullptr;
    Control* control_ = nullptr;
};

/// Stops libjack from printing its messages on stderr, in the whole process (its handlers are global). For
/// programs, not for plugins. Thread: control, before other calls.
void silence_messages() noexcept;

/// Watches ports that come and go: see rill_io/device_monitor.hpp.
class DeviceWatcher {
public:
    DeviceWatcher() = default;
    ~DeviceWatcher() { close(); }
    DeviceWatcher(const DeviceWatcher&) = delete;
    DeviceWatcher& operator=(const DeviceWatcher&) = delete;

    Result<void> open(Wakeup& wakeup, const Options& options = {});
    Result<DeviceList> list();
    void close() noexcept;

private:
    struct Told; ///< what the server's callbacks touch: left behind when it hangs
    Client client_;
    Told* told_ = nullptr;
};

/// The door.
struct Backend {
    static constexpr const char* name = "jack";
    static constexpr bool drives_itself = true;
    /// Success if a server answers. Thread: control. Realtime-safe: no (connects). Bounded in time.
    static Result<void> available();
    /// The clients that have audio ports, physical ones first. Errors: `no_server`. Thread:
    /// control.
    static Result<DeviceList> devices();
    static void silence_messages() noexcept { jack::silence_messages(); } ///< see there
    using DeviceWatcher = jack::DeviceWatcher;
    using Session = jack::Session;
    using Options = jack::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::jack

namespace rill::io {
using JackBackend = jack::Backend;
} // namespace rill::io
