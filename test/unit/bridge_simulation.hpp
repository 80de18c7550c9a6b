// SPDX-License-Identifier: MIT
#pragma once

// A bridge between two clocks that exist only here: two null backends in manual mode, stepped in the order in
// which their cycles would come. The capture side hears a sine of 997 Hz by its own clock.

#include "random.hpp"
#include <rill_io/bridge.hpp>
#include <rill_io/null.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace bridge_simulation {

namespace io = rill::io;

constexpr double tone_hz = 997.0;
constexpr double tone_peak = 0.5;

/// A sine with what is wrong with it.
struct SineFit {
    double frequency = 0.0; ///< radians per frame
    double phase = 0.0;     ///< of the first frame, radians: peak * sin(phase)
    double peak = 0.0;
    double snr_db = 0.0; ///< the sine's power over the rest's
};

/// Least squares with four parameters (sine, cosine, constant, frequency), from `frequency` on.
inline SineFit fit_sine(std::span<const float> samples, double frequency) {
    double a = 0.0;
    double b = 0.0;
    double c = 0.0;
    double rest = 0.0;
    for (int round = 0; round < 6; ++round) {
        std::array<std::array<double, 5>, 4> m{}; // normal equations, right side last
        const bool with_frequency = round > 0;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const auto n = static_cast<double>(i);
            const double s = std::sin(frequency * n);
            const double k = std::cos(frequency * n);
            const std::array<double, 4> row{s, k, 1.0, with_frequency ? n * (a * k - b * s) : 0.0};
            for (std::size_t p = 0; p < 4; ++p) {
                for (std::size_t q = 0; q < 4; ++q)
                    m[p][q] += row[p] * row[q];
                m[p][4] += row[p] * static_cast<double>(samples[i]);
            }
        }
        const std::size_t unknowns = with_frequency ? 4 : 3;
        for (std::size_t p = 0; p < unknowns; ++p)
            for (std::size_t q = 0; q < unknowns; ++q)
                if (q != p) {
                    const double factor = m[q][p] / m[p][p];
                    for (std::size_t r = p; r < 5; ++r)
                        m[q][r] -= factor * m[p][r];
                }
        a = m[0][4] / m[0][0];
        b = m[1][4] / m[1][1];
        c = m[2][4] / m[2][2];
        if (with_frequency)
            frequency += m[3][4] / m[3][3];
    }
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double x = frequency * static_cast<double>(i);
        const double difference = static_cast<double>(samples[i]) - a * std::sin(x) - b * std::cos(x) - c;
        rest += difference * difference;
    }
    rest /= static_cast<double>(samples.size());
    const double power = (a * a + b * b) / 2.0;
    return {frequency, std::atan2(b, a), std::sqrt(2.0 * power), 10.0 * std::log10(power / rest)};
}

/// The times of jackd's cycles: its delay-locked loop of 1/8 Hz (JackFrameTimer), for which an xrun is a late
/// wake-up like any other.
class JackTimer {
public:
    /// A cycle of so many seconds begins.
    void wake_up(double now, double cycle) noexcept {
        if (omega_ == 0.0) {
            constexpr double bandwidth = 0.125;
            omega_ = 2.0 * std::numbers::pi * bandwidth * cycle;
            period_ = cycle;
            next_ = now;
        }
        const double delta = omega_ * (now - next_);
        current_ = next_;
        period_ += omega_ * delta;
        next_ += period_ + std::numbers::sqrt2 * delta;
    }
    [[nodiscard]] double current() const noexcept { return current_; }

private:
    double omega_ = 0.0;
    double period_ = 0.0;
    double current_ = 0.0;
    double next_ = 0.0;
};

/// The null backend with a time of its own: what the context of its signal says.
struct OwnTime {
    std::uint64_t (*cycle_ns)(const OwnTime* self) noexcept = nullptr;
};
struct TimedNull : io::null::Backend {
    class Session : public io::null::Session {
    public:
        io::Result<void> open(const io::StreamConfig& config, const Options& options, io::Stream& stream) {
            time_ = static_cast<const OwnTime*>(options.signal.context);
            return io::null::Session::open(config, options, stream);
        }
        static std::uint64_t time_ns(const void* session, std::int32_t) noexcept {
            const OwnTime* const time = static_cast<const Session*>(session)->time_;
            return time->cycle_ns(time);
        }
        static constexpr io::TickSource tick_source{.time_ns = &Session::time_ns, .tempo = nullptr};

    private:
        const OwnTime* time_ = nullptr;
    };
    using Capture = io::Capture<TimedNull>;
    using Playback = io::Playback<TimedNull>;
};

struct Settings {
    std::uint32_t capture_rate = 48000;
    std::uint32_t playback_rate = 48000;
    std::uint32_t capture_quantum = 256;
    std::uint32_t playback_quantum = 256;
    double jitter_s = 0.0;   ///< every wake-up is late by 0 to twice this
    bool jack_times = false; ///< both sides tell the times of their cycles as jackd does; otherwise none
    /// Capture's cycles come only when a timer of this period ticks, s: the first tick at which their frames
    /// have come. 0: when they are due.
    double timer_s = 0.0;
    /// The time that is told of such a cycle is not the tick's but, by the whole frames that have come since,
    /// that at which it was due: as snd-aloop's is.
    bool counts_frames = false;
    /// Capture's clock goes ahead by so much, and back, within four seconds: snd-aloop's does, shifted, for
    /// it counts in whole frames of 4 ms.
    double wander_s = 0.0;
    bool untold = false; ///< an xrun's frames are lost in time only: nobody counts them, as with a late jackd
    std::uint32_t margin = 0;
    io::BridgeQuality quality = io::BridgeQuality::medium;
    std::span<const io::null::Fault> capture_faults{};
    std::span<const io::null::Fault> playback_faults{};
};

class Simulation {
public:
    using Driver = io::Driver<io::Bridged<TimedNull::Capture>, TimedNull::Playback>;
    static constexpr std::size_t window_frames = 4096;

    explicit Simulation(const Settings& settings) : settings_(settings), ear_(*this) { opened_ = open(); }

    [[nodiscard]] const io::Result<void>& opened() const noexcept { return opened_; }
    [[nodiscard]] Driver& driver() noexcept { return driver_; }
    [[nodiscard]] double now() const noexcept { return now_; }
    [[nodiscard]] io::BridgeInfo info() { return driver_.session().bridge_info(); }

    /// From now on the clocks are faster by so much than they say.
    void set_drift(double capture, double playback = 0.0) noexcept {
        capture_.drift = capture;
        playback_.drift = playback;
    }
    /// The capture side's wake-ups up to this time come only then.
    void stall_capture_until(double seconds) noexcept { capture_.stalled_until = seconds; }
    void stall_playback_until(double seconds) noexcept { playback_.stalled_until = seconds; }
    /// The capture side loses this time, and nobody says so.
    void lose_capture(double seconds) noexcept { capture_.due += seconds; }

    /// Runs both sides up to this time. False once the stream has ended.
    bool run_until(double seconds) {
        while (now_ < seconds) {
            const bool capture_is_next = capture_.wake_up <= playback_.wake_up;
            Side& side = capture_is_next ? capture_ : playback_;
            now_ = side.wake_up;
            side.timer.wake_up(now_, side.quantum / side.rate);
            const bool ran = capture_is_next ? driver_.session().source().session().step() != 0
                                             : driver_.session().player().step() != 0;
            if (!ran && !capture_is_next)
                return false;
            advance(side);
        }
        return true;
    }

    /// The last full window of what is played, and where its first frame lay: the latency by the signal
    /// itself is off the target by (frames of capture, within half a turn of the sine).
    [[nodiscard]] SineFit fit() const {
        return fit_sine(window_, 2.0 * std::numbers::pi * tone_hz / settings_.playback_rate);
    }
    [[nodiscard]] double latency_error(const SineFit& fit) const {
        const double turn = settings_.capture_rate / tone_hz; // frames
        const double heard = fit.phase / (2.0 * std::numbers::pi) * turn;
        return std::remainder(captured_at_window_ - target_at_window_ - heard, turn);
    }

    /// The largest that any three neighbouring frames have deviated from a sine of the tone's frequency,
    /// relative to its peak, since the last call. A jump by one frame shows as 0.13.
    double take_roughness() noexcept { return std::exchange(roughness_, 0.0) / tone_peak; }
    /// Frames that deviated by more than 0.01 since the last call: a step is one or two, a fade all of them.
    std::uint64_t take_clicked_frames() noexcept { return std::exchange(clicked_, 0); }
    /// Frames between the first and the last that deviated by more than 0.01 since the last call.
    std::uint64_t take_rough_frames() noexcept {
        const std::uint64_t frames = last_rough_ == 0 ? 0 : last_rough_ - first_rough_ + 1;
        first_rough_ = last_rough_ = 0;
        return frames;
    }

private:
    struct Side : OwnTime {
        double rate = 48000.0;
        std::uint32_t quantum = 256;
        double drift = 0.0;
        double due = 0.0;  ///< the cycle's time by the side's own clock, s
        double told = 0.0; ///< what it says of that; 0: nothing
        double wake_up = 0.0;
        double stalled_until = 0.0;
        std::uint64_t frames = 0;                  ///< up to `due`; of playback, up to the cycle's end
        std::span<const io::null::Fault> faults{}; ///< xruns still to come
        double last_rate = 48000.0;
        JackTimer timer{};
        const Simulation* simulation = nullptr;
    };

    struct Ear {
        explicit Ear(Simulation& simulation) noexcept : simulation_(simulation) {}
        void operator()(const io::ClockTick& tick) noexcept { simulation_.hear(tick.frames); }
        Simulation& simulation_;
    };

    io::Result<void> open() {
        for (Side* const side : {&capture_, &playback_}) {
            side->simulation = this;
            side->cycle_ns = &Simulation::cycle_ns;
        }
        capture_.rate = capture_.last_rate = settings_.capture_rate;
        playback_.rate = playback_.last_rate = settings_.playback_rate;
        capture_.quantum = settings_.capture_quantum;
        playback_.quantum = settings_.playback_quantum;
        constexpr double apart = 0.0013; // the two do not begin together
        playback_.due = apart;
        capture_.wake_up = capture_.due = capture_.quantum / capture_.rate;
        capture_.frames = capture_.quantum;
        playback_.frames = playback_.quantum;
        capture_.faults = settings_.capture_faults;
        playback_.faults = settings_.playback_faults;
        playback_.wake_up = playback_.due;
        window_.assign(window_frames, 0.0F);
        collecting_.reserve(window_frames + io::max_quantum);
        const auto told = [&](std::span<const io::null::Fault> faults) {
            std::vector<io::null::Fault> list(faults.begin(), faults.end());
            for (io::null::Fault& fault : list)
                fault.value = settings_.untold ? 0 : fault.value;
            return list;
        };
        const std::vector<io::null::Fault> capture_faults = told(settings_.capture_faults);
        const std::vector<io::null::Fault> playback_faults = told(settings_.playback_faults);
        const io::BridgeClock clock{.now_ns = &Simulation::now_ns, .context = this};
        const Driver::Options options{
            .capture = {.mode = io::null::Mode::manual,
                        .quantum = settings_.capture_quantum,
                        .signal = {.sample = &Simulation::tone, .context = static_cast<OwnTime*>(&capture_)},
                        .faults = capture_faults},
            .playback = {.mode = io::null::Mode::manual,
                         .quantum = settings_.playback_quantum,
                         .signal = {.sample = nullptr, .context = static_cast<OwnTime*>(&playback_)},
                         .faults = playback_faults},
            .bridge = {.capture_rate = settings_.capture_rate,
                       .margin = settings_.margin,
                       .quality = settings_.quality,
                       .clock = clock}};
        if (auto opened = driver_.open({.sample_rate = settings_.playback_rate,
                                        .input_channels = 1,
                                        .output_channels = 1,
                                        .rate_match = io::Match::adapt},
                                       options);
            !opened)
            return opened;
        if (auto set = driver_.set_process_callback(ear_); !set)
            return set;
        return driver_.start();
    }

    static std::uint64_t now_ns(const void* self) noexcept {
        return to_ns(static_cast<const Simulation*>(self)->now_);
    }
    static std::uint64_t to_ns(double seconds) noexcept {
        constexpr double start_s = 1000.0;
        return static_cast<std::uint64_t>((seconds + start_s) * 1e9);
    }
    static std::uint64_t cycle_ns(const OwnTime* side) noexcept {
        const auto& self = *static_cast<const Side*>(side);
        if (self.told > 0.0)
            return to_ns(self.told);
        return self.simulation->settings_.jack_times ? to_ns(self.timer.current()) : 0;
    }
    static float tone(const void* side, std::uint32_t, std::uint64_t frame) noexcept {
        const auto* const capture = static_cast<const Side*>(static_cast<const OwnTime*>(side));
        const std::uint64_t rate = capture->simulation->settings_.capture_rate;
        const auto in_turn = static_cast<double>(frame * 997 % rate) / static_cast<double>(rate);
        return static_cast<float>(tone_peak * std::sin(2.0 * std::numbers::pi * in_turn));
    }

    /// To the side's next cycle.
    void advance(Side& side) noexcept {
        side.last_rate = side.rate * (1.0 + side.drift);
        side.due += side.quantum / side.last_rate;
        // What null's faults do at this cycle.
        while (!side.faults.empty() && side.faults.front().frame <= side.frames) {
            side.due += side.faults.front().value / side.last_rate;
            side.frames += settings_.untold ? 0 : side.faults.front().value;
            side.faults = side.faults.subspan(1);
        }
        side.frames += side.quantum;
        side.wake_up = std::max(
            {side.due + wander(side) + settings_.jitter_s * (1.0 + static_cast<double>(random_.sample())),
             side.stalled_until, now_});
        if (settings_.timer_s > 0.0 && &side == &capture_)
            wait_for_tick(side);
    }
    /// A triangle, s.
    [[nodiscard]] double wander(const Side& side) const noexcept {
        constexpr double period = 4.0;
        return &side == &capture_
                   ? settings_.wander_s * (4.0 * std::fabs(std::remainder(side.due / period, 1.0)) - 1.0)
                   : 0.0;
    }
    void wait_for_tick(Side& side) const noexcept {
        side.wake_up = std::max(std::ceil(side.due / settings_.timer_s) * settings_.timer_s, now_);
        const double since = std::floor((side.wake_up - side.due) * side.last_rate);
        side.told = settings_.counts_frames ? side.wake_up - since / side.rate : side.wake_up;
    }

    void hear(std::uint32_t frames) noexcept {
        const float* const heard = driver_.capture().input(0);
        const double turn = 2.0 * std::cos(2.0 * std::numbers::pi * tone_hz / playback_.rate);
        for (std::uint32_t i = 0; i < frames; ++i) {
            const double now = static_cast<double>(heard[i]);
            const double rough = std::fabs(now - turn * before_[0] + before_[1]);
            before_ = {now, before_[0]};
            ++heard_;
            roughness_ = std::max(roughness_, rough);
            if (rough > 0.01 * tone_peak) {
                first_rough_ = first_rough_ == 0 ? heard_ : first_rough_;
                last_rough_ = heard_;
                ++clicked_;
            }
        }
        if (collecting_.empty()) {
            captured_collecting_ =
                static_cast<double>(capture_.frames) - (capture_.due - playback_.due) * capture_.last_rate;
            target_collecting_ = info().target_frames;
        }
        collecting_.insert(collecting_.end(), heard, heard + frames);
        if (collecting_.size() >= window_frames) {
            collecting_.resize(window_frames);
            std::swap(window_, collecting_);
            collecting_.clear();
            captured_at_window_ = captured_collecting_;
            target_at_window_ = target_collecting_;
        }
    }

    Settings settings_;
    Side capture_{};
    Side playback_{};
    double now_ = 0.0;
    Random random_{1};
    std::vector<float> window_;
    std::vector<float> collecting_;
    double captured_collecting_ = 0.0;
    double target_collecting_ = 0.0;
    double captured_at_window_ = 0.0;
    double target_at_window_ = 0.0;
    std::array<double, 2> before_{};
    double roughness_ = 0.0;
    std::uint64_t heard_ = 0;
    std::uint64_t first_rough_ = 0;
    std::uint64_t last_rough_ = 0;
    std::uint64_t clicked_ = 0;
    Ear ear_;
    Driver driver_;
    io::Result<void> opened_;
};

} // namespace bridge_simulation
