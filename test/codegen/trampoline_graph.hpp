// SPDX-License-Identifier: MIT
//
// A graph of ours, and a twin with a virtual function in it, as process callbacks of RILL_IO_PROBED_BACKEND.
// The types' names are what the checks find their trampolines by.

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
