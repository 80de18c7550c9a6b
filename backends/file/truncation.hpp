// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace rill::io::file {

/// How many bytes of samples the header of a WAV or AIFF file promises that the file does not have; 0 for a
/// complete one, one that does not say, or another kind of file. (libsndfile takes what there is without a
/// word.) Thread: control. Realtime-safe: no (reads).
[[nodiscard]] std::uint64_t missing_bytes(int fd) noexcept;

} // namespace rill::io::file
