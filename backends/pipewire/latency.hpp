// SPDX-License-Identifier: MIT
#pragma once

// The latencies that the server tells us of and that we tell others of. Everything under the loop's lock.

#include <pipewire/filter.h>
#include <spa/param/latency-utils.h>

#include <cstdint>
#include <span>

namespace rill::io::pipewire {

/// What libpipewire keeps for each port of ours.
struct PortLatency {
    spa_latency_info others{}; ///< of what is linked to it: before an input, behind an output
    spa_latency_info told{};   ///< by us, in the other direction
};

/// Tells the server how many frames our processing takes (SPA_PARAM_ProcessLatency of the node).
void tell_process_latency(pw_filter* filter, std::uint32_t frames);

/// Combines what the ports `from` were told, adds our own `frames` and tells it on the ports `to`, where it
/// is news. `direction`: the way the latency adds up, `SPA_DIRECTION_OUTPUT` along the signal. Returns what
/// was combined, without our own.
spa_latency_info tell_latency_through(pw_filter* filter, std::span<void* const> from,
                                      std::span<void* const> to, spa_direction direction,
                                      std::uint32_t frames);

/// The largest latency of a range, in frames.
[[nodiscard]] std::uint32_t frames_of(const spa_latency_info& latency, std::uint32_t quantum,
                                      std::uint32_t rate);

} // namespace rill::io::pipewire
