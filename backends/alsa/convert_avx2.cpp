// SPDX-License-Identifier: MIT
// Compiled for AVX2, used only where the processor has it.
#include "convert_x86.hpp"
#include "kernels.hpp"

namespace rill::io::alsa {

constinit const Codecs avx2_codecs = make_codecs<Avx2>();

} // namespace rill::io::alsa
