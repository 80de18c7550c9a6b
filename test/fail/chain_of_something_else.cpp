// SPDX-License-Identifier: MIT
// expect: no match for .operator>>|invalid operands to binary expression
// expect: Chainable
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>

namespace io = rill::io;

#ifdef CONTROL
using Second = io::Gain;
#else
using Second = io::ClockTick;
#endif

void use() {
    auto chain = io::Gain() >> Second{};
    (void)chain;
}
