// SPDX-License-Identifier: MIT
#pragma once

// What a stream can go through on its cycle thread, cycle by cycle on the caller's thread (null backend,
// manual mode; and host): the fast path and everything on the slow one.

#include "../unit/halves.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/host.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/null.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>
#include <rill_io/tone.hpp>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace scenarios {

namespace io = rill::io;

/// A callback around a graph's; the graph is still asked to prepare.
template <class State, class Call>
struct Around {
    State& state;
    Call call;
    io::Result<void> prepare(const io::StreamInfo& info) { return state.prepare(info); }
    void operator()(const io::ClockTick& tick) noexcept { call(tick); }
};
template <class State, class Call>
Around(State&, Call) -> Around<State, Call>;

/// Runs null's cycles through `cycle(step)`, which calls `step()` as a cycle thread would be called. Returns
/// the number of cycles run. `extra` runs in every callback.
template <class Cycle, class Extra>
int run_null(std::uint32_t quantum, std::uint32_t block, Cycle&& cycle, Extra&& extra) {
    using Fault = io::null::Fault;
    const std::array faults{
        Fault{Fault::Kind::xrun, 10 * 256, 77}, Fault{Fault::Kind::quantum, 20 * 256, 100},
        Fault{Fault::Kind::quantum, 40 * 256, 8192}, Fault{Fault::Kind::quantum, 100 * 256, 256}};
    io::Driver<io::null::Capture, io::null::Playback> driver;
    if (!driver.open(
            {.block = block, .period_match = io::Match::adapt},
            {.mode = io::null::Mode::manual, .quantum = quantum, .loopback = true, .faults = faults}))
        return 0;
    io::Meter meter(1000);
    auto graph = io::Input{driver.capture()} >> io::Gain{0.5F} >> meter >> io::Output{driver.playback()};
    io::ProcessingState state{graph};
    Around callback{state, [&](const io::ClockTick& tick) {
                        state(tick);
                        (void)tick.time_ns();
                        (void)tick.tempo();
                        extra(tick);
                    }};
    auto subscription = state.subscribe();
    if (!subscription || !driver.set_process_callback(callback) || !driver.start())
        return 0;
    int cycles = 0;
    for (int i = 0; i < 150; ++i) {
        // A command for the next block's start, one for a frame inside a block, one for nobody.
        (void)state.send({.node = 1, .parameter = io::Gain::gain, .value = 0.5F});
        (void)state.send(
            {.node = 1, .parameter = io::Gain::gain, .value = 0.5F, .frame = driver.stats().frames + 13});
        (void)state.send({.node = 9, .parameter = 9});
        cycle([&] { cycles += static_cast<int>(driver.session().step()); });
    }
    return driver.stop() ? cycles : 0;
}

/// A graph that needs memory of its own, whose source computes, and whose parameters change all the time;
/// through to the end of the stream. On the null backend's own cycle thread, where `around(tick, graph)` is
/// called and calls `graph()`.
template <class Callback>
bool run_freewheel(std::uint64_t frames, const Callback& around) {
    io::Driver<io::NoCapture, io::null::Playback> driver;
    if (!driver.open({.output_channels = 2},
                     {.mode = io::null::Mode::freewheel, .quantum = 256, .end_after_frames = frames}))
        return false;
    halves::CopyingPlayback copying(driver.playback());
    auto graph = io::Tone<>(440.0) >> io::Gain{0.5F} >> io::Output<halves::CopyingPlayback>(copying);
    io::ProcessingState state{graph};
    Around callback{state, [&](const io::ClockTick& tick) {
                        around(tick, [&] {
                            (void)state.send({.node = 0,
                                              .parameter = io::Tone<>::frequency,
                                              .value = static_cast<float>(tick.position)});
                            state(tick);
                        });
                    }};
    return driver.set_process_callback(callback) && driver.run();
}

/// The same with a host's calls of any length.
template <class Cycle>
int run_host(Cycle&& cycle) {
    io::Driver<io::host::Capture, io::host::Playback, 64> driver;
    if (!driver.open({.period_match = io::Match::adapt}))
        return 0;
    auto graph = io::Input<io::host::Capture, 64>{driver.capture()} >> io::Gain{0.5F} >>
                 io::Output<io::host::Playback, 64>{driver.playback()};
    io::ProcessingState state{graph};
    io::host::Processor processor{driver, state};
    if (!processor.start())
        return 0;
    std::vector<float> memory(std::size_t{4} * 8192);
    const std::array<const float*, 2> inputs{memory.data(), memory.data() + 8192};
    const std::array<float*, 2> outputs{memory.data() + std::size_t{2} * 8192,
                                        memory.data() + std::size_t{3} * 8192};
    int cycles = 0;
    for (const std::uint32_t frames : {64U, 64U, 64U, 1U, 63U, 100U, 8192U, 64U, 128U})
        cycle([&] {
            processor.process(inputs.data(), outputs.data(), frames);
            ++cycles;
        });
    return processor.stop() ? cycles : 0;
}

} // namespace scenarios
