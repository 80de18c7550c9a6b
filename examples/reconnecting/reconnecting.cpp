// SPDX-License-Identifier: MIT
//
// A tone on JACK that outlives the server: kill jackd, start it again, and it plays on where it was.

#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>
#include <rill_io/reconnecting.hpp>

#include <csignal>
#include <cstdio>
#include <stop_token>
#include <thread>

namespace io = rill::io;

int main() {
    // Signals are taken by a thread of its own, which may call what a signal handler may not.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::stop_source stop;
    std::thread([signals, stop]() mutable {
        int signal = 0;
        sigwait(&signals, &signal);
        stop.request_stop();
    }).detach();

    io::ReconnectingDriver<io::NoCapture, io::jack::Playback> driver;
    auto graph = io::Tone(440.0, 0.1F) >> io::Output(driver.playback());
    io::ProcessingState state(graph);
    const auto tell = [](void*, const io::StreamEvent& event) {
        std::printf("%s at frame %llu: %s\n", io::to_string(event.kind),
                    static_cast<unsigned long long>(event.position), event.error.text);
        std::fflush(stdout);
    };
    auto result = driver.open({.client_name = "reconnecting"}, {}, {.on_event = tell});
    if (result && (result = driver.set_process_callback(state)))
        result = driver.run(stop.get_token());
    if (!result)
        std::fprintf(stderr, "%s: %s\n", result.error().backend, result.error().text);
    return result ? 0 : 1;
}
