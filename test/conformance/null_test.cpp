// SPDX-License-Identifier: MIT
#include "null_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::NullRig<rill::io::null::Mode::real_time>,
                        conformance::NullRig<rill::io::null::Mode::freewheel>>;

#include "suite.hpp"
