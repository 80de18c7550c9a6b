// SPDX-License-Identifier: MIT
#pragma once

// StreamChanges: finds what has changed in a running stream, from its info and its counters.

#include <rill_io/config.hpp>
#include <rill_io/stream_event.hpp>

#include <cstdint>

namespace rill::io {

class StreamChanges {
public:
    /// A new stream follows. `wants_realtime`: a real-time class was asked for. Thread: control.
    void reset(bool wants_realtime) noexcept {
        told_ = {};
        known_ = false;
        told_realtime_ = wants_realtime;
        restart_counters();
    }
    /// The stream's counters begin anew; everything else is compared across. Thread: control.
    void restart_counters() noexcept { told_stats_ = {}; }

    /// False until the first look(), with which later ones are compared. Thread: control.
    [[nodiscard]] bool known() const noexcept { return known_; }

    /// Calls `tell(kind, frames, count)` for each change since the last look. Thread: control.
    template <class Tell>
    void look(const StreamInfo& info, const StreamStats& stats, const Tell& tell) {
        using Kind = StreamEvent::Kind;
        if (known_ && info.sample_rate != told_.sample_rate)
            tell(Kind::rate_changed, 0U, 0U);
        if (known_ && info.quantum != told_.quantum)
            tell(Kind::quantum_changed, 0U, 0U);
        if (stats.xruns != told_stats_.xruns || stats.lost_frames != told_stats_.lost_frames)
            tell(Kind::xrun, stats.lost_frames - told_stats_.lost_frames,
                 static_cast<std::uint32_t>(stats.xruns - told_stats_.xruns));
        if (info.scheduling != Scheduling::unknown) {
            const bool realtime = info.scheduling != Scheduling::other;
            if (told_realtime_ && !realtime)
                tell(Kind::scheduling_degraded, 0U, 0U);
            told_realtime_ = realtime;
        }
        told_ = info;
        told_stats_ = stats;
        known_ = true;
    }

private:
    StreamInfo told_{};
    StreamStats told_stats_{};
    bool told_realtime_ = false;
    bool known_ = false;
};

} // namespace rill::io
