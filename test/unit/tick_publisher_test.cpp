// SPDX-License-Identifier: MIT
#include <rill_io/tick_publisher.hpp>

#include <test.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace io = rill::io;

namespace {

io::ClockTick tick_at(std::uint64_t position) {
    static constexpr io::TickSource source{};
    io::ClockTick tick;
    tick.position = position;
    tick.source = &source;
    tick.session = &tick;
    return tick;
}

} // namespace

TEST_CASE("tick publisher: every subscriber gets every tick, detached") {
    io::TickPublisher<2, 8> publisher;
    auto first = publisher.subscribe();
    auto second = publisher.subscribe();
    REQUIRE(first);
    REQUIRE(second);
    publisher.send(tick_at(1));
    publisher.send(tick_at(2));
    for (auto* subscription : {&first, &second}) {
        io::ClockTick tick;
        REQUIRE(subscription->read(tick));
        CHECK(tick.position == 1);
        CHECK(tick.source == nullptr);
        CHECK(tick.session == nullptr);
        REQUIRE(subscription->read(tick));
        CHECK(tick.position == 2);
        CHECK_FALSE(subscription->read(tick));
        CHECK(subscription->lost() == 0);
    }
}

TEST_CASE("tick publisher: a slow subscriber loses ticks, which are counted; the others lose none") {
    io::TickPublisher<2, 4> publisher;
    auto slow = publisher.subscribe();
    auto quick = publisher.subscribe();
    io::ClockTick tick;
    for (std::uint64_t i = 0; i < 10; ++i) {
        publisher.send(tick_at(i));
        REQUIRE(quick.read(tick));
        CHECK(tick.position == i);
    }
    CHECK(quick.lost() == 0);
    CHECK(slow.lost() == 6);
    for (std::uint64_t i = 0; i < 4; ++i) {
        REQUIRE(slow.read(tick));
        CHECK(tick.position == i); // the oldest are kept
    }
    CHECK_FALSE(slow.read(tick));
}

TEST_CASE("tick publisher: seats are limited, given back, and clean for the next") {
    io::TickPublisher<2, 4> publisher;
    auto first = publisher.subscribe();
    {
        auto second = publisher.subscribe();
        CHECK(second);
        const auto third = publisher.subscribe();
        CHECK_FALSE(third);
        CHECK(third.lost() == 0);
        for (std::uint64_t i = 0; i < 9; ++i)
            publisher.send(tick_at(i));
        CHECK(second.lost() == 5);
    }
    auto next = publisher.subscribe();
    REQUIRE(next);
    io::ClockTick tick;
    CHECK_FALSE(next.read(tick));
    CHECK(next.lost() == 0);
}

TEST_CASE("tick publisher: a subscription can be moved") {
    io::TickPublisher<1, 4> publisher;
    auto first = publisher.subscribe();
    auto second = std::move(first);
    CHECK(second);
    CHECK_FALSE(publisher.subscribe());
    io::TickPublisher<1, 4>::Subscription third;
    CHECK_FALSE(third);
    third = std::move(second);
    publisher.send(tick_at(5));
    io::ClockTick tick;
    CHECK(third.read(tick));
    third = {};
    CHECK(publisher.subscribe());
}

TEST_CASE("tick publisher: nobody listens while the cycle sends, and somebody comes and goes") {
    io::TickPublisher<4, 16> publisher;
    std::atomic<bool> stop{false};
    std::thread cycle([&] {
        for (std::uint64_t position = 1; !stop; ++position)
            publisher.send(tick_at(position));
    });
    std::vector<std::thread> listeners;
    listeners.reserve(2);
    std::atomic<int> disorder{0};
    for (int i = 0; i < 2; ++i)
        listeners.emplace_back([&] {
            for (int round = 0; round < 100; ++round) {
                auto subscription = publisher.subscribe();
                std::uint64_t last = 0;
                for (int read = 0; read < 20;) {
                    io::ClockTick tick;
                    if (!subscription.read(tick)) {
                        std::this_thread::yield();
                        continue;
                    }
                    ++read;
                    if (tick.position <= last)
                        ++disorder;
                    last = tick.position;
                }
            }
        });
    for (std::thread& listener : listeners)
        listener.join();
    stop = true;
    cycle.join();
    CHECK(disorder == 0);
}
