// SPDX-License-Identifier: MIT
#pragma once

// pipewire: one pw_filter node with N mono ports in and M out, processed in the server's own cycle.
//
// Cycle thread: libpipewire's data thread (RT_PROCESS, so no added cycle). Clock, rate and quantum: the
// graph's, which may change them in any cycle; config.sample_rate and config.block are asked for as node.rate
// and node.latency. The window is the ports' buffers themselves: nothing is copied; an unlinked port reads
// silence and writes to scratch. Links are made here, with or without a session manager, and follow the
// default device. open() returns when rate and quantum are what the first cycle will have: at once where the
// graph was at rest, after two cycles of the links' driver where it ran. The node stays linked between stop()
// and start().

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/port_table.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct pw_core;
struct pw_thread_loop;
struct spa_io_position;

namespace rill::io::pipewire {

struct Options {
    /// A host's running loop and connection to work in, neither owned; both or none. The driver takes the
    /// loop's lock itself, and waits for the loop: whoever calls it must not hold it.
    pw_thread_loop* loop = nullptr;
    pw_core* core = nullptr;
    std::string_view remote = {};      ///< the daemon's name; empty = PIPEWIRE_REMOTE or "pipewire-0"
    std::string_view description = {}; ///< what a desktop shows; empty = the client name
    std::string_view media_role = "Production"; ///< "Music", "Game", "Communication", ...
    std::string_view icon = "audio-x-generic";
    bool force_quantum =
        false; ///< freeze the whole graph's quantum at config.block (everybody's, so think twice)
    bool force_rate = false; ///< likewise the rate at config.sample_rate
};

/// The head of a `spa_io_position`: what a cycle needs of it (spa/node/io.h, checked in pipewire.cpp).
struct Clock {
    std::uint32_t flags;
    std::uint32_t id;
    char name[64];
    std::uint64_t nsec;
    std::uint32_t rate_num;
    std::uint32_t rate_denom;
    std::uint64_t position;
    std::uint64_t duration;
    std::int64_t delay;
    double rate_diff;
};

class Session {
public:
    using Options = pipewire::Options;

    Session() = default;
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        return switch_process(&Session::process<Cycle>, engine);
    }

    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback,
                                      std::uint32_t frames) noexcept {
        // A link can go at any time, so every buffer may be missing in any cycle.
        ports_.fetch_with_stand_ins<Inputs, Outputs>(capture, playback, frames);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept;
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return owns_connection_; }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static double speed(const void* session) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns, .speed = &Session::speed};

    /// The node's id in the server's registry. Thread: control, while open.
    [[nodiscard]] std::uint32_t node_id() const noexcept;

private:
    struct Control; ///< what only the control thread and the loop need
    using ProcessFunction = void (*)(void*, spa_io_position*);

    template <class Cycle>
    static void process(void* session, spa_io_position* position) noexcept {
        auto& self = *static_cast<Session*>(session);
        void* const engine = self.engine_.load(std::memory_order_relaxed); // see switch_process()
        Cycle::run(engine, self.read_clock(position));
    }

    /// Looks at the cycle's clock; its frames. The flags need no look: each driver has a clock of its own,
    /// whose flags stay as they are and whose position goes its own way.
    [[gnu::always_inline]] std::uint32_t read_clock(const spa_io_position* position) noexcept {
        clock_ = reinterpret_cast<const Clock*>(position);
        if (clock_->position != expected_position_ || clock_->rate_denom != rate_) [[unlikely]]
            return clock_changed();
        const std::uint64_t frames = clock_->duration;
        expected_position_ += frames;
        return static_cast<std::uint32_t>(frames);
    }
    std::uint32_t clock_changed() noexcept;
    /// Looks for a new quantum or latency, reports it, and has the other programs told. Off the fast path.
    void look_at_latency(std::uint32_t frames) noexcept;

    /// Runs while no driver does: silence out, and it tells open() of rate and quantum.
    static void process_idle(void* session, spa_io_position* position) noexcept;

    Result<void> switch_process(ProcessFunction function, void* engine);

    std::atomic<void*> engine_{nullptr};
    const Clock* clock_ = nullptr;
    std::uint64_t expected_position_ = 0;
    std::uint32_t rate_ = 0;
    std::uint32_t clock_id_ = 0;
    PortTable<void> ports_;

    std::atomic<std::uint32_t> idle_cycles_{0};
    std::atomic<std::uint32_t> seen_quantum_{0}; ///< written by the cycle thread
    std::uint32_t seen_adapter_latency_ = 0;
    bool owns_connection_ = true;
    Stream* stream_ = nullptr;
    Control* control_ = nullptr;
};

class Connection;

/// Watches the registry and the default devices: see rill_io/device_monitor.hpp.
class DeviceWatcher {
public:
    DeviceWatcher();
    ~DeviceWatcher();
    DeviceWatcher(const DeviceWatcher&) = delete;
    DeviceWatcher& operator=(const DeviceWatcher&) = delete;

    Result<void> open(Wakeup& wakeup, const Options& options = {});
    Result<DeviceList> list();
    void close() noexcept;

private:
    Connection* connection_;
};

/// The door.
struct Backend {
    static constexpr const char* name = "pipewire";
    static constexpr bool drives_itself = true;
    /// Success if a server answers. Thread: control. Realtime-safe: no (connects). Bounded in time.
    static Result<void> available();
    /// The nodes that capture or play, the defaults marked. Thread: control. Bounded in time.
    static Result<DeviceList> devices();
    using DeviceWatcher = pipewire::DeviceWatcher;
    using Session = pipewire::Session;
    using Options = pipewire::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::pipewire

namespace rill::io {
using PipewireBackend = pipewire::Backend;
} // namespace rill::io
