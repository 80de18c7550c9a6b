// SPDX-License-Identifier: MIT
#include "connection.hpp"
#include "links.hpp"
#include <rill_io/pipewire.hpp>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace rill::io::pipewire {

namespace {

/// The nodes that capture or play. With the lock held.
DeviceList list_nodes(const Connection& connection) {
    const std::string sink = connection.default_node(true);
    const std::string source = connection.default_node(false);
    DeviceList devices;
    for (const auto& [id, node] : connection.nodes()) {
        const PortIds inputs = ports_of(connection, id, false);
        const PortIds outputs = ports_of(connection, id, true);
        if (!std::string_view(node.media_class).starts_with("Audio/") || (inputs.empty() && outputs.empty()))
            continue;
        Device device;
        device.id = node.name;
        device.description = node.description;
        device.output_channels = static_cast<std::uint32_t>(inputs.size());
        device.input_channels = static_cast<std::uint32_t>(outputs.size());
        device.default_rate = connection.rate();
        device.default_playback = node.name == sink;
        device.default_capture = node.name == source;
        devices.push_back(std::move(device));
    }
    return devices;
}

void ring(void* wakeup) {
    static_cast<Wakeup*>(wakeup)->ring();
}

} // namespace

Result<DeviceList> Backend::devices() {
    Connection connection;
    if (auto connected = connection.open({}); !connected)
        return connected.error();
    const Connection::Lock lock(connection);
    if (auto listed = connection.wait_until_listed(); !listed)
        return listed.error();
    return list_nodes(connection);
}

DeviceWatcher::DeviceWatcher() : connection_(new Connection) {}

DeviceWatcher::~DeviceWatcher() {
    delete connection_;
}

Result<void> DeviceWatcher::open(Wakeup& wakeup, const Options& options) {
    if (options.core != nullptr)
        return Error::make(Errc::invalid_config, Backend::name, "devices", 0,
                           "a connection of the host's can't be watched with; name its remote instead");
    delete connection_; // of before, to a server that may be gone
    connection_ = new Connection;
    if (auto connected = connection_->open({.remote = options.remote}); !connected)
        return connected;
    Result<void> listed;
    {
        const Connection::Lock lock(*connection_);
        listed = connection_->wait_until_listed();
        connection_->on_change(&ring, &wakeup);
        connection_->on_lost([](void* lost, int) { ring(lost); }, &wakeup);
    }
    if (!listed)
        connection_->close();
    return listed;
}

Result<DeviceList> DeviceWatcher::list() {
    if (connection_->loop() == nullptr || connection_->lost())
        return Error::make(Errc::server_lost, Backend::name, "devices", EPIPE,
                           "the PipeWire server is gone; restart it and watch again");
    const Connection::Lock lock(*connection_);
    return list_nodes(*connection_);
}

void DeviceWatcher::close() noexcept {
    connection_->close();
}

} // namespace rill::io::pipewire
