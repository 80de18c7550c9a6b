// SPDX-License-Identifier: MIT
#pragma once

// Input: the source node that brings a backend's capture into a graph.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/frame_range.hpp>
#include <rill_io/kernel.hpp>

#include <array>
#include <cstddef>

namespace rill::io {

/// Reads `Channels` channels of a capture half, in blocks of `Block` frames; either may be `dynamic_extent`.
/// Holds the half by reference. With a capture whose samples can be touched where they lie nothing is copied.
template <IoCapture CaptureHalf, std::size_t Block = dynamic_extent, std::size_t Channels = 2>
class Input {
public:
    static constexpr NodeKind kind = NodeKind::source;
    static constexpr std::size_t block = Block;
    static constexpr std::size_t channels = Channels;
    static constexpr std::size_t num_inputs = Channels;

    explicit Input(const CaptureHalf& capture) noexcept
    requires(Channels != dynamic_extent)
        : capture_(&capture) {}

    /// An input whose channel count is only known at run time.
    [[nodiscard]] static Input<CaptureHalf, Block, dynamic_extent> with_channels(const CaptureHalf& capture,
                                                                                 std::size_t count) noexcept {
        return Input<CaptureHalf, Block, dynamic_extent>(capture, count);
    }

    [[nodiscard]] std::size_t num_channels() const noexcept {
        return Channels == dynamic_extent ? num_channels_ : Channels;
    }

    /// Reads from another half from now on. Only while the driver is stopped. Thread: control.
    void set_capture(const CaptureHalf& capture) noexcept { capture_ = &capture; }

    Result<void> prepare(const StreamInfo& info) const noexcept {
        if (capture_->num_input_channels() < num_channels())
            return Error::make(Errc::unsupported_channels, info.backend, "start", 0,
                               "the graph's input reads %zu channels, the stream captures %zu; open with "
                               "input_channels = %zu",
                               num_channels(), capture_->num_input_channels(), num_channels());
        return {};
    }

    /// The samples where they lie.
    template <std::size_t Frames>
    [[nodiscard]] auto view(FrameRange<Frames> range) const noexcept
    requires DirectCapture<CaptureHalf>
    {
        if constexpr (Channels == dynamic_extent) {
            return AudioBlock<const float, Frames, dynamic_extent>(capture_->inputs(), num_channels_,
                                                                   range.begin(), range.frames());
        } else {
            std::array<const float*, Channels> pointers;
            for (std::size_t channel = 0; channel < Channels; ++channel)
                pointers[channel] = capture_->input(channel) + range.begin();
            return AudioBlock<const float, Frames, Channels>(pointers, range.frames());
        }
    }

    /// Copies the samples into `out`.
    template <std::size_t Frames>
    void generate(const ClockTick&, FrameRange<Frames> range,
                  AudioBlock<float, Frames, Channels> out) noexcept {
        if constexpr (DirectCapture<CaptureHalf>) {
            const auto in = view(range);
            for (std::size_t channel = 0; channel < num_channels(); ++channel)
                apply(in.channel(channel), out.channel(channel), detail::Identity{});
        } else {
            for (std::size_t channel = 0; channel < num_channels(); ++channel)
                capture_->read_input(channel, out.channel(channel), range.begin());
        }
    }

private:
    template <IoCapture, std::size_t, std::size_t>
    friend class Input;
    Input(const CaptureHalf& capture, std::size_t count) noexcept
        : capture_(&capture), num_channels_(count) {}

    const CaptureHalf* capture_;
    std::size_t num_channels_ = Channels;
};

} // namespace rill::io
