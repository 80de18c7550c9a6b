// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include <rill_io/bounded_call.hpp>

#include <test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace io = rill::io;

namespace {

/// Outlives the call, whoever finishes last.
struct Room {
    std::atomic<bool> may_finish{false};
    std::atomic<bool> finished{false};
    std::atomic<int> discarded{0};
};

struct Job {
    std::shared_ptr<Room> room;
    std::string result;
};

void work(Job& job) {
    while (!job.room->may_finish)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    job.result = "the answer";
    job.room->finished = true;
}
void discard(Job& job) {
    if (job.result == "the answer")
        ++job.room->discarded;
}

} // namespace

TEST_CASE("bounded_call: in time, the state holds the result and nothing is discarded") {
    for (int i = 0; i < 200; ++i) {
        Job job{std::make_shared<Room>(), "none"};
        job.room->may_finish = true;
        REQUIRE(io::bounded_call(10'000, job, &work, &discard));
        REQUIRE(job.result == "the answer");
        REQUIRE(job.room->discarded == 0);
    }
}

TEST_CASE("bounded_call: late, the caller goes on and the result is discarded once, when it comes") {
    const auto room = std::make_shared<Room>();
    {
        Job job{room, "none"};
        const auto begin = std::chrono::steady_clock::now();
        CHECK_FALSE(io::bounded_call(20, job, &work, &discard));
        const auto waited = std::chrono::steady_clock::now() - begin;
        CHECK(waited >= std::chrono::milliseconds(20));
        CHECK(waited < std::chrono::seconds(5));
        CHECK(job.result == "none");
    }
    CHECK_FALSE(room->finished);
    CHECK(room->discarded == 0);
    room->may_finish = true;
    CHECK(eventually([&] { return room->discarded == 1; }));
    CHECK(eventually([&] { return room.use_count() == 1; })); // the copy that was left behind is gone too
    CHECK(room->discarded == 1);
}

TEST_CASE(
    "bounded_call: around the deadline the result is either taken or discarded, never both, never neither") {
    for (int i = 0; i < 200; ++i) {
        const auto room = std::make_shared<Room>();
        bool in_time = false;
        {
            Job job{room, "none"};
            std::thread releaser([room, i] {
                std::this_thread::sleep_for(std::chrono::microseconds(900 + i));
                room->may_finish = true;
            });
            in_time = io::bounded_call(1, job, &work, &discard);
            REQUIRE((job.result == "the answer") == in_time);
            releaser.join();
        }
        REQUIRE(eventually([&] { return room.use_count() == 1; }));
        REQUIRE(room->discarded == (in_time ? 0 : 1));
    }
}
