// SPDX-License-Identifier: MIT
#include <rill_io/cycle.hpp>
#include <rill_io/driver.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace io = rill::io;

namespace {

struct Options {};

/// A server made of nothing: it counts which way the engine asks for its memory, has a frame counter, and, as
/// JACK's, goes on calling what it was first given between stop() and start().
class Session {
public:
    using Options = ::Options;

    io::Result<void> open(const io::StreamConfig& config, const Options&, io::Stream& stream) {
        stream_ = &stream;
        stream.negotiated.sample_rate = 48'000;
        stream.negotiated.quantum = 64;
        stream.negotiated.input_channels = config.input_channels;
        stream.negotiated.output_channels = config.output_channels;
        return {};
    }
    template <class Cycle>
    io::Result<void> start(void* engine) {
        if (when_starting != nullptr)
            when_starting(*this);
        run_ = &Cycle::run;
        engine_ = engine;
        return {};
    }
    io::Result<void> stop() { return {}; }
    bool close() { return true; }

    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(io::CaptureWindow& capture, io::PlaybackWindow& playback, std::uint32_t) noexcept {
        ++fast_cycles;
        show(capture, playback);
    }
    bool fetch_checked(io::CaptureWindow& capture, io::PlaybackWindow& playback, std::uint32_t) noexcept {
        ++slow_cycles;
        show(capture, playback);
        return memory_there;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return false; }
    [[nodiscard]] std::uint32_t frame_time() const noexcept { return frame_counter; }
    static constexpr io::TickSource tick_source{};

    /// The server's cycle.
    void cycle(std::uint32_t frames) {
        std::fill(out.begin(), out.end(), 1.0F);
        run_(engine_, frames);
        frame_counter += frames;
    }
    io::Stream& stream() { return *stream_; }

    void (*when_starting)(Session&) = nullptr;
    int fast_cycles = 0;
    int slow_cycles = 0;
    bool memory_there = true;
    std::uint32_t frame_counter = 0xFFFF'FF00U; // wraps soon
    std::array<float, 8192> in{};
    std::array<float, 8192> out{};

private:
    void show(io::CaptureWindow& capture, io::PlaybackWindow& playback) noexcept {
        for (std::size_t channel = 0; channel < capture.num_input_channels(); ++channel)
            capture.set_input(channel, in.data());
        for (std::size_t channel = 0; channel < playback.num_output_channels(); ++channel)
            playback.set_output(channel, out.data());
    }

    io::Stream* stream_ = nullptr;
    void (*run_)(void*, std::uint32_t) noexcept = nullptr;
    void* engine_ = nullptr;
};

struct Backend {
    static constexpr const char* name = "test";
    static constexpr bool drives_itself = true;
    static io::Result<void> available() noexcept { return {}; }
    using Session = ::Session;
    using Options = ::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Driver = io::Driver<Backend::Capture, Backend::Playback>;

struct Recorder {
    std::vector<io::ClockTick> ticks;
    void operator()(const io::ClockTick& tick) noexcept { ticks.push_back(tick); }
};

/// A started driver with a callback.
template <class Callback>
struct Running {
    Driver driver;
    Callback callback;
    Running() {
        REQUIRE(driver.open());
        REQUIRE(driver.set_process_callback(callback));
        REQUIRE(driver.start());
    }
    Session& session() { return driver.session(); }
};

} // namespace

TEST_CASE("cycle: a steady stream takes the fast path from the second cycle on") {
    Running<Recorder> stream;
    for (int i = 0; i < 10; ++i)
        stream.session().cycle(64);
    CHECK(stream.session().slow_cycles == 1);
    CHECK(stream.session().fast_cycles == 9);
    CHECK(stream.callback.ticks.size() == 10);
    CHECK(stream.driver.stats().cycles == 10);
}

TEST_CASE("cycle: whatever is new takes the slow path once, and is told") {
    Running<Recorder> stream;
    Session& session = stream.session();
    const auto after = [&](auto&& news) {
        session.cycle(64);
        session.cycle(64);
        session.slow_cycles = 0;
        stream.callback.ticks.clear();
        news();
        session.cycle(64);
        session.cycle(64);
        CHECK(session.slow_cycles == 1);
        REQUIRE(stream.callback.ticks.size() == 2);
        CHECK_FALSE(has(stream.callback.ticks[1].flags, io::TickFlags::discontinuity));
        return stream.callback.ticks[0];
    };
    const auto xrun = after([&] { session.stream().report_xrun(12); });
    CHECK(xrun.xruns == 1);
    CHECK(xrun.lost_frames == 12);
    CHECK(has(xrun.flags, io::TickFlags::discontinuity));

    const auto rate = after([&] { session.stream().report_sample_rate(96'000); });
    CHECK(rate.sample_rate == 96'000);
    CHECK(has(rate.flags, io::TickFlags::discontinuity));

    const auto offline = after([&] { session.stream().report_freewheeling(true); });
    CHECK(has(offline.flags, io::TickFlags::freewheeling));
    CHECK_FALSE(has(offline.flags, io::TickFlags::discontinuity));
    CHECK(has(stream.callback.ticks[1].flags, io::TickFlags::freewheeling)); // and stays so
    const auto online = after([&] { session.stream().report_freewheeling(false); });
    CHECK_FALSE(has(online.flags, io::TickFlags::freewheeling));

    const auto last = after([&] { session.stream().report_final_block(); });
    CHECK(has(last.flags, io::TickFlags::final));
}

TEST_CASE("cycle: frames lost in an xrun are read from the server's counter, across its wrap") {
    Running<Recorder> stream;
    Session& session = stream.session();
    for (int i = 0; i < 10; ++i)
        session.cycle(64);
    session.frame_counter += 200; // the server went on without us
    session.stream().report_xrun();
    session.cycle(64);
    CHECK(stream.callback.ticks.back().lost_frames == 200);
    for (int i = 0; i < 10; ++i)
        session.cycle(64);
    session.stream().report_xrun(); // of another client: nothing of ours is lost
    session.cycle(64);
    CHECK(stream.callback.ticks.back().lost_frames == 0);
    CHECK(stream.callback.ticks.back().xruns == 2);
    CHECK(stream.driver.stats().lost_frames == 200);

    session.frame_counter += 1U << 30U; // a new counter, not a loss of six hours
    session.stream().report_xrun();
    session.cycle(64);
    CHECK(stream.driver.stats().lost_frames == 200);
}

TEST_CASE("cycle: an xrun with another quantum counts what was lost before it") {
    Running<Recorder> stream;
    Session& session = stream.session();
    for (int i = 0; i < 5; ++i)
        session.cycle(64);
    session.frame_counter += 30;
    session.stream().report_xrun();
    session.cycle(256);
    CHECK(stream.callback.ticks.back().lost_frames == 30);
    session.cycle(256);
    session.stream().report_xrun();
    session.cycle(256);
    CHECK(stream.driver.stats().lost_frames == 30);
}

TEST_CASE("cycle: no memory, no block; and the stream goes on when it is back") {
    Running<Recorder> stream;
    Session& session = stream.session();
    session.memory_there = false;
    session.cycle(64);
    session.cycle(64);
    CHECK(stream.callback.ticks.empty());
    session.memory_there = true;
    session.cycle(64);
    REQUIRE(stream.callback.ticks.size() == 1);
    CHECK(stream.callback.ticks[0].position == 0);
}

TEST_CASE("cycle: a cycle of no frames is nothing, running or stopped") {
    Running<Recorder> stream;
    Session& session = stream.session();
    session.cycle(0);
    session.cycle(64);
    session.cycle(0);
    CHECK(stream.callback.ticks.size() == 1);
    REQUIRE(stream.driver.stop());
    session.cycle(0);
    CHECK(stream.callback.ticks.size() == 1);
}

TEST_CASE("cycle: behind a closed gate there is silence") {
    Running<Recorder> stream;
    Session& session = stream.session();
    session.cycle(64);
    REQUIRE(stream.driver.stop());
    session.cycle(64);
    CHECK(stream.callback.ticks.size() == 1);
    CHECK(std::all_of(session.out.begin(), session.out.begin() + 64, [](float x) { return x == 0.0F; }));
}

namespace {
struct Filler {
    static constexpr bool fills_playback = true;
    void operator()(const io::ClockTick&) noexcept {}
};
} // namespace

TEST_CASE("cycle: a callback finds silence in the playback, unless it says that it fills it") {
    Running<Recorder> quiet;
    for (int i = 0; i < 2; ++i) { // slow, fast
        quiet.session().cycle(64);
        CHECK(quiet.session().out[0] == 0.0F);
        CHECK(quiet.session().out[63] == 0.0F);
        CHECK(quiet.session().out[64] == 1.0F);
    }
    Running<Filler> filler;
    for (int i = 0; i < 2; ++i) {
        filler.session().cycle(64);
        CHECK(filler.session().out[0] == 1.0F);
    }
}

TEST_CASE("cycle: a server that still calls for the callback before never reaches the new one") {
    struct First {
        int blocks = 0;
        void operator()(const io::ClockTick&) noexcept { ++blocks; }
    } first;
    struct Second {
        std::array<int, 64> blocks{};
        void operator()(const io::ClockTick&) noexcept { ++blocks[63]; }
    } second;
    Driver driver;
    REQUIRE(driver.open());
    REQUIRE(driver.set_process_callback(first));
    REQUIRE(driver.start());
    driver.session().cycle(64);
    driver.session().cycle(64);
    CHECK(first.blocks == 2);
    REQUIRE(driver.stop());
    REQUIRE(driver.set_process_callback(second));
    // While start() is on its way the server calls what it has.
    driver.session().when_starting = [](Session& session) {
        session.cycle(64);
        CHECK(session.out[0] == 0.0F);
        session.cycle(64);
    };
    REQUIRE(driver.start());
    CHECK(first.blocks == 2);
    CHECK(second.blocks == std::array<int, 64>{});
    driver.session().cycle(64);
    driver.session().cycle(64);
    CHECK(second.blocks[63] == 2);
}

namespace {

/// Writes one of two channels with a call, in its own way.
template <class Write>
struct Writer {
    Driver& driver;
    Write write;
    void operator()(const io::ClockTick&) noexcept { write(driver.playback()); }
};

} // namespace

TEST_CASE(
    "cycle: what a callback leaves out is silent, what it writes is kept, in whatever order it writes") {
    std::array<float, 64> samples;
    samples.fill(5.0F);
    const auto all = std::span<const float>(samples);
    const auto check = [&](auto write, std::size_t begin, std::size_t end) {
        CAPTURE(begin, end);
        Driver driver;
        Writer callback{driver, write};
        REQUIRE(driver.open({.input_channels = 1, .output_channels = 1}));
        REQUIRE(driver.set_process_callback(callback));
        REQUIRE(driver.start());
        for (int i = 0; i < 3; ++i) { // slow, fast, fast
            driver.session().cycle(64);
            bool good = true;
            for (std::size_t frame = 0; frame < 64; ++frame)
                good = good && driver.session().out[frame] == (frame >= begin && frame < end ? 5.0F : 0.0F);
            CHECK(good);
        }
    };
    check([](io::PlaybackWindow&) {}, 0, 0);
    check([&](io::PlaybackWindow& out) { out.write_output(0, all); }, 0, 64);
    check([&](io::PlaybackWindow& out) { out.write_output(0, all.first(20)); }, 0, 20);
    check([&](io::PlaybackWindow& out) { out.write_output(0, all.first(20), 30); }, 30, 50);
    check(
        [&](io::PlaybackWindow& out) { // twice the same
            out.write_output(0, all.first(20));
            out.write_output(0, all.first(20));
        },
        0, 20);
    check(
        [&](io::PlaybackWindow& out) { // the end before the beginning
            out.write_output(0, all.first(30), 34);
            out.write_output(0, all.first(34));
        },
        0, 64);
    check([&](io::PlaybackWindow& out) { std::copy(samples.begin(), samples.end(), out.output(0)); }, 0, 64);
}

TEST_CASE(
    "cycle: what a callback leaves out is silent through the adapter, and after another kind of callback") {
    struct Nothing {
        void operator()(const io::ClockTick&) noexcept {}
    } nothing;
    struct Loud {
        static void fill(Driver& driver) {
            float* const out = driver.playback().output(0);
            std::fill(out, out + driver.playback().frames(), 7.0F);
        }
        Driver& driver;
        void operator()(const io::ClockTick&) noexcept { fill(driver); }
    };
    for (const std::uint32_t block : {0U, 32U, 48U}) {
        CAPTURE(block);
        Driver driver;
        Loud loud{driver};
        REQUIRE(driver.open(
            {.block = block, .input_channels = 1, .output_channels = 1, .period_match = io::Match::adapt}));
        REQUIRE(driver.set_process_callback(loud));
        REQUIRE(driver.start());
        for (int i = 0; i < 10; ++i)
            driver.session().cycle(64);
        CHECK(driver.session().out[63] == 7.0F);
        REQUIRE(driver.stop());
        (void)driver.playback().output(0); // the control side may look while stopped
        REQUIRE(driver.set_process_callback(nothing));
        REQUIRE(driver.start());
        for (int i = 0; i < 10; ++i) {
            driver.session().cycle(64);
            CHECK(std::all_of(driver.session().out.begin(), driver.session().out.begin() + 64,
                              [](float x) { return x == 0.0F; }));
        }
    }
}
