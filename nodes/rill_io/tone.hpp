// SPDX-License-Identifier: MIT
#pragma once

// Tone: a sine on every channel.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/frame_range.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace rill::io {

/// The phase is a 64-bit fraction of a turn and every sample is computed from it: a change of frequency does
/// not jump, the signal does not depend on how it is cut into blocks, and after 24 hours at 48 kHz the
/// rounding of the step has added at most 48000 * 86400 / 2^65 of a turn (1e-10).
template <std::size_t Block = dynamic_extent, std::size_t Channels = 2>
class Tone {
public:
    static constexpr NodeKind kind = NodeKind::source;
    static constexpr std::size_t block = Block;
    static constexpr std::size_t channels = Channels;
    enum Parameter : std::uint16_t {
        frequency, ///< Hz; beyond half the sample rate it aliases
        amplitude, ///< linear peak value
    };

    explicit constexpr Tone(double frequency_hz = 440.0, float peak = 0.5F) noexcept
    requires(Channels != dynamic_extent)
        : frequency_(frequency_hz), amplitude_(peak) {}

    /// A tone on a number of channels that is only known at run time.
    [[nodiscard]] static Tone<Block, dynamic_extent>
    with_channels(std::size_t count, double frequency_hz = 440.0, float peak = 0.5F) noexcept {
        return Tone<Block, dynamic_extent>(frequency_hz, peak, count);
    }

    [[nodiscard]] std::size_t num_channels() const noexcept {
        return Channels == dynamic_extent ? num_channels_ : Channels;
    }

    /// Thread: cycle (through SetParameter), or control while stopped. Realtime-safe: yes.
    bool set_parameter(std::uint16_t parameter, float value) noexcept {
        switch (parameter) {
        case frequency:
            frequency_ = static_cast<double>(value);
            step_rate_ = 0; // recompute the step
            return true;
        case amplitude:
            amplitude_ = value;
            return true;
        default:
            return false;
        }
    }

    template <std::size_t Frames>
    void generate(const ClockTick& tick, FrameRange<Frames> range,
                  AudioBlock<float, Frames, Channels> out) noexcept {
        if (tick.sample_rate != step_rate_)
            set_step(tick.sample_rate);
        const std::size_t frames = range.frames();
        for (std::size_t channel = 0; channel < num_channels(); ++channel) {
            std::uint64_t phase = phase_;
            for (float& sample : out.channel(channel)) {
                sample =
                    amplitude_ * static_cast<float>(std::sin(static_cast<double>(phase) * radians_per_unit));
                phase += step_;
            }
        }
        phase_ += step_ * frames;
    }

private:
    template <std::size_t, std::size_t>
    friend class Tone;
    Tone(double frequency_hz, float peak, std::size_t count) noexcept
        : frequency_(frequency_hz), amplitude_(peak), num_channels_(count) {}

    static constexpr double turn = 18446744073709551616.0; // 2^64
    static constexpr double radians_per_unit = 2.0 * std::numbers::pi / turn;

    void set_step(std::uint32_t sample_rate) noexcept {
        step_rate_ = sample_rate;
        step_ = 0;
        if (sample_rate == 0 || !std::isfinite(frequency_))
            return;
        const double rate = sample_rate;
        const double hz = std::fmod(std::fabs(frequency_), rate); // whole turns per frame change nothing
        const double turns = hz / rate;
        const double rounded_off =
            std::fma(-turns, rate, hz) / rate; // a quotient of 53 bits is not enough for 64
        const double whole = std::floor(turns * turn);
        step_ = static_cast<std::uint64_t>(whole) +
                static_cast<std::uint64_t>(std::llround(turns * turn - whole + rounded_off * turn));
        if (frequency_ < 0.0)
            step_ = 0 - step_;
    }

    double frequency_;
    float amplitude_;
    std::uint32_t step_rate_ = 0;
    std::uint64_t step_ = 0;
    std::uint64_t phase_ = 0;
    std::size_t num_channels_ = Channels;
};

} // namespace rill::io
