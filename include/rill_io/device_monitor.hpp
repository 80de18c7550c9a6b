// SPDX-License-Identifier: MIT
#pragma once

// DeviceMonitor: devices that appear and disappear, and defaults that change, as events. For the control
// side.
//
// A backend only says that something has changed and lists its devices; what exactly has changed is found
// here, by comparing lists, so that it means the same for every backend.

#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/wakeup.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

namespace rill::io {

/// A backend's side. `open(wakeup)`: rings the wakeup from now on whenever the list may have changed, from
/// any thread. `list()`: the devices now, `server_lost` once the server has gone. `close()`: rings no more.
/// One whose options name a server also has `open(wakeup, options)`. Thread: control.
template <class W>
concept DeviceWatcher = requires(W watcher, Wakeup& wakeup) {
    { watcher.open(wakeup) } -> std::same_as<Result<void>>;
    { watcher.list() } -> std::same_as<Result<DeviceList>>;
    { watcher.close() } -> std::same_as<void>;
};

/// A backend whose devices can be watched.
template <class B>
concept WatchableBackend = DeviceWatcher<typename B::DeviceWatcher>;

struct DeviceEvent {
    enum class Kind : std::uint8_t {
        appeared,
        disappeared,
        default_capture, ///< `device` is now what an empty StreamConfig::device captures from (empty id: none
                         ///< is)
        default_playback, ///< likewise for playback
    };
    Kind kind = Kind::appeared;
    Device device;
};

/// What has happened between two lists: first what has gone, then what has come, then the defaults.
/// Thread: any. Realtime-safe: no.
[[nodiscard]] inline std::vector<DeviceEvent> compare_devices(const DeviceList& before,
                                                              const DeviceList& after) {
    std::vector<DeviceEvent> events;
    const auto report_missing = [&](const DeviceList& from, const DeviceList& in, DeviceEvent::Kind kind) {
        for (const Device& device : from)
            if (std::none_of(in.begin(), in.end(),
                             [&](const Device& other) { return other.id == device.id; }))
                events.push_back({kind, device});
    };
    report_missing(before, after, DeviceEvent::Kind::disappeared);
    report_missing(after, before, DeviceEvent::Kind::appeared);
    const auto report_default = [&](bool Device::* is_default, DeviceEvent::Kind kind) {
        const auto find = [&](const DeviceList& list) {
            const auto found = std::find_if(list.begin(), list.end(),
                                            [&](const Device& device) { return device.*is_default; });
            return found != list.end() ? *found : Device{};
        };
        Device now = find(after);
        if (now.id != find(before).id)
            events.push_back({kind, std::move(now)});
    };
    report_default(&Device::default_capture, DeviceEvent::Kind::default_capture);
    report_default(&Device::default_playback, DeviceEvent::Kind::default_playback);
    return events;
}

template <WatchableBackend B>
class DeviceMonitor {
public:
    DeviceMonitor() = default;
    ~DeviceMonitor() { watcher_.close(); }
    DeviceMonitor(const DeviceMonitor&) = delete;
    DeviceMonitor& operator=(const DeviceMonitor&) = delete;

    /// Connects (to the server that the options name) and takes the first list, which brings no events. May
    /// be called again, above all once the server is lost. Errors: as Backend::devices(); `invalid_config`
    /// for a client or connection of the host's, which can't be watched. Thread: control. Realtime-safe: no.
    Result<void> open(const typename B::Options& options = {}) {
        const auto connect = [&]() -> Result<void> {
            if constexpr (requires { watcher_.open(wakeup_, options); })
                return watcher_.open(wakeup_, options);
            else
                return watcher_.open(wakeup_);
        };
        lost_ = true; // until it is not
        if (auto opened = connect(); !opened)
            return opened;
        auto listed = watcher_.list();
        if (!listed)
            return listed.error();
        devices_ = std::move(*listed);
        lost_ = false;
        return {};
    }

    /// Readable when wait() has something to look at: for an application's own poll(2). Thread: any.
    [[nodiscard]] int fd() const noexcept { return wakeup_.fd(); }

    /// The events since the last call; waits up to `timeout_ms` (-1: for ever) if there are none yet and may
    /// come back without any. Errors: `server_lost`. Thread: control, one at a time. Realtime-safe: no.
    Result<std::vector<DeviceEvent>> wait(int timeout_ms) {
        if (!lost_ && !wakeup_.wait(timeout_ms))
            return std::vector<DeviceEvent>{};
        // What happens together (a node and its ports) is told together.
        for (int round = 0; round < most_settling_rounds && !lost_ && wakeup_.wait(settle_ms); ++round) {
        }
        return list_again();
    }

    /// As wait(0), but what happens together may be told in parts: it does not wait at all. Asks the server
    /// only if it has told of something. Errors: `server_lost`. Thread: control, one at a time.
    /// Realtime-safe: no.
    Result<std::vector<DeviceEvent>> look() {
        if (!lost_ && !wakeup_.wait(0))
            return std::vector<DeviceEvent>{};
        return list_again();
    }

    /// The list as of open() or the last wait() or look(). Thread: control.
    [[nodiscard]] const DeviceList& devices() const noexcept { return devices_; }

private:
    Result<std::vector<DeviceEvent>> list_again() {
        auto listed = watcher_.list();
        lost_ = !listed;
        if (!listed)
            return listed.error();
        auto events = compare_devices(devices_, *listed);
        devices_ = std::move(*listed);
        return events;
    }

    static constexpr int settle_ms = 30;
    static constexpr int most_settling_rounds = 10;

    Wakeup wakeup_; // before the watcher: it rings until it is closed
    typename B::DeviceWatcher watcher_;
    DeviceList devices_;
    bool lost_ = false; ///< said again by the next wait(), which nothing would wake
};

} // namespace rill::io
