// SPDX-License-Identifier: MIT
// expect: the callback must not be const
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

bool use(rill::io::Driver<rill::io::null::Capture, rill::io::null::Playback>& driver) {
#ifdef CONTROL
    auto callback = [](const rill::io::ClockTick&) noexcept {};
#else
    const auto callback = [](const rill::io::ClockTick&) noexcept {};
#endif
    return driver.set_process_callback(callback).has_value();
}
