// SPDX-License-Identifier: MIT

#include <rill_io/backends.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

namespace io = rill::io;

// There is one of these for every backend; inside, all is as static as if it were the only one.
template <class Backend>
io::Result<void> play_tone() {
    io::Driver<io::NoCapture, typename Backend::Playback> driver;
    auto graph = io::Tone(440.0, 0.1F) >> io::Output(driver.playback());
    io::ProcessingState state(graph);
    if (auto opened = driver.open({.client_name = "switch_backend"}); !opened)
        return opened;
    if (auto set = driver.set_process_callback(state); !set)
        return set;
    if (auto started = driver.start(); !started)
        return started;
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::printf("%s played %.1f s\n", Backend::name,
                double(driver.stats().frames) / driver.info().sample_rate);
    auto stopped = driver.stop();
    return stopped ? driver.status() : stopped;
}

template <class Backend>
bool works() {
    const auto result = play_tone<Backend>();
    if (!result)
        std::fprintf(stderr, "%s: %s\n", Backend::name, result.error().text);
    return result.has_value();
}

// The choice is made once, out here: the first backend that works, or the one that was named.
template <class... Backends>
bool choose(std::string_view wanted, io::BackendList<Backends...>) {
    const auto fits = [&](std::string_view name) { return wanted.empty() || wanted == name; };
    return ((Backends::drives_itself && fits(Backends::name) && works<Backends>()) || ...);
}

int main(int argc, char** argv) {
    return choose(argc > 1 ? argv[1] : "", io::EnabledBackends{}) ? 0 : 1;
}
