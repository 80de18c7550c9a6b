// SPDX-License-Identifier: MIT
#include <rill_io/tick.hpp>

#include <test.hpp>

#include <cstdint>

namespace io = rill::io;

namespace {

/// Counts how often it is asked.
struct Clock {
    mutable int times_asked = 0;
    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept {
        ++static_cast<const Clock*>(session)->times_asked;
        return 1'000'000 + static_cast<std::uint64_t>(offset);
    }
    static double tempo(const void*) noexcept { return 120.0; }
    static double speed(const void*) noexcept { return 1.001; }
    static constexpr io::TickSource source{
        .time_ns = &Clock::time_ns, .tempo = &Clock::tempo, .speed = &Clock::speed};
};

} // namespace

TEST_CASE("tick: flags combine") {
    const auto flags = io::TickFlags::new_block | io::TickFlags::final;
    CHECK(io::has(flags, io::TickFlags::new_block));
    CHECK(io::has(flags, io::TickFlags::final));
    CHECK_FALSE(io::has(flags, io::TickFlags::discontinuity));
    CHECK_FALSE(io::has(io::TickFlags::none, io::TickFlags::none));
}

TEST_CASE("tick: the backend's clock is read only when asked") {
    const Clock clock;
    io::ClockTick tick;
    CHECK(tick.time_ns() == 0);
    CHECK(tick.tempo() == 0.0);

    tick.source = &Clock::source;
    tick.session = &clock;
    tick.cycle_offset = 64;
    io::ClockTick copy = tick;
    CHECK(clock.times_asked == 0);
    CHECK(copy.time_ns() == 1'000'064);
    CHECK(clock.times_asked == 1);
    CHECK(copy.tempo() == 120.0);
    CHECK(copy.speed() == 1.001);

    copy.known_time_ns = 5;
    CHECK(copy.time_ns() == 5);
    CHECK(clock.times_asked == 1);
}

TEST_CASE("tick: a source that lacks something answers what is most likely") {
    static constexpr io::TickSource empty{};
    io::ClockTick tick;
    tick.source = &empty;
    CHECK(tick.time_ns() == 0);
    CHECK(tick.tempo() == 0.0);
    CHECK(tick.speed() == 1.0);
}

TEST_CASE("tick: detached, it asks nobody") {
    const Clock clock;
    io::ClockTick tick;
    tick.position = 9;
    tick.source = &Clock::source;
    tick.session = &clock;
    const io::ClockTick copy = tick.detached();
    CHECK(copy.position == 9);
    CHECK(copy.time_ns() == 0);
    CHECK(copy.tempo() == 0.0);
    CHECK(copy.speed() == 1.0);
    CHECK(copy.session == nullptr);
    CHECK(clock.times_asked == 0);
}
