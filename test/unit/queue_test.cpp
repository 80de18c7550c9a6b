// SPDX-License-Identifier: MIT
#include <rill_io/queue.hpp>

#include <test.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace io = rill::io;

TEST_CASE("queue: first in, first out, round after round") {
    io::BoundedQueue<int, 4> queue;
    int next_in = 0;
    int next_out = 0;
    for (int round = 0; round < 100; ++round) {
        const int count = 1 + round % 4;
        for (int i = 0; i < count; ++i)
            REQUIRE(queue.try_push(next_in++));
        CHECK_FALSE(queue.empty());
        for (int i = 0; i < count; ++i) {
            int item = -1;
            REQUIRE(queue.try_pop(item));
            REQUIRE(item == next_out++);
        }
        CHECK(queue.empty());
    }
}

TEST_CASE("queue: full refuses and changes nothing, empty gives nothing") {
    io::BoundedQueue<int, 8> queue;
    CHECK(queue.capacity() == 8);
    int item = 42;
    CHECK_FALSE(queue.try_pop(item));
    CHECK(item == 42);
    for (int i = 0; i < 8; ++i)
        CHECK(queue.try_push(i));
    CHECK_FALSE(queue.try_push(8));
    CHECK_FALSE(queue.try_push(9));
    for (int i = 0; i < 8; ++i) {
        REQUIRE(queue.try_pop(item));
        CHECK(item == i);
    }
    CHECK_FALSE(queue.try_pop(item));
    CHECK(queue.try_push(10));
    REQUIRE(queue.try_pop(item));
    CHECK(item == 10);
}

namespace {

/// Large enough to be seen half written.
struct Item {
    std::uint32_t producer = 0;
    std::uint32_t number = 0;
    std::array<std::uint64_t, 4> payload{};

    static Item make(std::uint32_t producer, std::uint32_t number) {
        Item item{producer, number, {}};
        std::uint64_t hash = (std::uint64_t{producer} << 32U | number) * 0x9E3779B97F4A7C15ULL;
        for (std::uint64_t& word : item.payload)
            word = hash = hash * 6364136223846793005ULL + 1;
        return item;
    }
    bool operator==(const Item&) const = default;
};

} // namespace

TEST_CASE("queue: many producers and one consumer lose, repeat, tear and reorder nothing") {
    constexpr std::uint32_t num_producers = 4;
    constexpr std::uint32_t items_each = 20'000;
    io::BoundedQueue<Item, 64> queue;
    std::atomic<std::uint64_t> refusals{0};

    std::vector<std::thread> producers;
    producers.reserve(num_producers);
    for (std::uint32_t producer = 0; producer < num_producers; ++producer)
        producers.emplace_back([&queue, &refusals, producer] {
            for (std::uint32_t number = 0; number < items_each; ++number)
                while (!queue.try_push(Item::make(producer, number))) {
                    refusals.fetch_add(1, std::memory_order_relaxed);
                    std::this_thread::yield();
                }
        });

    std::array<std::uint32_t, num_producers> expected{};
    std::uint64_t taken = 0;
    std::uint64_t wrong = 0;
    while (taken < std::uint64_t{num_producers} * items_each) {
        Item item;
        if (!queue.try_pop(item)) {
            std::this_thread::yield();
            continue;
        }
        ++taken;
        if (item.producer >= num_producers || item != Item::make(item.producer, expected[item.producer]++))
            ++wrong;
    }
    for (std::thread& thread : producers)
        thread.join();
    CHECK(wrong == 0);
    CHECK(queue.empty());
    Item item;
    CHECK_FALSE(queue.try_pop(item));
    INFO("refusals: " << refusals.load());
}

TEST_CASE("queue: empty() is true only when there is nothing, and sees the same thread's push at once") {
    io::BoundedQueue<int, 4> queue;
    CHECK(queue.empty());
    CHECK(queue.try_push(1));
    CHECK_FALSE(queue.empty());
    int item = 0;
    CHECK(queue.try_pop(item));
    CHECK(queue.empty());
}
