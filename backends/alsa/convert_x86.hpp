// SPDX-License-Identifier: MIT
#pragma once

#include "convert.hpp"

namespace rill::io::alsa {

// Each only where the processor has it.
extern const Codecs avx2_codecs;
extern const Codecs avx512_codecs;

} // namespace rill::io::alsa
