// SPDX-License-Identifier: MIT
#include "host_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::HostRig>;

#include "suite.hpp"
