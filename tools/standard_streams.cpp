// SPDX-License-Identifier: MIT
#include "standard_streams.hpp"

#include <rill_io/error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace rill::io::tools {

namespace {

/// The first that went wrong; 0: nothing did.
std::atomic<int> output_error{0};

void remember_error() noexcept {
    int none = 0;
    output_error.compare_exchange_strong(none, errno);
}

} // namespace

void open_standard_streams() noexcept {
    int lowest = 0;
    do
        lowest = ::open("/dev/null", O_RDWR); // open() takes the lowest number that is free
    while (lowest >= 0 && lowest <= STDERR_FILENO);
    if (lowest > STDERR_FILENO)
        ::close(lowest);
}

void print_text(std::string_view text) noexcept {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
        remember_error();
}

Outcome finish_output() noexcept {
    if (std::fflush(stdout) != 0)
        remember_error();
    const int error = output_error.load();
    if (error == 0 || error == EPIPE)
        return {};
    return Outcome::failed(Error::make(Errc::io_failure, "", "print", error,
                                       "not all could be printed: %s; make room, or print elsewhere",
                                       std::strerror(error)));
}

} // namespace rill::io::tools
