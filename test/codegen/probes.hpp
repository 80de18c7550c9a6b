// SPDX-License-Identifier: MIT
#pragma once

// Twins: halves and nodes that are reached through a virtual function.

#include <rill_io/audio_block.hpp>
#include <rill_io/concepts.hpp>

#include <cstddef>
#include <span>

namespace probes {

struct VirtualCapture {
    VirtualCapture() = default;
    VirtualCapture(const VirtualCapture&) = delete;
    VirtualCapture& operator=(const VirtualCapture&) = delete;
    virtual ~VirtualCapture() = default;
    virtual std::size_t read_input(std::size_t channel, std::span<float> to,
                                   std::size_t offset = 0) const noexcept = 0;
    virtual std::size_t num_input_channels() const noexcept = 0;
};
struct VirtualPlayback {
    VirtualPlayback() = default;
    VirtualPlayback(const VirtualPlayback&) = delete;
    VirtualPlayback& operator=(const VirtualPlayback&) = delete;
    virtual ~VirtualPlayback() = default;
    virtual std::size_t write_output(std::size_t channel, std::span<const float> from,
                                     std::size_t offset = 0) noexcept = 0;
    virtual std::size_t num_output_channels() const noexcept = 0;
};

/// A gain that somebody else implements.
struct VirtualWork {
    VirtualWork() = default;
    VirtualWork(const VirtualWork&) = delete;
    VirtualWork& operator=(const VirtualWork&) = delete;
    virtual ~VirtualWork() = default;
    virtual void run(const float* in, float* out, std::size_t frames) noexcept = 0;
};
class VirtualGain {
public:
    static constexpr rill::io::NodeKind kind = rill::io::NodeKind::processor;
    explicit VirtualGain(VirtualWork& work) : work_(&work) {}
    template <class In, class Out>
    void process(const rill::io::ClockTick&, const In& in, const Out& out) noexcept {
        for (std::size_t channel = 0; channel < in.num_channels(); ++channel)
            work_->run(in.data(channel), out.data(channel), in.frames());
    }

private:
    VirtualWork* work_;
};

} // namespace probes
