// SPDX-License-Identifier: MIT
#pragma once

// What the tests of bridges between real servers share: who plays a sine, who keeps what comes over, and what
// it must be like.

#include "../unit/bridge_simulation.hpp"
#include "attempts.hpp"
#include "jack_server.hpp"
#include <rill_io/bridge.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <span>
#include <thread>
#include <vector>

namespace conformance {

namespace io = rill::io;

inline constexpr double tone_hz = 997.0;
inline constexpr std::size_t window_frames = 4096;

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
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.load(std::memory_order_acquire); }
    /// All that was kept, once it is full.
    [[nodiscard]] const std::vector<float>& samples() const noexcept { return samples_; }
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
template <class B>
class ToneOn {
public:
    explicit ToneOn(io::Autoconnect autoconnect, const typename B::Options& options = {}) {
        REQUIRE(
            driver_.open({.client_name = "tone", .output_channels = 1, .autoconnect = autoconnect}, options));
        REQUIRE(driver_.set_process_callback(state_));
        REQUIRE(driver_.start());
    }

private:
    using Playback = typename B::Playback;
    io::Driver<io::NoCapture, Playback> driver_;
    decltype(io::Tone<io::dynamic_extent, 1>(tone_hz, 0.5F) >>
             io::Output<Playback, io::dynamic_extent, 1>{driver_.playback()}) graph_ =
        io::Tone<io::dynamic_extent, 1>(tone_hz, 0.5F) >>
        io::Output<Playback, io::dynamic_extent, 1>{driver_.playback()};
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
            believe();
            return started;
        }
        template <std::size_t Inputs, std::size_t Outputs>
        void fetch(io::CaptureWindow& capture, io::PlaybackWindow& playback, std::uint32_t frames) noexcept {
            believe();
            B::Session::template fetch<Inputs, Outputs>(capture, playback, frames);
        }
        bool fetch_checked(io::CaptureWindow& capture, io::PlaybackWindow& playback,
                           std::uint32_t frames) noexcept {
            believe();
            return B::Session::fetch_checked(capture, playback, frames);
        }

    private:
        /// A server tells the true one, at any time.
        void believe() noexcept { stream_->report_sample_rate(JackServer::sample_rate); }

        io::Stream* stream_ = nullptr;
    };
    using Capture = io::Capture<Off>;
    using Playback = io::Playback<Off>;
    static constexpr std::uint32_t true_rate = 48048;
};

inline constexpr std::uint32_t bridge_quantum = 256;
inline constexpr std::size_t seconds = 10;
inline constexpr std::size_t settling = 5; ///< s

/// What should come over a bridge.
struct Expected {
    double hz = tone_hz;
    double rate = 48000.0; ///< of the playback side in truth
    double ppm = 0.0;      ///< by which the capture side is faster than it says
};

/// Runs a bridge, and looks at what came over it.
template <class Driver>
void check(Driver& driver, Recorder& recorder, const Expected& expected) {
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

    const std::vector<double> snr =
        recorder.snr(settling * static_cast<std::size_t>(expected.rate), expected.hz, expected.rate);
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
    CHECK(std::fabs(info.drift_ppm - expected.ppm) < 50.0);
    CHECK(deviation < bridge_quantum);
}

} // namespace conformance
