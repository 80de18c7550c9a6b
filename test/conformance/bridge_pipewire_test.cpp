// SPDX-License-Identifier: MIT

// The bridge between a JACK server and PipeWire, in one process, each by its own clock.

#include "bridge_rig.hpp"
#include "pipewire_server.hpp"
#include <rill_io/jack.hpp>
#include <rill_io/pipewire.hpp>

#include <test.hpp>

#include <cstddef>
#include <cstdint>

namespace conformance {
namespace {

using Jack = io::jack::Backend;
using PipeWire = io::pipewire::Backend;
constexpr std::uint32_t fast = Off<Jack>::true_rate; // 48000 Hz and 1000 ppm more
/// Above PipeWire's clients (88), with which it shares a virtual machine's only processor: jackd takes its
/// time from when it wakes up, PipeWire from its timer.
constexpr int above_pipewire = 95;

io::StreamConfig config(const char* capture_target, int priority = 0) {
    return {.client_name = "bridge",
            .input_channels = 1,
            .output_channels = 1,
            .rate_match = io::Match::adapt,
            .capture_target = capture_target,
            .realtime_priority = priority};
}

} // namespace

TEST_CASE("from a JACK server 1000 ppm too fast to PipeWire") {
    JackServer jack(bridge_quantum, 2, fast, above_pipewire);
    PipewireServer pipewire(bridge_quantum);
    const ToneOn<Jack> tone(io::Autoconnect::off, {.server = jack.name()});
    Recorder recorder(seconds * PipewireServer::sample_rate);
    io::Driver<Off<Jack>::Capture, PipeWire::Playback> driver;
    REQUIRE(driver.open(config("tone:out_1"),
                        {.capture = {.server = jack.name()}, .playback = {}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.ppm = 1000.0});
}

TEST_CASE("from PipeWire to a JACK server 1000 ppm too fast") {
    JackServer jack(bridge_quantum, 2, fast, above_pipewire);
    PipewireServer pipewire(bridge_quantum);
    const ToneOn<PipeWire> tone(io::Autoconnect::standard);
    Recorder recorder(seconds * fast);
    io::Driver<PipeWire::Capture, Off<Jack>::Playback> driver;
    REQUIRE(driver.open(config("tone"), {.capture = {}, .playback = {.server = jack.name()}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.rate = fast, .ppm = -999.0});
}

TEST_CASE("from a JACK server at 48000 Hz to PipeWire at 44100 Hz") {
    constexpr std::uint32_t rate = 44100;
    JackServer jack(bridge_quantum, 2, JackServer::sample_rate, above_pipewire);
    PipewireServer pipewire(bridge_quantum, "", rate);
    const ToneOn<Jack> tone(io::Autoconnect::off, {.server = jack.name()});
    Recorder recorder(seconds * rate);
    io::Driver<Jack::Capture, PipeWire::Playback> driver;
    REQUIRE(driver.open(config("tone:out_1"),
                        {.capture = {.server = jack.name()}, .playback = {}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.rate = rate});
    CHECK(driver.info().sample_rate == rate);
    CHECK(driver.session().source().info().sample_rate == JackServer::sample_rate);
}

TEST_CASE("from PipeWire at 44100 Hz to a JACK server at 48000 Hz") {
    constexpr std::uint32_t rate = 44100;
    JackServer jack(bridge_quantum, 2, JackServer::sample_rate, above_pipewire);
    PipewireServer pipewire(bridge_quantum, "", rate);
    const ToneOn<PipeWire> tone(io::Autoconnect::standard);
    Recorder recorder(seconds * JackServer::sample_rate);
    io::Driver<PipeWire::Capture, Jack::Playback> driver;
    REQUIRE(driver.open(config("tone"), {.capture = {}, .playback = {.server = jack.name()}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, {.rate = JackServer::sample_rate});
    CHECK(driver.session().source().info().sample_rate == rate);
}

} // namespace conformance
