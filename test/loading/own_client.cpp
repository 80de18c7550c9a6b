// SPDX-License-Identifier: MIT
//
// A program with a JACK client and a PortAudio of its own, both linked, which lends the client to a driver:
// its calls of libjack come before any of ours, and some are of functions that we don't use.

#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/portaudio.hpp>

#include <jack/jack.h>
#include <portaudio.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace io = rill::io;

int main() {
    const char* const server = std::getenv("JACK_DEFAULT_SERVER");
    jack_status_t status{};
    jack_client_t* const client = jack_client_open(
        "lent", static_cast<jack_options_t>(JackServerName | JackNoStartServer), &status, server);
    if (client == nullptr || std::string_view(jack_get_client_name(client)) != "lent" ||
        jack_get_version_string() == nullptr)
        return 1;
    io::Driver<io::jack::Capture, io::jack::Playback> driver;
    auto callback = [&](const io::ClockTick& tick) noexcept {
        if (tick.position >= 4800)
            driver.finish();
    };
    io::jack::Options options;
    options.client = client;
    const auto opened = driver.open({.autoconnect = io::Autoconnect::off}, options);
    if (!opened || !driver.set_process_callback(callback) || !driver.run()) {
        std::fprintf(stderr, "%s\n", opened.error().text);
        return 1;
    }
    driver.close();
    if (jack_client_close(client) != 0)
        return 1;
    const bool right = Pa_Initialize() == paNoError && Pa_GetVersion() != 0 && Pa_GetDeviceCount() > 0 &&
                       io::portaudio::Backend::available();
    Pa_Terminate(); // (a client that just vanishes keeps jackd busy for seconds)
    return right ? 0 : 1;
}
