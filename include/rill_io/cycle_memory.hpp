// SPDX-License-Identifier: MIT
#pragma once

// CycleMemory: the planar channels that a host or server brings along when it calls for a cycle. Handed on
// from call to call it stays in registers.

#include <rill_io/window.hpp>

#include <cstddef>
#include <span>

namespace rill::io {

struct CycleMemory {
    const float* const* inputs;
    float* const* outputs;

    /// Points the windows to it. A session's fetch(). Thread: cycle. Realtime-safe: yes.
    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback) const noexcept {
        const std::size_t num_inputs = Inputs != std::dynamic_extent ? Inputs : capture.num_input_channels();
        const std::size_t num_outputs =
            Outputs != std::dynamic_extent ? Outputs : playback.num_output_channels();
        for (std::size_t channel = 0; channel < num_inputs; ++channel)
            capture.set_input(channel, inputs[channel]);
        for (std::size_t channel = 0; channel < num_outputs; ++channel)
            playback.set_output(channel, outputs[channel]);
    }
};

} // namespace rill::io
