// SPDX-License-Identifier: MIT
//
// The same work with rill-io. BLOCK and CHANNELS are template arguments, or std::dynamic_extent for run-time
// values; BACKEND is the backend's namespace, BACKEND_HEADER its header, AUTOCONNECT what it is asked to
// connect.

#include "client.h"
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include BACKEND_HEADER

#include <cstdio>
#include <cstdlib>

namespace io = rill::io;
namespace backend = rill::io::BACKEND;

namespace {

constexpr std::size_t block_extent = BLOCK;

template <std::size_t Channels>
auto make_graph(backend::Capture& capture, backend::Playback& playback) {
    using Input = io::Input<backend::Capture, block_extent, Channels>;
    using Output = io::Output<backend::Playback, block_extent, Channels>;
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
    using Driver = io::Driver<backend::Capture, backend::Playback>;
    static Driver driver;
    static auto graph = make_graph<CHANNELS>(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    require(driver.open({.client_name = "rill-io",
                         .block = block_extent == io::dynamic_extent ? 0 : block,
                         .autoconnect = io::Autoconnect::AUTOCONNECT}));
    require(driver.set_process_callback(state));
    require(driver.start());
}
