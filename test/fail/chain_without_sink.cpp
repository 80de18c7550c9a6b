// SPDX-License-Identifier: MIT
// expect: a chain can only run from a source to a sink
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

namespace io = rill::io;

void use(io::host::Playback& playback, const io::ClockTick& tick) {
#ifdef CONTROL
    auto chain = io::Tone<>() >> io::Gain() >> io::Output<io::host::Playback>(playback);
#else
    auto chain = io::Tone<>() >> io::Gain();
    (void)playback;
#endif
    io::ProcessingState state(chain);
    state(tick);
}
