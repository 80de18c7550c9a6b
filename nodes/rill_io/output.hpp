// SPDX-License-Identifier: MIT
#pragma once

// Output: the sink node that brings a graph's signal to a backend's playback.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/kernel.hpp>

#include <array>
#include <cstddef>

namespace rill::io {

/// Writes `Channels` channels of a playback half, in blocks of `Block` frames; either may be
/// `dynamic_extent`. Holds the half by reference. With a playback whose samples can be touched where they
/// lie, the node before it writes straight into the backend's memory and consume() has nothing left to do.
template <IoPlayback PlaybackHalf, std::size_t Block = dynamic_extent, std::size_t Channels = 2>
class Output {
public:
    static constexpr NodeKind kind = NodeKind::sink;
    static constexpr std::size_t block = Block;
    static constexpr std::size_t channels = Channels;
    static constexpr std::size_t num_outputs = Channels;
    static constexpr bool fills_playback = true;

    explicit Output(PlaybackHalf& playback) noexcept
    requires(Channels != dynamic_extent)
        : playback_(&playback) {}

    /// An output whose channel count is only known at run time.
    [[nodiscard]] static Output<PlaybackHalf, Block, dynamic_extent>
    with_channels(PlaybackHalf& playback, std::size_t count) noexcept {
        return Output<PlaybackHalf, Block, dynamic_extent>(playback, count);
    }

    [[nodiscard]] std::size_t num_channels() const noexcept {
        return Channels == dynamic_extent ? num_channels_ : Channels;
    }

    /// Writes to another half from now on. Only while the driver is stopped. Thread: control.
    void set_playback(PlaybackHalf& playback) noexcept { playback_ = &playback; }

    Result<void> prepare(const StreamInfo& info) const noexcept {
        if (playback_->num_output_channels() != num_channels())
            return Error::make(Errc::unsupported_channels, info.backend, "start", 0,
                               "the graph's output writes %zu channels, the stream plays %zu; open with "
                               "output_channels = %zu",
                               num_channels(), playback_->num_output_channels(), num_channels());
        return {};
    }

    /// Where to write so that nothing has to be copied.
    template <std::size_t Frames>
    [[nodiscard]] auto target(FrameRange<Frames> range) const noexcept
    requires DirectPlayback<PlaybackHalf>
    {
        if constexpr (Channels == dynamic_extent) {
            return AudioBlock<float, Frames, dynamic_extent>(playback_->outputs(), num_channels_,
                                                             range.begin(), range.frames());
        } else {
            std::array<float*, Channels> pointers;
            for (std::size_t channel = 0; channel < Channels; ++channel)
                pointers[channel] = playback_->outputs()[channel] + range.begin();
            return AudioBlock<float, Frames, Channels>(pointers, range.frames());
        }
    }

    /// Copies samples that lie elsewhere.
    template <std::size_t Frames>
    void consume(const ClockTick&, FrameRange<Frames> range,
                 AudioBlock<const float, Frames, Channels> in) noexcept {
        if constexpr (DirectPlayback<PlaybackHalf>) {
            const auto out = target(range);
            for (std::size_t channel = 0; channel < num_channels(); ++channel)
                apply(in.channel(channel), out.channel(channel), detail::Identity{});
        } else {
            for (std::size_t channel = 0; channel < num_channels(); ++channel)
                playback_->write_output(channel, in.channel(channel), range.begin());
        }
    }

private:
    template <IoPlayback, std::size_t, std::size_t>
    friend class Output;
    Output(PlaybackHalf& playback, std::size_t count) noexcept : playback_(&playback), num_channels_(count) {}

    PlaybackHalf* playback_;
    std::size_t num_channels_ = Channels;
};

} // namespace rill::io
