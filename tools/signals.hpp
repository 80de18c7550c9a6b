// SPDX-License-Identifier: MIT
#pragma once

// Signals: Ctrl-C and its kin end a command cleanly.

#include <rill_io/wakeup.hpp>

#include <stop_token>
#include <thread>

namespace rill::io::tools {

/// The first SIGINT, SIGTERM or SIGHUP requests a stop; the second ends the program at once. They are waited
/// for by a thread, there is no handler. To be made before any other thread, which then inherits that they
/// are blocked.
class Signals {
public:
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }
    /// For reasons other than a signal. Thread: any.
    void request_stop() noexcept { stop_.request_stop(); }

private:
    void wait();

    std::stop_source stop_;
    Wakeup leave_;
    int signal_fd_;
    std::thread thread_;
};

} // namespace rill::io::tools
