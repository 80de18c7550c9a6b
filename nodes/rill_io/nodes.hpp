// SPDX-License-Identifier: MIT
#pragma once

// Every node that comes with the library, and the `>>` that puts nodes in a row.

#include <rill_io/chain.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/meter.hpp>
#include <rill_io/output.hpp>
#include <rill_io/tone.hpp>
