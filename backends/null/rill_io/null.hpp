// SPDX-License-Identifier: MIT
#pragma once

// null: a clock without a device.
//
// Cycle thread: an own one (real_time, freewheel) or whoever calls Session::step (manual). Clock:
// CLOCK_MONOTONIC deadlines, none, or the caller. Rate and quantum: what is asked (48000 Hz and 256 frames if
// nothing is). Channels: any. Nothing may block but the pacing sleep itself. Captures silence, a given
// signal, or what was played the largest quantum earlier; keeps playback if asked. Faults can be ordered for
// exact frames, to test what a graph makes of them.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/loop_thread.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rill::io::null {

enum class Mode : std::uint8_t {
    real_time, ///< paced by the clock; a late cycle is an xrun
    freewheel, ///< as fast as the graph
    manual,    ///< the caller steps cycles
};

/// Something to go wrong at the first cycle that begins at or after a device frame.
struct Fault {
    enum class Kind : std::uint8_t {
        xrun,        ///< `value` frames are lost
        quantum,     ///< the quantum becomes `value` frames (1..8192)
        device_loss, ///< the device goes away
    };
    Kind kind = Kind::xrun;
    std::uint64_t frame = 0;
    std::uint32_t value = 0;
};

/// A signal to capture: the sample of a channel at a device frame. Thread: cycle; must be realtime-safe.
struct Signal {
    float (*sample)(const void* context, std::uint32_t channel, std::uint64_t frame) noexcept = nullptr;
    const void* context = nullptr;
};

struct Options {
    Mode mode = Mode::real_time;
    std::uint32_t quantum = 0;          ///< frames per cycle; 0 = the block, or 256
    Signal signal{};                    ///< what is captured; silence by default
    bool loopback = false;              ///< capture what was played instead, the largest quantum earlier
    std::span<float* const> keep{};     ///< where to keep playback: a buffer for each channel ...
    std::size_t keep_frames = 0;        ///< ... of so many frames; what comes later is dropped
    std::span<const Fault> faults{};    ///< copied
    std::uint64_t end_after_frames = 0; ///< the stream's natural end; 0 = never
};

class Session {
public:
    using Options = null::Options;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        run_cycle_ = &Cycle::run;
        engine_ = engine;
        return start_loop(&Session::loop<Cycle>);
    }

    /// Manual mode: runs this many cycles on the calling thread, which is the cycle thread meanwhile. Returns
    /// those that were run: fewer once the stream has ended or is stopped, none while it is not started. Not
    /// at the same time as open(), start() or close(). Realtime-safe: as the graph.
    std::uint32_t step(std::uint32_t cycles = 1) noexcept;

    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t) noexcept {
        const std::size_t inputs = Inputs != dynamic_extent ? Inputs : capture.num_input_channels();
        const std::size_t outputs = Outputs != dynamic_extent ? Outputs : playback.num_output_channels();
        for (std::size_t channel = 0; channel < inputs; ++channel)
            capture.set_input(channel, inputs_.data() + channel * max_quantum);
        for (std::size_t channel = 0; channel < outputs; ++channel)
            playback.set_output(channel, outputs_.data() + channel * max_quantum);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
        fetch<dynamic_extent, dynamic_extent>(capture, playback, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return mode_ != Mode::manual; }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns};

private:
    template <class Cycle>
    static void loop(void* self) noexcept {
        auto& session = *static_cast<Session*>(self);
        session.begin_loop();
        while (const std::uint32_t frames = session.begin_cycle()) {
            Cycle::run(session.engine_, frames);
            session.end_cycle(frames);
        }
    }

    Result<void> start_loop(void (*body)(void*));
    void begin_loop() noexcept;
    /// Waits for the next cycle and fills what it captures; its frames, or 0 when the loop is to end.
    std::uint32_t begin_cycle() noexcept;
    void end_cycle(std::uint32_t frames) noexcept;
    void apply_faults() noexcept;
    void fill_inputs(std::uint32_t frames) noexcept;
    /// Moves the device's clock on by frames that nobody was there for.
    void skip(std::uint64_t frames) noexcept;

    static constexpr std::size_t loop_frames = std::size_t{2} * max_quantum;

    Stream* stream_ = nullptr;
    Mode mode_ = Mode::real_time;
    std::uint32_t sample_rate_ = 0;
    std::uint32_t first_quantum_ = 0;
    std::uint32_t quantum_ = 0;
    std::uint32_t num_inputs_ = 0;
    std::uint32_t num_outputs_ = 0;
    int priority_ = 0;
    Signal signal_{};
    std::uint32_t loopback_latency_ = 0; ///< frames; 0 = no loopback
    std::vector<float*> keep_;
    std::size_t keep_frames_ = 0;
    std::vector<Fault> faults_;
    std::size_t next_fault_ = 0;
    std::uint64_t end_after_frames_ = 0;
    std::uint64_t device_frame_ = 0;
    std::vector<float> inputs_;  ///< planar, max_quantum frames per channel
    std::vector<float> outputs_; ///< likewise
    std::vector<float> played_;  ///< loopback: the last loop_frames of every channel, by device frame

    void (*run_cycle_)(void*, std::uint32_t) noexcept = nullptr;
    void* engine_ = nullptr;
    std::atomic<bool> stop_{true};
    Pacer pacer_;
    LoopThread thread_;
};

/// The door.
struct Backend {
    static constexpr const char* name = "null";
    static constexpr bool drives_itself = true;
    static Result<void> available() noexcept { return {}; }
    using Session = null::Session;
    using Options = null::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::null

namespace rill::io {
using NullBackend = null::Backend;
} // namespace rill::io
