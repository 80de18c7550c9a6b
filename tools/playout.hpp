// SPDX-License-Identifier: MIT
#pragma once

// Playout: the source node of what the program plays: a signal with a beginning and an end.

#include "channel_table.hpp"
#include "cue.hpp"
#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/tick.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>

namespace rill::io::tools {

using AnyBlock = AudioBlock<float, dynamic_extent, dynamic_extent>;

/// Something to play: fills the block from its start and returns the frames that it had; fewer than the block
/// has means that it is at its end, now and from then on. Thread: cycle.
template <class S>
concept Signal = requires(S signal, const ClockTick& tick, const AnyBlock& block) {
    { signal.fill(tick, block) } noexcept -> std::same_as<std::size_t>;
};

template <Signal S>
class Playout {
public:
    static constexpr NodeKind kind = NodeKind::source;
    static constexpr std::size_t channels = dynamic_extent;

    Playout(S& signal, Cue& cue, std::size_t num_channels) noexcept
        : signal_(&signal), cue_(&cue), num_channels_(num_channels) {}

    [[nodiscard]] std::size_t num_channels() const noexcept { return num_channels_; }

    template <std::size_t Frames>
    void generate(const ClockTick& tick, FrameRange<Frames>,
                  const AudioBlock<float, Frames, dynamic_extent>& out) noexcept {
        const std::size_t before = cue_->frames_before(tick, out.frames());
        const std::size_t rest = out.frames() - before;
        const std::size_t filled = rest == 0 ? 0 : signal_->fill(tick, table_.part(out, before, rest));
        for (std::size_t channel = 0; channel < num_channels_; ++channel) {
            std::fill_n(out.data(channel), before, 0.0F);
            std::fill_n(out.data(channel) + before + filled, rest - filled, 0.0F);
        }
        if (filled < rest)
            cue_->signal_ended(rest - filled);
    }

private:
    S* signal_;
    Cue* cue_;
    std::size_t num_channels_;
    ChannelTable table_{};
};

} // namespace rill::io::tools
