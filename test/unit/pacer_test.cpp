// SPDX-License-Identifier: MIT
#include <rill_io/pacer.hpp>

#include <test.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace io = rill::io;

namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint32_t no_tolerance_needed = 1'000'000; // frames: this machine may sleep as long as it likes

} // namespace

TEST_CASE("pacer: deadlines are absolute, so that nothing adds up") {
    for (const std::uint32_t rate : {44'100U, 48'000U, 96'000U, 7'919U}) {
        const std::atomic<bool> stop{false};
        io::Pacer pacer;
        const std::uint64_t before = io::Pacer::now_ns();
        pacer.start(rate);
        const std::uint64_t after = io::Pacer::now_ns();
        std::uint64_t frames = 0;
        std::uint64_t last_time = 0;
        for (int i = 1; i <= 60; ++i) {
            const std::uint32_t quantum = i % 3 == 0 ? 37 : 16;
            REQUIRE(pacer.wait(quantum, no_tolerance_needed, stop) == 0);
            frames += quantum;
            const std::uint64_t due = frames * ns_per_s / rate;
            REQUIRE(pacer.cycle_time_ns() >= before + due);
            REQUIRE(pacer.cycle_time_ns() <= after + due + 1);
            REQUIRE(pacer.cycle_time_ns() > last_time);
            REQUIRE(io::Pacer::now_ns() >= pacer.cycle_time_ns()); // never early
            last_time = pacer.cycle_time_ns();
        }
    }
}

TEST_CASE("pacer: who is late within the tolerance catches up, who is later gives up that time") {
    const std::atomic<bool> stop{false};
    io::Pacer pacer;
    pacer.start(48'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // 960 frames
    CHECK(pacer.wait(48, no_tolerance_needed, stop) == 0);
    const std::uint64_t first = pacer.cycle_time_ns();
    CHECK(pacer.wait(48, no_tolerance_needed, stop) == 0);
    CHECK(pacer.cycle_time_ns() == first + 1'000'000);

    const std::uint64_t before = io::Pacer::now_ns();
    const std::int64_t late = pacer.wait(48, 480, stop);
    CHECK(late > 480);
    // The cycle now begins where the clock really is, to a frame.
    const std::uint64_t frame_ns = ns_per_s / 48'000 + 1;
    CHECK(pacer.cycle_time_ns() + frame_ns >= before);
    CHECK(pacer.cycle_time_ns() <= io::Pacer::now_ns());
    CHECK(pacer.cycle_time_ns() / frame_ns >=
          (first + 2'000'000) / frame_ns + static_cast<std::uint64_t>(late) - 2);

    const std::uint64_t resumed = pacer.cycle_time_ns();
    CHECK(pacer.wait(48, no_tolerance_needed, stop) == 0);
    CHECK(pacer.cycle_time_ns() - resumed <= 1'000'001);
    CHECK(pacer.cycle_time_ns() - resumed >= 999'999);
}

TEST_CASE("pacer: a stop ends even a long sleep soon") {
    std::atomic<bool> stop{false};
    io::Pacer pacer;
    pacer.start(1000);
    std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        stop = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    CHECK(pacer.wait(60'000, 0, stop) == -1); // a minute
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    stopper.join();
}

TEST_CASE("pacer: years of frames do not overflow") {
    const std::atomic<bool> stop{true}; // the deadline lies far ahead: it does not sleep
    io::Pacer pacer;
    pacer.start(1'536'000);
    bool always_ahead = true;
    for (int i = 0; i < 200'000; ++i) // 6 * 10^14 frames, twelve years at this rate
        always_ahead = pacer.wait(3'000'000'000U, 0, stop) == -1 && always_ahead;
    CHECK(always_ahead);
}
