// SPDX-License-Identifier: MIT
#include "loop.hpp"

#include <alsa/asoundlib.h>

#include <algorithm>
#include <cerrno>

namespace rill::io::alsa {

namespace {

/// Failures in a row, each at once after a restart, after which a device is given up.
constexpr int max_failures = 8;
constexpr int max_resume_ms = 3000;
constexpr int drain_limit_ms = 700;
constexpr std::uint32_t shortest_window = 16;
constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t ns_per_ms = 1'000'000;

bool means_gone(int status) noexcept {
    return status == -ENODEV || status == -ENOTTY || status == -ENXIO;
}

} // namespace

void Loop::set_up(bool link, bool drain, std::uint32_t silence_limit_ms) {
    drain_ = drain;
    silence_limit_ms_ = silence_limit_ms;
    // Only kernel devices can; and not all of those with each other.
    linked_ = link && capture.is_open() && playback.is_open() &&
              snd_pcm_link(capture.handle(), playback.handle()) == 0;
    num_capture_ = capture.is_open() ? capture.num_descriptors() : 0;
    const std::size_t num_playback = playback.is_open() ? playback.num_descriptors() : 0;
    descriptors_.assign(num_capture_ + 1 + num_playback, pollfd{});
    // They stay the same once the parameters are set.
    const std::span all(descriptors_);
    if (capture.is_open())
        capture.get_descriptors(all.first(num_capture_));
    descriptors_[num_capture_] = {wakeup_.fd(), POLLIN, 0};
    if (playback.is_open())
        playback.get_descriptors(all.last(num_playback));
    poll_timeout_ms_ = std::max(20, ms_of(3 * std::uint64_t{period()}));
    window_cycles_ = std::max(shortest_window, 4 * (main().layout().buffer / period()));
}

int Loop::arm() noexcept {
    (void)wakeup_.wait(0); // what the last stop() rang
    status_ = failures_ = silent_ms_ = idle_wakes_ = 0;
    draining_ = false;
    cycles_in_window_ = 0;
    const bool is_null =
        (!capture.is_open() || capture.is_null()) && (!playback.is_open() || playback.is_null());
    paced_.store(is_null, std::memory_order_relaxed);
    thread_id_.store(0, std::memory_order_relaxed);
    stop_.store(false, std::memory_order_release); // what was set up above is seen by the loop
    for (Pcm* pcm : {&playback, &capture})
        if (pcm->is_open()) {
            pcm->drop();
            if (const int status = pcm->prepare(); status < 0)
                return status;
        }
    return playback.is_open() ? playback.fill_with_silence() : 0;
}

void Loop::ask_to_stop() noexcept {
    stop_.store(true, std::memory_order_release);
    wakeup_.ring();
}

void Loop::begin() noexcept {
    quiet_.emplace();
    thread_id_.store(current_thread_id(), std::memory_order_release);
    pacer_.start(rate());
    window_start_ns_ = restart_ns_ = Pacer::now_ns();
    if (const int status = start_devices(); status < 0)
        status_ = status;
}

int Loop::start_devices() noexcept {
    // Playback first: its buffer is full, so it can wait for capture's first period.
    if (playback.is_open())
        if (const int status = playback.start(); status < 0)
            return status;
    if (capture.is_open() && !linked_)
        return capture.start();
    return 0;
}

std::uint32_t Loop::begin_cycle(std::span<float*> inputs, std::span<float*> outputs) noexcept {
    for (;;) {
        int status = status_;
        status_ = 0;
        if (status == 0)
            status = wait();
        if (status == 0 && capture.is_open())
            status = capture.begin_period(inputs);
        if (status == 0 && playback.is_open())
            status = playback.begin_period(outputs);
        if (status == 0)
            return period();
        if (status > 0 || !recover(status))
            return 0;
    }
}

void Loop::end_cycle(std::span<float* const> inputs, std::span<float* const> outputs) noexcept {
    int status = 0;
    if (playback.is_open())
        status = playback.end_period(outputs);
    if (capture.is_open())
        if (const int captured = capture.end_period(inputs); status == 0)
            status = captured;
    status_ = status;
    if (status != 0)
        return;
    failures_ = 0;
    silent_ms_ = 0;
    if (++cycles_in_window_ >= window_cycles_)
        look_at_clock();
}

void Loop::end() noexcept {
    for (Pcm* pcm : {&playback, &capture})
        if (pcm->is_open())
            pcm->drop();
    quiet_.reset();
}

bool Loop::may_go_on() noexcept {
    if (stream_.ended())
        return false;
    if (!stop_.load(std::memory_order_acquire))
        return true;
    if (!draining_) {
        if (!drain_ || !playback.is_open())
            return false;
        // The gate is closed: cycles go on with silence until what the graph has written is through.
        draining_ = true;
        drain_cycles_ = playback.layout().buffer / period() + 1;
        drain_until_ns_ = Pacer::now_ns() + drain_limit_ms * ns_per_ms;
        (void)wakeup_.wait(0);
    }
    return drain_cycles_-- != 0 && Pacer::now_ns() < drain_until_ns_;
}

int Loop::wait() noexcept {
    if (!may_go_on())
        return 1;
    if (paced_.load(std::memory_order_relaxed)) {
        static constexpr std::atomic<bool> never{false};
        const std::int64_t late = pacer_.wait(period(), main().layout().buffer, draining_ ? never : stop_);
        if (late < 0)
            return may_go_on() ? 0 : 1;
        if (late > 0)
            stream_.report_xrun(static_cast<std::uint64_t>(late));
    }
    idle_wakes_ = 0;
    const auto needed = static_cast<long>(period());
    for (;;) {
        long captured = needed;
        long room = needed;
        // Looked at before sleeping: a plugin's descriptor may not tell twice of what has come already.
        if (capture.is_open() && (captured = capture.avail()) < 0)
            return static_cast<int>(captured);
        if (playback.is_open() && (room = playback.avail()) < 0)
            return static_cast<int>(room);
        if (captured >= needed && room >= needed)
            return 0;
        constexpr int patience = 2; // some devices wake for less than was asked
        if (idle_wakes_ > patience)
            if (const int status = wait_for_frames(needed - std::min(captured, room)); status != 0)
                return status;
        const int woken = poll_devices(captured < needed, room < needed, poll_timeout_ms_);
        if (woken < 0)
            return woken;
        if (stream_.ended() || (!draining_ && stop_.load(std::memory_order_acquire)))
            if (!may_go_on())
                return 1;
        if (draining_ && Pacer::now_ns() >= drain_until_ns_)
            return 1;
        if (woken > 0) {
            ++idle_wakes_;
            continue;
        }
        silent_ms_ += poll_timeout_ms_;
        if (silence_limit_ms_ != 0 && silent_ms_ >= static_cast<int>(silence_limit_ms_))
            return -ETIMEDOUT;
    }
}

int Loop::poll_devices(bool capture_too, bool playback_too, int timeout_ms) noexcept {
    const std::size_t first = capture_too ? 0 : num_capture_;
    const std::size_t last = playback_too ? descriptors_.size() : num_capture_ + 1;
    const std::span polled = std::span(descriptors_).subspan(first, last - first);
    const int ready = ::poll(polled.data(), static_cast<nfds_t>(polled.size()), timeout_ms);
    if (ready < 0)
        return errno == EINTR ? 1 : -errno;
    if (ready == 0) {
        for (Pcm* pcm : {&capture, &playback})
            if (pcm->is_open() && pcm->is_gone())
                return -ENODEV;
        return 0;
    }
    const std::span all(descriptors_);
    if (capture_too)
        if (const int status = capture.read_events(all.first(num_capture_)); status < 0)
            return status;
    if (playback_too)
        if (const int status = playback.read_events(all.subspan(num_capture_ + 1)); status < 0)
            return status;
    return 1;
}

int Loop::wait_for_frames(long missing) noexcept {
    // Half of the time that they take: a few looks get there, without turning in circles.
    const int ms = std::max(1, ms_of(static_cast<std::uint64_t>(missing)) / 2);
    if (draining_) {
        ::poll(nullptr, 0, ms);
        return 0;
    }
    return sleep_unless_stopped(ms) || may_go_on() ? 0 : 1;
}

bool Loop::sleep_unless_stopped(int ms) noexcept {
    pollfd& descriptor = descriptors_[num_capture_];
    return ::poll(&descriptor, 1, ms) <= 0;
}

bool Loop::recover(int status) noexcept {
    // It ran until its buffer was empty or full: we were late, again, and the device has not failed.
    if (status == -EPIPE && frames_since(restart_ns_) > main().layout().buffer)
        failures_ = 0;
    for (;;) {
        if (draining_ || stream_.ended())
            return false;
        if (means_gone(status) || (capture.is_open() && capture.is_gone()) ||
            (playback.is_open() && playback.is_gone())) {
            lose(status, "the device is gone; plug it in again and open it again");
            return false;
        }
        if (status == -ETIMEDOUT) {
            lose(status, "the device has stopped: neither a period nor an error comes; open it again");
            return false;
        }
        if (++failures_ > max_failures) {
            lose(status,
                 "the device fails again at once each time it is restarted; open it again, or another one");
            return false;
        }
        // The first attempt at once, the others with more and more time in between: 1, 2, 4 ... 64 ms.
        if (failures_ > 1 && !sleep_unless_stopped(1 << (failures_ - 2)))
            return false;
        status = restart();
        if (status > 0)
            return false;
        if (status < 0)
            continue;
        // What was captured last ended at the last cycle; what is captured next begins now.
        const std::uint64_t passed = frames_since(window_start_ns_);
        const std::uint64_t processed = std::uint64_t{cycles_in_window_} * period();
        stream_.report_xrun(passed > processed ? passed - processed : 0);
        window_start_ns_ = restart_ns_ = Pacer::now_ns();
        cycles_in_window_ = 0;
        return true;
    }
}

int Loop::restart() noexcept {
    if ((capture.is_open() && capture.is_suspended()) || (playback.is_open() && playback.is_suspended()))
        if (const int status = wait_for_resume(); status != 0)
            return status;
    // Both, whichever failed: they stay in step.
    for (Pcm* pcm : {&playback, &capture})
        if (pcm->is_open())
            pcm->drop();
    for (Pcm* pcm : {&playback, &capture})
        if (pcm->is_open())
            if (const int status = pcm->prepare(); status < 0)
                return status;
    if (playback.is_open())
        if (const int status = playback.fill_with_silence(); status < 0)
            return status;
    return start_devices();
}

int Loop::wait_for_resume() noexcept {
    constexpr int step_ms = 10;
    for (int waited_ms = 0; waited_ms < max_resume_ms; waited_ms += step_ms) {
        int status = 0;
        for (Pcm* pcm : {&playback, &capture})
            if (pcm->is_open() && pcm->is_suspended() && status != -EAGAIN)
                status = pcm->resume();
        if (status != -EAGAIN)
            return 0; // it has, or it can't and has to be prepared, which restart() does anyway
        if (!sleep_unless_stopped(step_ms))
            return 1;
    }
    return 0;
}

void Loop::lose(int status, const char* text) noexcept {
    stream_.lost(Errc::device_lost, text, status);
}

void Loop::look_at_clock() noexcept {
    const std::uint64_t now = Pacer::now_ns();
    const std::uint64_t nominal_ns = std::uint64_t{cycles_in_window_} * period() * ns_per_s / rate();
    // A device is never at half its time early, not even after a buffer's length in one go.
    if (!paced_.load(std::memory_order_relaxed) && now - window_start_ns_ < nominal_ns / 2) {
        paced_.store(true, std::memory_order_relaxed);
        pacer_.start(rate());
    }
    window_start_ns_ = now;
    cycles_in_window_ = 0;
}

std::uint64_t Loop::frames_since(std::uint64_t time_ns) const noexcept {
    const std::uint64_t ns = Pacer::now_ns() - time_ns;
    return ns / ns_per_s * rate() + ns % ns_per_s * rate() / ns_per_s;
}

int Loop::ms_of(std::uint64_t frames) const noexcept {
    return static_cast<int>(frames * 1000 / rate());
}

std::uint64_t Loop::cycle_time_ns() const noexcept {
    if (paced_.load(std::memory_order_relaxed))
        return pacer_.cycle_time_ns();
    const std::uint64_t told = (capture.is_open() ? capture : playback).period_time_ns();
    return told != 0 ? told : Pacer::now_ns();
}

} // namespace rill::io::alsa
