// SPDX-License-Identifier: MIT
#pragma once

// Reconnection: what is to happen when a stream is lost, and after which errors there is something to be
// done.

#include <rill_io/error.hpp>
#include <rill_io/stream_event.hpp>

#include <cstdint>

namespace rill::io {

/// What the graph does while there is no server.
enum class Meanwhile : std::uint8_t {
    pause, ///< nothing: its time stands still, the first block afterwards tells the frames lost
    clock, ///< it goes on by the system's clock: it captures silence, and nobody hears it
};

struct Reconnection {
    Meanwhile meanwhile = Meanwhile::pause;
    /// Tells when another device becomes the default. Needs a connection to the server of its own, where the
    /// backend can watch its devices (PipeWire, JACK, ALSA); the others never tell, nor does a stream in a
    /// client or connection of the host's.
    bool watch_defaults = false;
    /// Called for each event too, by the supervisor thread. It must not stop, close or start the driver.
    void (*on_event)(void* context, const StreamEvent& event) = nullptr;
    void* context = nullptr;
};

namespace detail {

/// May a stream that ended with this be opened again?
[[nodiscard]] constexpr bool is_loss(Errc code) noexcept {
    return code == Errc::server_lost || code == Errc::device_lost || code == Errc::timed_out;
}

/// Is there no use in trying to open again after this?
[[nodiscard]] constexpr bool is_permanent(Errc code) noexcept {
    switch (code) {
    case Errc::permission_denied:
    case Errc::unsupported_rate:
    case Errc::unsupported_channels:
    case Errc::unsupported_format:
    case Errc::period_mismatch:
    case Errc::invalid_config:
    case Errc::invalid_state:
        return true;
    default:
        return false;
    }
}

} // namespace detail

} // namespace rill::io
