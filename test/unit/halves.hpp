// SPDX-License-Identifier: MIT
#pragma once

// Capture and playback halves without a backend: windows over memory of their own, and halves that can only
// be read and written through calls.

#include <rill_io/concepts.hpp>
#include <rill_io/window.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace halves {

/// Planar memory for a window.
class Memory {
public:
    Memory(std::size_t channels, std::size_t frames)
        : frames_(frames), samples_(channels, std::vector<float>(frames)) {}
    std::vector<float>& operator[](std::size_t channel) { return samples_[channel]; }
    [[nodiscard]] std::size_t frames() const { return frames_; }

    /// A sample of its own for every channel and frame.
    void number() {
        float next = 1.0F;
        for (std::vector<float>& channel : samples_)
            for (float& sample : channel)
                sample = next++;
    }
    void show(rill::io::CaptureWindow& window) {
        window.set_num_channels(static_cast<std::uint32_t>(samples_.size()));
        window.set_frames(static_cast<std::uint32_t>(frames_));
        for (std::size_t channel = 0; channel < samples_.size(); ++channel)
            window.set_input(channel, samples_[channel].data());
    }
    void show(rill::io::PlaybackWindow& window) {
        window.set_num_channels(static_cast<std::uint32_t>(samples_.size()));
        window.set_frames(static_cast<std::uint32_t>(frames_));
        for (std::size_t channel = 0; channel < samples_.size(); ++channel)
            window.set_output(channel, samples_[channel].data());
    }
    bool operator==(const Memory&) const = default;

private:
    std::size_t frames_;
    std::vector<std::vector<float>> samples_;
};

/// A capture whose samples cannot be touched where they lie.
class CopyingCapture {
public:
    explicit CopyingCapture(const rill::io::CaptureWindow& window) : window_(&window) {}
    [[nodiscard]] std::size_t num_input_channels() const noexcept { return window_->num_input_channels(); }
    template <std::size_t Extent>
    std::size_t read_input(std::size_t channel, std::span<float, Extent> destination,
                           std::size_t offset = 0) const noexcept {
        return window_->read_input(channel, destination, offset);
    }

private:
    const rill::io::CaptureWindow* window_;
};

/// A playback whose samples cannot be touched where they lie.
class CopyingPlayback {
public:
    explicit CopyingPlayback(rill::io::PlaybackWindow& window) : window_(&window) {}
    [[nodiscard]] std::size_t num_output_channels() const noexcept { return window_->num_output_channels(); }
    template <std::size_t Extent>
    std::size_t write_output(std::size_t channel, std::span<const float, Extent> source,
                             std::size_t offset = 0) noexcept {
        return window_->write_output(channel, source, offset);
    }

private:
    rill::io::PlaybackWindow* window_;
};

static_assert(rill::io::IoCapture<CopyingCapture> && !rill::io::DirectCapture<CopyingCapture>);
static_assert(rill::io::IoPlayback<CopyingPlayback> && !rill::io::DirectPlayback<CopyingPlayback>);

} // namespace halves
