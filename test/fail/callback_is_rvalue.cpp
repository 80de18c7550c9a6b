// SPDX-License-Identifier: MIT
// expect: (deleted function|deleted member function).*set_process_callback|set_process_callback.*deleted
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

bool use(rill::io::Driver<rill::io::null::Capture, rill::io::null::Playback>& driver) {
#ifdef CONTROL
    auto callback = [](const rill::io::ClockTick&) noexcept {};
    return driver.set_process_callback(callback).has_value();
#else
    return driver.set_process_callback([](const rill::io::ClockTick&) noexcept {}).has_value();
#endif
}
