// SPDX-License-Identifier: MIT
#pragma once

// The graph of the examples: drive, a soft clipper, a low-pass filter and a level, in stereo.
//
// It knows no backend. ../standalone runs it on JACK, ../lv2 inside a plugin host, ../offline over sound
// files; all three include this file, and the samples that come out are the same to the last bit.

#include <rill_io/audio_block.hpp>
#include <rill_io/chain.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>

namespace example {

namespace io = rill::io;

inline constexpr std::size_t num_channels = 2;

/// x / (1 + |x|): the louder, the flatter, never beyond 1. One formula for a float and for a vector of
/// floats.
class SoftClip {
public:
    static constexpr io::NodeKind kind = io::NodeKind::elementwise;

    [[nodiscard]] auto kernel() const noexcept {
        return [](auto x) noexcept {
            const auto magnitude = x < 0.0F ? -x : x;
            return x / (magnitude + 1.0F);
        };
    }
};

/// A one-pole low-pass filter, 6 dB per octave.
class LowPass {
public:
    static constexpr io::NodeKind kind = io::NodeKind::processor;
    enum Parameter : std::uint16_t { cutoff }; ///< cutoff: Hz, above 0

    explicit LowPass(float cutoff_hz) noexcept : cutoff_hz_(cutoff_hz) {}

    io::Result<void> prepare(const io::StreamInfo& info) noexcept {
        last_.fill(0.0F);
        set_rate(info.sample_rate);
        return {};
    }

    bool set_parameter(std::uint16_t parameter, float value) noexcept {
        if (parameter != cutoff || !(value > 0.0F))
            return false;
        cutoff_hz_ = value;
        set_rate(sample_rate_);
        return true;
    }

    template <std::size_t Frames>
    void process(const io::ClockTick& tick, io::AudioBlock<const float, Frames, num_channels> in,
                 io::AudioBlock<float, Frames, num_channels> out) noexcept {
        if (tick.sample_rate != sample_rate_)
            set_rate(tick.sample_rate);
        for (std::size_t channel = 0; channel < num_channels; ++channel) {
            const auto source = in.channel(channel);
            const auto target = out.channel(channel);
            float last = last_[channel];
            for (std::size_t i = 0; i < source.size(); ++i) {
                last += weight_ * (source[i] - last);
                // Far below audibility the tail ends, before it becomes denormal: whether those are flushed
                // is the host's choice, and the result must not depend on it.
                if (std::fabs(last) < 1e-20F)
                    last = 0.0F;
                target[i] = last;
            }
            last_[channel] = last;
        }
    }

private:
    void set_rate(std::uint32_t sample_rate) noexcept {
        sample_rate_ = sample_rate;
        const float turn = 2.0F * std::numbers::pi_v<float> * cutoff_hz_ / static_cast<float>(sample_rate);
        weight_ = turn / (1.0F + turn);
    }

    float cutoff_hz_;
    float weight_ = 1.0F;
    std::uint32_t sample_rate_ = 0;
    std::array<float, num_channels> last_{};
};

/// What can be turned while it runs: a name for people, the address of the parameter, its range and its
/// start.
struct Control {
    const char* name;
    std::uint16_t node; ///< the node's place in the chain below
    std::uint16_t parameter;
    float minimum;
    float maximum;
    float standard;
};
inline constexpr std::array controls{
    Control{"drive", 1, io::Gain::gain, 0.0F, 100.0F, 4.0F},
    Control{"cutoff", 3, LowPass::cutoff, 20.0F, 20000.0F, 4000.0F},
    Control{"level", 4, io::Gain::gain, 0.0F, 4.0F, 0.5F},
};

template <io::IoCapture Capture, io::IoPlayback Playback>
[[nodiscard]] auto saturator(const Capture& capture, Playback& playback) {
    return io::Input(capture) >> io::Gain(controls[0].standard) >> SoftClip() >>
           LowPass(controls[1].standard) >> io::Gain(controls[2].standard) >> io::Output(playback);
}
template <io::IoCapture Capture, io::IoPlayback Playback>
using Saturator = decltype(saturator(std::declval<const Capture&>(), std::declval<Playback&>()));

} // namespace example
