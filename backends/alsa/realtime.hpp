// SPDX-License-Identifier: MIT
#pragma once

// Real-time priority by way of RealtimeKit, for users who may not set it themselves.

namespace rill::io::alsa {

/// Asks RealtimeKit, the service on the system's D-Bus, to give SCHED_RR to one of this process's threads:
/// with `priority`, or the highest that the service grants. It demands a limit for real-time threads that run
/// without ever sleeping, so RLIMIT_RTTIME of this process is set first. False if there is no service, or it
/// refuses. Thread: control. Realtime-safe: no. Bounded in time.
bool ask_realtime_kit(int thread_id, int priority) noexcept;

} // namespace rill::io::alsa
