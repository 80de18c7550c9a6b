// SPDX-License-Identifier: MIT
#pragma once

// StreamWatch: the control side of a running stream: gives the cue once it runs, and keeps the terminal up to
// date.

#include "cue.hpp"
#include "display.hpp"
#include "report.hpp"
#include <rill_io/config.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace rill::io::tools {

/// A driver of any type.
struct WatchedStream {
    std::function<bool()> is_running;
    std::function<StreamInfo()> info;
    std::function<StreamStats()> stats;
    std::function<std::optional<std::string>()>
        next_news; ///< a line to show (or an empty one); none: no news
};

/// What is shown of it.
struct Show {
    std::string doing;                                    ///< "Playing song.flac"
    std::string relation;                                 ///< of that to the stream: "through", "from", "on"
    std::function<std::string()> progress;                ///< the status line's beginning
    std::function<bool()> carry_on = [] { return true; }; ///< false: there is a reason to stop
};

class StreamWatch {
public:
    /// Calls `stop` when `show.carry_on` says so. Thread: control.
    StreamWatch(WatchedStream stream, Show show, Cue& cue, Display& display, Levels& levels,
                std::function<void()> stop);
    /// Ends its thread. Thread: control.
    ~StreamWatch();
    StreamWatch(const StreamWatch&) = delete;
    StreamWatch& operator=(const StreamWatch&) = delete;

private:
    void run(const std::stop_token& stop);
    /// True until asked to end.
    bool pause(const std::stop_token& stop, int milliseconds);
    void show_news();
    void show_status(double seconds);

    WatchedStream stream_;
    Show show_;
    Cue* cue_;
    Display* display_;
    Levels* levels_;
    std::function<void()> stop_;
    std::mutex mutex_;
    std::condition_variable_any ended_;
    std::jthread thread_;
};

} // namespace rill::io::tools
