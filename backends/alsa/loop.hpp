// SPDX-License-Identifier: MIT
#pragma once

// Loop: what the cycle thread does between two callbacks. It waits until both directions have a period, moves
// samples, and gets the devices going again after an xrun, a suspend or an error, a bounded number of times.

#include "messages.hpp"
#include "pcm.hpp"
#include <rill_io/pacer.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/wakeup.hpp>

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rill::io::alsa {

class Loop {
public:
    explicit Loop(Stream& stream) noexcept : stream_(stream) {}

    Pcm capture{Direction::capture};
    Pcm playback{Direction::playback};

    // --- Thread: control. Realtime-safe: no.

    /// After negotiation. `silence_limit_ms`: a device that says nothing for so long is lost (0 = never).
    void set_up(bool link, bool drain, std::uint32_t silence_limit_ms);
    /// Prepares the devices and fills playback with silence; begin() starts them.
    [[nodiscard]] int arm() noexcept;
    /// The loop ends at its next look, after what is written has been heard.
    void ask_to_stop() noexcept;

    // --- Thread: cycle.

    void begin() noexcept;
    /// Waits for a period of every direction and shows it. Frames, or 0: the loop is over.
    [[nodiscard]] std::uint32_t begin_cycle(std::span<float*> inputs, std::span<float*> outputs) noexcept;
    void end_cycle(std::span<float* const> inputs, std::span<float* const> outputs) noexcept;
    /// Both devices at rest.
    void end() noexcept;

    /// CLOCK_MONOTONIC time at which the current cycle was due.
    [[nodiscard]] std::uint64_t cycle_time_ns() const noexcept;

    /// Published by begin(). Thread: any.
    [[nodiscard]] int thread_id() const noexcept { return thread_id_.load(std::memory_order_acquire); }

    [[nodiscard]] bool is_linked() const noexcept { return linked_; }
    [[nodiscard]] bool is_paced() const noexcept { return paced_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t period() const noexcept { return main().layout().period; }
    [[nodiscard]] std::uint32_t rate() const noexcept { return main().layout().rate; }
    [[nodiscard]] const Pcm& main() const noexcept { return playback.is_open() ? playback : capture; }

private:
    /// 0: every direction has a period; 1: the loop is to end; negative: a device failed.
    [[nodiscard]] int wait() noexcept;
    [[nodiscard]] int poll_devices(bool capture_too, bool playback_too, int timeout_ms) noexcept;
    [[nodiscard]] int wait_for_frames(long missing) noexcept;
    [[nodiscard]] bool sleep_unless_stopped(int ms) noexcept;
    [[nodiscard]] bool may_go_on() noexcept;

    [[nodiscard]] bool recover(int status) noexcept;
    [[nodiscard]] int restart() noexcept;
    [[nodiscard]] int start_devices() noexcept;
    [[nodiscard]] int wait_for_resume() noexcept;
    void lose(int status, const char* text) noexcept;

    void look_at_clock() noexcept;
    [[nodiscard]] std::uint64_t frames_since(std::uint64_t time_ns) const noexcept;
    [[nodiscard]] int ms_of(std::uint64_t frames) const noexcept;

    Stream& stream_;
    Wakeup wakeup_;
    std::atomic<bool> stop_{true};
    std::atomic<int> thread_id_{0};
    std::atomic<bool> paced_{false};
    bool linked_ = false;
    bool drain_ = true;
    std::uint32_t silence_limit_ms_ = 0;
    int poll_timeout_ms_ = 0;

    std::vector<pollfd> descriptors_; ///< capture's, the wakeup's, playback's: each neighbours it
    std::size_t num_capture_ = 0;     ///< descriptors
    int status_ = 0;                  ///< of end_cycle()
    int failures_ = 0;                ///< in a row, without a cycle or a buffer's time between them
    int silent_ms_ = 0;               ///< since a device has last said anything
    int idle_wakes_ = 0;              ///< in a row, that brought no period

    bool draining_ = false;
    std::uint64_t drain_until_ns_ = 0;
    std::uint32_t drain_cycles_ = 0;

    // The clock is read once in so many cycles: often enough to tell how much an xrun has lost.
    std::uint32_t window_cycles_ = 0;
    std::uint32_t cycles_in_window_ = 0;
    std::uint64_t window_start_ns_ = 0;
    std::uint64_t restart_ns_ = 0;
    std::optional<Quiet> quiet_; ///< from begin() to end()
    Pacer pacer_;
};

} // namespace rill::io::alsa
