// SPDX-License-Identifier: MIT
#pragma once

// DriftBridge: what is captured by one clock's cycles, at another clock's cycles. It knows no backend: blocks
// with times go in on one side, blocks with times are asked for on the other.
//
// All places are numbers of captured frames. At a pull at the (filtered) time t, W(t) frames have been
// captured, by the line that DriftClock lays through the pushes: also between two of them. The resampler is
// about to show frame p, which is known exactly. So
//
//     fill = W(t) - p,   target = capture's quantum + what this pull will read + look-ahead + margin
//
// and DriftLoop holds fill at target. That is the latency: it does not depend on how the cycles of the two
// sides happen to lie. What was lost is left out in its place and what came late is not played late: p goes
// on, so that the latency stays. When fill is off by more than a period (frames lost without a word, a new
// quantum), p jumps. Wherever the signal breaks off it decays from its last value, and comes back, within
// `fade_frames`.

#include <rill_io/drift_clock.hpp>
#include <rill_io/drift_loop.hpp>
#include <rill_io/drift_resampler.hpp>
#include <rill_io/drift_ring.hpp>
#include <rill_io/error.hpp>
#include <rill_io/window.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rill::io {

/// How the bridge is doing. Frames are the capture side's unless said otherwise.
struct BridgeInfo {
    double target_frames = 0.0; ///< the fill level that is held
    double fill_frames = 0.0;   ///< at the last cycle
    double ratio_ppm = 0.0;     ///< how much faster than nominal the capture side is read at present
    double drift_ppm = 0.0;     ///< how much faster than nominal the capture side is, as learned
    bool locked = false;        ///< what is captured is being played
    std::uint64_t gaps = 0; ///< times that frames were missing when they were due (late, or lost in an xrun)
    std::uint64_t silent_frames = 0; ///< in those gaps
    std::uint64_t jumps = 0;         ///< times that the fill level was set right at once
};

struct DriftSettings {
    std::uint32_t channels = 2;
    double capture_rate = 48000.0;  ///< Hz, nominal
    double playback_rate = 48000.0; ///< Hz, nominal
    std::uint32_t capture_quantum = 256;
    std::uint32_t playback_quantum = 256;
    std::uint32_t margin = 0; ///< frames by which a push may be late; 0 = the longer of the two periods
    BridgeQuality quality = BridgeQuality::medium;
};

class DriftBridge {
public:
    /// Thread: control. Realtime-safe: no. Errors: unsupported_channels.
    Result<void> allocate(const DriftSettings& settings);
    /// Begins anew. Thread: control, while neither side runs. Realtime-safe: no.
    void reset() noexcept;

    /// A block was captured in a cycle that began at `seconds`; `lost` frames before it are gone.
    /// `time_jumped`: perhaps more than that. Thread: capture's cycle. Realtime-safe: yes.
    void push(const CaptureWindow& capture, std::uint32_t frames, double seconds, std::uint64_t lost,
              bool time_jumped) noexcept;

    /// What a pull has met.
    struct Pulled {
        std::uint32_t missing = 0; ///< frames that should have been there
        bool broke_off = false;    ///< the signal did, just now
    };
    /// Fills `output` (planar) for a cycle that begins at `seconds`; `time_jumped`: after an xrun. Thread:
    /// playback's cycle. Realtime-safe: yes.
    Pulled pull(float* const* output, std::uint32_t frames, double seconds, bool time_jumped) noexcept;

    /// Frames of the playback side between push and pull, from the start of a cycle to the start of one:
    /// constant while the quanta are. Thread: any. Realtime-safe: yes.
    [[nodiscard]] std::uint32_t latency() const noexcept { return latency_.load(std::memory_order_relaxed); }
    /// Each value for itself as of the last pull. Thread: any. Realtime-safe: yes.
    [[nodiscard]] BridgeInfo info() const noexcept;
    /// All that was pushed has been played. Thread: playback's cycle.
    [[nodiscard]] bool is_drained() const noexcept;

    static constexpr std::uint32_t fade_frames = 64;

private:
    struct Gap {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    void take_stamps() noexcept;
    void choose_target(std::uint32_t frames) noexcept;
    bool try_lock(double captured) noexcept;
    void jump(double captured) noexcept;
    Pulled feed(std::uint32_t frames) noexcept;
    void release(std::int64_t next) noexcept;
    [[nodiscard]] bool is_there(std::uint64_t frame, std::uint64_t written) const noexcept;
    void break_off() noexcept;
    void publish(double fill, double correction) noexcept;
    /// The captured frame that the resampler's position stands for.
    [[nodiscard]] double position() const noexcept {
        return resampler_.position() + static_cast<double>(offset_);
    }

    DriftSettings settings_{};
    DriftRing ring_;
    DriftResampler resampler_;

    // Playback's cycle thread only.
    DriftClock capture_clock_;
    DriftClock playback_clock_;
    DriftLoop loop_;
    std::array<Gap, 16> gaps_{}; ///< the last ones
    std::size_t next_gap_ = 0;
    std::uint64_t pulled_ = 0;   ///< frames
    std::uint64_t released_ = 0; ///< captured frames below this number may be overwritten
    std::uint32_t capture_quantum_ = 0;
    std::uint32_t playback_quantum_ = 0;
    double target_ = 0.0;
    std::int64_t offset_ = 0; ///< captured frame less the resampler's count
    bool locked_ = false;
    bool sounding_ = false;                 ///< the last frame fed was a captured one
    bool check_fill_ = false;               ///< an xrun has been told of
    double shaken_ = 0.0;                   ///< s until the fill level alone says what the drift is
    double settling_ = 0.0;                 ///< s until less than a period is set right too
    std::uint32_t fade_in_ = 0;             ///< frames of it still to come
    std::uint32_t decay_ = 0;               ///< likewise
    std::vector<float> last_;               ///< of each channel, what was fed last ...
    std::vector<float> decaying_;           ///< ... and what decays
    std::array<float, fade_frames> rise_{}; ///< 0 to 1

    // Capture's cycle thread only.
    bool dropped_ = false;
    std::uint64_t dropped_frames_ = 0;

    // One writer, read by anybody: each value counts for itself, so that nothing is ordered by them.
    std::atomic<std::uint32_t> latency_{0};
    std::atomic<double> target_now_{0.0};
    std::atomic<double> fill_now_{0.0};
    std::atomic<double> ratio_ppm_{0.0};
    std::atomic<double> drift_ppm_{0.0};
    std::atomic<bool> locked_now_{false};
    std::atomic<std::uint64_t> num_gaps_{0};
    std::atomic<std::uint64_t> silent_frames_{0};
    std::atomic<std::uint64_t> jumps_{0};
};

static_assert(std::atomic<double>::is_always_lock_free);

} // namespace rill::io
