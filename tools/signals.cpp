// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace rill::io::tools {

Signals::Signals() {
    ::signal(SIGPIPE, SIG_IGN); // a closed stdout must not cut a recording short
    ::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is a full disk, and reported as one
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    struct sigaction hangup{};
    ::sigaction(SIGHUP, nullptr, &hangup);
    if (hangup.sa_handler != SIG_IGN) // nohup
        ::sigaddset(&set, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    thread_ = std::thread([this] { wait(); });
}

Signals::~Signals() {
    leave_.ring();
    thread_.join();
    ::close(signal_fd_);
}

void Signals::wait() {
    for (;;) {
        pollfd fds[] = {{signal_fd_, POLLIN, 0}, {leave_.fd(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0)
            return;
        signalfd_siginfo info{};
        if (::read(signal_fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info))
            continue;
        if (stop_.stop_requested())
            ::_exit(128 + static_cast<int>(info.ssi_signo)); // what a shell shows for a signal
        stop_.request_stop();
    }
}

} // namespace rill::io::tools
