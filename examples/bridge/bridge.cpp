// SPDX-License-Identifier: MIT
//
// bridge [CAPTURE [PLAYBACK]]: what one ALSA device captures is played on JACK, each by its own clock;
// CAPTURE is an ALSA device ("hw:1"), PLAYBACK a JACK client. Says every second what the two clocks do.

#include <rill_io/alsa.hpp>
#include <rill_io/bridge.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

namespace io = rill::io;

namespace {
volatile std::sig_atomic_t interrupted = 0;
} // namespace

int main(int argc, char** argv) {
    std::signal(SIGINT, [](int) { interrupted = 1; });
    io::Driver<io::alsa::Capture, io::jack::Playback> driver;
    auto graph = io::Input(driver.capture()) >> io::Gain(0.5F) >> io::Output(driver.playback());
    io::ProcessingState state(graph);
    auto result = driver.open(
        {.client_name = "bridge", .playback_target = argc > 2 ? argv[2] : ""},
        {.capture = {}, .playback = {}, .bridge = {.capture_device = argc > 1 ? argv[1] : "default"}});
    if (result && (result = driver.set_process_callback(state)) && (result = driver.start())) {
        while (interrupted == 0 && driver.is_running()) {
            std::this_thread::sleep_for(std::chrono::seconds(1));
            const io::BridgeInfo bridge = driver.session().bridge_info();
            std::printf("%s: %+.1f ppm, %.0f of %.0f frames in the ring, latency %u frames, %llu gaps\n",
                        driver.info().device, bridge.drift_ppm, bridge.fill_frames, bridge.target_frames,
                        driver.info().capture_latency, static_cast<unsigned long long>(bridge.gaps));
            std::fflush(stdout);
        }
        result = driver.status();
    }
    if (!result)
        std::fprintf(stderr, "%s: %s\n", result.error().backend, result.error().text);
    return result ? 0 : 1;
}
