// SPDX-License-Identifier: MIT
#pragma once

// stdin, stdout and stderr, which may be closed, full, or read by somebody who leaves early.

#include "outcome.hpp"

#include <string_view>

namespace rill::io::tools {

/// Gives each of the three that is closed to /dev/null, or the next socket of a server's library would get
/// its number, and what is written to stderr with it. Thread: control, before anything else.
void open_standard_streams() noexcept;

/// Prints to stdout. (fmt::print would throw if nobody reads it.) Thread: any.
void print_text(std::string_view text) noexcept;

/// How it went if all else went well: failed if what was printed found no room. A reader who has left has
/// seen what he wanted. Thread: control.
[[nodiscard]] Outcome finish_output() noexcept;

} // namespace rill::io::tools
