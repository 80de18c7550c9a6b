// SPDX-License-Identifier: MIT
#pragma once

// Which ports belong to which target, and the links to them. Everything under the loop's lock.

#include "connection.hpp"
#include <rill_io/error.hpp>

#include <cstdint>
#include <list>
#include <string>
#include <vector>

namespace rill::io::pipewire {

using PortIds = std::vector<std::uint32_t>;

/// The ports that `target` means, in order. `target`: a comma separated list of node names, serials or
/// "node:port", or empty for the default device. `playback`: ports to play to; otherwise ports to capture
/// from, which are a sink's monitor ports if the node has no others. `no_device` for a name that nothing has;
/// empty if there is no default.
Result<PortIds> find_ports(const Connection& connection, const std::string& target, bool playback);

/// A node's own ports of one direction, in order.
PortIds ports_of(const Connection& connection, std::uint32_t node, bool output);

/// The links that this stream made. They end with it.
class Links {
public:
    struct Pair {
        std::uint32_t output = 0; ///< port ids
        std::uint32_t input = 0;
        friend bool operator==(const Pair&, const Pair&) = default;
    };

    Links() = default;
    ~Links() = default; // the connection, which destroys all proxies, is gone by then
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    /// Makes the links that are newly wanted and removes those that no longer are. A link that somebody else
    /// has removed meanwhile is left alone.
    void want(Connection& connection, const std::vector<Pair>& wanted);
    /// True when no link is still being negotiated.
    [[nodiscard]] bool settled() const;
    /// True when all links work that can: the server has then chosen the driver for whom they join.
    [[nodiscard]] bool active() const;
    /// Ends them all, at once.
    void destroy_all();

private:
    /// Whether every link has come to `state`, or will not.
    [[nodiscard]] bool all_reached(pw_link_state state) const;

    struct Link {
        Pair pair{};
        pw_proxy* proxy = nullptr;
        spa_hook proxy_hook{};
        spa_hook link_hook{};
        pw_link_state state = PW_LINK_STATE_INIT;
        pw_thread_loop* loop = nullptr;
    };
    void make(Connection& connection, const Pair& pair);
    static void on_info(void* link, const pw_link_info* info) noexcept;
    static void on_removed(void* link) noexcept;
    static void on_error(void* link, int sequence, int result, const char* message) noexcept;

    std::list<Link> links_; // the hooks must not move
    std::vector<Pair> wanted_;
};

} // namespace rill::io::pipewire
