// SPDX-License-Identifier: MIT
#pragma once

// The conformance suite: what every backend must do, written once.
//
// <backend>_test.cpp names its rigs as `using Rigs = std::tuple<...>` and then includes this.

#include "loopback.hpp"
#include "loss.hpp"
#include "open_refusals.hpp"
#include "restart.hpp"
#include "run_and_stop.hpp"
