// SPDX-License-Identifier: MIT
#pragma once

// What the core expects of backends, callbacks and nodes: small concepts, each named after what it is for.

#include <rill_io/config.hpp>
#include <rill_io/cycle_memory.hpp>
#include <rill_io/error.hpp>
#include <rill_io/tick.hpp>
#include <rill_io/window.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <type_traits>

namespace rill::io {

class Stream;

/// A frame count that is only known at run time.
inline constexpr std::size_t dynamic_extent = std::dynamic_extent;

/// Where a graph reads its input. A type without `noexcept` does not satisfy it: it runs on the cycle thread.
template <class T>
concept IoCapture = requires(const T capture, std::size_t channel, std::size_t offset, std::span<float> any,
                             std::span<float, 64> fixed) {
    { capture.read_input(channel, any) } noexcept -> std::same_as<std::size_t>;
    { capture.read_input(channel, any, offset) } noexcept -> std::same_as<std::size_t>;
    { capture.read_input(channel, fixed, offset) } noexcept -> std::same_as<std::size_t>;
    { capture.num_input_channels() } noexcept -> std::same_as<std::size_t>;
};

/// Where a graph writes its output.
template <class T>
concept IoPlayback = requires(T playback, std::size_t channel, std::size_t offset, std::span<const float> any,
                              std::span<const float, 64> fixed) {
    { playback.write_output(channel, any) } noexcept -> std::same_as<std::size_t>;
    { playback.write_output(channel, any, offset) } noexcept -> std::same_as<std::size_t>;
    { playback.write_output(channel, fixed, offset) } noexcept -> std::same_as<std::size_t>;
    { playback.num_output_channels() } noexcept -> std::same_as<std::size_t>;
};

/// A capture or playback whose samples can be touched where they lie.
template <class T>
concept DirectCapture = IoCapture<T> && requires(const T capture, std::size_t channel) {
    { capture.input(channel) } noexcept -> std::same_as<const float*>;
    { capture.inputs() } noexcept -> std::same_as<const float* const*>;
};
template <class T>
concept DirectPlayback = IoPlayback<T> && requires(T playback, std::size_t channel) {
    { playback.output(channel) } noexcept -> std::same_as<float*>;
    { playback.outputs() } noexcept -> std::same_as<float* const*>;
};

/// What a driver calls once per block: an object (a lambda, a graph's state; not a bare function). It is
/// borrowed, never copied, and must not throw: it runs inside a C frame.
template <class F>
concept ProcessCallback = std::is_object_v<F> && std::is_nothrow_invocable_v<F&, const ClockTick&>;

namespace detail {
struct AnyCallback {
    void operator()(const ClockTick&) const noexcept {}
};
} // namespace detail

/// Something that runs a process callback: `Driver`, whatever its backend.
template <class T>
concept IoDriver = requires(T driver, detail::AnyCallback& callback, std::stop_token stop) {
    { driver.set_process_callback(callback) } -> std::same_as<Result<void>>;
    { driver.run(stop) } -> std::same_as<Result<void>>;
    { driver.stop() } -> std::same_as<Result<void>>;
};

namespace detail {
struct AnyCycle {
    template <class... Memory>
    static void run(void*, std::uint32_t, const Memory&...) noexcept {}
};

template <class S, class... Memory>
concept FetchesFrom = requires(S session, CaptureWindow& capture, PlaybackWindow& playback,
                               std::uint32_t frames, const Memory&... memory) {
    { session.template fetch<dynamic_extent, dynamic_extent>(capture, playback, frames, memory...) } noexcept;
    { session.fetch_checked(capture, playback, frames, memory...) } noexcept -> std::same_as<bool>;
};
} // namespace detail

/// One open connection to a server or device: what capture and playback of a backend share.
///
/// open: connects and fills `stream.negotiated`. start<Cycle>(engine): `Cycle::run(engine, frames)` is called
/// once per quantum from now on, from the backend's own callback or loop (with a CycleMemory, if the callback
/// is given one: it is then fetch()'s last argument too). stop: the gate is closed already; ends what there
/// is to end. close: false if the backend hangs and might still call (the engine is then left behind).
/// fetch<Inputs, Outputs>: shows the cycle's memory in the windows; compile-time counts are what the stream
/// has. fetch_checked: the same where anything may be wrong (first cycle, no memory for a port); false skips
/// the cycle. owns_cycle_thread: no foreign code runs there, so its floating-point mode may be set.
/// frame_time (optional): the server's frame counter at the start of the current cycle, 32 bits, wraps.
/// open, start, stop and close run on the control thread and are bounded in time; the rest is for the cycle
/// thread.
template <class S>
concept IoSession = requires(S session, const S const_session, Stream& stream, const StreamConfig& config,
                             const typename S::Options& options, void* driver) {
    { session.open(config, options, stream) } -> std::same_as<Result<void>>;
    { session.template start<detail::AnyCycle>(driver) } -> std::same_as<Result<void>>;
    { session.stop() } -> std::same_as<Result<void>>;
    { session.close() } -> std::same_as<bool>;
    requires detail::FetchesFrom<S> || detail::FetchesFrom<S, CycleMemory>;
    { const_session.owns_cycle_thread() } noexcept -> std::same_as<bool>;
    { S::tick_source } -> std::convertible_to<const TickSource&>;
};

/// A backend's door: its name, whether it can be used here and now, and its types.
template <class B>
concept IoBackend = requires {
    { B::name } -> std::convertible_to<const char*>;
    { B::drives_itself } -> std::convertible_to<bool>; // false: somebody else calls, run() only waits
    { B::available() } -> std::same_as<Result<void>>;  // an Error says why not
    requires IoSession<typename B::Session>;
    requires std::same_as<typename B::Options, typename B::Session::Options>;
    requires IoCapture<typename B::Capture>;
    requires IoPlayback<typename B::Playback>;
};

/// What a node does in a chain. A chain is one source, any number of the middle kinds, one sink.
enum class NodeKind : std::uint8_t {
    source,      ///< generate(tick, range, block), or view(range) if its samples lie somewhere already
    processor,   ///< process(tick, in, out): `in` and `out` may be the same memory
    elementwise, ///< kernel() if alike in all channels, else kernel(channel): a function of one sample
    observer,    ///< observe(tick, block): looks, changes nothing
    sink,        ///< consume(tick, range, block); target(range) if it can be written into directly
};

/// Anything a Chain can hold.
template <class T>
concept Node = requires {
    { T::kind } -> std::convertible_to<NodeKind>;
};

template <class T>
concept SourceNode = Node<T> && T::kind == NodeKind::source;
template <class T>
concept ProcessorNode = Node<T> && (T::kind == NodeKind::processor || T::kind == NodeKind::elementwise ||
                                    T::kind == NodeKind::observer);
template <class T>
concept SinkNode = Node<T> && T::kind == NodeKind::sink;

// clang-format off
/// What a callback's type may say about itself. All optional; `dynamic_extent` and false are the safe defaults.
///
///     static constexpr std::size_t block = 64;       // only runs in blocks of 64: loops are unrolled for it
///     static constexpr std::size_t num_inputs = 2;   // reads exactly these many channels
///     static constexpr std::size_t num_outputs = 2;  // writes exactly these many channels
///     static constexpr bool fills_playback = true;   // writes every frame of every output: none is left to silence
///     Result<void> prepare(const StreamInfo&);       // control thread, before the first cycle; may refuse
// clang-format on
template <class F>
struct CallbackTraits {
    static consteval std::size_t block() {
        if constexpr (requires { F::block; })
            return F::block;
        else
            return dynamic_extent;
    }
    static consteval std::size_t num_inputs() {
        if constexpr (requires { F::num_inputs; })
            return F::num_inputs;
        else
            return dynamic_extent;
    }
    static consteval std::size_t num_outputs() {
        if constexpr (requires { F::num_outputs; })
            return F::num_outputs;
        else
            return dynamic_extent;
    }
    static consteval bool fills_playback() {
        if constexpr (requires { F::fills_playback; })
            return F::fills_playback;
        else
            return false;
    }
};

} // namespace rill::io
