// SPDX-License-Identifier: MIT
#include "latency.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rill::io::pipewire {

namespace {

/// Enough for one parameter object of seven numbers.
using Memory = std::array<std::uint8_t, 512>;

} // namespace

void tell_process_latency(pw_filter* filter, std::uint32_t frames) {
    Memory memory;
    spa_pod_builder builder{};
    spa_pod_builder_init(&builder, memory.data(), memory.size());
    spa_process_latency_info latency{};
    latency.rate = frames;
    const spa_pod* parameter = spa_process_latency_build(&builder, SPA_PARAM_ProcessLatency, &latency);
    pw_filter_update_params(filter, nullptr, &parameter, 1);
}

spa_latency_info tell_latency_through(pw_filter* filter, std::span<void* const> from,
                                      std::span<void* const> to, spa_direction direction,
                                      std::uint32_t frames) {
    spa_latency_info others{};
    spa_latency_info_combine_start(&others, direction);
    for (void* const port : from) {
        spa_latency_info of_port = static_cast<const PortLatency*>(port)->others;
        of_port.direction = direction; // (of a port that was told nothing yet it says nothing)
        spa_latency_info_combine(&others, &of_port);
    }
    spa_latency_info_combine_finish(&others);
    spa_process_latency_info own{};
    own.rate = frames;
    spa_latency_info through = others;
    spa_process_latency_info_add(&own, &through);
    for (void* const port : to) {
        spa_latency_info& told = static_cast<PortLatency*>(port)->told;
        if (spa_latency_info_compare(&told, &through) == 0)
            continue; // (nothing told yet means none)
        told = through;
        Memory memory;
        spa_pod_builder builder{};
        spa_pod_builder_init(&builder, memory.data(), memory.size());
        const spa_pod* parameter = spa_latency_build(&builder, SPA_PARAM_Latency, &through);
        pw_filter_update_params(filter, port, &parameter, 1);
    }
    return others;
}

std::uint32_t frames_of(const spa_latency_info& latency, std::uint32_t quantum, std::uint32_t rate) {
    // (The header's unsigned ones are signed where they are sent: somebody's offset may be negative.)
    const double frames = static_cast<double>(latency.max_quantum) * quantum +
                          static_cast<std::int32_t>(latency.max_rate) +
                          static_cast<double>(static_cast<std::int64_t>(latency.max_ns)) * rate * 1e-9;
    return static_cast<std::uint32_t>(std::clamp(frames, 0.0, 4294967295.0));
}

} // namespace rill::io::pipewire
