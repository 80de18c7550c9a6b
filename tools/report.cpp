// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rill::io::tools {

std::string to_json(const Report& report, const Outcome& outcome) {
    const StreamInfo& info = report.info;
    JsonObject object;
    object.add("backend", report.backend)
        .add("device", info.device)
        .add("client_name", info.client_name)
        .add("sample_rate", info.sample_rate)
        .add("block", info.block)
        .add("quantum", info.quantum)
        .add("input_channels", info.input_channels)
        .add("output_channels", info.output_channels)
        .add("hardware_format", info.hardware_format)
        .add("direct", info.direct)
        .add("adapter_latency", info.adapter_latency)
        .add("capture_latency", info.capture_latency)
        .add("playback_latency", info.playback_latency)
        .add("frames", report.stats.frames)
        .add("cycles", report.stats.cycles)
        .add("xruns", report.stats.xruns)
        .add("lost_frames", report.lost_frames())
        .add("disk_lost_frames", report.disk_lost_frames)
        .add("scheduling", to_string(info.scheduling))
        .add("realtime_priority", static_cast<std::uint32_t>(std::max(0, info.realtime_priority)))
        .add_all(report.extra)
        .add("result", outcome.result);
    if (!outcome.message.empty())
        object.add("message", outcome.message);
    return object.text();
}

std::string stream_text(const StreamInfo& info) {
    const std::uint32_t channels = std::max(info.input_channels, info.output_channels);
    const std::string quantum =
        info.quantum != info.block ? fmt::format(" in quanta of {}", info.quantum) : std::string();
    const std::string blocks =
        info.block == 0 ? "no block yet" : fmt::format("blocks of {} frames{}", info.block, quantum);
    return fmt::format("{} ({}), {} Hz, {} channel{}, {}", info.backend, info.device, info.sample_rate,
                       channels, channels == 1 ? "" : "s", blocks);
}

std::uint64_t total_latency(const StreamInfo& info) noexcept {
    return std::uint64_t{info.capture_latency} + info.adapter_latency + info.playback_latency;
}

std::string latency_text(std::uint64_t frames, std::uint32_t sample_rate) {
    return fmt::format("{} frames ({:.1f} ms)", frames,
                       sample_rate == 0 ? 0.0 : 1000.0 * static_cast<double>(frames) / sample_rate);
}

std::string loss_text(const Report& report) {
    return fmt::format("{} xrun{}, {} frames lost", report.stats.xruns, report.stats.xruns == 1 ? "" : "s",
                       report.lost_frames());
}

} // namespace rill::io::tools
