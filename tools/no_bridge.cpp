// SPDX-License-Identifier: MIT
//
// In place of bridged_monitor.cpp, where the bridge is not part of the build.

#include "bridged_monitor.hpp"

namespace rill::io::tools {

Outcome bridged_monitor(const Run&) {
    return Outcome::failed(Error::make(Errc::invalid_config, "", "options", 0,
                                       "this build has no bridge between backends (-Dbridge=disabled, or no "
                                       "libsamplerate0-dev); use --backend for both sides"));
}

} // namespace rill::io::tools
