// SPDX-License-Identifier: MIT
//
// Nothing is allocated, locked or waited for on either side of a bridge, through xruns and other quanta.

#include "../unit/bridge_simulation.hpp"
#include "interposers.hpp"

#include <test.hpp>

#include <array>

TEST_CASE("neither side of a bridge allocates, locks or waits") {
    using Fault = rill::io::null::Fault;
    const std::array capture_faults{Fault{Fault::Kind::xrun, 48000, 700}};
    const std::array playback_faults{Fault{Fault::Kind::xrun, 96000, 700}};
    bridge_simulation::Simulation simulation(
        {.jitter_s = 1e-4, .capture_faults = capture_faults, .playback_faults = playback_faults});
    REQUIRE(simulation.opened());
    simulation.set_drift(1e-3);
    REQUIRE(simulation.run_until(0.5)); // (what the simulation itself keeps has its size now)
    reset();
    bool ran = false;
    as_cycle([&] { ran = simulation.run_until(3.0); });
    CHECK(ran);
    CHECK(std::string(first_violation).empty());
    CHECK(violations == 0);
    CHECK(simulation.info().gaps + simulation.info().jumps == 2);
}
