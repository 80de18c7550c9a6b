// SPDX-License-Identifier: MIT
#include "pipewire_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::PipewireRig>;

#include "suite.hpp"
