// SPDX-License-Identifier: MIT
//
// BACKEND is the backend's namespace, BACKEND_HEADER its header.

#include "live.h"
#include <rill_io/driver.hpp>

#include BACKEND_HEADER

#include <cstdio>
#include <cstdlib>

namespace {

namespace io = rill::io;
namespace backend = rill::io::BACKEND;

io::Driver<backend::Capture, backend::Playback> driver;

void require(const io::Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().text);
        std::exit(1);
    }
}

} // namespace

extern "C" void live_start(void) {
    static auto cycle = [](const io::ClockTick& tick) noexcept {
        live_cycle(driver.capture().input(0), driver.playback().output(0), tick.frames);
    };
    require(driver.open({.client_name = "live",
                         .input_channels = 1,
                         .output_channels = 1,
                         .autoconnect = io::Autoconnect::off}));
    require(driver.set_process_callback(cycle));
    require(driver.start());
}
