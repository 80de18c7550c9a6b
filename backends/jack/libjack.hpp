// SPDX-License-Identifier: MIT
#pragma once

// The copies of libjack in this process: one for each JACK server that is in use at the same time.
//
// libjack has one engine and one port graph per process (JackLibGlobals in JackLibGlobals.h): a client of
// another server replaces both under all that are open (JackLibClient::Open). So the program's own libjack
// serves one server, and each further one gets a copy of the library with state of its own. A server that
// was restarted is another server: libjack crashes when a client that lost the one before is closed after a
// client of the new one was opened. Clients that other code opens in the program's own libjack (PortAudio,
// ALSA's plugin for JACK) are not known here.

#include <rill_io/error.hpp>

#include <jack/jack.h>

#include <string>

namespace rill::io::jack {

/// What this room calls in one copy of libjack, by libjack's own names. (The list is library.txt's.) Never
/// unloaded: libjack has threads.
struct Libjack {
#define RILL_IO_FUNCTION(name) decltype(&::name) name; // NOLINT(bugprone-macro-parentheses): what it declares
#include "libjack_functions.def"
#undef RILL_IO_FUNCTION
};

/// Counts a client of this server (as libjack finds it: never empty) in a copy of libjack that serves no
/// other and has lost none; loads one if it must. Errors: `invalid_config` if there can't be one more,
/// `no_server` if that is for clients of this server that are lost. Thread: control, but no static
/// constructor (it loads). Realtime-safe: no.
Result<const Libjack*> enter_libjack(const std::string& server);
/// Counts a client of the host's, of whatever server it is, in the program's own libjack.
const Libjack* enter_own_libjack();
/// A client's server has gone, or has thrown it out: until all of this copy's clients are closed, nobody
/// joins them. Before anybody is told of it. Thread: any, also as a signal handler would. Realtime-safe: yes.
void lost_client_of(const Libjack* libjack) noexcept;
/// One client less.
void leave_libjack(const Libjack* libjack) noexcept;

/// Whether other code in the program calls the same one.
bool is_own_libjack(const Libjack* libjack) noexcept;

/// No messages of any copy on stderr, also of those that are still to come.
void silence_libjack() noexcept;

} // namespace rill::io::jack
