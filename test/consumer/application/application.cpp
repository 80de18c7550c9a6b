// SPDX-License-Identifier: MIT
//
// Runs a graph on the null backend and looks at what came out; says whether it could run on JACK.

#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <array>
#include <cstdint>
#include <cstdio>

namespace io = rill::io;

namespace {

constexpr std::size_t frames = 256;

float ramp(const void*, std::uint32_t channel, std::uint64_t frame) noexcept {
    return static_cast<float>(frame) + static_cast<float>(channel) / 2.0F;
}

template <class Driver>
auto make_graph(Driver& driver) {
    return io::Input(driver.capture()) >> io::Gain(0.5F) >> io::Output(driver.playback());
}

} // namespace

int main() {
    io::Driver<io::jack::Capture, io::jack::Playback> jack_driver;
    auto jack_graph = make_graph(jack_driver);
    io::ProcessingState jack_state(jack_graph);
    io::Result<void> opened = jack_driver.open();
    if (opened)
        opened = jack_driver.set_process_callback(jack_state);
    std::printf("jack: %s\n", opened ? "ready" : opened.error().text);

    std::array<std::array<float, frames>, 2> played{};
    const std::array<float*, 2> keep{played[0].data(), played[1].data()};
    io::Driver<io::null::Capture, io::null::Playback> driver;
    auto graph = make_graph(driver);
    io::ProcessingState state(graph);
    io::null::Options options;
    options.mode = io::null::Mode::manual;
    options.quantum = 64;
    options.signal = {.sample = ramp};
    options.keep = keep;
    options.keep_frames = frames;
    if (!driver.open({}, options) || !driver.set_process_callback(state) || !driver.start() ||
        driver.session().step(frames / 64) != frames / 64 || !driver.stop())
        return 1;
    for (std::size_t channel = 0; channel < 2; ++channel)
        for (std::size_t i = 0; i < frames; ++i)
            if (played[channel][i] != 0.5F * ramp(nullptr, static_cast<std::uint32_t>(channel), i))
                return 2;
    std::puts("null: every sample is right");
    return 0;
}
