// SPDX-License-Identifier: MIT
#pragma once

// AudioBlock: planar channels that a node reads or writes; a view, passed by value.

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace rill::io {

/// Calls `visit(channel)` for every channel of a block; a few channels known at compile time become straight
/// code.
template <class Block, class Visit>
[[gnu::always_inline]] inline void for_each_channel(const Block& block, const Visit& visit) noexcept {
    constexpr std::size_t max_straight = 8;
    if constexpr (requires { std::integral_constant<std::size_t, Block::num_channels()>{}; }) {
        if constexpr (Block::num_channels() <= max_straight) {
            [&]<std::size_t... Channel>(std::index_sequence<Channel...>) __attribute__((always_inline)) {
                (visit(Channel), ...);
            }(std::make_index_sequence<Block::num_channels()>{});
            return;
        }
    }
    for (std::size_t channel = 0; channel < block.num_channels(); ++channel)
        visit(channel);
}

/// `Channels` planar channels of `Frames` samples each; either may be `std::dynamic_extent`. With a channel
/// count known at compile time the pointers live in registers.
template <class Sample, std::size_t Frames, std::size_t Channels>
class AudioBlock {
public:
    constexpr AudioBlock(const std::array<Sample*, Channels>& channels,
                         [[maybe_unused]] std::size_t frames) noexcept
        : channels_(channels), frames_(frames) {}

    [[nodiscard]] static constexpr std::size_t num_channels() noexcept { return Channels; }
    [[nodiscard]] constexpr std::size_t frames() const noexcept { return frames_.size(); }
    [[nodiscard]] constexpr Sample* data(std::size_t channel) const noexcept { return channels_[channel]; }
    [[nodiscard]] constexpr std::span<Sample, Frames> channel(std::size_t index) const noexcept {
        return std::span<Sample, Frames>(channels_[index], frames());
    }
    /// The same for reading only.
    [[nodiscard]] constexpr auto as_const() const noexcept {
        std::array<const Sample*, Channels> channels{};
        for (std::size_t channel = 0; channel < Channels; ++channel)
            channels[channel] = channels_[channel];
        return AudioBlock<const Sample, Frames, Channels>(channels, frames());
    }

private:
    struct FixedFrames {
        constexpr explicit FixedFrames(std::size_t) noexcept {}
        [[nodiscard]] static constexpr std::size_t size() noexcept { return Frames; }
    };
    struct AnyFrames {
        constexpr explicit AnyFrames(std::size_t frames) noexcept : count(frames) {}
        [[nodiscard]] constexpr std::size_t size() const noexcept { return count; }
        std::size_t count;
    };
    std::array<Sample*, Channels> channels_{};
    [[no_unique_address]] std::conditional_t<Frames == std::dynamic_extent, AnyFrames, FixedFrames> frames_;
};

/// The same with a channel count known at run time: a view of somebody's pointer table from frame `offset`
/// on.
template <class Sample, std::size_t Frames>
class AudioBlock<Sample, Frames, std::dynamic_extent> {
public:
    constexpr AudioBlock(Sample* const* channels, std::size_t num_channels, std::size_t offset,
                         std::size_t frames) noexcept
        : channels_(channels), num_channels_(num_channels), offset_(offset), frames_(frames) {}

    [[nodiscard]] constexpr std::size_t num_channels() const noexcept { return num_channels_; }
    [[nodiscard]] constexpr std::size_t frames() const noexcept {
        return Frames == std::dynamic_extent ? frames_ : Frames;
    }
    [[nodiscard]] constexpr Sample* data(std::size_t channel) const noexcept {
        return channels_[channel] + offset_;
    }
    [[nodiscard]] constexpr std::span<Sample, Frames> channel(std::size_t index) const noexcept {
        return std::span<Sample, Frames>(data(index), frames());
    }
    /// The same for reading only.
    [[nodiscard]] constexpr auto as_const() const noexcept {
        return AudioBlock<const Sample, Frames, std::dynamic_extent>(channels_, num_channels_, offset_,
                                                                     frames_);
    }

private:
    Sample* const* channels_;
    std::size_t num_channels_;
    std::size_t offset_;
    std::size_t frames_;
};

} // namespace rill::io
