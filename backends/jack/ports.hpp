// SPDX-License-Identifier: MIT
#pragma once

// Looking up, saving and restoring JACK ports and connections. Control thread only.

#include <rill_io/device.hpp>
#include <rill_io/error.hpp>
#include <rill_io/jack.hpp>

#include <jack/jack.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rill::io::jack {

using PortNames = std::vector<std::string>;

/// The audio ports that `target` means, in order: a comma separated list of port names or of client names
/// (all of a client's ports), or the physical ports if it is empty. `flags`: JackPortIsOutput to capture
/// from, JackPortIsInput to play to. `no_device` for a name that nothing has.
Result<PortNames> find_ports(const Client& client, const std::string& target, unsigned long flags);

/// The latency range that a port of ours gets from other clients. Connections to ourselves are left out:
/// together with what we add, they would make it grow at every look. Also in a latency callback.
jack_latency_range_t latency_of_others(const Client& client, jack_port_t* port,
                                       jack_latency_callback_mode_t mode);

/// Pairs of source and destination port.
using Connections = std::vector<std::pair<std::string, std::string>>;

Connections save_connections(const Client& client, std::span<jack_port_t* const> inputs,
                             std::span<jack_port_t* const> outputs);
/// What can't be restored (the other side has gone) is left out.
void restore_connections(const Client& client, const Connections& connections);

/// Every client with audio ports as a device: physical ones first and the first of them the default.
DeviceList list_clients(const Client& client);

} // namespace rill::io::jack
