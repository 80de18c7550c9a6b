// SPDX-License-Identifier: MIT
#pragma once

// StandIn: drives a graph by the system's clock while its driver is closed, so that its time goes on. It
// captures silence, and what it plays is thrown away.

#include <rill_io/config.hpp>
#include <rill_io/continued.hpp>
#include <rill_io/tick.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rill::io {

template <class CaptureHalf, class PlaybackHalf>
class StandIn {
public:
    /// From `now_ns` (CLOCK_MONOTONIC) on, at the rate, block and channels that the stream had. Thread:
    /// control. Realtime-safe: no (allocates).
    void begin(const StreamInfo& info, std::uint64_t now_ns) {
        info_ = info;
        origin_ns_ = now_ns;
        blocks_ = 0;
        if (info_.block == 0) // it was lost before it knew
            info_.block = max_quantum;
        silence_.assign(info_.block, 0.0F);
        outputs_.assign(std::size_t{info_.output_channels} * info_.block, 0.0F);
    }

    /// The time up to which the graph has come. Thread: control.
    [[nodiscard]] std::uint64_t time_ns() const noexcept { return time_of(blocks_); }
    /// When the next block is due. Thread: control.
    [[nodiscard]] std::uint64_t due_ns() const noexcept { return time_of(blocks_ + 1); }

    /// Runs one block; its frames. Thread: control; it stands in for the cycle thread meanwhile.
    template <class InnerDriver>
    std::uint32_t play(Continuation<InnerDriver>& graph, CaptureHalf& capture,
                       PlaybackHalf& playback) noexcept {
        capture.set_num_channels(info_.input_channels);
        capture.set_frames(info_.block);
        for (std::uint32_t channel = 0; channel < info_.input_channels; ++channel)
            capture.set_input(channel, silence_.data());
        playback.set_num_channels(info_.output_channels);
        playback.set_frames(info_.block);
        for (std::uint32_t channel = 0; channel < info_.output_channels; ++channel)
            playback.set_output(channel, outputs_.data() + std::size_t{channel} * info_.block);
        playback.forget_written();

        ClockTick tick;
        tick.position = graph.base_position;
        tick.frames = info_.block;
        tick.sample_rate = info_.sample_rate;
        tick.xruns = graph.base_xruns;
        tick.flags = TickFlags::new_block | (blocks_ == 0 ? TickFlags::discontinuity : TickFlags::none);
        tick.known_time_ns = time_ns();
        tick.backend = "clock";
        graph.play(tick);
        graph.base_position += info_.block;
        ++blocks_;
        return info_.block;
    }

    /// Leaves the halves as a closed driver's are. Thread: control.
    static void end(CaptureHalf& capture, PlaybackHalf& playback) noexcept {
        capture.set_num_channels(0);
        playback.set_num_channels(0);
    }

private:
    [[nodiscard]] std::uint64_t time_of(std::uint64_t blocks) const noexcept {
        constexpr std::uint64_t ns_per_s = 1'000'000'000;
        const std::uint64_t frames = blocks * info_.block; // split: frames * 1e9 would overflow
        return origin_ns_ + frames / info_.sample_rate * ns_per_s +
               frames % info_.sample_rate * ns_per_s / info_.sample_rate;
    }

    StreamInfo info_{};
    std::uint64_t origin_ns_ = 0;
    std::uint64_t blocks_ = 0;
    std::vector<float> silence_;
    std::vector<float> outputs_;
};

} // namespace rill::io
