// SPDX-License-Identifier: MIT
#include "stream_watch.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace rill::io::tools {

namespace {
constexpr int start_pause_ms = 2;   // delays the first frame
constexpr int status_pause_ms = 50; // as smooth as a meter needs to be
} // namespace

StreamWatch::StreamWatch(WatchedStream stream, Show show, Cue& cue, Display& display, Levels& levels,
                         std::function<void()> stop)
    : stream_(std::move(stream)),
      show_(std::move(show)),
      cue_(&cue),
      display_(&display),
      levels_(&levels),
      stop_(std::move(stop)),
      thread_([this](const std::stop_token& own_stop) { run(own_stop); }) {}

StreamWatch::~StreamWatch() {
    thread_.request_stop();
    thread_.join();
    display_->clear_status();
}

void StreamWatch::run(const std::stop_token& stop) {
    while (!stream_.is_running())
        if (!pause(stop, start_pause_ms))
            return;
    const StreamInfo info = stream_.info();
    // A server's connections are heard from its next cycle on; a cycle that has begun is still without them.
    // At the end the last frame is outside after the playback latency, and the cycle that it left in must be
    // over.
    cue_->give(info.quantum, info.playback_latency + info.adapter_latency + 2 * info.quantum);
    display_->note(show_.doing);
    display_->note(fmt::format("  {} {}, latency {}", show_.relation, stream_text(info),
                               latency_text(total_latency(info), info.sample_rate)));
    do {
        (void)stream_.info(); // learns the scheduling, as long as there is a thread to ask about
        show_news();
        show_status(status_pause_ms / 1000.0);
        if (!show_.carry_on())
            stop_();
    } while (pause(stop, status_pause_ms));
}

void StreamWatch::show_news() {
    while (const auto news = stream_.next_news())
        if (!news->empty())
            display_->note(*news);
}

bool StreamWatch::pause(const std::stop_token& stop, int milliseconds) {
    std::unique_lock lock(mutex_);
    return !ended_.wait_for(lock, stop, std::chrono::milliseconds(milliseconds),
                            [&] { return stop.stop_requested(); });
}

void StreamWatch::show_status(double seconds) {
    if (!display_->is_live())
        return;
    levels_->update(seconds);
    const std::string progress = show_.progress();
    const std::uint64_t xruns = stream_.stats().xruns;
    const std::string faults = xruns == 0 ? std::string() : fmt::format("  xruns: {}", xruns);
    const std::string rest = fmt::format("{}{}  ", progress, faults);
    const std::size_t room =
        display_->width() - 1; // a terminal may go to its next line after the last column
    if (rest.size() < room)
        display_->status(
            fmt::format("{}  {}{}", progress, levels_->text(*display_, room - rest.size()), faults));
}

} // namespace rill::io::tools
