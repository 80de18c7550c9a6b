// SPDX-License-Identifier: MIT
#pragma once

// PortTable: the ports of a client whose server is asked for each port's buffer in each cycle, and what it is
// asked with. Of a few channels it is one cache line.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/window.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace rill::io {

/// `Port` is the server's type. Filled with the gate closed; the rest is for the cycle thread and
/// realtime-safe where the C library's function is.
template <class Port>
class alignas(64) PortTable {
public:
    /// The C library's function for the buffer of a port, `frames` long; null if it has none in this cycle.
    /// Called through this pointer it costs, where the library is linked, one jump less than by name, and the
    /// dynamic linker has nothing to look up in the first cycle.
    using GetBuffer = void* (*)(Port * port, std::uint32_t frames);

    void clear(GetBuffer get_buffer) {
        num_inputs_ = num_outputs_ = 0;
        get_buffer_ = get_buffer;
        silence_.assign(max_quantum, 0.0F);
        scratch_.clear();
    }
    /// All inputs before the first output; max_channels of each at most.
    void add_input(Port* port) noexcept { ports_[num_inputs_++] = port; }
    void add_output(Port* port) {
        ports_[num_inputs_ + num_outputs_++] = port;
        scratch_.resize(scratch_.size() + max_quantum);
    }

    [[nodiscard]] std::span<Port* const> all() const noexcept {
        return std::span(ports_).first(std::size_t{num_inputs_} + num_outputs_);
    }
    [[nodiscard]] std::span<Port* const> inputs() const noexcept { return all().first(num_inputs_); }
    [[nodiscard]] std::span<Port* const> outputs() const noexcept { return all().subspan(num_inputs_); }

    /// Points the windows to the buffers, of which none may be missing.
    template <std::size_t Inputs, std::size_t Outputs>
    [[gnu::always_inline]] void fetch(CaptureWindow& capture, PlaybackWindow& playback,
                                      std::uint32_t frames) noexcept {
        for (std::size_t channel = 0; channel < count<Inputs>(num_inputs_); ++channel)
            capture.set_input(channel, static_cast<const float*>(get_buffer_(ports_[channel], frames)));
        Port* const* const outputs = ports_.data() + count<Inputs>(num_inputs_);
        for (std::size_t channel = 0; channel < count<Outputs>(num_outputs_); ++channel)
            playback.set_output(channel, static_cast<float*>(get_buffer_(outputs[channel], frames)));
    }

    /// As fetch(); where a buffer is missing, what is read is silence (of max_quantum frames) and what is
    /// written is lost. Each output has memory of its own for that: a graph may read what it has written.
    template <std::size_t Inputs = dynamic_extent, std::size_t Outputs = dynamic_extent>
    [[gnu::always_inline]] void fetch_with_stand_ins(CaptureWindow& capture, PlaybackWindow& playback,
                                                     std::uint32_t frames) noexcept {
        for (std::size_t channel = 0; channel < count<Inputs>(num_inputs_); ++channel) {
            const void* samples = get_buffer_(ports_[channel], frames);
            if (samples == nullptr) [[unlikely]]
                samples = silence_.data();
            capture.set_input(channel, static_cast<const float*>(samples));
        }
        Port* const* const outputs = ports_.data() + count<Inputs>(num_inputs_);
        for (std::size_t channel = 0; channel < count<Outputs>(num_outputs_); ++channel) {
            void* samples = get_buffer_(outputs[channel], frames);
            if (samples == nullptr) [[unlikely]]
                samples = scratch(channel);
            playback.set_output(channel, static_cast<float*>(samples));
        }
    }
    /// Whether fetch_with_stand_ins() has found them all.
    [[nodiscard]] bool has_all(const CaptureWindow& capture, const PlaybackWindow& playback) const noexcept {
        bool all = true;
        for (std::uint32_t channel = 0; channel < num_inputs_; ++channel)
            all = all && capture.inputs()[channel] != silence_.data();
        for (std::uint32_t channel = 0; channel < num_outputs_; ++channel)
            all = all && playback.outputs()[channel] != scratch(channel);
        return all;
    }

    /// Writes silence to the buffers that fetch_with_stand_ins() has found. (PipeWire gives another one to
    /// whoever asks again in the same cycle.)
    void silence_fetched(const PlaybackWindow& playback, std::uint32_t frames) const noexcept {
        for (std::uint32_t channel = 0; channel < num_outputs_; ++channel)
            if (float* const samples = playback.outputs()[channel]; samples != scratch(channel))
                std::memset(samples, 0, frames * sizeof(float));
    }

    /// Writes silence to every output that has a buffer, in a cycle that has fetched none.
    void silence(std::uint32_t frames) noexcept {
        for (Port* const port : outputs())
            if (void* const samples = get_buffer_(port, frames); samples != nullptr)
                std::memset(samples, 0, frames * sizeof(float));
    }

private:
    template <std::size_t Constant>
    [[gnu::always_inline]] static constexpr std::size_t count(std::uint32_t at_run_time) noexcept {
        return Constant != dynamic_extent ? Constant : at_run_time;
    }
    [[nodiscard]] float* scratch(std::size_t channel) noexcept {
        return scratch_.data() + channel * max_quantum;
    }
    [[nodiscard]] const float* scratch(std::size_t channel) const noexcept {
        return scratch_.data() + channel * max_quantum;
    }

    std::uint32_t num_inputs_ = 0;
    std::uint32_t num_outputs_ = 0;
    GetBuffer get_buffer_ = nullptr;
    std::array<Port*, std::size_t{2} * max_channels> ports_{}; ///< the inputs, right after them the outputs
    std::vector<float> silence_;
    std::vector<float> scratch_; ///< max_quantum frames for each output
};

} // namespace rill::io
