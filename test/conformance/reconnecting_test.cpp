// SPDX-License-Identifier: MIT
//
// A stream that outlives its server: real ones, killed and started again under it.

#include "eventually.hpp"
#include "jack_server.hpp"
#include "pipewire_server.hpp"
#include "resources.hpp"
#include "show.hpp"
#include <rill_io/device_monitor.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/pipewire.hpp>
#include <rill_io/reconnecting.hpp>

#include <test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string_view>

namespace io = rill::io;
using Clock = std::chrono::steady_clock;
using Kind = io::StreamEvent::Kind;

namespace {

constexpr std::uint32_t quantum = 1024;

/// Plays a constant and listens for it: heard only while its output is connected to its input.
template <class Driver>
class Listener {
public:
    explicit Listener(Driver& driver) : driver_(driver) {}
    void operator()(const io::ClockTick& tick) noexcept {
        out_of_step += tick.position != position_ ? 1U : 0U;
        position_ = tick.position + tick.frames;
        frames = position_;
        lost_frames += tick.lost_frames;
        discontinuities += has(tick.flags, io::TickFlags::discontinuity) ? 1U : 0U;
        clocked += std::string_view(tick.backend) == "clock" ? tick.frames : 0U;
        if (driver_.capture().input(0)[tick.frames - 1] == sample)
            heard += 1;
        std::fill_n(driver_.playback().output(0), tick.frames, sample);
    }

    std::atomic<std::uint64_t> frames{0};
    std::atomic<std::uint64_t> out_of_step{0};
    std::atomic<std::uint64_t> lost_frames{0};
    std::atomic<std::uint64_t> discontinuities{0};
    std::atomic<std::uint64_t> clocked{0};
    std::atomic<std::uint64_t> heard{0};

private:
    static constexpr float sample = 0.5F;
    Driver& driver_;
    std::uint64_t position_ = 0;
};

template <class Driver>
io::StreamEvent expect(Driver& driver, Kind kind) {
    io::StreamEvent event;
    INFO(to_string(kind));
    REQUIRE(eventually([&] {
        while (driver.events().take(event))
            if (event.kind == kind)
                return true;
        return false;
    }));
    return event;
}

template <class Backend, class Server>
void kill_and_restart(Server& server, const typename Backend::Options& options, io::Meanwhile meanwhile) {
    using Driver = io::ReconnectingDriver<typename Backend::Capture, typename Backend::Playback>;
    constexpr int warm_up = 4; // until all caches are warm
    constexpr int times = 20;
    Driver driver;
    Listener<Driver> listener(driver);
    REQUIRE(driver.open({.client_name = "outlives",
                         .input_channels = 1,
                         .output_channels = 1,
                         .autoconnect = io::Autoconnect::loopback},
                        options, {.meanwhile = meanwhile}));
    REQUIRE(driver.set_process_callback(listener));
    REQUIRE(driver.start());
    const auto is_heard = [&] {
        return eventually([&, goal = listener.heard + 2] { return listener.heard >= goal; });
    };
    REQUIRE(is_heard());

    conformance::Resources before;
    std::chrono::duration<double> longest{};
    std::uint64_t outage_frames = 0;
    for (int i = 0; i < warm_up + times; ++i) {
        INFO("kill " << i);
        if (i == warm_up)
            before = conformance::Resources::now();
        server.kill(SIGKILL);
        CHECK(expect(driver, Kind::lost).error.code == io::Errc::server_lost);
        server.start();
        const auto ready = Clock::now();
        outage_frames += expect(driver, Kind::reconnected).frames;
        longest = std::max(longest, std::chrono::duration<double>(Clock::now() - ready));
        REQUIRE(is_heard()); // with its connection
    }
    CHECK(eventually([&] { return conformance::Resources::now().threads <= before.threads; }));
    const conformance::Resources after = conformance::Resources::now();
    INFO("before: " << before);
    INFO("after:  " << after);
    CHECK(longest.count() < 2.0);
    CHECK(after.descriptors <= before.descriptors);
    CHECK(after.threads <= before.threads);
    if (conformance::memory_tells) {
        CHECK(after.mappings <= before.mappings + 4);
        CHECK(after.heap_bytes <= before.heap_bytes + 64 * 1024);
        CHECK(after.resident_bytes <= before.resident_bytes + 8 * 1024 * 1024);
    }
    WARN(Backend::name << ": back " << longest.count() << " s after the server was ready, at the latest");
    CHECK(driver.stop());
    CHECK(listener.out_of_step == 0);
    CHECK(listener.discontinuities >= warm_up + times);
    CHECK(listener.frames == driver.stats().frames);
    CHECK(driver.stats().lost_frames >= outage_frames);
    if (meanwhile == io::Meanwhile::pause)
        CHECK(listener.lost_frames >= outage_frames);
    else
        CHECK(listener.clocked + listener.lost_frames + times * quantum >= outage_frames);
}

/// A monitor whose server goes away says so until it is opened again.
template <class Backend, class Server>
void monitor_again(Server& server, const typename Backend::Options& options) {
    io::DeviceMonitor<Backend> monitor;
    REQUIRE(monitor.open(options));
    for (int i = 0; i < 3; ++i) {
        INFO("kill " << i);
        CHECK_FALSE(monitor.devices().empty());
        server.kill(SIGKILL);
        const auto is_lost = [&] {
            const auto events = monitor.wait(100);
            return !events && events.error().code == io::Errc::server_lost;
        };
        CHECK(eventually(is_lost));
        if (i == 1) {
            CHECK_FALSE(monitor.open(options)); // it is not back yet
            CHECK(is_lost());
        }
        server.start();
        REQUIRE(monitor.open(options));
    }
    CHECK(monitor.wait(0));
}

} // namespace

TEST_CASE("device monitor: opened again when jackd has come back", "[jack]") {
    conformance::JackServer server(quantum);
    monitor_again<io::JackBackend>(server, {.server = server.name()});
}

TEST_CASE("device monitor: opened again when pipewire has come back", "[pipewire]") {
    conformance::PipewireServer server(quantum);
    monitor_again<io::PipewireBackend>(server, {});
}

TEST_CASE("reconnecting: jackd killed and started again twenty times", "[jack]") {
    conformance::JackServer server(quantum);
    kill_and_restart<io::JackBackend>(server, {.server = server.name()}, io::Meanwhile::pause);
}

TEST_CASE("reconnecting: pipewire killed and started again twenty times", "[pipewire]") {
    conformance::PipewireServer server(quantum);
    kill_and_restart<io::PipewireBackend>(server, {}, io::Meanwhile::clock);
}

TEST_CASE("reconnecting: another default device is told, also one that came meanwhile", "[pipewire]") {
    conformance::PipewireServer server(quantum);
    io::ReconnectingDriver<io::pipewire::Capture, io::pipewire::Playback> driver;
    Listener listener(driver);
    REQUIRE(driver.open({.client_name = "watches",
                         .input_channels = 1,
                         .output_channels = 1,
                         .autoconnect = io::Autoconnect::loopback},
                        {}, {.watch_defaults = true}));
    REQUIRE(driver.set_process_callback(listener));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return listener.heard > 0; }));
    REQUIRE(conformance::add_sink("louder", 5000));
    CHECK(std::string_view(expect(driver, Kind::default_playback_changed).device) == "louder");
    server.kill(SIGKILL); // and the sink with it
    (void)expect(driver, Kind::lost);
    server.start();
    (void)expect(driver, Kind::reconnected);
    CHECK(std::string_view(expect(driver, Kind::default_playback_changed).device) != "louder");
    CHECK(driver.stop());
}
