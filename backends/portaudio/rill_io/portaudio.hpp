// SPDX-License-Identifier: MIT
#pragma once

// portaudio: one PortAudio stream, N channels in and M out, for the host APIs that have no backend here, and
// for programs that know PortAudio's device names.
//
// Cycle thread: the host API's (ALSA: PortAudio's own; JACK: libjack's). Rate: what is asked, else the
// device's default. The window is the pointers that PortAudio hands over. Blocks: an exact block is what
// PortAudio is opened with, except that over JACK nothing is asked of it when the block divides the server's
// quantum (it would add a buffer); a block to adapt to, or none, leaves the size to PortAudio, which then
// adds no buffer of its own. The quantum is known at open() over JACK and with an exact block, otherwise (0
// until then) at the first cycle.
//
// A device that vanishes ends run() with `device_lost`, or where PortAudio's ALSA does not notice by the
// liveness timeout. PortAudio's limits: it can't be initialised twice at a time, so devices that appear while
// a driver is open are seen only after all have closed. Its calls hang, or end the process by an assertion,
// when a JACK server has died: then none of them is made, the stream is given up with `server_lost`, the
// engine and its memory are left behind, and this process can't reach JACK through PortAudio again (the jack
// backend can). A call that hangs leaves one thread behind, which cleans up should the server go on. Over
// JACK the stream runs on between stop() and start() and plays silence, for PortAudio would cut its
// connections; elsewhere stop() stops the device.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/cycle_memory.hpp>
#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

struct PaStreamCallbackTimeInfo;

namespace rill::io::portaudio {

struct Options {
    /// Send stderr to nowhere while PortAudio probes and opens devices (up to half a second): alsa-lib,
    /// libjack and PortAudio print dozens of lines about what is not there. It is the whole process's stderr
    /// meanwhile.
    bool quiet = true;
};

class Session {
public:
    using Options = portaudio::Options;

    Session() = default;
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        return start_stream(&Session::process<Cycle>, engine);
    }

    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t,
                                      const CycleMemory& memory) noexcept {
        memory.fetch<Inputs, Outputs>(capture, playback);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames,
                       const CycleMemory& memory) noexcept;
    /// libjack's thread is shared by all PortAudio streams of the process.
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return !over_jack_; }

    /// When it is asked, for PortAudio has no time that could be compared with CLOCK_MONOTONIC: ask first
    /// thing.
    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns};

private:
    struct Control; ///< what only the control thread needs
    using ProcessFunction = int (*)(const void*, void*, unsigned long, const PaStreamCallbackTimeInfo*,
                                    unsigned long, void*);

    /// The arguments of a PaStreamCallback (checked in portaudio.cpp).
    template <class Cycle>
    static int process(const void* input, void* output, unsigned long frames, const PaStreamCallbackTimeInfo*,
                       unsigned long status, void* session) noexcept {
        if (status != 0) [[unlikely]]
            return process_with_status<Cycle>(input, output, frames, status, session);
        Cycle::run(static_cast<Session*>(session)->engine_, static_cast<std::uint32_t>(frames),
                   CycleMemory{static_cast<const float* const*>(input), static_cast<float* const*>(output)});
        return 0; // go on
    }
    template <class Cycle>
    [[gnu::noinline]] static int process_with_status(const void* input, void* output, unsigned long frames,
                                                     unsigned long status, void* session) noexcept {
        static_cast<Session*>(session)->look_at(status);
        return process<Cycle>(input, output, frames, nullptr, 0, session);
    }

    static void on_finished(void* session) noexcept;
    void look_at(unsigned long status) noexcept;

    Result<void> negotiate(const StreamConfig& config);
    Result<void> choose_device(const StreamConfig& config, bool capture);
    Result<void> open_at_some_rate(const StreamConfig& config);
    template <class F>
    void suggest_latency(F seconds);
    Result<void> find_quantum(const StreamConfig& config);
    void publish(const StreamConfig& config);
    Result<void> open_stream(ProcessFunction callback, void (*when_finished)(void*), void* user_data);
    Result<void> run_stream();
    Result<void> end_stream();
    Result<void> start_stream(ProcessFunction callback, void* engine);
    [[nodiscard]] bool is_stuck() const;
    Error gone();
    Error hangs(const char* what);
    void forget_control();

    void* engine_ = nullptr;
    std::uint32_t num_inputs_ = 0;
    std::uint32_t num_outputs_ = 0;

    bool over_jack_ = false;
    Stream* stream_ = nullptr;
    Control* control_ = nullptr;
    std::atomic<std::uint32_t> checked_cycles_{0}; ///< written by the cycle thread only
};

/// The door.
struct Backend {
    static constexpr const char* name = "portaudio";
    static constexpr bool drives_itself = true;
    /// Success if PortAudio knows any device. Thread: control. Realtime-safe: no (probes devices). Bounded in
    /// time.
    static Result<void> available();
    /// All devices of all host APIs, the defaults marked; `id` is "host API: device name". Thread: control.
    /// Bounded in time.
    static Result<DeviceList> devices();
    using Session = portaudio::Session;
    using Options = portaudio::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::portaudio

namespace rill::io {
using PortaudioBackend = portaudio::Backend;
} // namespace rill::io
