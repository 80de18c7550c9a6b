// SPDX-License-Identifier: MIT
#pragma once

// alsa: PCM devices through alsa-lib, kernel devices (`hw:`) and those of plugins alike.
//
// Cycle thread: our own. It sleeps in poll() on the devices and on stop(), and nowhere else. Clock: the
// device's; a PCM without one (`null`, `file` over it) is paced by CLOCK_MONOTONIC. Rate: the nearest, read
// back. Period: exactly the block, or `period_mismatch` with the sizes that there are; with Match::adapt the
// nearest one and the core's adapter. Devices: StreamConfig::device, or capture_target and playback_target
// for one each; both must run by one clock (one card, or cards that share a word clock), or the slower loses
// a period now and then, which is counted as an xrun. Kernel devices are mapped, others read and written. A
// mapped device that has planar floats is the window itself; otherwise one pass converts between it and the
// window.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/cycle_memory.hpp>
#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/loop_thread.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/wakeup.hpp>
#include <rill_io/window.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace rill::io::alsa {

/// How samples get to a device and back.
enum class Access : std::uint8_t {
    automatic,  ///< kernel devices mapped, plugins read and written; the other way if they can't
    mmap,       ///< through its mapped memory, or not at all
    read_write, ///< by system calls (or a plugin's functions), or not at all
};

struct Options {
    Access access = Access::automatic;
    std::string_view format = {}; ///< by ALSA's name, "S16_LE"; empty: the best that the device has
    bool link = true;             ///< start and stop capture and playback as one, where the card can
    bool dither = false; ///< noise before rounding to 24 bits or fewer, so that the error is no distortion
    bool drain = true;   ///< stop() lets what is already written be heard, at most 700 ms; else it is dropped
};

class Loop;

class Session {
public:
    using Options = alsa::Options;

    Session() = default;
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        engine_ = engine;
        return start_loop(&Session::cycles<Cycle>);
    }

    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback,
                                      std::uint32_t) noexcept {
        CycleMemory{inputs_.data(), outputs_.data()}.fetch<Inputs, Outputs>(capture, playback);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
        fetch<dynamic_extent, dynamic_extent>(capture, playback, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return true; }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns};

    /// Do capture and playback start and stop as one? Thread: any after open.
    [[nodiscard]] bool is_linked() const noexcept;
    /// Periods of the device's buffer, the smaller of both directions'. Thread: any after open.
    [[nodiscard]] std::uint32_t periods() const noexcept;
    /// Does the clock, not the device, bring the cycles? Known after some cycles. Thread: any after open.
    [[nodiscard]] bool is_paced() const noexcept;

private:
    template <class Cycle>
    static void cycles(void* self) noexcept {
        auto& session = *static_cast<Session*>(self);
        session.begin_loop();
        while (const std::uint32_t frames = session.begin_cycle()) {
            Cycle::run(session.engine_, frames);
            session.end_cycle();
        }
        session.end_loop();
    }

    Result<void> start_loop(void (*body)(void*));
    void begin_loop() noexcept;
    /// Waits until every direction has a period and shows it; its frames, or 0 when the loop is to end.
    std::uint32_t begin_cycle() noexcept;
    void end_cycle() noexcept;
    void end_loop() noexcept;

    std::array<float*, max_channels> inputs_{}; ///< of the current cycle
    std::array<float*, max_channels> outputs_{};
    void* engine_ = nullptr;
    Loop* loop_ = nullptr;
    int priority_ = 0;
    LoopThread thread_;
};

/// Watches the kernel's devices: see rill_io/device_monitor.hpp. Without /dev/snd, as before the first card
/// or in a container, it waits for that too. Devices of the configuration don't come and go.
class DeviceWatcher {
public:
    DeviceWatcher() : DeviceWatcher("/dev", "snd") {}
    /// The folder `parent`/`name` in place of /dev/snd; `parent` must exist.
    DeviceWatcher(std::string parent, std::string name)
        : parent_(std::move(parent)), name_(std::move(name)) {}
    ~DeviceWatcher() { close(); }
    DeviceWatcher(const DeviceWatcher&) = delete;
    DeviceWatcher& operator=(const DeviceWatcher&) = delete;

    Result<void> open(Wakeup& wakeup);
    Result<DeviceList> list();
    void close() noexcept;

private:
    void watch_folder() noexcept;
    void watch() noexcept;
    [[nodiscard]] bool read_events() noexcept;

    std::string parent_;
    std::string name_;
    Wakeup* wakeup_ = nullptr;
    Wakeup leave_;
    int inotify_ = -1;
    int parent_watch_ = -1;
    std::thread thread_;
};

/// The door.
struct Backend {
    static constexpr const char* name = "alsa";
    static constexpr bool drives_itself = true;
    /// Success if there is a sound card, or a configured PCM that needs none. Thread: control. Opens no
    /// device.
    static Result<void> available();
    /// Kernel devices as "hw:CARD=id,DEV=n" (the card's id stays, its number need not), then the configured
    /// PCMs. None is opened, so channel counts are `unknown_channels`; probe() tells. Thread: control.
    /// Realtime-safe: no.
    static Result<DeviceList> devices();
    /// Opens one device for a moment, to tell its channel counts and rate. `device_busy` if somebody has it
    /// open. Thread: control. Realtime-safe: no.
    static Result<Device> probe(std::string_view device);
    using DeviceWatcher = alsa::DeviceWatcher;
    using Session = alsa::Session;
    using Options = alsa::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::alsa

namespace rill::io {
using AlsaBackend = alsa::Backend;
} // namespace rill::io
