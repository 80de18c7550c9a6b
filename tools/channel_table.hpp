// SPDX-License-Identifier: MIT
#pragma once

// ChannelTable: a part of a block as a block of its own.

#include <rill_io/audio_block.hpp>
#include <rill_io/config.hpp>

#include <array>
#include <cstddef>

namespace rill::io::tools {

class ChannelTable {
public:
    /// `frames` frames of `block` from frame `first` on; valid until the next call. Thread: cycle.
    /// Realtime-safe: yes.
    template <std::size_t Frames>
    [[nodiscard]] AudioBlock<float, std::dynamic_extent, std::dynamic_extent>
    part(const AudioBlock<float, Frames, std::dynamic_extent>& block, std::size_t first,
         std::size_t frames) noexcept {
        for (std::size_t channel = 0; channel < block.num_channels(); ++channel)
            pointers_[channel] = block.data(channel) + first;
        return {pointers_.data(), block.num_channels(), 0, frames};
    }

private:
    std::array<float*, max_channels> pointers_{};
};

} // namespace rill::io::tools
