// SPDX-License-Identifier: MIT
// expect: a chain's source comes first and its sink comes last
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

void use() {
#ifdef CONTROL
    auto chain = io::Tone<>() >> io::Gain();
#else
    auto chain = io::Gain() >> io::Tone<>();
#endif
    (void)chain;
}
