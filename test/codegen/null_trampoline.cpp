// SPDX-License-Identifier: MIT
#include <rill_io/null.hpp>

#define RILL_IO_PROBED_BACKEND rill::io::null
#include "trampoline.hpp"
