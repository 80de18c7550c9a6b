// SPDX-License-Identifier: MIT
#pragma once

// The same work with rill-io, on any driver. BLOCK and CHANNELS are template arguments, or
// std::dynamic_extent for run-time values; BACKEND is the backend's namespace, BACKEND_HEADER its header,
// AUTOCONNECT what it is asked to connect.

#include <rill_io/chain.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include BACKEND_HEADER

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace io = rill::io;
namespace backend = rill::io::BACKEND;

inline constexpr std::size_t block_extent = BLOCK;

inline void require(const io::Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().text);
        std::exit(1);
    }
}

inline io::StreamConfig stream_config(unsigned block) {
    return {.client_name = "rill-io",
            .block = block_extent == io::dynamic_extent ? 0 : block,
            .autoconnect = io::Autoconnect::AUTOCONNECT};
}

template <class Capture, class Playback>
auto make_graph(Capture& capture, Playback& playback) {
    using Input = io::Input<Capture, block_extent, CHANNELS>;
    using Output = io::Output<Playback, block_extent, CHANNELS>;
    if constexpr (CHANNELS == io::dynamic_extent)
        return Input::with_channels(capture, 2) >> io::Gain{0.5F} >> Output::with_channels(playback, 2);
    else
        return Input{capture} >> io::Gain{0.5F} >> Output{playback};
}

/// Starts the graph on an open driver. Once per type.
template <class Driver>
io::Result<void> start_graph(Driver& driver) {
    static auto graph = make_graph(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    auto set = driver.set_process_callback(state);
    return set ? driver.start() : set;
}
