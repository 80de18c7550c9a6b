// SPDX-License-Identifier: MIT
#pragma once

// The window: the planar view of the current cycle. One half per direction.
//
// A backend sets every channel's pointer once per cycle; all that the graph does afterwards only touches
// floats behind those pointers. It is the same code for every backend: a backend's `Capture` and `Playback`
// are these two classes with a tag (see `Capture` and `Playback` below), so read_input and write_output
// inline everywhere. Channel pointers are never null while a callback runs: an unlinked port shows silence or
// swallows what is written.

#include <rill_io/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace rill::io {

/// What the graph reads in this cycle: `num_input_channels()` planar channels of `frames()` floats.
class CaptureWindow {
public:
    CaptureWindow() = default;
    CaptureWindow(const CaptureWindow&) = delete; // nodes hold it by reference
    CaptureWindow& operator=(const CaptureWindow&) = delete;

    /// Thread: any after open. Realtime-safe: yes.
    [[nodiscard]] std::size_t num_input_channels() const noexcept { return num_channels_; }
    /// Frames in the current block. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] std::size_t frames() const noexcept { return frames_; }
    /// The channel's samples in the backend's memory, `frames()` of them; read only. `channel` must be below
    /// `num_input_channels()`. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] const float* input(std::size_t channel) const noexcept { return channels_[channel]; }

    /// All channels' pointers, `num_input_channels()` of them. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] const float* const* inputs() const noexcept { return channels_.data(); }

    /// Copies a channel's block from frame `offset` on. Returns the frames moved: the smaller of what there
    /// is and what fits, 0 for a channel that does not exist. Thread: cycle. Realtime-safe: yes.
    template <std::size_t Extent>
    std::size_t read_input(std::size_t channel, std::span<float, Extent> destination,
                           std::size_t offset = 0) const noexcept {
        if (channel >= num_channels_ || offset > frames_)
            return 0;
        const std::size_t count = std::min<std::size_t>(destination.size(), frames_ - offset);
        std::memcpy(destination.data(), channels_[channel] + offset, count * sizeof(float));
        return count;
    }

    // Below: for the backend and the driver, on the cycle thread or before it runs.
    void set_num_channels(std::uint32_t channels) noexcept { num_channels_ = channels; }
    void set_frames(std::uint32_t frames) noexcept { frames_ = frames; }
    void set_input(std::size_t channel, const float* samples) noexcept { channels_[channel] = samples; }
    /// Moves the view on by `frames` (the next block of the same cycle).
    void advance(std::size_t frames) noexcept {
        for (std::size_t channel = 0; channel < num_channels_; ++channel)
            channels_[channel] += frames;
    }

private:
    // The counts beside the first channels, on one cache line.
    alignas(64) std::uint32_t num_channels_ = 0;
    std::uint32_t frames_ = 0;
    std::array<const float*, max_channels> channels_{};
};

/// What the graph writes in this cycle: `num_output_channels()` planar channels of `frames()` floats.
class PlaybackWindow {
public:
    PlaybackWindow() = default;
    PlaybackWindow(const PlaybackWindow&) = delete; // nodes hold it by reference
    PlaybackWindow& operator=(const PlaybackWindow&) = delete;

    /// Thread: any after open. Realtime-safe: yes.
    [[nodiscard]] std::size_t num_output_channels() const noexcept { return num_channels_; }
    /// Frames in the current block. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] std::size_t frames() const noexcept { return frames_; }
    /// The channel's samples in the backend's memory, `frames()` of them, to be written whole. `channel` must
    /// be below `num_output_channels()`. It may be the same memory as an input of the same cycle: read before
    /// you write. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] float* output(std::size_t channel) noexcept {
        written_[channel] = frames_;
        return channels_[channel];
    }

    /// All channels' pointers, `num_output_channels()` of them, for a callback that says `fills_playback`.
    /// Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] float* const* outputs() const noexcept { return channels_.data(); }

    /// Fills a channel's block from frame `offset` on. Returns the frames moved: the smaller of what is given
    /// and what fits, 0 for a channel that does not exist. Thread: cycle. Realtime-safe: yes.
    template <std::size_t Extent>
    std::size_t write_output(std::size_t channel, std::span<const float, Extent> source,
                             std::size_t offset = 0) noexcept {
        if (channel >= num_channels_ || offset > frames_)
            return 0;
        const std::size_t count = std::min<std::size_t>(source.size(), frames_ - offset);
        std::memcpy(channels_[channel] + offset, source.data(), count * sizeof(float));
        if (offset > written_[channel]) // what was left out before it
            std::memset(channels_[channel] + written_[channel], 0,
                        (offset - written_[channel]) * sizeof(float));
        written_[channel] = std::max(written_[channel], static_cast<std::uint32_t>(offset + count));
        return count;
    }
    template <std::size_t Extent>
    std::size_t write_output(std::size_t channel, std::span<float, Extent> source,
                             std::size_t offset = 0) noexcept {
        return write_output(channel, std::span<const float, Extent>(source), offset);
    }

    // Below: for the backend and the driver, on the cycle thread or before it runs.
    void set_num_channels(std::uint32_t channels) noexcept { num_channels_ = channels; }
    void set_frames(std::uint32_t frames) noexcept { frames_ = frames; }
    void set_output(std::size_t channel, float* samples) noexcept { channels_[channel] = samples; }
    void advance(std::size_t frames) noexcept {
        for (std::size_t channel = 0; channel < num_channels_; ++channel)
            channels_[channel] += frames;
    }
    /// Writes silence to what a callback has left out: whole channels, and what follows a shorter
    /// write_output. (Not before the callback, which may find its input in the same memory.)
    void silence_unwritten() noexcept {
        for (std::size_t channel = 0; channel < num_channels_; ++channel) {
            const std::uint32_t written = std::min(written_[channel], frames_);
            std::memset(channels_[channel] + written, 0, (frames_ - written) * sizeof(float));
            written_[channel] = 0;
        }
    }
    /// Before a cycle that may follow anything.
    void forget_written() noexcept { std::fill_n(written_.begin(), num_channels_, 0U); }
    /// Writes silence to the first `frames` frames of every channel.
    void silence(std::size_t frames) noexcept {
        for (std::size_t channel = 0; channel < num_channels_; ++channel)
            std::memset(channels_[channel], 0, frames * sizeof(float));
    }

private:
    alignas(64) std::uint32_t num_channels_ = 0;
    std::uint32_t frames_ = 0;
    std::array<float*, max_channels> channels_{};
    std::array<std::uint32_t, max_channels>
        written_{}; ///< up to this frame of the block, unless fills_playback
};

/// The capture half of backend `B`: what `Driver` and `Input` take as a template argument.
template <class B>
class Capture : public CaptureWindow {
public:
    using Backend = B;
};

/// The playback half of backend `B`: what `Driver` and `Output` take as a template argument.
template <class B>
class Playback : public PlaybackWindow {
public:
    using Backend = B;
};

/// In place of a capture: `Driver<NoCapture, jack::Playback>` only plays.
class NoCapture : public CaptureWindow {
public:
    using Backend = void;
};

/// In place of a playback: `Driver<jack::Capture, NoPlayback>` only records.
class NoPlayback : public PlaybackWindow {
public:
    using Backend = void;
};

} // namespace rill::io
