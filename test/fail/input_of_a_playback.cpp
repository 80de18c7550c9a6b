// SPDX-License-Identifier: MIT
// expect: IoCapture
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

#ifdef CONTROL
using Half = io::host::Capture;
#else
using Half = io::host::Playback;
#endif

void use(Half& half) {
    const io::Input<Half> input(half);
    (void)input;
}
