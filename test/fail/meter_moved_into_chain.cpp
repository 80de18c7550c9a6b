// SPDX-License-Identifier: MIT
// expect: Meter
// expect: deleted|no matching (function|conversion|constructor)
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

void use() {
    io::Meter meter;
#ifdef CONTROL
    auto chain = io::Tone<>() >> meter;
#else
    auto chain = io::Tone<>() >> io::Meter();
#endif
    (void)chain;
    (void)meter;
}
