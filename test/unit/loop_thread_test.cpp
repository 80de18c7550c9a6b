// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include <rill_io/loop_thread.hpp>

#include <pthread.h>
#include <test.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace io = rill::io;

namespace {

struct Loop {
    std::atomic<bool> stop{false};
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    char name[16] = {};
    static void body(void* self) {
        auto& loop = *static_cast<Loop*>(self);
        loop.begun = true;
        while (!loop.stop)
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        ::pthread_getname_np(::pthread_self(), loop.name, sizeof loop.name);
        loop.ended = true;
    }
};

} // namespace

TEST_CASE("loop thread: runs its body until that returns, and can be started again") {
    io::LoopThread thread;
    CHECK(thread.join(0)); // never started
    for (int i = 0; i < 3; ++i) {
        Loop loop;
        REQUIRE(thread.start("null", "a-name", 0, &Loop::body, &loop));
        CHECK_FALSE(thread.join(1));
        CHECK_FALSE(loop.ended);
        loop.stop = true;
        CHECK(thread.join(10'000));
        CHECK(loop.ended);
        CHECK(std::string(loop.name) == "a-name");
        CHECK(thread.join(0)); // idempotent
    }
}

TEST_CASE("loop thread: the destructor waits for the body") {
    Loop loop;
    loop.stop = true;
    {
        io::LoopThread thread;
        REQUIRE(thread.start("null", "a-name", 0, &Loop::body, &loop));
    }
    CHECK(loop.ended);
}

TEST_CASE("loop thread: abandoned, it is left to itself") {
    static Loop loop; // must outlive the thread, whenever that ends
    {
        io::LoopThread thread;
        REQUIRE(thread.start("null", "a-name", 0, &Loop::body, &loop));
        REQUIRE(eventually([] { return loop.begun.load(); }));
        thread.abandon();
        CHECK(thread.join(0));
    }
    CHECK_FALSE(loop.ended);
    loop.stop = true;
    CHECK(eventually([] { return loop.ended.load(); }));
}

TEST_CASE("loop thread: a priority that is not permitted, or makes no sense, gives an ordinary thread") {
    for (const int priority : {1, 1000}) {
        Loop loop;
        io::LoopThread thread;
        REQUIRE(thread.start("null", "a-name", priority, &Loop::body, &loop));
        loop.stop = true;
        CHECK(thread.join(10'000));
    }
}
