// SPDX-License-Identifier: MIT

// What only JACK has: xruns of a server, freewheeling, a rate that is the server's.

#include "attempts.hpp"
#include "eventually.hpp"
#include "jack_rig.hpp"
#include "probes.hpp"
#include "show.hpp"
#include "signal.hpp"
#include <rill_io/jack.hpp>

#include <jack/jack.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace conformance {
namespace {

using Driver = DriverOf<JackRig>;

/// Keeps the beginning of each block and what its tick told, and sleeps when told to.
class Diary {
public:
    struct Entry {
        std::uint64_t lost_frames = 0;
        std::uint32_t frames = 0;
        bool discontinuity = false;
        std::uint64_t signal_frame = 0; ///< filled in later
        std::array<float, detail::fingerprint> samples{};
    };

    Diary(Driver& driver, const JackSender& sender) : driver_(driver), sender_(sender), entries_(4096) {}
    void operator()(const io::ClockTick& tick) noexcept {
        const std::size_t number = calls_.load();
        if (number < entries_.size()) {
            Entry& entry = entries_[number];
            entry.lost_frames = tick.lost_frames;
            entry.frames = tick.frames;
            entry.discontinuity = has(tick.flags, io::TickFlags::discontinuity);
            std::copy_n(driver_.capture().input(0), entry.samples.size(), entry.samples.begin());
            out_of_step_ +=
                jack_last_frame_time(driver_.session().client()) != sender_.latest_cycle() ? 1 : 0;
            calls_.store(number + 1);
        }
        if (const int nap_ms = nap_ms_.exchange(0); nap_ms != 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(nap_ms));
    }
    void sleep_ms(int duration) noexcept { nap_ms_.store(duration); }
    [[nodiscard]] std::size_t calls() const noexcept { return calls_.load(); }
    /// Cycles in which the sender was not in the same one: a disturbance of the machine's.
    [[nodiscard]] std::uint64_t out_of_step() const noexcept { return out_of_step_; }
    /// After stop(): the frames that all ticks said were lost.
    [[nodiscard]] std::uint64_t told() const {
        std::uint64_t frames = 0;
        for (std::size_t i = 0; i < calls_; ++i)
            frames += entries_[i].lost_frames;
        return frames;
    }
    /// After stop(): the blocks in which there is a signal, each with the signal's frame at its beginning.
    [[nodiscard]] std::vector<Entry> with_signal() const {
        std::vector<Entry> found;
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < calls_; ++i) {
            Entry entry = entries_[i];
            if (entry.samples[0] == 0.0F)
                continue;
            std::uint64_t frame = expected < 65'536 ? 0 : expected - 65'536;
            while (frame < expected + 1'000'000 && !detail::begins_with(entry.samples, 0, frame))
                ++frame;
            entry.signal_frame = frame;
            expected = frame + entry.frames;
            found.push_back(entry);
        }
        return found;
    }

private:
    Driver& driver_;
    const JackSender& sender_;
    std::uint64_t out_of_step_ = 0;
    std::vector<Entry> entries_;
    std::atomic<std::size_t> calls_{0};
    std::atomic<int> nap_ms_{0};
};

} // namespace
} // namespace conformance

using namespace conformance;

namespace {

/// Sleeps in the callback, and compares what ticks say is lost with what is missing of a signal that goes by
/// the server's frame counter. Returns the cycles in which the sender itself was disturbed.
std::uint64_t lose_frames_once() {
    const JackServer server(256);
    Driver driver;
    REQUIRE(driver.open({.client_name = "ours",
                         .input_channels = 1,
                         .output_channels = 1,
                         .autoconnect = io::Autoconnect::off},
                        {.server = server.name()}));
    JackSender sender(server.name(), 1, "sender", JackSender::Count::server);
    Diary diary(driver, sender);
    REQUIRE(driver.set_process_callback(diary));
    REQUIRE(driver.start());
    REQUIRE(jack_connect(sender.client(), sender.port_name(0).c_str(), "ours:in_1") == 0);
    REQUIRE(eventually([&, goal = diary.calls() + 4] { return diary.calls() >= goal; }));
    sender.send();
    for (const int nap_ms : {20, 60, 9, 35}) { // of 5.3 ms that a cycle lasts
        REQUIRE(eventually([&, goal = diary.calls() + 8] { return diary.calls() >= goal; }));
        const std::uint64_t xruns = driver.stats().xruns;
        diary.sleep_ms(nap_ms);
        REQUIRE(eventually([&] { return driver.stats().xruns > xruns; }));
    }
    REQUIRE(eventually([&, goal = diary.calls() + 8] { return diary.calls() >= goal; }));
    REQUIRE(driver.stop());
    if (diary.out_of_step() != 0 && !virtual_time())
        return diary.out_of_step();

    const std::vector<Diary::Entry> blocks = diary.with_signal();
    REQUIRE(blocks.size() > 30);
    std::uint64_t missing = 0;
    std::uint64_t told = 0;
    std::size_t gaps = 0;
    std::size_t blocks_late =
        0; // the server tells of an xrun on another thread: it may come behind the next block
    for (std::size_t i = 1; i < blocks.size(); ++i) {
        const std::uint64_t gap =
            blocks[i].signal_frame - (blocks[i - 1].signal_frame + blocks[i - 1].frames);
        missing += gap;
        told += blocks[i].lost_frames;
        gaps += gap != 0 ? 1U : 0U;
        blocks_late += told != missing ? 1U : 0U;
        INFO("block " << i << " of " << blocks.size() << ": missing " << gap << ", told "
                      << blocks[i].lost_frames);
        CHECK(told <= missing);
        CHECK((blocks[i].lost_frames == 0 || blocks[i].discontinuity));
    }
    CHECK(told == missing);
    CHECK(driver.stats().lost_frames == diary.told());
    CHECK(gaps >= 3); // nine milliseconds may go unnoticed
    CHECK(missing >=
          256 * ((20 + 60 + 35) / 6 - 3 * 2)); // a cycle is caught up with, another one was running
    CHECK(blocks_late <= 2 * gaps);
    std::printf("jack: %llu xruns, %zu gaps, %llu frames lost and told, %zu blocks late in all\n",
                static_cast<unsigned long long>(driver.stats().xruns), gaps,
                static_cast<unsigned long long>(missing), blocks_late);
    return 0;
}

} // namespace

TEST_CASE("an xrun is counted, and what it lost is told", "[jack][exact]") {
    until_undisturbed("losing frames", lose_frames_once);
}

TEST_CASE("freewheeling is told, exact, and not mistaken for anything else", "[jack][exact]") {
    const Setting setting{.wiring = Wiring::loop};
    JackRig rig(setting);
    Driver driver;
    io::StreamConfig config = rig.config();
    config.liveness_timeout_ms = 300;
    REQUIRE(driver.open(config, rig.options()));
    struct Watch : LoopProbe<Driver> {
        using LoopProbe::LoopProbe;
        void operator()(const io::ClockTick& tick) noexcept {
            freewheeling.store(has(tick.flags, io::TickFlags::freewheeling));
            LoopProbe::operator()(tick);
        }
        std::atomic<bool> freewheeling{false};
    } probe(driver, 2, 48'000 * 4);
    REQUIRE(driver.set_process_callback(probe));
    REQUIRE(driver.start());
    CHECK_FALSE(driver.info().freewheeling);

    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(jack_set_freewheel(driver.session().client(), 1) == 0);
    REQUIRE(eventually([&] { return probe.freewheeling.load(); }));
    CHECK(driver.info().freewheeling);
    const std::uint64_t xruns = driver.stats().xruns;
    probe.listen();
    REQUIRE(eventually([&] { return probe.complete(); }));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(4)); // of sound, in less
    CHECK(driver.stats().xruns == xruns);
    REQUIRE(jack_set_freewheel(driver.session().client(), 0) == 0);
    REQUIRE(eventually([&] { return !probe.freewheeling.load(); }));
    CHECK_FALSE(driver.info().freewheeling);
    CHECK(driver.is_running());
    REQUIRE(driver.stop());
    for (const std::uint32_t channel : {0U, 1U}) {
        const Passage passage = follow_signal(probe.recording(channel), 2, probe.position() + 48'000 * 4);
        INFO(passage);
        REQUIRE(passage.found);
        CHECK(passage.channel == channel);
        CHECK(passage.breaks == 0);
        CHECK(passage.silent == 0);
        CHECK(probe.position() - passage.frame == 256);
    }
}

TEST_CASE("rate and time are the server's", "[jack]") {
    const JackServer server(512, 2, 44'100);
    Driver driver;
    const io::StreamConfig config{.autoconnect = io::Autoconnect::off};
    REQUIRE(driver.open(config, {.server = server.name()}));
    CHECK(driver.info().sample_rate == 44'100);
    struct Times {
        void operator()(const io::ClockTick& tick) noexcept {
            if (calls.load() < 100) {
                const std::uint64_t now = tick.time_ns();
                wrong += tick.sample_rate != 44'100 || now <= before ? 1 : 0;
                before = now;
                calls.fetch_add(1);
            }
        }
        std::uint64_t before = 0;
        int wrong = 0;
        std::atomic<int> calls{0};
    } times;
    REQUIRE(driver.set_process_callback(times));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return times.calls > 20; }));
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    REQUIRE(driver.stop());
    CHECK(times.wrong == 0);
    const auto age_ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec -
                        static_cast<std::int64_t>(times.before);
    CHECK(age_ns > -100'000'000); // one clock
    CHECK(age_ns < 1'000'000'000);
}
