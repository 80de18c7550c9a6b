// SPDX-License-Identifier: MIT
//
// A shared object that runs a driver on JACK: plugin_host loads two of them.

#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>

#include <cstdint>
#include <cstdio>

namespace io = rill::io;

/// Runs until `frames` frames have gone through; true if that went well.
extern "C" bool plugin_run(const char* client_name, std::uint64_t frames) {
    io::Driver<io::jack::Capture, io::jack::Playback> driver;
    const auto opened = driver.open({.client_name = client_name, .autoconnect = io::Autoconnect::off});
    auto callback = [&](const io::ClockTick& tick) noexcept {
        if (tick.position >= frames)
            driver.finish();
    };
    const bool ran = opened && driver.set_process_callback(callback) && driver.run();
    if (!ran)
        std::fprintf(stderr, "%s: %s\n", client_name, opened.error().text);
    return ran;
}
