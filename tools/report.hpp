// SPDX-License-Identifier: MIT
#pragma once

// Report: everything about a stream that was negotiated and counted.

#include "json.hpp"
#include "outcome.hpp"
#include <rill_io/config.hpp>

#include <cstdint>
#include <string>

namespace rill::io::tools {

struct Report {
    std::string backend = {}; ///< that was asked for, until there is one
    StreamInfo info{};
    StreamStats stats{};
    std::uint64_t disk_lost_frames =
        0;              ///< because a disk was late: silence when playing, a gap when recording
    JsonObject extra{}; ///< what only this command has

    /// A stream was opened.
    [[nodiscard]] bool is_open() const noexcept { return info.sample_rate != 0; }
    [[nodiscard]] std::uint64_t lost_frames() const noexcept { return stats.lost_frames + disk_lost_frames; }
};

/// All keys are always there, also after a failure. Thread: control.
[[nodiscard]] std::string to_json(const Report& report, const Outcome& outcome);

/// "jack (system), 48000 Hz, 2 channels, blocks of 256 frames": how the stream runs.
[[nodiscard]] std::string stream_text(const StreamInfo& info);
/// From the outside to the graph and from the graph to the outside, as far as there are such ways, in frames.
[[nodiscard]] std::uint64_t total_latency(const StreamInfo& info) noexcept;
/// "256 frames (5.3 ms)".
[[nodiscard]] std::string latency_text(std::uint64_t frames, std::uint32_t sample_rate);
/// "0 xruns, 0 frames lost".
[[nodiscard]] std::string loss_text(const Report& report);

} // namespace rill::io::tools
