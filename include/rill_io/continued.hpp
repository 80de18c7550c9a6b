// SPDX-License-Identifier: MIT
#pragma once

// Continued: the process callback that makes one stream of several, for a driver that is closed and opened
// again underneath it. Its ticks go on where those of the stream before ended.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/tick.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace rill::io {

/// Frames that pass in so many nanoseconds. Split: the product would overflow.
[[nodiscard]] constexpr std::uint64_t frames_in(std::uint64_t ns, std::uint32_t sample_rate) noexcept {
    constexpr std::uint64_t ns_per_s = 1'000'000'000;
    return ns / ns_per_s * sample_rate + ns % ns_per_s * sample_rate / ns_per_s;
}

/// What the supervisor knows of it, whatever the callback's type. Its members belong to the supervisor while
/// no cycle runs, and to the cycle thread while cycles do.
template <class InnerDriver>
class Continuation {
public:
    Continuation() = default;
    Continuation(const Continuation&) = delete;
    Continuation& operator=(const Continuation&) = delete;
    virtual ~Continuation() = default;

    /// Makes it the driver's callback. Thread: control.
    virtual Result<void> attach(InnerDriver& driver) = 0;
    /// One block without a driver. Thread: the one that stands in for the cycle thread.
    virtual void play(const ClockTick& tick) noexcept = 0;

    /// The next block is the first after an outage that began at `lost_ns`; until `silent_ns` the graph was
    /// driven otherwise (both CLOCK_MONOTONIC). Thread: control, before start().
    void resume(std::uint64_t lost_ns, std::uint64_t silent_ns) noexcept {
        lost_ns_ = lost_ns;
        silent_ns_ = silent_ns;
        resuming_.store(true, std::memory_order_relaxed); // start() publishes it
    }
    /// True until that block. Thread: any.
    [[nodiscard]] bool is_resuming() const noexcept { return resuming_.load(std::memory_order_acquire); }
    /// Frames of time that the last outage took. Thread: control, once not resuming.
    [[nodiscard]] std::uint64_t outage_frames() const noexcept { return outage_frames_; }

    std::uint64_t base_position = 0; ///< of the driver's first frame
    std::uint32_t base_xruns = 0;    ///< before the driver's first
    bool fresh = true;               ///< the graph has still to be prepared

protected:
    std::uint64_t lost_ns_ = 0;
    std::uint64_t silent_ns_ = 0;
    std::uint64_t outage_frames_ = 0;
    std::atomic<bool> resuming_{false};
};

template <class InnerDriver, class F>
class Continued final : public Continuation<InnerDriver> {
public:
    static constexpr std::size_t block = CallbackTraits<F>::block();
    static constexpr std::size_t num_inputs = CallbackTraits<F>::num_inputs();
    static constexpr std::size_t num_outputs = CallbackTraits<F>::num_outputs();
    static constexpr bool fills_playback = CallbackTraits<F>::fills_playback();

    explicit Continued(F& callback) noexcept : callback_(&callback) {}

    Result<void> attach(InnerDriver& driver) override { return driver.set_process_callback(*this); }
    void play(const ClockTick& tick) noexcept override { (*callback_)(tick); }

    /// The graph keeps its state: it is prepared again only for a stream that differs.
    Result<void> prepare(const StreamInfo& info) {
        const bool same = !this->fresh && info.sample_rate == prepared_.sample_rate &&
                          info.quantum == prepared_.quantum && info.block == prepared_.block &&
                          info.input_channels == prepared_.input_channels &&
                          info.output_channels == prepared_.output_channels;
        if constexpr (requires { callback_->prepare(info); })
            if (!same)
                if (auto accepted = callback_->prepare(info); !accepted)
                    return accepted;
        this->fresh = false;
        prepared_ = info;
        return {};
    }

    /// One block. Thread: cycle. Realtime-safe: yes, if the callback is.
    [[gnu::always_inline]] void operator()(const ClockTick& tick) noexcept {
        ClockTick continued = tick;
        continued.position += this->base_position;
        continued.xruns += this->base_xruns;
        if (this->resuming_.load(std::memory_order_relaxed)) [[unlikely]]
            count_outage(continued);
        (*callback_)(static_cast<const ClockTick&>(continued));
    }

private:
    /// Reads the clock, once per outage.
    [[gnu::noinline]] void count_outage(ClockTick& tick) noexcept {
        const std::uint64_t now = Pacer::now_ns();
        tick.flags = tick.flags | TickFlags::discontinuity;
        tick.lost_frames += frames_in(now - this->silent_ns_, tick.sample_rate);
        this->outage_frames_ = frames_in(now - this->lost_ns_, tick.sample_rate);
        this->resuming_.store(false, std::memory_order_release); // publishes the outage
    }

    F* callback_;
    StreamInfo prepared_{};
};

} // namespace rill::io
