// SPDX-License-Identifier: MIT
#include "jack_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::JackRig>;

#include "suite.hpp"
