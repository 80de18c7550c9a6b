// SPDX-License-Identifier: MIT
// Compiled for AVX-512F, used only where the processor has it.
#include "convert_x86.hpp"
#include "kernels.hpp"

namespace rill::io::alsa {

constinit const Codecs avx512_codecs = make_codecs<Avx512>();

} // namespace rill::io::alsa
