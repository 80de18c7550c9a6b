// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace rill::io::alsa {

/// Bytes. x86-64's, and most others'.
inline constexpr std::size_t cache_line = 64;

} // namespace rill::io::alsa
