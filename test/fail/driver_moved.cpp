// SPDX-License-Identifier: MIT
// expect: deleted.*Driver
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

#include <utility>

using Driver = rill::io::Driver<rill::io::NoCapture, rill::io::null::Playback>;

void use(Driver& driver) {
#ifdef CONTROL
    Driver& other = driver;
#else
    Driver other = std::move(driver);
#endif
    other.close();
}
