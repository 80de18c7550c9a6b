// SPDX-License-Identifier: MIT
#pragma once

// Session::Control: what a session's node needs beside the cycle, its set-up above all: connection, filter
// and ports, links, the driver's clock, latencies. Its functions run under the loop's lock: on the control
// thread while open() waits, on the loop's thread where the server has news.

#include "connection.hpp"
#include "driver_clock.hpp"
#include "links.hpp"
#include <rill_io/pipewire.hpp>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#include <cstdint>
#include <semaphore>
#include <string>

namespace rill::io::pipewire {

struct Session::Control {
    Links links; ///< (whose hooks the connection goes through when it ends)
    Connection connection;
    pw_filter* filter = nullptr;
    spa_hook filter_hook{};
    pw_filter_events events{}; ///< events.process is read by the data thread in every cycle
    Autoconnect autoconnect = Autoconnect::standard;
    std::string capture_target;
    std::string playback_target;
    bool linking = false; ///< follow changes of the graph
    DriverClock clock;
    bool awaits_clock = false;       ///< open() does
    std::uint32_t cycles_before = 0; ///< idle ones, when it began to
    std::binary_semaphore clock_known{0};
    std::uint32_t known_rate = 0;    ///< Hz, then
    std::uint32_t known_quantum = 0; ///< frames, then
    std::uint32_t block = 0;
    spa_source* latency_event = nullptr;                    ///< rung by the cycle thread
    std::uint32_t adapter_latency = 0;                      ///< frames
    std::uint32_t told_process_latency = ~std::uint32_t{0}; ///< frames; nothing yet
    Session* session = nullptr;

    Result<void> open(const StreamConfig& config, const Options& options);
    Result<void> make_filter(const StreamConfig& config, const Options& options);
    Result<void> wait_for_ports();
    Result<void> check_targets(const StreamConfig& config);
    Result<void> add_port(pw_direction direction, std::uint32_t number);
    void link();
    void tell_latency(); ///< of the latest cycle's rate and quantum, both of these:
    void tell_ports_latency(std::uint32_t rate, std::uint32_t quantum);
    void tell_nodes_latency();
    /// Without the lock: nobody may wait for it when the clock is told.
    Result<void> wait_for_clock();
    /// With the lock held, when something may have changed.
    void look_at_clock();

    static void on_state(void* self, pw_filter_state old, pw_filter_state state, const char* error) noexcept;
    static void on_io(void* self, void* port, std::uint32_t id, void* area, std::uint32_t size) noexcept;
    static void on_param(void* self, void* port, std::uint32_t id, const spa_pod* parameter) noexcept;
};

} // namespace rill::io::pipewire
