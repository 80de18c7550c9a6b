// SPDX-License-Identifier: MIT
#pragma once

// DriftResampler: libsamplerate's sinc converter with a ratio that glides, told apart from its own buffer: it
// knows to a fraction of a frame which moment of its input the next output frame shows.
//
// libsamplerate reads ahead as it likes, so that what it has taken says little. But its arithmetic for the
// reading position is documented by its source: from the ratio that it used last, r0, to the one that is
// asked, r, it goes in equal steps through the block, and moves on by 1/ratio after each frame. The same is
// counted here.

#include <rill_io/error.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

struct SRC_STATE_tag;

namespace rill::io {

/// How good, and how expensive, the resampler is.
enum class BridgeQuality : std::uint8_t {
    fast,   ///< 97 dB, 80 % of the band, 20 frames of look-ahead
    medium, ///< 121 dB, 90 % of the band, 48 frames
    best,   ///< 144 dB, 96 % of the band, 144 frames; three times as expensive as medium
};

class DriftResampler {
public:
    DriftResampler() = default;
    ~DriftResampler();
    DriftResampler(const DriftResampler&) = delete;
    DriftResampler& operator=(const DriftResampler&) = delete;

    /// `ratio`: nominal output rate over input rate; `max_output`: frames of one call. Thread: control.
    /// Realtime-safe: no (allocates; nothing else here does).
    Result<void> allocate(std::uint32_t channels, BridgeQuality quality, double ratio,
                          std::uint32_t max_output);
    /// Forgets all input. Thread: control.
    void reset() noexcept;

    /// Which input frame (counted from reset()) the next output frame shows. Realtime-safe: yes.
    [[nodiscard]] double position() const noexcept { return static_cast<double>(whole_) + fraction_; }
    /// Input frames that must lie behind position() for one output frame.
    [[nodiscard]] std::uint32_t look_ahead() const noexcept { return look_ahead_; }
    /// Input frames that were appended since reset().
    [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; }

    /// Input frames still to be appended before `frames` output frames can be made. Realtime-safe: yes.
    [[nodiscard]] std::uint32_t missing(std::uint32_t frames, double ratio) const noexcept;
    /// Room for so many more input frames, interleaved, to be filled by the caller. Realtime-safe: yes.
    float* append(std::uint32_t frames) noexcept;
    /// Makes output, planar; the ratio glides from the last one. Thread: cycle. Realtime-safe: yes.
    void process(float* const* output, std::uint32_t frames, double ratio) noexcept;

private:
    void advance(std::uint32_t generated, std::uint32_t asked, double ratio) noexcept;
    [[nodiscard]] std::uint32_t find_look_ahead(double ratio) noexcept;

    SRC_STATE_tag* state_ = nullptr;
    std::uint32_t channels_ = 0;
    std::uint32_t look_ahead_ = 0;
    double last_ratio_ = 0.0; ///< that libsamplerate ended with; 0 before the first block
    std::uint64_t whole_ = 0; ///< the position's
    double fraction_ = 0.0;
    std::uint64_t appended_ = 0;
    std::size_t waiting_ = 0;   ///< frames in input_ that libsamplerate has not taken yet
    std::vector<float> input_;  ///< interleaved
    std::vector<float> output_; ///< interleaved
};

} // namespace rill::io
