// SPDX-License-Identifier: MIT
#include <rill_io/jack.hpp>

#define RILL_IO_PROBED_BACKEND rill::io::jack
#include "trampoline.hpp"
