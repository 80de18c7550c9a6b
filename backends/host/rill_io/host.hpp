// SPDX-License-Identifier: MIT
#pragma once

// host: the caller owns the callback. This is how a plugin embeds a graph.
//
// Cycle thread: whoever calls process(). Clock, rate and channel memory: the host's. Nothing is copied,
// nothing is called indirectly: `Processor::process` knows the graph's type. The quantum is whatever each
// call brings; with a fixed block the adapter stands in between. The floating-point mode is left as the host
// set it.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/cycle_memory.hpp>
#include <rill_io/error.hpp>
#include <rill_io/negotiation.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace rill::io::host {

struct Options {
    std::uint32_t max_frames =
        max_quantum; ///< the most frames the host brings at once (it may tell; for info only)
};

class Session {
public:
    using Options = host::Options;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream) noexcept {
        constexpr std::uint32_t unknown_host_rate = 48000;
        if (auto unnamed = check_unnamed(config, "host"); !unnamed)
            return unnamed;
        StreamInfo& got = stream.negotiated;
        copy_text(got.client_name, config.client_name);
        copy_text(got.device, "host");
        got.sample_rate = config.sample_rate != 0 ? config.sample_rate : unknown_host_rate;
        got.quantum = config.block != 0 ? config.block : options.max_frames;
        got.input_channels = config.input_channels;
        got.output_channels = config.output_channels;
        got.hardware_format = "float32";
        got.direct = true;
        return {};
    }
    template <class Cycle>
    Result<void> start(void*) noexcept {
        return {};
    }
    Result<void> stop() noexcept { return {}; }
    bool close() noexcept { return true; }

    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t,
                                      const CycleMemory& memory) noexcept {
        memory.fetch<Inputs, Outputs>(capture, playback);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t,
                       const CycleMemory& memory) noexcept {
        memory.fetch<dynamic_extent, dynamic_extent>(capture, playback);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return false; }

    static constexpr TickSource tick_source{};
};

/// The door.
struct Backend {
    static constexpr const char* name = "host";
    static constexpr bool drives_itself = false;
    static Result<void> available() noexcept { return {}; }
    using Session = host::Session;
    using Options = host::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

/// Binds a driver of this backend to a process callback, by type: what a plugin keeps as a member.
///
///     host::Processor processor{driver, state};      // activate()
///     processor.start();
///     processor.process(inputs, outputs, frames);    // run()
///     processor.stop();                              // deactivate()
template <class HostDriver, ProcessCallback F>
class Processor {
    using Cycle = typename HostDriver::Engine::template Cycle<F>;

public:
    /// Borrows both. Thread: control.
    Processor(HostDriver& driver, F& callback) noexcept : driver_(driver), callback_(callback) {}

    /// Starts the driver with the callback. Errors: as Driver::set_process_callback and Driver::start.
    /// Thread: control. Realtime-safe: no.
    Result<void> start() {
        if (auto set = driver_.set_process_callback(callback_); !set)
            return set;
        return driver_.start();
    }
    /// After it returns the graph is not run any more. Thread: control. Realtime-safe: no.
    Result<void> stop() noexcept { return driver_.stop(); }

    /// Runs the graph over `frames` frames: planar channels, as many as the driver was opened with. `inputs`
    /// and `outputs` may share memory channel by channel. Open but not started, it writes silence;
    /// not to be called while the driver is being opened or closed. Thread: the host's audio thread.
    /// Realtime-safe: yes, if the graph is.
    [[gnu::always_inline]] void process(const float* const* inputs, float* const* outputs,
                                        std::uint32_t frames) noexcept {
        Cycle::run(&driver_.engine(), frames, CycleMemory{inputs, outputs});
    }

private:
    HostDriver& driver_;
    F& callback_;
};

} // namespace rill::io::host

namespace rill::io {
using HostBackend = host::Backend;
} // namespace rill::io
