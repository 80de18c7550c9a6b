// SPDX-License-Identifier: MIT
//
// The same work with rill-io. BLOCK and CHANNELS are template arguments, or std::dynamic_extent for run-time
// values.

#include "client.h"
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include <cstdio>
#include <cstdlib>

namespace io = rill::io;

namespace {

constexpr std::size_t block_extent = BLOCK;

template <std::size_t Channels>
auto make_graph(io::jack::Capture& capture, io::jack::Playback& playback) {
    using Input = io::Input<io::jack::Capture, block_extent, Channels>;
    using Output = io::Output<io::jack::Playback, block_extent, Channels>;
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

extern "C" void client_start(unsigned block) {
    using Driver = io::Driver<io::jack::Capture, io::jack::Playback>;
    static Driver driver;
    static auto graph = make_graph<CHANNELS>(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    require(driver.open({.client_name = "rill-io", .block = block_extent == io::dynamic_extent ? 0 : block}));
    require(driver.set_process_callback(state));
    require(driver.start());
}
