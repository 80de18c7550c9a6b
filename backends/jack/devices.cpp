// SPDX-License-Identifier: MIT
#include "client.hpp"
#include "jack_library.hpp"
#include "ports.hpp"
#include <rill_io/jack.hpp>

#include <jack/jack.h>

#include <cerrno>
#include <mutex>
#include <utility>

namespace rill::io::jack {

namespace {
constexpr const char* probe_name = "rill-io-probe";
} // namespace

void silence_messages() noexcept {
    if (!load_library())
        return; // then there are none
    silence_libjack();
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

struct DeviceWatcher::Told {
    const Libjack* libjack;
    std::mutex mutex; ///< the server's thread that tells us must do nothing in real time
    Wakeup* wakeup = nullptr;
    bool shut_down = false;

    void ring(bool for_good) {
        const std::lock_guard lock(mutex);
        shut_down = shut_down || for_good;
        if (wakeup != nullptr)
            wakeup->ring();
    }
};

Result<void> DeviceWatcher::open(Wakeup& wakeup, const Options& options) {
    close();
    if (options.client != nullptr)
        return Error::make(Errc::invalid_config, Backend::name, "devices", 0,
                           "a client of the host's can't be watched with; name its server instead");
    const auto client = open_client_bounded("rill-io-watch", std::string(options.server));
    if (!client)
        return client.error();
    client_ = *client;
    told_ = new Told{.libjack = client_.libjack, .mutex = {}, .wakeup = &wakeup};
    client_.libjack->jack_set_port_registration_callback(
        client_.handle, [](jack_port_id_t, int, void* told) { static_cast<Told*>(told)->ring(false); },
        told_);
    client_.libjack->jack_on_info_shutdown(
        client_.handle,
        [](jack_status_t, const char*, void* data) {
            auto* const told = static_cast<Told*>(data);
            lost_client_of(told->libjack);
            told->ring(true);
        },
        told_);
    if (const int status = client_.libjack->jack_activate(client_.handle); status != 0)
        return Error::make(Errc::server_lost, Backend::name, "devices", status,
                           "the JACK server did not activate the client; it may have gone: watch again");
    return {};
}

Result<DeviceList> DeviceWatcher::list() {
    const auto is_shut_down = [this] {
        const std::lock_guard lock(told_->mutex);
        return told_->shut_down;
    };
    if (client_.handle != nullptr && is_shut_down())
        close(); // or the next server would need another copy of libjack
    if (client_.handle == nullptr)
        return Error::make(Errc::server_lost, Backend::name, "devices", EPIPE,
                           "the JACK server is gone; restart it and watch again");
    return list_clients(client_);
}

void DeviceWatcher::close() noexcept {
    if (client_.handle == nullptr)
        return;
    {
        const std::lock_guard lock(told_->mutex);
        told_->wakeup = nullptr;
    }
    if (close_client_bounded(std::exchange(client_, {})))
        delete told_;
    told_ = nullptr;
}

} // namespace rill::io::jack
