// SPDX-License-Identifier: MIT
#pragma once

// FrameRange: which frames of the current block a graph is to process. Almost always all of them; a command
// that takes effect inside the block splits it.

#include <cstddef>
#include <span>

namespace rill::io {

/// The whole of a block whose size is known at compile time.
template <std::size_t Extent>
struct FrameRange {
    [[nodiscard]] static constexpr std::size_t begin() noexcept { return 0; }
    [[nodiscard]] static constexpr std::size_t frames() noexcept { return Extent; }
};

/// Any part of any block.
template <>
struct FrameRange<std::dynamic_extent> {
    std::size_t first = 0;
    std::size_t count = 0;
    [[nodiscard]] constexpr std::size_t begin() const noexcept { return first; }
    [[nodiscard]] constexpr std::size_t frames() const noexcept { return count; }
};

} // namespace rill::io
