// SPDX-License-Identifier: MIT
// expect: capture and playback of one driver belong to one backend
// expect: include <rill_io/bridge.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/null.hpp>

#ifdef CONTROL
using Playback = rill::io::null::Playback;
#else
using Playback = rill::io::host::Playback;
#endif

bool use(rill::io::Driver<rill::io::null::Capture, Playback>& driver) {
    return driver.open().has_value();
}
