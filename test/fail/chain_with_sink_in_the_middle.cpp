// SPDX-License-Identifier: MIT
// expect: a chain's source comes first and its sink comes last
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

void use(io::host::Playback& playback) {
#ifdef CONTROL
    auto chain = io::Tone<>() >> io::Gain() >> io::Output<io::host::Playback>(playback);
#else
    auto chain = io::Tone<>() >> io::Output<io::host::Playback>(playback) >> io::Gain();
#endif
    (void)chain;
}
