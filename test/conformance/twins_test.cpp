// SPDX-License-Identifier: MIT

// Does the suite see what it is there to see? Each property's check against something that lacks the
// property.

#include "probes.hpp"
#include "ready.hpp"
#include "resources.hpp"
#include "show.hpp"
#include "signal.hpp"
#include <rill_io/concepts.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

namespace conformance {
namespace {

/// A backend whose server does not care: it calls on until close(), stopped or not.
class StubbornSession {
public:
    struct Options {};

    io::Result<void> open(const io::StreamConfig& config, const Options&, io::Stream& stream) {
        stream.negotiated.sample_rate = 48000;
        stream.negotiated.quantum = frames;
        stream.negotiated.output_channels = config.output_channels;
        return {};
    }
    template <class Cycle>
    io::Result<void> start(void* engine) {
        if (server_.joinable())
            return {};
        server_ = std::jthread([this, engine](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                Cycle::run(engine, frames);
                ++cycles_;
                std::this_thread::yield();
            }
        });
        return {};
    }
    io::Result<void> stop() { return {}; }
    bool close() {
        server_ = {};
        return true;
    }
    template <std::size_t, std::size_t>
    void fetch(io::CaptureWindow&, io::PlaybackWindow& playback, std::uint32_t) noexcept {
        for (std::size_t channel = 0; channel < playback.num_output_channels(); ++channel)
            playback.set_output(channel, samples_.data());
    }
    bool fetch_checked(io::CaptureWindow& capture, io::PlaybackWindow& playback, std::uint32_t) noexcept {
        fetch<io::dynamic_extent, io::dynamic_extent>(capture, playback, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return true; }
    static constexpr io::TickSource tick_source{};
    [[nodiscard]] std::uint64_t cycles() const noexcept { return cycles_.load(); }

private:
    static constexpr std::uint32_t frames = 64;
    std::array<float, frames> samples_{};
    std::atomic<std::uint64_t> cycles_{0};
    std::jthread server_;
};

struct StubbornBackend {
    static constexpr const char* name = "stubborn";
    static constexpr bool drives_itself = true;
    static io::Result<void> available() noexcept { return {}; }
    using Session = StubbornSession;
    using Options = Session::Options;
    using Capture = io::Capture<StubbornBackend>;
    using Playback = io::Playback<StubbornBackend>;
};

/// A driver without a gate, on the same kind of server.
template <class F>
class UngatedDriver {
public:
    explicit UngatedDriver(F& callback)
        : server_([&callback](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  callback(io::ClockTick{});
                  std::this_thread::yield();
              }
          }) {}
    void stop() noexcept {}

private:
    std::jthread server_;
};

constexpr std::uint32_t channels = 3;

std::vector<float> recorded(std::uint32_t channel, std::size_t latency, std::size_t frames) {
    std::vector<float> samples(latency);
    for (std::uint64_t frame = 0; samples.size() < frames; ++frame)
        samples.push_back(signal(channel, frame));
    return samples;
}

} // namespace
} // namespace conformance

using namespace conformance;

TEST_CASE("a call after stop() is seen, and the gate lets none through") {
    Counter counter;
    SECTION("a driver that does not wait is caught") {
        UngatedDriver driver(counter);
        CHECK(calls_after([&] { driver.stop(); }, counter) > 0);
    }
    SECTION("a server that calls on does not reach the callback") {
        io::Driver<io::NoCapture, StubbornBackend::Playback> driver;
        REQUIRE(driver.open());
        REQUIRE(driver.set_process_callback(counter));
        for (int round = 0; round < 3; ++round) {
            REQUIRE(driver.start());
            REQUIRE(eventually([&, goal = counter.calls() + 3] { return counter.calls() >= goal; }));
            const std::uint64_t before = driver.session().cycles();
            CHECK(calls_after([&] { CHECK(driver.stop()); }, counter) == 0);
            CHECK(driver.session().cycles() > before);
        }
    }
}

TEST_CASE("a damaged signal is seen") {
    std::vector<float> samples = recorded(1, 100, 4000);
    Passage passage = follow_signal(samples, channels, 10);
    REQUIRE(passage.found);
    CHECK(passage.channel == 1);
    CHECK(passage.frame == 0);
    CHECK(passage.first == 100);
    CHECK(passage.breaks == 0);
    CHECK(passage.exact == 3900);

    SECTION("a lost frame") {
        samples.erase(samples.begin() + 1000);
        passage = follow_signal(samples, channels, 10);
        CHECK(passage.breaks == 1);
        CHECK(passage.break_sample == 1000);
        CHECK(passage.jump == 1);
    }
    SECTION("a repeated quantum") {
        samples.insert(samples.begin() + 1000, samples.begin() + 744, samples.begin() + 1000);
        passage = follow_signal(samples, channels, 10);
        CHECK(passage.breaks == 1);
        CHECK(passage.jump == -256);
    }
    SECTION("two frames in the wrong order") {
        std::swap(samples[1000], samples[1001]);
        CHECK(follow_signal(samples, channels, 10).breaks != 0);
    }
    SECTION("one sample that differs in its last bit") {
        samples[1000] += 0x1p-23F;
        CHECK(follow_signal(samples, channels, 10).breaks != 0);
    }
    SECTION("inserted silence is counted") {
        samples.insert(samples.begin() + 1000, 7, 0.0F);
        passage = follow_signal(samples, channels, 10);
        CHECK(passage.breaks == 0);
        CHECK(passage.silent == 107);
    }
    SECTION("another channel") {
        const std::vector<float> other = recorded(2, 100, 4000);
        CHECK(follow_signal(other, channels, 10).channel == 2);
        samples.resize(2000);
        samples.insert(samples.end(), other.begin() + 2000, other.end());
        passage = follow_signal(samples, channels, 10);
        CHECK(passage.breaks == 1);
        CHECK(passage.jump == 0);
    }
    SECTION("no signal at all") {
        CHECK_FALSE(follow_signal(std::vector<float>(4000), channels, 10).found);
        CHECK_FALSE(follow_signal(std::vector<float>(4000, 0.25F), channels, 10).found);
        CHECK_FALSE(follow_signal({}, channels, 10).found);
    }
}

TEST_CASE("a leak is seen") {
    const Resources before = Resources::now();
    SECTION("a descriptor") {
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
        CHECK(Resources::now().descriptors == before.descriptors + 1);
    }
    SECTION("a thread") {
        const std::jthread thread([](const std::stop_token& stop) {
            while (!stop.stop_requested())
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
        });
        CHECK(Resources::now().threads == before.threads + 1);
    }
    if (memory_tells)
        SECTION("memory") {
            constexpr std::size_t bytes = 16 * 1024 * 1024;
            const std::vector<char> memory(bytes, 1);
            CHECK(Resources::now().resident_bytes >= before.resident_bytes + bytes / 2);
        }
}

TEST_CASE("a thread that spins is seen") {
    const double before = cpu_seconds();
    const std::jthread spinning([](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
        }
    });
    CHECK(eventually([&] { return cpu_seconds() - before > 0.1; }));
}

TEST_CASE("callbacks that overlap are seen") {
    Counter counter;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 2; ++i)
            threads.emplace_back([&](const std::stop_token& stop) {
                while (!stop.stop_requested() && counter.overlaps() == 0)
                    counter(io::ClockTick{});
            });
        CHECK(eventually([&] { return counter.overlaps() != 0; }));
    }
}
