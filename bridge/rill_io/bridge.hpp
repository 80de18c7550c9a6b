// SPDX-License-Identifier: MIT
#pragma once

// bridge: Driver<alsa::Capture, jack::Playback>, capture and playback on different backends. With this header
// included, such a driver is one like any other: the playback side's cycle runs the graph, in the playback
// side's own memory, and the window of the capture side shows what was captured by the other clock,
// resampled.
//
//     Driver<alsa::Capture, jack::Playback> driver;
//     driver.open({.client_name = "monitor"}, {.capture = {}, .playback = {}, .bridge = {.capture_device =
//     "hw:1"}});
//
// Two devices of one backend: Driver<Bridged<alsa::Capture>, alsa::Playback>. `StreamConfig` speaks to the
// playback side; `input_channels`, `capture_target`, `client_name`, `periods` and `realtime_priority` to the
// capture side too. The capture side runs in a driver of its own (its cycles only copy into a ring) at the
// same nominal rate if it can, else at its own. Rate, quantum and cycle thread are the playback side's. What
// both clocks have to do with each other: drift_bridge.hpp. A side that is lost ends the stream with its
// reason. A file, or another side whose time is not real, has no clock and cannot be bridged.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/drift_bridge.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/pacer.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rill::io {

/// What time it is, for cycles whose own time is not to be used (a simulation's).
struct BridgeClock {
    std::uint64_t (*now_ns)(const void* context) noexcept =
        nullptr; ///< Thread: both cycles. Realtime-safe: yes.
    const void* context = nullptr;
};

struct BridgeOptions {
    std::string_view capture_device = {}; ///< StreamConfig::device is the playback side's
    std::uint32_t capture_rate = 0; ///< Hz; 0 = the playback side's if possible, else the capture side's own
    /// Captured frames by which a capture cycle may come late before there is a gap; 0 = the longer of the
    /// two quanta. Counts fully as latency.
    std::uint32_t margin = 0;
    BridgeQuality quality = BridgeQuality::medium;
    BridgeClock clock{}; ///< by default the cycles' own times, and CLOCK_MONOTONIC where a backend has none
};

namespace bridge {

/// "alsa+jack": a name for two backends, made by the compiler.
template <class A, class B>
struct Name {
    static constexpr std::size_t length(const char* name) noexcept {
        std::size_t count = 0;
        while (name[count] != '\0')
            ++count;
        return count;
    }
    static constexpr auto text = [] {
        std::array<char, length(A::name) + length(B::name) + 2> joined{};
        std::size_t at = 0;
        for (std::size_t i = 0; i < length(A::name); ++i)
            joined[at++] = A::name[i];
        joined[at++] = '+';
        for (std::size_t i = 0; i < length(B::name); ++i)
            joined[at++] = B::name[i];
        return joined;
    }();
};

template <class A, class B>
struct Options {
    typename A::Options capture{};
    typename B::Options playback{};
    BridgeOptions bridge{};
};

/// The playback side's session with the capture side's driver and the bridge between them.
template <class A, class B>
class Session {
    using Player = typename B::Session;
    using Source = Driver<io::Capture<A>, NoPlayback>;

public:
    using Options = bridge::Options<A, B>;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);

    template <class Cycle>
    Result<void> start(void* engine) {
        // Open since open(), but the player may be calling already, in a server that does not stop between
        // runs.
        bridge_.reset();
        push_.first = true;
        known_xruns_ = 0;
        idle_frames_ = 0;
        if (auto started = source_.start(); !started)
            return started;
        live_.store(true, std::memory_order_release); // publishes the bridge's new state
        auto started = player_.template start<Cycle>(engine);
        if (!started) {
            live_.store(false, std::memory_order_relaxed);
            (void)source_.stop();
        }
        return started;
    }
    Result<void> stop() {
        live_.store(false, std::memory_order_relaxed); // the gate is closed: no cycle is in the bridge
        auto captured = source_.stop();
        auto played = player_.stop();
        return played ? captured : played;
    }
    bool close() {
        source_.close();
        const bool quiet = player_.close();
        return quiet && !source_.is_abandoned();
    }

    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
        player_.template fetch<0, Outputs>(nothing_, playback, frames);
        fetch_capture(capture, frames);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
        if (!player_.fetch_checked(nothing_, playback, frames))
            return false;
        if (frames > max_quantum) { // a host's: nothing is prepared for it
            playback.silence(frames);
            stream_->report_xrun(frames);
            return false;
        }
        fetch_capture(capture, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return player_.owns_cycle_thread(); }
    [[nodiscard]] std::uint32_t frame_time() const noexcept
    requires requires(const Player& player) { player.frame_time(); }
    {
        return player_.frame_time();
    }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept {
        const auto& self = *static_cast<const Session*>(session);
        if constexpr (Player::tick_source.time_ns != nullptr)
            return Player::tick_source.time_ns(&self.player_, offset);
        return 0;
    }
    static double tempo(const void* session) noexcept {
        if constexpr (Player::tick_source.tempo != nullptr)
            return Player::tick_source.tempo(&static_cast<const Session*>(session)->player_);
        return 0.0;
    }
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns, .tempo = &Session::tempo};

    /// How the bridge is doing. Thread: any. Realtime-safe: yes.
    [[nodiscard]] BridgeInfo bridge_info() const noexcept { return bridge_.info(); }
    /// The capture side, with its own info() and stats(). Thread: see there.
    [[nodiscard]] Source& source() noexcept { return source_; }
    /// The playback side. Thread: see there.
    [[nodiscard]] Player& player() noexcept { return player_; }

private:
    /// The capture side's process callback.
    struct Push {
        Session* session = nullptr;
        bool first = true; ///< the first block of a run follows nothing
        void operator()(const ClockTick& tick) noexcept {
            session->push(tick, !first && has(tick.flags, TickFlags::discontinuity));
            first = false;
        }
    };

    Result<void> open_source(const StreamConfig& config, const Options& options);
    void fetch_capture(CaptureWindow& capture, std::uint32_t frames) noexcept;
    void push(const ClockTick& tick, bool jumped) noexcept;
    void watch_source(std::uint32_t frames) noexcept;
    void report_latency() noexcept;
    [[nodiscard]] double seconds(std::uint64_t own_time_ns) const noexcept;

    Stream* stream_ = nullptr;
    Player player_{};
    CaptureWindow nothing_{};
    DriftBridge bridge_;
    BridgeClock clock_{};
    std::uint64_t origin_ns_ = 0;
    std::uint32_t source_rate_ = 0;
    std::uint32_t player_rate_ = 0;
    std::uint64_t max_idle_frames_ = 0; ///< of the capture side, in frames of the playback side; 0 = any
    std::atomic<bool> live_{false};     ///< the bridge may be pulled from

    // Playback's cycle thread only.
    std::uint32_t known_xruns_ = 0;
    std::uint64_t known_cycles_ = 0;
    std::uint64_t idle_frames_ = 0;
    std::vector<float> memory_; ///< what the window shows: planar, max_quantum frames per channel
    std::array<float*, max_channels> channels_{};

    Push push_{};
    Source source_{}; ///< last: destroyed, and so stopped, before what it pushes into
};

/// The door to two backends.
template <class A, class B>
struct Backend {
    static constexpr const char* name = Name<A, B>::text.data();
    static constexpr bool drives_itself = B::drives_itself;
    static Result<void> available() {
        if (auto capture = A::available(); !capture)
            return capture;
        return B::available();
    }
    using Session = bridge::Session<A, B>;
    using Options = bridge::Options<A, B>;
    using Capture = io::Capture<A>;
    using Playback = io::Playback<B>;
};

/// Marks the capture half of a backend as bridged even to the same backend.
template <class A>
struct Apart {
    using Backend = A;
};
template <class T>
struct BackendIn {
    using type = T;
};
template <class A>
struct BackendIn<Apart<A>> {
    using type = A;
};

} // namespace bridge

/// The capture half of another device of the playback's own backend: Driver<Bridged<alsa::Capture>,
/// alsa::Playback>.
template <class CaptureHalf>
class Bridged : public CaptureWindow {
public:
    using Backend = bridge::Apart<typename CaptureHalf::Backend>;
};

template <class CaptureHalf, class PlaybackHalf>
requires(!std::is_same_v<CaptureHalf, NoCapture> && !std::is_same_v<PlaybackHalf, NoPlayback> &&
         !std::is_same_v<typename CaptureHalf::Backend, typename PlaybackHalf::Backend>)
struct BackendOf<CaptureHalf, PlaybackHalf> {
    using type = bridge::Backend<typename bridge::BackendIn<typename CaptureHalf::Backend>::type,
                                 typename PlaybackHalf::Backend>;
};

} // namespace rill::io

#include <rill_io/bridge_session.hpp>
