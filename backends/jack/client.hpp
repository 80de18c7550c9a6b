// SPDX-License-Identifier: MIT
#pragma once

// Opening and closing a JACK client in bounded time. Control thread only.

#include <rill_io/error.hpp>

#include <jack/jack.h>

#include <string>

namespace rill::io::jack {

/// A client of a running server (never starts one). `server`: its name, empty for JACK_DEFAULT_SERVER or
/// "default". Errors: `no_server`, `invalid_config` while a client of another server is open, `timed_out` if
/// it accepts but does not answer, `backend_failure`.
Result<jack_client_t*> open_client_bounded(std::string client_name, std::string server);

/// Closes a client that was opened here, however long it takes.
void close_client(jack_client_t* client);
/// False if the server hangs: the client is left to a thread that waits for it.
bool close_client_bounded(jack_client_t* client);

} // namespace rill::io::jack
