// SPDX-License-Identifier: MIT
#pragma once

// DefaultDeviceWatch: finds out which device has become the default while a stream runs, for the supervisor.

#include <rill_io/device.hpp>
#include <rill_io/device_monitor.hpp>
#include <rill_io/stream_event.hpp>

#include <optional>
#include <utility>

namespace rill::io {

/// For a backend that can't watch its devices there is nothing to tell.
template <class B>
class DefaultDeviceWatch {
public:
    void open(const typename B::Options&) noexcept {}
    void close() noexcept {}
    template <class Tell>
    void look(const Tell&) noexcept {}
};

/// What is known stays so over close() and open(): a default that has changed in between is told.
/// Thread: control, one at a time. Realtime-safe: no.
template <WatchableBackend B>
class DefaultDeviceWatch<B> {
public:
    /// `options` must stay where they are. Without success it is tried again while it is looked at.
    void open(const typename B::Options& options) {
        options_ = &options;
        looks_ = 0;
        monitor_.emplace();
        if (!monitor_->open(options))
            monitor_.reset();
        else if (!is_known_)
            known_ = monitor_->devices();
        is_known_ = is_known_ || monitor_.has_value();
    }
    void close() noexcept {
        options_ = nullptr;
        monitor_.reset();
    }

    /// Calls `tell(kind, device)` for each default that is not what it was.
    template <class Tell>
    void look(const Tell& tell) {
        if (options_ == nullptr)
            return;
        if (!monitor_ && ++looks_ >= looks_between_tries)
            open(*options_);
        if (!monitor_)
            return;
        if (!monitor_->look()) {
            monitor_.reset(); // its connection has gone
            return;
        }
        for (const DeviceEvent& event : compare_devices(known_, monitor_->devices()))
            if (event.kind == DeviceEvent::Kind::default_capture)
                tell(StreamEvent::Kind::default_capture_changed, event.device);
            else if (event.kind == DeviceEvent::Kind::default_playback)
                tell(StreamEvent::Kind::default_playback_changed, event.device);
        known_ = monitor_->devices();
    }

private:
    static constexpr int looks_between_tries = 50;

    const typename B::Options* options_ = nullptr;
    int looks_ = 0;
    std::optional<DeviceMonitor<B>> monitor_;
    DeviceList known_;
    bool is_known_ = false;
};

} // namespace rill::io
