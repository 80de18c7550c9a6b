// SPDX-License-Identifier: MIT
#include <rill_io/wakeup.hpp>

#include <poll.h>
#include <test.hpp>

#include <cerrno>
#include <chrono>
#include <thread>

namespace io = rill::io;

TEST_CASE("wakeup: a ring before the wait is kept, and all rings are taken at once") {
    io::Wakeup wakeup;
    CHECK_FALSE(wakeup.wait(0));
    wakeup.ring();
    wakeup.ring();
    CHECK(wakeup.wait(-1));
    CHECK_FALSE(wakeup.wait(0));
}

TEST_CASE("wakeup: a ring from another thread ends the wait") {
    io::Wakeup wakeup;
    std::thread other([&] { wakeup.ring(); });
    CHECK(wakeup.wait(10'000));
    other.join();
}

TEST_CASE("wakeup: the wait is bounded") {
    io::Wakeup wakeup;
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(wakeup.wait(5));
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(4));
}

TEST_CASE("wakeup: its descriptor can be polled, and ring leaves errno alone") {
    io::Wakeup wakeup;
    REQUIRE(wakeup.fd() >= 0);
    pollfd descriptor{wakeup.fd(), POLLIN, 0};
    CHECK(::poll(&descriptor, 1, 0) == 0);
    errno = 123;
    wakeup.ring();
    CHECK(errno == 123);
    CHECK(::poll(&descriptor, 1, 0) == 1);
}
