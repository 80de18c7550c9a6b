// SPDX-License-Identifier: MIT
#pragma once

// The refusals that are the same for every backend: what may be asked, and whether what came out is what was
// asked.

#include <rill_io/block_adapter.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rill::io {

/// Refuses values that no backend can make sense of. Thread: control. Realtime-safe: no.
inline Result<void> check_config(const StreamConfig& config, const char* backend, bool captures,
                                 bool plays) noexcept {
    const auto refuse = [&](Errc code, const char* what, std::uint32_t value, std::uint32_t low,
                            std::uint32_t high, const char* advice) {
        return Error::make(code, backend, "open", 0, "%s %u is out of range; %s %u..%u", what, value, advice,
                           low, high);
    };
    if (config.sample_rate != 0 &&
        (config.sample_rate < min_sample_rate || config.sample_rate > max_sample_rate))
        return refuse(Errc::invalid_config, "sample rate", config.sample_rate, min_sample_rate,
                      max_sample_rate, "use 0 (the server's own) or a value in Hz in");
    if (config.block > max_quantum)
        return refuse(Errc::invalid_config, "block", config.block, 1, max_quantum,
                      "use 0 (whatever the server delivers) or frames in");
    if (captures && (config.input_channels == 0 || config.input_channels > max_channels))
        return refuse(Errc::invalid_config, "number of input channels", config.input_channels, 1,
                      max_channels, "use");
    if (plays && (config.output_channels == 0 || config.output_channels > max_channels))
        return refuse(Errc::invalid_config, "number of output channels", config.output_channels, 1,
                      max_channels, "use");
    return {};
}

/// Refuses names of devices and ports, for a backend that has neither; its own name passes for a device.
/// Thread: control. Realtime-safe: no.
inline Result<void> check_unnamed(const StreamConfig& config, const char* backend) noexcept {
    const auto refuse = [&](const char* what, std::string_view name) {
        return Error::make(Errc::no_device, backend, "open", 0, "there is no %s '%.*s'; leave it empty", what,
                           static_cast<int>(name.size()), name.data());
    };
    if (!config.device.empty() && config.device != backend)
        return refuse("device", config.device);
    if (!config.capture_target.empty())
        return refuse("port to capture from", config.capture_target);
    if (!config.playback_target.empty())
        return refuse("port to play to", config.playback_target);
    return {};
}

/// Calls `each(part)` for every part of a target, which commas separate, until one fails. Parts may be empty.
/// Thread: control. Realtime-safe: as `each`. Errors: those of `each`.
template <class Each>
Result<void> for_each_part(std::string_view target, const Each& each) {
    for (std::size_t begin = 0; begin <= target.size();) {
        const std::size_t end = std::min(target.find(',', begin), target.size());
        if (Result<void> done = each(target.substr(begin, end - begin)); !done)
            return done;
        begin = end + 1;
    }
    return {};
}

/// Compares what the session negotiated with what was asked, as strictly as was asked, and publishes it.
/// Thread: control. Realtime-safe: no.
inline Result<void> accept_negotiated(const StreamConfig& config, const char* backend,
                                      Stream& stream) noexcept {
    StreamInfo& got = stream.negotiated;
    if (*got.backend == '\0') // (a session may stand for another backend)
        got.backend = backend;
    if (config.sample_rate != 0 && config.rate_match == Match::exact && got.sample_rate != config.sample_rate)
        return Error::make(Errc::unsupported_rate, backend, "open", 0,
                           "it runs at %u Hz, not at %u; ask for %u or 0, or set rate_match = adapt",
                           got.sample_rate, config.sample_rate, got.sample_rate);
    if (config.block != 0 && config.period_match == Match::exact && got.quantum % config.block != 0)
        return Error::make(
            Errc::period_mismatch, backend, "open", 0,
            "blocks of %u frames do not fit a quantum of %u; ask for a divisor of %u, 0, or set "
            "period_match = adapt",
            config.block, got.quantum, got.quantum);
    got.block = config.block != 0 ? config.block : got.quantum;
    stream.report_sample_rate(got.sample_rate);
    stream.report_quantum(got.quantum, config.block);
    // What the adapter will add if the quantum stays.
    stream.adapter_latency.store(BlockAdapter::latency_for(got.block, got.quantum),
                                 std::memory_order_relaxed);
    return {};
}

/// Compares what a callback's type was compiled for with the stream. Thread: control. Realtime-safe: no.
inline Result<void> check_callback(const StreamInfo& info, std::uint32_t fixed_block, std::size_t block,
                                   std::size_t num_inputs, std::size_t num_outputs) noexcept {
    const auto refuse = [&](const char* what, std::size_t compiled, std::uint32_t has, const char* advice) {
        return Error::make(Errc::invalid_config, info.backend, "start", 0,
                           "the graph is compiled for %zu %s, the stream has %u; open with %s = %zu",
                           compiled, what, has, advice, compiled);
    };
    if (block != dynamic_extent && block != fixed_block)
        return refuse("frames per block", block, fixed_block, "block");
    if (num_inputs != dynamic_extent && num_inputs != info.input_channels)
        return refuse("input channels", num_inputs, info.input_channels, "input_channels");
    if (num_outputs != dynamic_extent && num_outputs != info.output_channels)
        return refuse("output channels", num_outputs, info.output_channels, "output_channels");
    return {};
}

} // namespace rill::io
