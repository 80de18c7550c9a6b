// SPDX-License-Identifier: MIT
//
// rill_io FRAMES mmap|read_write FORMAT: the same work with rill-io. BLOCK and CHANNELS are template
// arguments, or std::dynamic_extent for run-time values.

#include <rill_io/alsa.hpp>
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace io = rill::io;

namespace {

constexpr std::size_t block_extent = BLOCK;

template <std::size_t Channels>
auto make_graph(io::alsa::Capture& capture, io::alsa::Playback& playback) {
    using Input = io::Input<io::alsa::Capture, block_extent, Channels>;
    using Output = io::Output<io::alsa::Playback, block_extent, Channels>;
    if constexpr (Channels == io::dynamic_extent)
        return Input::with_channels(capture, 2) >> io::Gain{0.5F} >> Output::with_channels(playback, 2);
    else
        return Input{capture} >> io::Gain{0.5F} >> Output{playback};
}

void require(const io::Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().text);
        std::exit(1);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4)
        return 64;
    const auto frames = static_cast<std::uint32_t>(std::atoi(argv[1]));
    using Driver = io::Driver<io::alsa::Capture, io::alsa::Playback>;
    static Driver driver;
    static auto graph = make_graph<CHANNELS>(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    const bool mapped = std::string_view(argv[2]) == "mmap";
    require(driver.open(
        {.device = "ready", .sample_rate = 192000, .block = frames, .periods = 3},
        {.access = mapped ? io::alsa::Access::mmap : io::alsa::Access::read_write, .format = argv[3]}));
    require(driver.set_process_callback(state));
    require(driver.start());
    for (;;)
        ::pause();
}
