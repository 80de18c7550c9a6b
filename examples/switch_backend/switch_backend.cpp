// SPDX-License-Identifier: MIT

#include <rill_io/backends.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>
#include <rill_io/selector.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

namespace io = rill::io;

// Compiled once for every backend; inside, all is as static as if it were the only one.
template <class Driver>
io::Result<void> play_tone(Driver& driver) {
    auto graph = io::Tone(440.0, 0.1F) >> io::Output(driver.playback());
    io::ProcessingState state(graph);
    if (auto set = driver.set_process_callback(state); !set)
        return set;
    if (auto started = driver.start(); !started)
        return started;
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::printf("%s played %.1f s\n", driver.info().backend,
                double(driver.stats().frames) / driver.info().sample_rate);
    auto stopped = driver.stop();
    return stopped ? driver.status() : stopped;
}

int main(int argc, char** argv) {
    io::Selector<io::EnabledBackends, io::Direction::playback> selector;
    auto result = selector.open({.client_name = "switch_backend"}, {.backend = argc > 1 ? argv[1] : "auto"});
    if (result)
        result = selector.visit([](auto& driver) { return play_tone(driver); });
    if (!result)
        std::fprintf(stderr, "switch_backend: %s\n", result.error().text);
    return result ? 0 : 1;
}
