// SPDX-License-Identifier: MIT
// expect: set_process_callback
// expect: ProcessCallback|is_nothrow_invocable
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

struct Callback {
#ifdef CONTROL
    void operator()(const rill::io::ClockTick&) noexcept {}
#else
    void operator()(const rill::io::ClockTick&) {}
#endif
};

bool use(rill::io::Driver<rill::io::null::Capture, rill::io::null::Playback>& driver, Callback& callback) {
    return driver.set_process_callback(callback).has_value();
}
