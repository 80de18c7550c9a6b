// SPDX-License-Identifier: MIT
// expect: no matching (function|constructor)
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

void use(io::host::Playback& playback) {
#ifdef CONTROL
    auto output = io::Output<io::host::Playback>::with_channels(playback, 4);
#else
    io::Output<io::host::Playback, io::dynamic_extent, io::dynamic_extent> output(playback);
#endif
    (void)output;
}
