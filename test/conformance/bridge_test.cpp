// SPDX-License-Identifier: MIT

// The bridge between a real server and another clock: what a sine is like on the other side. (Two JACK
// servers cannot be tested like this: libjack keeps the state of one server per process.)

#include "../unit/bridge_simulation.hpp"
#include "attempts.hpp"
#include "eventually.hpp"
#include "jack_server.hpp"
#include <rill_io/bridge.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace conformance {
namespace {

namespace io = rill::io;

constexpr double tone_hz = 997.0;
constexpr std::size_t window_frames = 4096;

/// Keeps all that is captured, for later.
class Recorder {
public:
    explicit Recorder(std::size_t frames) : samples_(frames) {}
    void listen(const io::CaptureWindow& capture) noexcept { capture_ = &capture; }
    void operator()(const io::ClockTick& tick) noexcept {
        const std::size_t done = frames_.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(tick.frames, samples_.size() - done);
        std::copy_n(capture_->input(0), count, samples_.begin() + static_cast<std::ptrdiff_t>(done));
        frames_.store(done + count, std::memory_order_release);
    }
    [[nodiscard]] bool is_full() const noexcept {
        return frames_.load(std::memory_order_acquire) == samples_.size();
    }
    /// The signal-to-noise ratios of all windows from a frame on, sorted, in dB. `hz`: about.
    [[nodiscard]] std::vector<double> snr(std::size_t from, double hz, double rate) const {
        std::vector<double> all;
        for (; from + window_frames <= samples_.size(); from += window_frames)
            all.push_back(bridge_simulation::fit_sine(std::span(samples_).subspan(from, window_frames),
                                                      2.0 * std::numbers::pi * hz / rate)
                              .snr_db);
        std::sort(all.begin(), all.end());
        return all;
    }

private:
    const io::CaptureWindow* capture_ = nullptr;
    std::vector<float> samples_;
    std::atomic<std::size_t> frames_{0};
};

/// Plays the tone on a server until it goes away.
class ToneOnJack {
public:
    explicit ToneOnJack(const std::string& server) {
        REQUIRE(
            driver_.open({.client_name = "tone", .output_channels = 1, .autoconnect = io::Autoconnect::off},
                         {.server = server}));
        REQUIRE(driver_.set_process_callback(state_));
        REQUIRE(driver_.start());
    }

private:
    io::Driver<io::NoCapture, io::jack::Playback> driver_;
    decltype(io::Tone<io::dynamic_extent, 1>(tone_hz, 0.5F) >>
             io::Output<io::jack::Playback, io::dynamic_extent, 1>{driver_.playback()}) graph_ =
        io::Tone<io::dynamic_extent, 1>(tone_hz, 0.5F) >>
        io::Output<io::jack::Playback, io::dynamic_extent, 1>{driver_.playback()};
    io::ProcessingState<decltype(graph_)> state_{graph_};
};

/// A backend that believes in 48000 Hz whatever it runs at: a device whose clock is off.
template <class B>
struct Off : B {
    class Session : public B::Session {
    public:
        io::Result<void> open(const io::StreamConfig& config, const typename B::Options& options,
                              io::Stream& stream) {
            io::StreamConfig wanted = config;
            wanted.sample_rate = true_rate;
            stream_ = &stream;
            auto opened = B::Session::open(wanted, options, stream);
            stream.negotiated.sample_rate = JackServer::sample_rate;
            return opened;
        }
        template <class Cycle>
        io::Result<void> start(void* engine) {
            auto started = B::Session::template start<Cycle>(engine);
            stream_->report_sample_rate(JackServer::sample_rate); // a server has told the true one
            return started;
        }

    private:
        io::Stream* stream_ = nullptr;
    };
    using Capture = io::Capture<Off>;
    using Playback = io::Playback<Off>;
    static constexpr std::uint32_t true_rate = 48048;
};

constexpr std::uint32_t quantum = 256;
constexpr std::size_t seconds = 10;
constexpr std::size_t settled = std::size_t{5} * JackServer::sample_rate;

/// Runs a bridge, and looks at what came over it.
template <class Driver>
void check(Driver& driver, Recorder& recorder, double hz) {
    REQUIRE(driver.set_process_callback(recorder));
    REQUIRE(driver.start());
    double deviation = 0.0;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(3 * seconds);
    while (!recorder.is_full() && std::chrono::steady_clock::now() < limit) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const io::BridgeInfo info = driver.session().bridge_info();
        if (info.locked)
            deviation = std::max(deviation, std::fabs(info.fill_frames - info.target_frames));
    }
    const auto status = driver.status();
    const io::BridgeInfo info = driver.session().bridge_info();
    const std::uint64_t xruns = driver.stats().xruns + driver.session().source().stats().xruns;
    REQUIRE(driver.stop());
    INFO(status.error().text);
    REQUIRE(status);
    REQUIRE(recorder.is_full());

    const std::vector<double> snr = recorder.snr(settled, hz, JackServer::sample_rate);
    const double median = snr[snr.size() / 2];
    std::printf(
        "%s: %.1f ppm, fill within %.1f frames, SNR %.1f dB (median; %.1f..%.1f), %llu gaps, %llu jumps, "
        "%llu xruns\n",
        driver.info().backend, info.drift_ppm, deviation, median, snr.front(), snr.back(),
        static_cast<unsigned long long>(info.gaps), static_cast<unsigned long long>(info.jumps),
        static_cast<unsigned long long>(xruns));
    if (xruns != 0 && !virtual_time())
        return; // what a busy machine does is not the bridge's doing
    CHECK(xruns == 0);
    CHECK(info.gaps == 0);
    CHECK(info.jumps == 0);
    CHECK(snr.front() >= 90.0);
    CHECK(std::fabs(info.drift_ppm - 1000.0) < 50.0);
    CHECK(deviation < quantum);
}

} // namespace

TEST_CASE("from a JACK server 1000 ppm too fast to another clock") {
    JackServer server(quantum, 2, Off<io::jack::Backend>::true_rate);
    const ToneOnJack tone(server.name());
    Recorder recorder(seconds * JackServer::sample_rate);
    io::Driver<Off<io::jack::Backend>::Capture, io::null::Playback> driver;
    REQUIRE(driver.open(
        {.client_name = "bridge", .input_channels = 1, .output_channels = 1, .capture_target = "tone:out_1"},
        {.capture = {.server = server.name()}, .playback = {.quantum = quantum}, .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, tone_hz); // 997 Hz of 48048 are, 1000 ppm faster, 998 of ours
}

TEST_CASE("from a clock 1000 ppm too fast to a JACK server") {
    struct Tone {
        static float sample(const void*, std::uint32_t, std::uint64_t frame) noexcept {
            const auto in_turn =
                static_cast<double>(frame * 997 % JackServer::sample_rate) / JackServer::sample_rate;
            return 0.5F * static_cast<float>(std::sin(2.0 * std::numbers::pi * in_turn));
        }
    };
    JackServer server(quantum);
    Recorder recorder(seconds * JackServer::sample_rate);
    io::Driver<Off<io::null::Backend>::Capture, io::jack::Playback> driver;
    REQUIRE(driver.open(
        {.client_name = "bridge", .input_channels = 1, .output_channels = 1, .realtime_priority = 10},
        {.capture = {.quantum = quantum, .signal = {.sample = &Tone::sample}},
         .playback = {.server = server.name()},
         .bridge = {}}));
    recorder.listen(driver.capture());
    check(driver, recorder, tone_hz * 1.001);
}

} // namespace conformance
