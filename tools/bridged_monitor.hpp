// SPDX-License-Identifier: MIT
#pragma once

// monitor with a backend or device of its own on each side, each by its own clock.

#include "command.hpp"

namespace rill::io::tools {

/// Thread: control.
Outcome bridged_monitor(const Run& run);

} // namespace rill::io::tools
