// SPDX-License-Identifier: MIT
#pragma once

// Rig: what the suite must know of a backend. Everything else in the suite knows none.
//
// A new backend brings one file, <backend>_rig.hpp, and a <backend>_test.cpp of a few lines; see null_rig.hpp
// for the smallest one. A rig is made anew for each test, from a Setting; it starts the server, if there is
// one, and prepares the outside. Its destructor leaves nothing behind. What it has is said by the concepts
// below.

#include "signal.hpp"
#include <rill_io/config.hpp>
#include <rill_io/driver.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace conformance {

namespace io = rill::io;

/// What the suite demands of a backend unless its rig's table says why it does not apply.
enum class Property {
    rate_refusal,   ///< a rate other than the server's is refused, or adapted to
    period_refusal, ///< a block that does not divide the quantum is refused, or adapted to
    division,       ///< a block that divides the quantum is served without the adapter
    targets,        ///< a target that does not exist is refused
    no_server,      ///< an absent server is reported
    loopback,       ///< what is played can be captured
    through,        ///< a given signal can be captured while playback is kept
    quantum_change, ///< the quantum can change while running
    loss,           ///< the server or device can go away
    hang,           ///< the server can stop answering
    own_cycles,     ///< cycles come by themselves, without a caller
};

[[nodiscard]] constexpr const char* to_string(Property property) {
    constexpr std::array names{"rate_refusal", "period_refusal", "division",  "targets",
                               "no_server",    "loopback",       "through",   "quantum_change",
                               "loss",         "hang",           "own_cycles"};
    return names[static_cast<std::size_t>(property)];
}

/// One row of a rig's table.
struct Exception {
    Property property;
    const char* why;
};

template <class R>
[[nodiscard]] consteval bool applies(Property property) {
    return std::none_of(std::begin(R::does_not_apply), std::end(R::does_not_apply),
                        [&](const Exception& exception) { return exception.property == property; });
}

/// What the outside does with the stream's ends.
enum class Wiring {
    none,
    loop,    ///< what is played is captured
    through, ///< captured is signal(), from frame 0 on; what is played is kept
};

/// A way to be lost.
struct Loss {
    const char* how;
    io::Errc code; ///< what run() must report
};

struct Setting {
    std::uint32_t quantum = 256; ///< frames
    std::uint32_t channels = 2;  ///< in each direction
    Wiring wiring = Wiring::none;
    std::size_t frames = 0;              ///< Wiring::through: to keep
    std::vector<std::uint32_t> quanta{}; ///< that the server changes to one after another, while running
    bool to_be_lost = false;             ///< lose() will be called (some must know beforehand)
    std::uint64_t end_after = 0;         ///< frames, then the stream ends by itself; for an EndingRig only
};

template <class R>
using DriverOf = io::Driver<typename R::Backend::Capture, typename R::Backend::Playback>;

/// What every rig has. Where the caller drives the backend, it also has `drive(driver, callback)`: the result
/// drives while it lives.
template <class R>
concept Rig =
    std::constructible_from<R, const Setting&> && requires(R rig, const R& looked_at, DriverOf<R>& driver) {
        typename R::Backend;
        // The one table of what does not apply: an array of Exception.
        { R::does_not_apply.size() } -> std::same_as<std::size_t>;
        // Does a clock bring the cycles, so that there can be xruns?
        { R::in_real_time } -> std::convertible_to<bool>;
        // Asks for the setting's channels, and connects nothing but the setting's loop.
        { looked_at.config() } -> std::same_as<io::StreamConfig>;
        { looked_at.options() } -> std::same_as<typename R::Backend::Options>;
        // The server's, or that of config().
        { looked_at.sample_rate() } -> std::same_as<std::uint32_t>;
        // After start(): makes the setting's wiring, where that has to be made.
        { rig.connect(driver) };
    };

/// Property::loopback: how many frames the way round takes, without the adapter.
template <class R>
concept LoopRig = Rig<R> && requires(const R& rig, const io::StreamInfo& info) {
    { rig.loop_latency(info) } -> std::same_as<std::uint32_t>;
};

/// Property::through.
template <class R>
concept ThroughRig =
    Rig<R> && requires(R rig, const R& looked_at, DriverOf<R>& driver, std::uint32_t channel) {
        // Has what the setting says about quanta made.
        { rig.follow_changes(driver) };
        // Are all frames kept?
        { looked_at.complete() } -> std::same_as<bool>;
        // After stop(): of the outside, such as xruns of its own; the attempt then does not count.
        { looked_at.disturbances() } -> std::same_as<std::uint64_t>;
        // After stop(): what came out of a channel.
        { rig.kept(channel) } -> std::same_as<std::span<const float>>;
    };

/// Property::no_server: options that name a server which is not there, "no-such-server".
template <class R>
concept ServerRig = Rig<R> && requires(const R& rig) {
    { rig.absent_server() } -> std::same_as<typename R::Backend::Options>;
};

/// Property::loss: an array of Loss, and how each is made to happen and mended.
template <class R>
concept LossRig = Rig<R> && requires(R rig, const Loss& loss) {
    { R::losses.size() } -> std::same_as<std::size_t>;
    { rig.lose(loss) };
    { rig.restore() };
};

/// Property::hang: the server stops answering, and goes on.
template <class R>
concept HangRig = Rig<R> && requires(R rig) {
    { rig.hang() };
    { rig.go_on() };
};

/// Streams of this backend can come to an end by themselves. A rig without this needs no exception.
template <class R>
concept EndingRig = Rig<R> && requires { requires R::ends_by_itself; };

/// A rig that has all that its table does not except.
template <class R>
concept WholeRig =
    Rig<R> && (!applies<R>(Property::loopback) || LoopRig<R>) &&
    (!applies<R>(Property::through) || ThroughRig<R>) && (!applies<R>(Property::no_server) || ServerRig<R>) &&
    (!applies<R>(Property::loss) || LossRig<R>) && (!applies<R>(Property::hang) || HangRig<R>);

/// Cycles come by themselves.
struct [[maybe_unused]] SelfDriven {};

/// Drives the driver for as long as the result lives, where it does not drive itself.
template <class R, class Driver, class F>
[[nodiscard]] auto drive(R& rig, Driver& driver, F& callback) {
    if constexpr (requires { rig.drive(driver, callback); })
        return rig.drive(driver, callback);
    else
        return SelfDriven{};
}

} // namespace conformance
