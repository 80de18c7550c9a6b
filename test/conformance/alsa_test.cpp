// SPDX-License-Identifier: MIT
#include "alsa_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::AlsaRig>;

#include "suite.hpp"
