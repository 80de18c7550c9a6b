// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/null.hpp>

#include <test.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace io = rill::io;
namespace null = rill::io::null;

namespace {

using Duplex = io::Driver<null::Capture, null::Playback>;
using PlayOnly = io::Driver<io::NoCapture, null::Playback>;
using CaptureOnly = io::Driver<null::Capture, io::NoPlayback>;

constexpr null::Options manual{.mode = null::Mode::manual};
constexpr null::Options freewheel{.mode = null::Mode::freewheel};

/// Keeps every tick. For manual mode and short streams: it allocates.
struct Recorder {
    std::vector<io::ClockTick> ticks;
    void operator()(const io::ClockTick& tick) noexcept { ticks.push_back(tick); }

    [[nodiscard]] std::uint64_t frames() const {
        std::uint64_t sum = 0;
        for (const io::ClockTick& tick : ticks)
            sum += tick.frames;
        return sum;
    }
    [[nodiscard]] std::uint64_t lost_frames() const {
        std::uint64_t sum = 0;
        for (const io::ClockTick& tick : ticks)
            sum += tick.lost_frames;
        return sum;
    }
    [[nodiscard]] std::vector<std::size_t> with(io::TickFlags flag) const {
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < ticks.size(); ++i)
            if (has(ticks[i].flags, flag))
                places.push_back(i);
        return places;
    }
};

/// Counts blocks; may be looked at while it runs.
struct Counter {
    std::atomic<std::uint64_t> blocks{0};
    void operator()(const io::ClockTick&) noexcept { blocks.fetch_add(1, std::memory_order_relaxed); }
};

/// Does not return until it is told to.
struct Stuck {
    std::atomic<bool> inside{false};
    std::atomic<bool> may_return{false};
    void operator()(const io::ClockTick&) noexcept {
        inside = true;
        while (!may_return)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
};

/// Compiled for one shape of stream.
struct Fixed {
    static constexpr std::size_t block = 64;
    static constexpr std::size_t num_inputs = 1;
    static constexpr std::size_t num_outputs = 2;
    void operator()(const io::ClockTick&) noexcept {}
};

void check_misuse(const io::Result<void>& result, const std::string& operation, const std::string& advice) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == io::Errc::invalid_state);
    CHECK(result.error().operation == operation);
    CHECK(std::string(result.error().backend) == "null");
    const std::string text = result.error().text;
    CAPTURE(text, advice);
    CHECK(text.find(advice) != std::string::npos);
}

} // namespace

static_assert(io::IoDriver<Duplex> && io::IoDriver<PlayOnly> && io::IoDriver<CaptureOnly>);

TEST_CASE("driver: calls at the wrong time give invalid_state and say what to do first") {
    Counter callback;
    Duplex driver;
    check_misuse(driver.set_process_callback(callback), "set_process_callback", "open()");
    check_misuse(driver.start(), "start", "open()");
    check_misuse(driver.run(), "start", "open()");
    CHECK(driver.stop());
    driver.close();

    REQUIRE(driver.open({}, manual));
    check_misuse(driver.open({}, manual), "open", "close()");
    check_misuse(driver.start(), "start", "set_process_callback()");
    CHECK(driver.stop());
    CHECK_FALSE(driver.is_running());

    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    CHECK(driver.is_running());
    check_misuse(driver.start(), "start", "running");
    check_misuse(driver.run(), "start", "running");
    check_misuse(driver.open({}, manual), "open", "close()");
    check_misuse(driver.set_process_callback(callback), "set_process_callback", "stop()");
    CHECK(driver.session().step(3) == 3);

    CHECK(driver.stop());
    CHECK(driver.stop());
    CHECK_FALSE(driver.is_running());
    CHECK(driver.session().step(3) == 0);
    CHECK(callback.blocks == 3);

    REQUIRE(driver.start());
    CHECK(driver.session().step(2) == 2);
    driver.close();
    driver.close();
    CHECK(callback.blocks == 5);
    check_misuse(driver.start(), "start", "open()");
    REQUIRE(driver.open({}, manual));
    check_misuse(driver.start(), "start", "set_process_callback()"); // close() has forgotten it
}

TEST_CASE("driver: a refused open leaves it closed, and it can be tried again") {
    Duplex driver;
    CHECK(driver.open({.block = 9000}).error().code == io::Errc::invalid_config);
    CHECK(driver.open({.device = "hw:0"}).error().code == io::Errc::no_device);
    CHECK(driver.open({.block = 100}, {.quantum = 256}).error().code == io::Errc::period_mismatch);
    CHECK(driver.open({.input_channels = 0}).error().code == io::Errc::invalid_config);
    REQUIRE(driver.open({.block = 100, .period_match = io::Match::adapt}, {.quantum = 256}));
    CHECK(driver.info().adapter_latency == 96);
    driver.close();
    REQUIRE(driver.open({.block = 64}));
    CHECK(driver.info().adapter_latency == 0);
}

TEST_CASE("driver: a direction that it does not have has no channels") {
    PlayOnly player;
    REQUIRE(player.open({.input_channels = 0, .output_channels = 3}, manual));
    CHECK(player.info().input_channels == 0);
    CHECK(player.info().output_channels == 3);
    CHECK(player.capture().num_input_channels() == 0);
    CHECK(player.playback().num_output_channels() == 3);

    CaptureOnly capturer;
    REQUIRE(capturer.open({.input_channels = 5, .output_channels = 1000}, manual));
    CHECK(capturer.info().input_channels == 5);
    CHECK(capturer.info().output_channels == 0);
    capturer.close();
    CHECK(capturer.capture().num_input_channels() == 0);
}

TEST_CASE("driver: control functions called by the callback give invalid_state") {
    Duplex driver;
    struct Caller {
        Duplex& driver;
        Counter other;
        std::vector<io::Error> errors;
        void operator()(const io::ClockTick&) noexcept {
            for (const auto& result : {driver.stop(), driver.start(), driver.run(), driver.open(),
                                       driver.set_process_callback(other)})
                errors.push_back(result ? io::Error{} : result.error());
            driver.close();
        }
    } callback{driver, {}, {}};
    REQUIRE(driver.open({}, manual));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    CHECK(driver.session().step(2) == 2);
    REQUIRE(callback.errors.size() == 10);
    for (const io::Error& error : callback.errors) {
        CHECK(error.code == io::Errc::invalid_state);
        CHECK(std::string(error.text).find("process callback") != std::string::npos);
    }
    CHECK(driver.is_running()); // close() did nothing
    CHECK(driver.stop());
}

TEST_CASE("driver: a callback that misuses it does not hold up stop") {
    Duplex driver;
    struct Caller {
        Duplex& driver;
        std::atomic<std::uint64_t> blocks{0};
        void operator()(const io::ClockTick&) noexcept {
            (void)driver.start();
            (void)driver.open();
            driver.close();
            ++blocks;
        }
    } callback{driver};
    REQUIRE(driver.open({}, freewheel));
    REQUIRE(driver.set_process_callback(callback));
    for (int i = 0; i < 50; ++i) {
        REQUIRE(driver.start());
        const std::uint64_t before = callback.blocks;
        REQUIRE(eventually([&] { return callback.blocks > before; }));
        REQUIRE(driver.stop());
    }
}

TEST_CASE("driver: what the graph was compiled for is compared at start") {
    Fixed callback;
    const auto start_with = [&](const io::StreamConfig& config) {
        Duplex driver;
        REQUIRE(driver.open(config, manual));
        REQUIRE(driver.set_process_callback(callback));
        auto started = driver.start();
        CHECK(driver.is_running() == started.has_value());
        return started;
    };
    CHECK(start_with({.block = 64, .input_channels = 1, .output_channels = 2}));
    for (const io::StreamConfig& config :
         {io::StreamConfig{.block = 128, .input_channels = 1},
          io::StreamConfig{.block = 0, .input_channels = 1},
          io::StreamConfig{.block = 64, .input_channels = 2},
          io::StreamConfig{.block = 64, .input_channels = 1, .output_channels = 1}}) {
        const auto started = start_with(config);
        REQUIRE_FALSE(started);
        CHECK(started.error().code == io::Errc::invalid_config);
        CHECK(std::string(started.error().text).find("open with") != std::string::npos);
    }

    io::Driver<null::Capture, null::Playback, 64>
        driver; // the driver's own block overrides the configuration's
    REQUIRE(driver.open({.block = 7, .input_channels = 1}, manual));
    CHECK(driver.info().block == 64);
    REQUIRE(driver.set_process_callback(callback));
    CHECK(driver.start());
}

TEST_CASE("driver: prepare may refuse, and is asked at every start") {
    struct Choosy {
        int prepared = 0;
        io::StreamInfo info;
        io::Result<void> prepare(const io::StreamInfo& stream) {
            info = stream;
            if (++prepared == 1)
                return io::Error::make(io::Errc::unsupported_rate, "", "start", 0, "not today");
            return {};
        }
        void operator()(const io::ClockTick&) noexcept {}
    } callback;
    Duplex driver;
    REQUIRE(driver.open({.sample_rate = 44'100, .block = 32}, manual));
    REQUIRE(driver.set_process_callback(callback));
    const auto refused = driver.start();
    REQUIRE_FALSE(refused);
    CHECK(std::string(refused.error().text) == "not today");
    CHECK_FALSE(driver.is_running());
    REQUIRE(driver.start());
    CHECK(callback.info.sample_rate == 44'100);
    CHECK(callback.info.block == 32);
    CHECK(callback.info.input_channels == 2);
}

TEST_CASE("driver: the ticks of a steady stream follow each other") {
    Recorder callback;
    Duplex driver;
    REQUIRE(driver.open({.sample_rate = 44'100, .block = 64}, {.mode = null::Mode::manual, .quantum = 256}));
    REQUIRE(driver.set_process_callback(callback));
    for (int run = 0; run < 2; ++run) { // positions and counters begin anew
        callback.ticks.clear();
        REQUIRE(driver.start());
        REQUIRE(driver.session().step(10) == 10);
        REQUIRE(driver.stop());
        REQUIRE(callback.ticks.size() == 40);
        for (std::size_t i = 0; i < callback.ticks.size(); ++i) {
            const io::ClockTick& tick = callback.ticks[i];
            CHECK(tick.position == i * 64);
            CHECK(tick.frames == 64);
            CHECK(tick.sample_rate == 44'100);
            CHECK(tick.flags == (io::TickFlags::new_block | io::TickFlags::freewheeling));
            CHECK(tick.cycle_offset == static_cast<std::int32_t>(i % 4 * 64));
            CHECK(tick.xruns == 0);
            CHECK(tick.lost_frames == 0);
            CHECK(std::string(tick.backend) == "null");
        }
        CHECK(driver.stats().frames == 2560);
        CHECK(driver.stats().cycles == 10);
        CHECK(driver.stats().xruns == 0);
    }
}

TEST_CASE("driver: the tick's time is that of its first frame, through the adapter too") {
    struct Asker {
        std::vector<std::uint64_t> times;
        void operator()(const io::ClockTick& tick) noexcept { times.push_back(tick.time_ns()); }
    } callback;
    Duplex driver;
    REQUIRE(driver.open({.sample_rate = 48'000, .block = 100, .period_match = io::Match::adapt},
                        {.mode = null::Mode::manual, .quantum = 256}));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    driver.session().step(20);
    REQUIRE(callback.times.size() == 51);
    for (std::uint64_t i = 0; i < callback.times.size(); ++i) {
        const std::uint64_t exact = i * 100 * 1'000'000'000 / 48'000;
        CHECK(callback.times[i] + 2 >= exact);
        CHECK(callback.times[i] <= exact + 2);
    }
}

TEST_CASE("driver: xruns reach the next block's tick, also when the cycle was too short for a block") {
    const std::array faults{null::Fault{null::Fault::Kind::xrun, 2048, 10},
                            null::Fault{null::Fault::Kind::xrun, 2122, 20}, // the very next cycle
                            null::Fault{null::Fault::Kind::xrun, 6000, 0}};
    for (const std::uint32_t block : {0U, 32U, 64U, 100U, 1000U}) {
        CAPTURE(block);
        Recorder callback;
        Duplex driver;
        REQUIRE(driver.open({.block = block, .period_match = io::Match::adapt},
                            {.mode = null::Mode::manual, .quantum = 64, .faults = faults}));
        REQUIRE(driver.set_process_callback(callback));
        REQUIRE(driver.start());
        REQUIRE(driver.session().step(200) == 200);
        CHECK(driver.stats().xruns == 3);
        CHECK(driver.stats().lost_frames == 30);
        CHECK(callback.lost_frames() == 30);
        CHECK(callback.ticks.front().xruns == 0);
        CHECK(callback.ticks.back().xruns == 3);
        const auto marked = callback.with(io::TickFlags::discontinuity);
        // Two of the three may meet in one block.
        CHECK(marked.size() == (block == 1000 ? 2 : 3));
        for (const std::size_t place : marked) {
            REQUIRE(place > 0);
            CHECK(callback.ticks[place].xruns > callback.ticks[place - 1].xruns);
        }
        for (std::size_t i = 1; i < callback.ticks.size(); ++i) // graph time has no holes
            REQUIRE(callback.ticks[i].position ==
                    callback.ticks[i - 1].position + callback.ticks[i - 1].frames);
    }
}

TEST_CASE("driver: another quantum changes the frames, the info, and marks a discontinuity") {
    const std::array faults{null::Fault{null::Fault::Kind::quantum, 256, 512},
                            null::Fault{null::Fault::Kind::quantum, 1280, 100}};
    Recorder callback;
    Duplex driver;
    REQUIRE(driver.open({}, {.mode = null::Mode::manual, .quantum = 128, .faults = faults}));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    CHECK(driver.info().quantum == 128);
    REQUIRE(driver.session().step(2) == 2);
    REQUIRE(driver.session().step(2) == 2);
    CHECK(driver.info().quantum == 512);
    CHECK(driver.info().block == 512);
    REQUIRE(driver.session().step(2) == 2);
    CHECK(driver.info().block == 100);
    REQUIRE(callback.ticks.size() == 6);
    const std::array<std::uint32_t, 6> frames{128, 128, 512, 512, 100, 100};
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(callback.ticks[i].frames == frames[i]);
        CHECK(has(callback.ticks[i].flags, io::TickFlags::discontinuity) == (i == 2 || i == 4));
    }
}

TEST_CASE("driver: a lost device ends run with the reason, and only open helps") {
    const std::array faults{null::Fault{null::Fault::Kind::device_loss, 1000, 0}};
    Counter callback;
    Duplex driver;
    REQUIRE(driver.open({}, {.mode = null::Mode::freewheel, .quantum = 100, .faults = faults}));
    REQUIRE(driver.set_process_callback(callback));
    CHECK(driver.status());
    const auto result = driver.run();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == io::Errc::device_lost);
    CHECK(std::string(result.error().operation) == "run");
    CHECK(callback.blocks == 10);
    CHECK_FALSE(driver.is_running());
    CHECK_FALSE(driver.status());
    check_misuse(driver.start(), "start", "open()");
    check_misuse(driver.run(), "start", "open()");
    driver.close();
    REQUIRE(driver.open({}, manual));
    CHECK(driver.status());
    REQUIRE(driver.set_process_callback(callback));
    CHECK(driver.start());
}

TEMPLATE_TEST_CASE("driver: the end of the stream ends run with success and one final tick, the last", "",
                   Duplex, PlayOnly, CaptureOnly) {
    constexpr bool captures = !std::is_same_v<TestType, PlayOnly>;
    struct Case {
        std::uint32_t block, quantum;
        std::uint64_t end;
    };
    for (const auto& [block, quantum, end] :
         {Case{0, 256, 1024}, Case{64, 256, 1024}, Case{100, 256, 1024}, Case{1000, 64, 64 * 20},
          Case{8192, 16, 64}, Case{64, 48, 48 * 7}, Case{0, 256, 1000}}) {
        CAPTURE(block, quantum, end);
        Recorder callback;
        TestType driver;
        REQUIRE(driver.open({.block = block, .period_match = io::Match::adapt},
                            {.mode = null::Mode::freewheel, .quantum = quantum, .end_after_frames = end}));
        REQUIRE(driver.set_process_callback(callback));
        for (int run = 0; run < 2; ++run) {
            callback.ticks.clear();
            const auto result = driver.run();
            REQUIRE(result);
            CHECK_FALSE(driver.is_running());
            CHECK(driver.status());
            const auto final_ticks = callback.with(io::TickFlags::final);
            REQUIRE(final_ticks.size() == 1);
            CHECK(final_ticks.front() == callback.ticks.size() - 1);
            if (captures)
                CHECK(callback.frames() >= end); // no captured frame is kept from the graph
            CHECK(driver.stats().frames == callback.frames());
        }
    }
}

TEST_CASE("driver: run ends at once if the stop was asked for before") {
    Counter callback;
    Duplex driver;
    REQUIRE(driver.open({}, freewheel));
    REQUIRE(driver.set_process_callback(callback));
    std::stop_source stop;
    stop.request_stop();
    CHECK(driver.run(stop.get_token()));
    CHECK_FALSE(driver.is_running());
}

TEST_CASE("driver: run ends when a stop is asked for, or when somebody calls stop or close") {
    for (int way = 0; way < 3; ++way) {
        CAPTURE(way);
        Counter callback;
        Duplex driver;
        REQUIRE(driver.open({}, freewheel));
        REQUIRE(driver.set_process_callback(callback));
        std::stop_source stop;
        std::optional<io::Result<void>> result;
        std::thread runner([&] { result = driver.run(stop.get_token()); });
        REQUIRE(eventually([&] { return callback.blocks > 0; }));
        if (way == 0)
            stop.request_stop();
        else if (way == 1)
            CHECK(driver.stop());
        else
            driver.close();
        runner.join();
        REQUIRE(result);
        CHECK(*result);
        const std::uint64_t blocks = callback.blocks;
        CHECK_FALSE(driver.is_running());
        std::this_thread::yield();
        CHECK(callback.blocks == blocks);
    }
}

TEST_CASE("driver: run that was stopped ends, even if it was started again at once") {
    for (int i = 0; i < 30; ++i) {
        Counter callback;
        Duplex driver;
        REQUIRE(driver.open({}, freewheel));
        REQUIRE(driver.set_process_callback(callback));
        std::atomic<bool> ended{false};
        std::thread runner([&] {
            (void)driver.run();
            ended = true;
        });
        REQUIRE(eventually([&] { return driver.is_running(); }));
        std::this_thread::sleep_for(std::chrono::microseconds(i * 20)); // anywhere in run()
        REQUIRE(driver.stop());
        REQUIRE(driver.start());
        const bool in_time = eventually([&] { return ended.load(); });
        const bool still_running = driver.is_running();
        driver.close();
        runner.join();
        REQUIRE(in_time);
        REQUIRE(still_running); // the second start is not the first run's to stop
    }
}

TEST_CASE("driver: no cycle for the liveness timeout ends run") {
    Counter callback;
    Duplex driver;
    // One cycle in eight seconds.
    REQUIRE(driver.open({.sample_rate = 1000, .liveness_timeout_ms = 200},
                        {.mode = null::Mode::real_time, .quantum = 8192}));
    REQUIRE(driver.set_process_callback(callback));
    const auto begin = std::chrono::steady_clock::now();
    const auto result = driver.run();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == io::Errc::timed_out);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(200));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("driver: where somebody else drives, run waits as long as it takes") {
    Counter callback;
    io::Driver<io::host::Capture, io::host::Playback> driver;
    REQUIRE(driver.open({.liveness_timeout_ms = 100}));
    REQUIRE(driver.set_process_callback(callback));
    std::stop_source stop;
    std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        stop.request_stop();
    });
    CHECK(driver.run(stop.get_token()));
    stopper.join();
}

TEMPLATE_TEST_CASE("driver: destroyed while running, it stops first", "", Duplex, PlayOnly, CaptureOnly) {
    for (const null::Mode mode : {null::Mode::real_time, null::Mode::freewheel}) {
        Counter callback;
        {
            TestType driver;
            REQUIRE(driver.open({.block = 16}, {.mode = mode}));
            REQUIRE(driver.set_process_callback(callback));
            REQUIRE(driver.start());
            REQUIRE(eventually([&] { return callback.blocks > 3; }));
        }
        const std::uint64_t blocks = callback.blocks;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        CHECK(callback.blocks == blocks);
    }
}

TEST_CASE("driver: started and stopped fifty times, no callback comes after stop") {
    Counter callback;
    Duplex driver;
    REQUIRE(driver.open({.block = 16}, freewheel));
    REQUIRE(driver.set_process_callback(callback));
    for (int i = 0; i < 50; ++i) {
        REQUIRE(driver.start());
        if (i % 2 == 0) {
            const std::uint64_t before = callback.blocks;
            REQUIRE(eventually([&] { return callback.blocks > before; }));
        }
        REQUIRE(driver.stop());
        const std::uint64_t blocks = callback.blocks;
        std::this_thread::yield();
        REQUIRE(callback.blocks == blocks);
    }
}

TEST_CASE("driver: control from several threads at once") {
    Counter callback;
    Duplex driver;
    REQUIRE(driver.open({.block = 16}, freewheel));
    REQUIRE(driver.set_process_callback(callback));
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                (void)driver.start();
                (void)driver.is_running();
                (void)driver.stats();
                (void)driver.status();
                (void)driver.info();
                (void)driver.stop();
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK_FALSE(driver.is_running());
    REQUIRE(driver.start());
    const std::uint64_t before = callback.blocks;
    CHECK(eventually([&] { return callback.blocks > before; }));
}

TEST_CASE("driver: a callback that does not return makes stop time out, and start refuse until it has") {
    Stuck callback;
    Duplex driver;
    REQUIRE(driver.open({}, freewheel));
    REQUIRE(driver.set_process_callback(callback));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return callback.inside.load(); }));
    const auto begin = std::chrono::steady_clock::now();
    const auto stopped = driver.stop();
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == io::Errc::timed_out);
    CHECK(std::string(stopped.error().text).find("must not block") != std::string::npos);
    check_misuse(driver.start(), "start", "must not block");

    callback.may_return = true;
    io::Result<void> started;
    CHECK(eventually([&] { return (started = driver.start()).has_value(); }));
    CHECK(driver.stop());
}

TEST_CASE("driver: closed while its callback hangs, it gives the engine up and says so") {
    static Stuck callback;                    // as the engine: it must outlive the driver
    static const void* kept_engine = nullptr; // so that a leak checker knows that this is on purpose
    {
        Duplex driver;
        REQUIRE(driver.open({}, freewheel));
        REQUIRE(driver.set_process_callback(callback));
        REQUIRE(driver.start());
        REQUIRE(eventually([&] { return callback.inside.load(); }));
        kept_engine = &driver.engine();
        driver.close();
        check_misuse(driver.open(), "open", "make a new one");
        check_misuse(driver.start(), "start", "open()");
    }
    CHECK(kept_engine != nullptr);
    callback.may_return = true; // the thread comes back to an engine that is still there
}
