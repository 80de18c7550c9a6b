// SPDX-License-Identifier: MIT
// expect: all nodes of a chain must have the same block size
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

#ifdef CONTROL
constexpr std::size_t block = 64;
#else
constexpr std::size_t block = 128;
#endif

void use(io::host::Capture& capture, io::host::Playback& playback) {
    auto chain = io::Input<io::host::Capture, 64>(capture) >> io::Gain() >>
                 io::Output<io::host::Playback, block>(playback);
    (void)chain;
}
