// SPDX-License-Identifier: MIT
#pragma once

// The commands of the program, one file each.

#include "display.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "report.hpp"
#include "signals.hpp"

#include <string_view>

namespace rill::io::tools {

/// What a command is given. It fills the report as far as it comes.
struct Run {
    const Options& options;
    Signals& signals;
    Display& display;
    Report& report;
};

/// The last lines of a command that ran a stream: "Played" "song.flac" "through" it. On a terminal most has
/// been said when it began.
void print_result(const Run& run, std::string_view done, std::string_view what, std::string_view relation,
                  double seconds);

/// These print by themselves, also as JSON.
Outcome list_backends(const Options& options);
Outcome list_devices(const Options& options);
/// Until a signal ends it, or all that was watched has gone.
Outcome watch_devices(const Options& options, const Signals& signals);

Outcome play(const Run& run);
Outcome record(const Run& run);
Outcome tone(const Run& run);
Outcome loopback(const Run& run);
Outcome monitor(const Run& run);

} // namespace rill::io::tools
