// SPDX-License-Identifier: MIT
#pragma once

// On a real clock an xrun may come at any time, from the machine and not from the library. It is counted, and
// then the attempt does not count: another one is made. In virtual time (RILL_IO_VIRTUAL_TIME) there must be
// none.

#include <test.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace conformance {

[[nodiscard]] inline bool virtual_time() {
    return std::getenv("RILL_IO_VIRTUAL_TIME") != nullptr;
}

/// Attempts before it is said that this machine is too busy for real time.
inline constexpr int max_attempts = 8;

/// Repeats `attempt` until one was undisturbed: it returns the number of xruns and checks nothing if there
/// were any. False if none was.
template <class Attempt>
bool until_undisturbed(const std::string& what, const Attempt& attempt) {
    INFO(what);
    std::uint64_t xruns = 0;
    for (int i = 0; i < max_attempts; ++i) {
        const std::uint64_t disturbed = attempt();
        if (disturbed == 0)
            return true;
        if (virtual_time())
            FAIL("xruns in virtual time: " << disturbed);
        xruns += disturbed;
    }
    WARN(what << ": not proved here: " << xruns << " xruns in " << max_attempts << " attempts");
    return false;
}

} // namespace conformance
