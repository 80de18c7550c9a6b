// SPDX-License-Identifier: MIT
// expect: a driver needs a capture, a playback, or both
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

#ifdef CONTROL
using Playback = rill::io::null::Playback;
#else
using Playback = rill::io::NoPlayback;
#endif

bool use(rill::io::Driver<rill::io::NoCapture, Playback>& driver) {
    return driver.open().has_value();
}
