// SPDX-License-Identifier: MIT
// expect: a chain's source and sink must have the same number of channels
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

#ifdef CONTROL
constexpr std::size_t channels = 1;
#else
constexpr std::size_t channels = 2;
#endif

void use(io::host::Capture& capture, io::host::Playback& playback) {
    auto chain = io::Input<io::host::Capture, 64, 1>(capture) >>
                 io::Output<io::host::Playback, 64, channels>(playback);
    (void)chain;
}
