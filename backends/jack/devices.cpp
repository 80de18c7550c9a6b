// SPDX-License-Identifier: MIT
#include "client.hpp"
#include "ports.hpp"
#include <rill_io/jack.hpp>

#include <jack/jack.h>

#include <cerrno>
#include <utility>

namespace rill::io::jack {

namespace {
constexpr const char* probe_name = "rill-io-probe";
} // namespace

void silence_messages() noexcept {
    jack_set_error_function([](const char*) {});
    jack_set_info_function([](const char*) {});
}

Result<void> Backend::available() {
    const auto client = open_client_bounded(probe_name, {});
    if (!client)
        return client.error();
    (void)close_client_bounded(*client);
    return {};
}

Result<DeviceList> Backend::devices() {
    const auto client = open_client_bounded(probe_name, {});
    if (!client)
        return client.error();
    DeviceList devices = list_clients(*client);
    (void)close_client_bounded(*client);
    return devices;
}

Result<void> DeviceWatcher::open(Wakeup& wakeup) {
    const auto client = open_client_bounded("rill-io-watch", {});
    if (!client)
        return client.error();
    client_ = *client;
    wakeup_ = &wakeup;
    shut_down_.store(false, std::memory_order_relaxed);
    jack_set_port_registration_callback(
        client_, [](jack_port_id_t, int, void* self) { static_cast<DeviceWatcher*>(self)->wakeup_->ring(); },
        this);
    jack_on_info_shutdown(
        client_,
        [](jack_status_t, const char*, void* self) {
            auto& watcher = *static_cast<DeviceWatcher*>(self);
            watcher.shut_down_.store(true, std::memory_order_release);
            watcher.wakeup_->ring();
        },
        this);
    if (const int status = jack_activate(client_); status != 0)
        return Error::make(Errc::server_lost, Backend::name, "devices", status,
                           "the JACK server did not activate the client; it may have gone: watch again");
    return {};
}

Result<DeviceList> DeviceWatcher::list() {
    if (client_ == nullptr || shut_down_.load(std::memory_order_acquire))
        return Error::make(Errc::server_lost, Backend::name, "devices", EPIPE,
                           "the JACK server is gone; restart it and watch again");
    return list_clients(client_);
}

void DeviceWatcher::close() noexcept {
    if (client_ != nullptr)
        (void)close_client_bounded(std::exchange(client_, nullptr));
}

} // namespace rill::io::jack
