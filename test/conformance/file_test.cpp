// SPDX-License-Identifier: MIT
#include "file_rig.hpp"

#include <tuple>

using Rigs = std::tuple<conformance::FileRig<false>, conformance::FileRig<true>>;

#include "suite.hpp"
