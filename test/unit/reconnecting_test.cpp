// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include <rill_io/concepts.hpp>
#include <rill_io/kept.hpp>
#include <rill_io/null.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/reconnecting.hpp>

#include <poll.h>
#include <sched.h>
#include <test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace io = rill::io;
namespace null = rill::io::null;
using Clock = std::chrono::steady_clock;
using Kind = io::StreamEvent::Kind;

namespace {

/// null, with a server that a test may take away.
namespace scripted {

struct World {
    std::atomic<bool> gone{false};
    std::atomic<bool> mute{false}; ///< it accepts, and then no cycle comes
    std::atomic<io::Errc> refusal{io::Errc::no_server};
    std::atomic<std::uint32_t> rate{48000};
    std::atomic<std::uint32_t> quantum{64};
    std::atomic<std::uint32_t> opens{0};
    std::mutex mutex;
    std::vector<Clock::time_point> tries;
    std::string client_name;
    std::string server_name;
    std::atomic<io::Stream*> stream{nullptr};

    void lose(io::Errc code = io::Errc::server_lost) {
        gone = true;
        stream.load()->lost(code, "the scripted server has gone; open again");
    }
};

struct Options {
    World* world = nullptr;
    std::string_view server = {};
};

class Session : public null::Session {
public:
    using Options = scripted::Options;
    io::Result<void> open(const io::StreamConfig& config, const Options& options, io::Stream& stream) {
        world_ = options.world;
        const std::lock_guard lock(world_->mutex);
        world_->tries.push_back(Clock::now());
        world_->client_name = config.client_name;
        world_->server_name = options.server;
        world_->stream = &stream;
        if (world_->gone)
            return io::Error::make(world_->refusal, "scripted", "open", 0,
                                   "the scripted server is not there");
        io::StreamConfig with_rate = config;
        if (with_rate.sample_rate == 0 || with_rate.rate_match == io::Match::exact)
            with_rate.sample_rate = world_->rate;
        ++world_->opens;
        return null::Session::open(with_rate, {.quantum = world_->quantum}, stream);
    }
    template <class Cycle>
    io::Result<void> start(void* engine) {
        return world_->mute ? io::Result<void>() : null::Session::start<Cycle>(engine);
    }

private:
    World* world_ = nullptr;
};

struct Backend {
    static constexpr const char* name = "scripted";
    static constexpr bool drives_itself = true;
    static io::Result<void> available() noexcept { return {}; }
    using Session = scripted::Session;
    using Options = scripted::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

} // namespace scripted

using Duplex = io::ReconnectingDriver<scripted::Backend::Capture, scripted::Backend::Playback>;
static_assert(io::IoDriver<Duplex>);

/// Looks at every tick, and plays what it captures.
class Probe {
public:
    explicit Probe(Duplex& driver) : driver_(driver) {}

    io::Result<void> prepare(const io::StreamInfo&) {
        ++prepared;
        return refuses ? io::Result<void>(
                             io::Error::make(io::Errc::invalid_config, "", "prepare", 0, "not this one"))
                       : io::Result<void>();
    }

    void operator()(const io::ClockTick& tick) noexcept {
        if (inside_.exchange(true))
            out_of_step += 1;
        if (tick.position != position_ || tick.xruns < xruns_)
            out_of_step += 1;
        xruns_ = tick.xruns;
        position_ = tick.position + tick.frames;
        frames = position_;
        lost_frames += tick.lost_frames;
        discontinuities += has(tick.flags, io::TickFlags::discontinuity) ? 1U : 0U;
        clocked += std::string_view(tick.backend) == "clock" ? tick.frames : 0U;
        state += 1;
        for (std::size_t channel = 0; channel < driver_.capture().num_input_channels(); ++channel)
            std::copy_n(driver_.capture().input(channel), tick.frames, driver_.playback().output(channel));
        channels = static_cast<std::uint32_t>(driver_.capture().num_input_channels());
        if (finish_at != 0 && position_ >= finish_at)
            driver_.finish();
        if (stop_within)
            stop_refused = !driver_.stop();
        inside_ = false;
    }

    std::uint32_t prepared = 0;
    bool refuses = false;
    std::atomic<std::uint64_t> frames{0};
    std::atomic<std::uint64_t> out_of_step{0};
    std::atomic<std::uint64_t> lost_frames{0};
    std::atomic<std::uint64_t> discontinuities{0};
    std::atomic<std::uint64_t> clocked{0};
    std::atomic<std::uint64_t> state{0};
    std::atomic<std::uint64_t> finish_at{0};
    std::atomic<std::uint32_t> channels{0};
    std::atomic<bool> stop_within{false};
    std::atomic<bool> stop_refused{false};

private:
    Duplex& driver_;
    std::uint64_t position_ = 0;
    std::uint32_t xruns_ = 0;
    std::atomic<bool> inside_{false};
};

struct Running {
    explicit Running(io::Meanwhile meanwhile = io::Meanwhile::pause, io::StreamConfig config = {}) {
        REQUIRE(driver.open(config, {.world = &world}, {.meanwhile = meanwhile}));
        REQUIRE(driver.set_process_callback(probe));
        REQUIRE(driver.start());
        REQUIRE(plays());
    }
    /// More blocks come.
    [[nodiscard]] bool plays() const {
        return eventually([&, goal = probe.state + 3] { return probe.state >= goal; });
    }
    [[nodiscard]] io::StreamEvent expect(Kind kind) {
        io::StreamEvent event;
        const bool came = eventually([&] {
            while (driver.events().take(event))
                if (event.kind == kind)
                    return true;
            return false;
        });
        INFO(to_string(kind));
        CHECK(came);
        return event;
    }
    void lose_and_return() {
        world.lose();
        (void)expect(Kind::lost);
        world.gone = false;
        (void)expect(Kind::reconnected);
    }

    scripted::World world;
    Duplex driver;
    Probe probe{driver};
};

struct Compiled {
    static constexpr std::size_t block = 64;
    static constexpr std::size_t num_inputs = 3;
    static constexpr std::size_t num_outputs = 5;
    static constexpr bool fills_playback = true;
    void operator()(const io::ClockTick&) noexcept {}
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

} // namespace

TEST_CASE("reconnecting: over losses the graph keeps its state, and positions go on") {
    Running running;
    const auto begin = Clock::now();
    constexpr int times = 10;
    std::uint64_t told_frames = 0;
    for (int i = 0; i < times; ++i) {
        running.world.lose();
        const io::StreamEvent lost = running.expect(Kind::lost);
        CHECK(lost.error.code == io::Errc::server_lost);
        CHECK(std::string_view(lost.error.text).find("scripted server has gone") != std::string_view::npos);
        CHECK(running.driver.is_running());
        running.world.gone = false;
        const io::StreamEvent back = running.expect(Kind::reconnected);
        CHECK(back.position >= lost.position);
        told_frames += back.frames;
        REQUIRE(running.plays());
        CHECK(running.driver.is_connected());
    }
    CHECK(running.driver.stop());
    const double seconds = seconds_since(begin);
    const io::StreamStats stats = running.driver.stats();
    CHECK(running.probe.out_of_step == 0);
    CHECK(running.probe.discontinuities >= times);
    CHECK(running.probe.clocked == 0);
    CHECK(running.probe.frames == stats.frames);
    CHECK(running.probe.prepared == 1);
    CHECK(running.world.opens == times + 1);
    // All of the time is either processed or told to be lost.
    // (An xrun in the very last cycle of a stream is counted, but has no block to be told by.)
    CHECK(running.probe.lost_frames >= told_frames);
    CHECK(running.probe.lost_frames <= stats.lost_frames);
    CHECK(static_cast<double>(stats.frames + stats.lost_frames) / 48000 == Approx(seconds).margin(0.1));
}

TEST_CASE("reconnecting: by the system's clock the graph's time goes on") {
    Running running(io::Meanwhile::clock);
    const auto begin = Clock::now();
    const std::uint64_t from = running.probe.frames;
    running.world.lose();
    (void)running.expect(Kind::lost);
    REQUIRE(eventually([&] { return running.probe.clocked >= 24000; }));
    CHECK(running.probe.channels == 2);
    CHECK_FALSE(running.driver.is_connected());
    CHECK(running.driver.stats().frames >= from + 24000);
    running.world.gone = false;
    const io::StreamEvent back = running.expect(Kind::reconnected);
    CHECK(back.frames >= running.probe.clocked);
    CHECK(back.frames <= running.probe.clocked + running.probe.lost_frames + 64);
    REQUIRE(running.plays());
    CHECK(running.driver.stop());
    CHECK(running.probe.out_of_step == 0);
    CHECK(running.probe.discontinuities >= 2); // into the outage and out of it
    CHECK(running.probe.frames == running.driver.stats().frames);
    CHECK(static_cast<double>(running.probe.frames - from + running.probe.lost_frames) / 48000 ==
          Approx(seconds_since(begin)).margin(0.1));
    CHECK(running.driver.stats().lost_frames >= back.frames);
}

TEST_CASE("reconnecting: it tries at once, and then less and less often") {
    Running running;
    running.world.lose();
    REQUIRE(eventually([&] {
        const std::lock_guard lock(running.world.mutex);
        return running.world.tries.size() >= 6; // the first open(), and five in vain
    }));
    CHECK(running.driver.stop());
    std::vector<double> pauses;
    for (std::size_t i = 2; i < 6; ++i)
        pauses.push_back(
            std::chrono::duration<double>(running.world.tries[i] - running.world.tries[i - 1]).count());
    const std::array<double, 4> least{0.05, 0.1, 0.2, 0.4};
    for (std::size_t i = 0; i < pauses.size(); ++i) {
        CHECK(pauses[i] >= least[i]);
        CHECK(pauses[i] < least[i] + 0.1);
    }
}

TEST_CASE("reconnecting: text is its own") {
    scripted::World world;
    Duplex driver;
    Probe probe(driver);
    {
        std::string client = "a name that is longer than any small string";
        std::string server = "a server's name that is longer than any small string";
        REQUIRE(driver.open({.client_name = client}, {.world = &world, .server = server}));
        client.assign(client.size(), 'x');
        server.assign(server.size(), 'x');
    }
    REQUIRE(driver.set_process_callback(probe));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return probe.state > 0; }));
    world.lose();
    world.gone = false;
    REQUIRE(eventually([&] { return world.opens == 2; }));
    CHECK(driver.stop());
    CHECK(world.client_name == "a name that is longer than any small string");
    CHECK(world.server_name == "a server's name that is longer than any small string");
}

TEST_CASE("kept: what a configuration borrows is copied, however deep") {
    struct Inner {
        std::string_view text;
        std::array<int, 3> numbers{};
    };
    struct Outer {
        int number = 0;
        Inner inner{};
        std::span<const null::Fault> faults{};
        std::span<float> samples{};
        const int* pointer = nullptr;
    };
    std::string text = "borrowed";
    std::vector<null::Fault> faults{{null::Fault::Kind::xrun, 100, 7}, {null::Fault::Kind::quantum, 200, 8}};
    std::array<float, 2> samples{};
    const int pointee = 1;
    io::Kept<Outer> kept;
    kept.keep({1, {text, {1, 2, 3}}, faults, samples, &pointee});
    text.assign(text.size(), '-');
    faults.assign(2, {});
    CHECK(kept.value().number == 1);
    CHECK(kept.value().inner.text == "borrowed");
    CHECK(kept.value().inner.numbers[2] == 3);
    REQUIRE(kept.value().faults.size() == 2);
    CHECK(kept.value().faults[1].frame == 200);
    CHECK(kept.value().samples.data() == samples.data());
    CHECK(kept.value().pointer == &pointee);
    kept.keep({});
    CHECK(kept.value().inner.text.empty());
    STATIC_REQUIRE(io::detail::count_members<io::StreamConfig>() == 14);
}

TEST_CASE("reconnecting: another rate or quantum is prepared for, and told") {
    Running running;
    running.lose_and_return();
    CHECK(running.probe.prepared == 1);
    running.world.rate = 44100;
    running.lose_and_return();
    CHECK(running.expect(Kind::rate_changed).sample_rate == 44100);
    CHECK(running.probe.prepared == 2);
    running.world.quantum = 256;
    running.lose_and_return();
    CHECK(running.expect(Kind::quantum_changed).quantum == 256);
    CHECK(running.probe.prepared == 3);
    CHECK(running.driver.info().sample_rate == 44100);
    CHECK(running.driver.stop());
    CHECK(running.probe.out_of_step == 0);
}

TEST_CASE("reconnecting: xruns are told once each, and counted over losses") {
    Running running;
    (void)eventually([&] { return running.driver.stats().frames > 2000; }); // it has been looked at
    running.world.stream.load()->report_xrun(100);
    CHECK(running.expect(Kind::xrun).frames >= 100);
    running.lose_and_return();
    const std::uint64_t xruns = running.driver.stats().xruns;
    CHECK(xruns >= 1);
    running.world.stream.load()->report_xrun(7);
    const io::StreamEvent second = running.expect(Kind::xrun);
    CHECK(second.count >= 1);
    CHECK(second.frames >= 7);
    CHECK(second.frames < 1'000'000);
    CHECK(running.driver.stats().xruns >= xruns + 1);
    REQUIRE(running.plays());
    CHECK(running.driver.stop());
    CHECK(running.probe.out_of_step == 0); // nor did a tick's xruns begin anew
}

TEST_CASE("reconnecting: what can't come back ends run() with the reason") {
    const auto ending = [](const io::StreamConfig& config, const auto& change) {
        scripted::World world;
        Duplex driver;
        Probe probe(driver);
        REQUIRE(driver.open(config, {.world = &world}));
        REQUIRE(driver.set_process_callback(probe));
        std::jthread helper([&] {
            (void)eventually([&] { return probe.state > 0; });
            change(world, probe);
        });
        const auto ended = driver.run();
        helper.join();
        REQUIRE_FALSE(ended);
        CHECK_FALSE(driver.status());
        CHECK_FALSE(driver.is_running());
        const auto again = driver.start();
        REQUIRE_FALSE(again);
        CHECK(again.error().code == io::Errc::invalid_state);
        driver.close();
        world.gone = false;
        world.rate = 48000;
        probe.refuses = false;
        REQUIRE(driver.open(config, {.world = &world}));
        CHECK(driver.status());
        return ended.error().code;
    };
    CHECK(ending({.sample_rate = 48000}, [](scripted::World& world, Probe&) {
              world.rate = 44100;
              world.lose();
              world.gone = false;
          }) == io::Errc::unsupported_rate);
    CHECK(ending({}, [](scripted::World& world, Probe&) {
              world.refusal = io::Errc::permission_denied;
              world.lose();
          }) == io::Errc::permission_denied);
    CHECK(ending({}, [](scripted::World& world, Probe& probe) {
              probe.refuses = true;
              world.rate = 44100;
              world.lose();
              world.gone = false;
          }) == io::Errc::invalid_config);
    // Nor is a file written anew because a disk was full.
    CHECK(ending({}, [](scripted::World& world, Probe&) { world.lose(io::Errc::io_failure); }) ==
          io::Errc::io_failure);
}

TEST_CASE("reconnecting: it stops in bounded time, also while there is no server") {
    const auto meanwhile = GENERATE(io::Meanwhile::pause, io::Meanwhile::clock);
    std::optional<Running> running(std::in_place, meanwhile);
    running->world.lose();
    REQUIRE(eventually([&] {
        const std::lock_guard lock(running->world.mutex);
        return running->world.tries.size() >= 5; // the pauses are long by now
    }));
    auto begin = Clock::now();
    SECTION("stop()") {
        CHECK(running->driver.stop());
        CHECK(seconds_since(begin) < 0.1);
        CHECK_FALSE(running->driver.is_running());
        const std::uint64_t state = running->probe.state;
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        CHECK(running->probe.state == state);
        CHECK(running->driver.stats().lost_frames > 10'000); // 350 ms at the least
        CHECK_FALSE(running->driver.start());
        running->world.gone = false;
        REQUIRE(running->driver.start());
        CHECK(running->plays());
        CHECK(running->driver.stats().lost_frames < 10'000);
    }
    SECTION("the destructor") {
        running.reset();
        CHECK(seconds_since(begin) < 0.1);
    }
}

TEST_CASE("reconnecting: run() ends when it is asked to") {
    scripted::World world;
    Duplex driver;
    Probe probe(driver);
    REQUIRE(driver.open({}, {.world = &world}, {.meanwhile = io::Meanwhile::clock}));
    REQUIRE(driver.set_process_callback(probe));
    std::stop_source source;
    SECTION("by its token, in an outage") {
        std::jthread helper([&] {
            (void)eventually([&] { return probe.state > 0; });
            world.lose();
            (void)eventually([&] { return probe.clocked > 1000; });
            source.request_stop();
        });
        CHECK(driver.run(source.get_token()));
        CHECK(probe.clocked > 1000);
    }
    SECTION("by stop()") {
        std::jthread helper([&] {
            (void)eventually([&] { return probe.state > 0; });
            (void)driver.stop();
        });
        CHECK(driver.run(source.get_token()));
    }
    SECTION("by the graph") {
        probe.finish_at = 2000;
        CHECK(driver.run(source.get_token()));
        CHECK(probe.frames >= 2000);
    }
    SECTION("by the graph, in an outage") {
        std::jthread helper([&] {
            (void)eventually([&] { return probe.state > 0; });
            world.lose();
            (void)eventually([&] { return probe.clocked > 0; });
            probe.finish_at = 1;
        });
        CHECK(driver.run(source.get_token()));
    }
    CHECK(driver.status());
    CHECK_FALSE(driver.is_running());
}

TEST_CASE("reconnecting: a server that accepts and never calls is lost too") {
    Running running(io::Meanwhile::pause, {.liveness_timeout_ms = 200});
    running.world.mute = true;
    const auto begin = Clock::now();
    running.world.lose();
    (void)running.expect(Kind::lost);
    REQUIRE(eventually([&] {
        const std::lock_guard lock(running.world.mutex);
        return running.world.tries.size() >= 5;
    }));
    running.world.gone = false;
    CHECK(running.expect(Kind::lost).error.code == io::Errc::timed_out);
    running.world.mute = false;
    const io::StreamEvent back = running.expect(Kind::reconnected); // all of it is one outage
    CHECK(static_cast<double>(back.frames) / 48000 == Approx(seconds_since(begin)).margin(0.1));
    CHECK(running.driver.stop());
    CHECK(running.probe.lost_frames >= back.frames);
    CHECK(running.probe.lost_frames <= running.driver.stats().lost_frames);
    CHECK(running.probe.out_of_step == 0);
}

TEST_CASE("reconnecting: neither the graph nor an event may stop it") {
    scripted::World world;
    Duplex driver;
    Probe probe(driver);
    struct Told {
        Duplex& driver;
        std::atomic<int> refused{0};
        std::atomic<int> events{0};
    } told{driver};
    const auto on_event = [](void* context, const io::StreamEvent&) {
        auto& it = *static_cast<Told*>(context);
        const auto stopped = it.driver.stop();
        it.refused += !stopped && stopped.error().code == io::Errc::invalid_state ? 1 : 0;
        it.events += 1;
    };
    REQUIRE(driver.open({}, {.world = &world},
                        {.meanwhile = io::Meanwhile::clock, .on_event = on_event, .context = &told}));
    REQUIRE(driver.set_process_callback(probe));
    REQUIRE(driver.start());
    probe.stop_within = true;
    REQUIRE(eventually([&] { return probe.stop_refused.load(); }));
    probe.stop_refused = false;
    world.lose();
    REQUIRE(eventually([&] { return probe.clocked > 0 && told.events > 0; }));
    REQUIRE(eventually([&] { return probe.stop_refused.load(); }));
    CHECK(driver.stop());
    CHECK(told.refused == told.events);
}

TEST_CASE("reconnecting: the cycle thread's lost priority is told") {
    Running running(io::Meanwhile::pause, {.realtime_priority = 10});
    if (running.driver.info().scheduling != io::Scheduling::fifo) { // not permitted here: that is told, too
        (void)running.expect(Kind::scheduling_degraded);
        return;
    }
    (void)eventually([&] { return running.driver.is_connected(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // it has been looked at
    const sched_param ordinary{};
    REQUIRE(::sched_setscheduler(running.world.stream.load()->cycle_thread(), SCHED_OTHER, &ordinary) == 0);
    (void)running.expect(Kind::scheduling_degraded);
}

TEST_CASE("reconnecting: events are readable as a descriptor, and a full queue counts") {
    io::StreamEvents events;
    pollfd descriptor{events.fd(), POLLIN, 0};
    CHECK(::poll(&descriptor, 1, 0) == 0);
    for (std::uint64_t i = 0; i < 70; ++i)
        events.push({.position = i});
    CHECK(::poll(&descriptor, 1, 0) == 1);
    CHECK(events.wait(0));
    CHECK(::poll(&descriptor, 1, 0) == 0);
    CHECK(events.dropped() == 6);
    io::StreamEvent event;
    for (std::uint64_t i = 0; i < 64; ++i) {
        REQUIRE(events.take(event));
        CHECK(event.position == i);
    }
    CHECK_FALSE(events.take(event));
}

TEST_CASE("reconnecting: what the callback's type says is passed on") {
    using Traits = io::CallbackTraits<io::Continued<io::Driver<null::Capture, null::Playback>, Compiled>>;
    STATIC_REQUIRE(Traits::block() == 64);
    STATIC_REQUIRE(Traits::num_inputs() == 3);
    STATIC_REQUIRE(Traits::num_outputs() == 5);
    STATIC_REQUIRE(Traits::fills_playback());
}
