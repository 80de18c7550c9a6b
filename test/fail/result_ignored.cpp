// SPDX-License-Identifier: MIT
// expect: nodiscard
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

void use(rill::io::Driver<rill::io::NoCapture, rill::io::null::Playback>& driver) {
#ifdef CONTROL
    if (!driver.open())
        return;
#else
    driver.open();
#endif
}
