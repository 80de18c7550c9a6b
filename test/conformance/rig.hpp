// SPDX-License-Identifier: MIT
#pragma once

// Rig: what the suite must know of a backend. Everything else in the suite knows none.
//
// A new backend brings one file, <backend>_rig.hpp, and a <backend>_test.cpp of a few lines; see null_rig.hpp
// for the smallest one. A rig is made anew for each test, from a Setting, and its destructor leaves nothing
// behind.
//
//     struct SomeRig {
//         using Backend = io::SomeBackend;
//         static constexpr std::array does_not_apply{...};  // the one table of exceptions, each with its
//         reason static constexpr bool in_real_time = true;        // cycles come by a clock, so that there
//         can be xruns explicit SomeRig(const Setting&);                 // starts the server, prepares the
//         outside io::StreamConfig config() const;                  // asks for the setting's channels,
//         connects nothing Backend::Options options() const; std::uint32_t sample_rate() const; // that the
//         server runs at, or what config() asks for void connect(DriverOf<SomeRig>&);                 //
//         after start(): the setting's wiring auto drive(driver, callback);                     // only where
//         the caller drives: drives while it lives
//
// and, unless excepted, what the property needs:
//         std::uint32_t loop_latency(const StreamInfo&);    // loopback: frames, without the adapter
//         bool complete() const;                            // through: all frames are kept
//         std::span<const float> kept(std::uint32_t) const; // through: what came out of a channel
//         std::uint64_t disturbances() const;               // through: of the outside: the attempt does not
//         count void follow_changes(DriverOf<SomeRig>&);          // quantum_change: has them made, while
//         running Backend::Options absent_server() const;           // no_server static constexpr std::array
//         losses{Loss...};      // loss: the ways in which the stream can be lost void lose(Loss);  void
//         restore(); void hang();  void go_on();                       // hang
// };

#include "signal.hpp"
#include <rill_io/config.hpp>
#include <rill_io/driver.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace conformance {

namespace io = rill::io;

/// What the suite demands of a backend unless its rig's table says why it does not apply.
enum class Property {
    rate_refusal,   ///< a rate other than the server's is refused, or adapted to
    period_refusal, ///< a block that does not divide the quantum is refused, or adapted to
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
    constexpr std::array names{"rate_refusal", "period_refusal", "targets", "no_server", "loopback",
                               "through",      "quantum_change", "loss",    "hang",      "own_cycles"};
    return names[static_cast<std::size_t>(property)];
}

/// One row of a rig's table.
struct Exception {
    Property property;
    const char* why;
};

template <class Rig>
[[nodiscard]] consteval bool applies(Property property) {
    return std::none_of(std::begin(Rig::does_not_apply), std::end(Rig::does_not_apply),
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
};

template <class Rig>
using DriverOf = io::Driver<typename Rig::Backend::Capture, typename Rig::Backend::Playback>;

/// Cycles come by themselves.
struct [[maybe_unused]] SelfDriven {};

/// Drives the driver for as long as the result lives, where it does not drive itself.
template <class Rig, class Driver, class F>
[[nodiscard]] auto drive(Rig& rig, Driver& driver, F& callback) {
    if constexpr (requires { rig.drive(driver, callback); })
        return rig.drive(driver, callback);
    else
        return SelfDriven{};
}

} // namespace conformance
