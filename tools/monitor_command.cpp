// SPDX-License-Identifier: MIT
//
// rill-io monitor: what is captured is played, with meters.

#include "bridged_monitor.hpp"
#include "monitor_stream.hpp"

namespace rill::io::tools {

Outcome monitor(const Run& run) {
    if (run.options.sides_given())
        return bridged_monitor(run);
    const auto ended = on_chosen_backend(run, {.capture = true, .playback = true}, [&]<class B>() {
        return with_driver<typename B::Capture, typename B::Playback>(run, [&](auto& driver) -> Result<void> {
            const std::uint32_t channels = monitor_channels(run.options);
            if (auto opened = open_stream(driver, run, stream_config(run.options, channels, 0)); !opened)
                return opened;
            return play_capture(driver, run, [] { return std::string(); });
        });
    });
    return monitored(run, ended);
}

} // namespace rill::io::tools
