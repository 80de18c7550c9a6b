// SPDX-License-Identifier: MIT
#include <rill_io/pipewire.hpp>

#define RILL_IO_PROBED_BACKEND rill::io::pipewire
#include "trampoline.hpp"
