// SPDX-License-Identifier: MIT
//
// rill-io devices --watch: devices that appear and disappear, and defaults that change.

#include "backend_choice.hpp"
#include "command.hpp"
#include "device_text.hpp"
#include "standard_streams.hpp"
#include <rill_io/device_monitor.hpp>
#include <rill_io/wakeup.hpp>

#include <fmt/format.h>
#include <poll.h>

#include <cstdio>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace rill::io::tools {

namespace {

/// The devices of one backend, whichever it is.
class Watched {
public:
    Watched() = default;
    virtual ~Watched() = default;
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    [[nodiscard]] virtual const char* name() const = 0;
    virtual Result<void> open() = 0;
    [[nodiscard]] virtual int fd() const = 0;
    [[nodiscard]] virtual const DeviceList& devices() const = 0;
    virtual Result<std::vector<DeviceEvent>> events() = 0;
};

template <WatchableBackend B>
class WatchedBackend final : public Watched {
public:
    [[nodiscard]] const char* name() const override { return B::name; }
    Result<void> open() override { return monitor_.open(); }
    [[nodiscard]] int fd() const override { return monitor_.fd(); }
    [[nodiscard]] const DeviceList& devices() const override { return monitor_.devices(); }
    Result<std::vector<DeviceEvent>> events() override { return monitor_.wait(0); }

private:
    DeviceMonitor<B> monitor_;
};

std::string_view to_string(DeviceEvent::Kind kind) {
    switch (kind) {
    case DeviceEvent::Kind::appeared:
        return "appeared";
    case DeviceEvent::Kind::disappeared:
        return "disappeared";
    case DeviceEvent::Kind::default_capture:
        return "default_capture";
    case DeviceEvent::Kind::default_playback:
        return "default_playback";
    }
    return "";
}

/// Says everything as it happens: a pipe may be at the other end.
class Reporter {
public:
    explicit Reporter(bool json) : json_(json) {}

    void device(std::string_view event, std::string_view backend, const Device& device) const {
        if (json_) {
            JsonObject object;
            object.add("event", event);
            if (device.id.empty())
                object.add("backend", backend).add_null("device");
            else
                object.add_all(to_object(backend, device));
            line(object.text());
        } else if (device.id.empty()) {
            line(fmt::format("{:16} {:9} (none)", event, backend));
        } else {
            line(fmt::format("{:16} {}", event, device_line(backend, device, 0)));
        }
    }
    void begins(std::string_view backend) const {
        if (json_) {
            JsonObject object;
            object.add("event", "watching").add("backend", backend);
            line(object.text());
        } else {
            line(fmt::format("{:16} {}, until Ctrl-C", "watching", backend));
        }
    }
    void lost(const Error& error) const {
        const Outcome outcome = Outcome::failed(error);
        if (json_) {
            JsonObject object;
            object.add("event", "lost").add("backend", error.backend).add("message", outcome.message);
            line(object.text());
        } else {
            line(fmt::format("{:16} {}", "lost", outcome.message));
        }
    }
    void ended(const Outcome& outcome) const {
        if (!json_)
            return;
        JsonObject object;
        object.add("event", "ended").add("result", outcome.result);
        if (!outcome.ok())
            object.add("message", outcome.message);
        line(object.text());
    }

    /// Is there still a reader? If not there is nothing to watch for.
    [[nodiscard]] static bool is_heard() { return std::ferror(stdout) == 0; }

private:
    static void line(const std::string& text) {
        print_text(text + "\n");
        (void)finish_output(); // at once; how it went is told at the end
    }

    bool json_;
};

using WatchedBackends = std::vector<std::unique_ptr<Watched>>;

/// Those that were asked for and can be watched now.
Result<WatchedBackends> open_backends(const Options& options) {
    const auto asked = wanted_backend<EnabledBackends>(options.backend);
    if (!asked)
        return asked.error();
    WatchedBackends backends;
    Result<void> opened = Error::make(Errc::invalid_config, "", "devices", 0,
                                      "devices of this backend can't be watched; use pipewire, jack or alsa");
    const auto add = [&]<class B>() {
        if constexpr (WatchableBackend<B>) {
            auto backend = std::make_unique<WatchedBackend<B>>();
            opened = backend->open();
            if (opened)
                backends.push_back(std::move(backend));
        }
    };
    if (*asked == "auto")
        for_each_backend(EnabledBackends{}, add);
    else
        for_backend_named<EnabledBackends>(*asked, add);
    if (backends.empty())
        return opened.error();
    return backends;
}

/// Waits for whatever comes first, and reports it. Errors: the last backend was lost.
Result<void> watch(WatchedBackends& backends, const Reporter& reporter, const std::stop_token& stop) {
    Wakeup stopped;
    const std::stop_callback ring(stop, [&] { stopped.ring(); });
    while (!stop.stop_requested() && reporter.is_heard()) {
        std::vector<pollfd> descriptors{{stopped.fd(), POLLIN, 0}};
        for (const auto& backend : backends)
            descriptors.push_back({backend->fd(), POLLIN, 0});
        if (::poll(descriptors.data(), descriptors.size(), -1) < 0)
            continue;
        for (std::size_t i = backends.size(); i-- > 0;) {
            const auto events = backends[i]->events();
            if (events) {
                for (const DeviceEvent& event : *events)
                    reporter.device(to_string(event.kind), backends[i]->name(), event.device);
                continue;
            }
            if (backends.size() == 1)
                return events.error();
            reporter.lost(events.error());
            backends.erase(backends.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    return {};
}

} // namespace

Outcome watch_devices(const Options& options, const Signals& signals) {
    const Reporter reporter(options.json);
    auto backends = open_backends(options);
    Outcome outcome;
    if (!backends) {
        outcome = Outcome::failed(backends.error());
    } else {
        for (const auto& backend : *backends) {
            for (const Device& device : backend->devices())
                reporter.device("present", backend->name(), device);
            reporter.begins(backend->name());
        }
        if (const auto ended = watch(*backends, reporter, signals.stop_token()); !ended)
            outcome = Outcome::failed(ended.error());
    }
    reporter.ended(outcome);
    return outcome;
}

} // namespace rill::io::tools
