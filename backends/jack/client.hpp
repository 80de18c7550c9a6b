// SPDX-License-Identifier: MIT
#pragma once

// Opening and closing a JACK client in bounded time. Control thread only.

#include "libjack.hpp"
#include <rill_io/error.hpp>
#include <rill_io/jack.hpp>

#include <string>

namespace rill::io::jack {

/// A client of a running server (never starts one). `server`: its name, empty for JACK_DEFAULT_SERVER or
/// "default". A name that is too long is cut. Errors: `no_server`, `timed_out` if it accepts but does not
/// answer, `invalid_config` if this is a second server and no copy of libjack can be loaded for it,
/// `backend_failure`.
Result<Client> open_client_bounded(std::string client_name, std::string server);

/// Closes a client that was opened here, however long it takes.
void close_client(const Client& client);
/// False if the server hangs: the client is left to a thread that waits for it.
bool close_client_bounded(const Client& client);

} // namespace rill::io::jack
