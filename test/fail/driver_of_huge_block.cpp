// SPDX-License-Identifier: MIT
// expect: a block has 1 to 8192 frames
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

#ifdef CONTROL
constexpr std::size_t block = 8192;
#else
constexpr std::size_t block = 8193;
#endif

bool use(rill::io::Driver<rill::io::NoCapture, rill::io::null::Playback, block>& driver) {
    return driver.open().has_value();
}
