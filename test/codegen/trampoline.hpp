// SPDX-License-Identifier: MIT
//
// Makes a backend's trampoline for a graph of ours, and for a twin with a virtual function in it. The types'
// names are what the check finds them by.

#include "probes.hpp"
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

namespace {

namespace io = rill::io;
namespace backend = RILL_IO_PROBED_BACKEND;

template <class Gain>
using Graph = decltype(std::declval<io::Input<backend::Capture, 64>>() >> std::declval<Gain>() >>
                       std::declval<io::Output<backend::Playback, 64>>());

} // namespace

struct static_graph : io::ProcessingState<Graph<io::Gain>> {};
struct virtual_graph : io::ProcessingState<Graph<probes::VirtualGain>> {};

io::Result<void> use(io::Driver<backend::Capture, backend::Playback, 64>& driver, static_graph& graph) {
    return driver.set_process_callback(graph);
}
io::Result<void> use(io::Driver<backend::Capture, backend::Playback, 64>& driver, virtual_graph& graph) {
    return driver.set_process_callback(graph);
}
