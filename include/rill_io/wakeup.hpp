// SPDX-License-Identifier: MIT
#pragma once

// Wakeup: a pollable file descriptor that any thread, and a signal handler, may ring.

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace rill::io {

class Wakeup {
public:
    Wakeup() noexcept : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    ~Wakeup() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    /// Readable after ring(). -1 if the process has no descriptors left. Thread: any. Realtime-safe: yes.
    [[nodiscard]] int fd() const noexcept { return fd_; }

    /// Thread: any, also a signal handler (eventfd writes are async-signal-safe, signal-safety(7)). It is a
    /// system call that does not block: not for every cycle.
    void ring() noexcept {
        const std::uint64_t one = 1;
        const int saved = errno; // a signal handler must leave errno as it was
        [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one); // full means: already rung
        errno = saved;
    }

    /// Waits until ring() or the timeout (ms, -1 = for ever) and takes all rings. True if it was rung.
    /// Thread: control. Realtime-safe: no (blocks).
    bool wait(int timeout_ms) noexcept {
        pollfd descriptor{fd_, POLLIN, 0};
        if (::poll(&descriptor, 1, timeout_ms) <= 0)
            return false;
        std::uint64_t rings = 0;
        return ::read(fd_, &rings, sizeof rings) == static_cast<ssize_t>(sizeof rings);
    }

private:
    int fd_;
};

} // namespace rill::io
