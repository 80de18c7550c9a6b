// SPDX-License-Identifier: MIT
#pragma once

// The same work with rill-io, on any driver. BLOCKS (which the program can be run with) and CHANNELS are
// template arguments, or std::dynamic_extent for run-time values; BACKEND is the backend's namespace,
// BACKEND_HEADER its header, AUTOCONNECT what it is asked to connect.

#include <rill_io/chain.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include BACKEND_HEADER

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace io = rill::io;
namespace backend = rill::io::BACKEND;

inline void require(const io::Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().text);
        std::exit(1);
    }
}

/// Calls `start<Block>()` with the one of BLOCKS that `block` is, or that is a run-time value.
template <class Start>
void with_block(unsigned block, const Start& start) {
    const auto is_started = [&]<std::size_t... Blocks>(std::index_sequence<Blocks...>) {
        return (((Blocks == io::dynamic_extent || Blocks == block) &&
                 (start.template operator()<Blocks>(), true)) ||
                ...);
    };
    if (!is_started(std::index_sequence<BLOCKS>{})) {
        std::fprintf(stderr, "there is no graph for blocks of %u frames in this program\n", block);
        std::exit(1);
    }
}

template <std::size_t Block>
io::StreamConfig stream_config() {
    return {.client_name = "rill-io",
            .block = Block == io::dynamic_extent ? 0 : static_cast<std::uint32_t>(Block),
            .autoconnect = io::Autoconnect::AUTOCONNECT};
}

template <std::size_t Block, class Capture, class Playback>
auto make_graph(Capture& capture, Playback& playback) {
    using Input = io::Input<Capture, Block, CHANNELS>;
    using Output = io::Output<Playback, Block, CHANNELS>;
    if constexpr (CHANNELS == io::dynamic_extent)
        return Input::with_channels(capture, 2) >> io::Gain{0.5F} >> Output::with_channels(playback, 2);
    else
        return Input{capture} >> io::Gain{0.5F} >> Output{playback};
}

/// Starts the graph on an open driver. Once per type.
template <std::size_t Block, class Driver>
io::Result<void> start_graph(Driver& driver) {
    static auto graph = make_graph<Block>(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    auto set = driver.set_process_callback(state);
    return set ? driver.start() : set;
}
