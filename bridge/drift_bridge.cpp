// SPDX-License-Identifier: MIT

#include <rill_io/config.hpp>
#include <rill_io/drift_bridge.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace rill::io {

namespace {

constexpr double ppm = 1e6;
/// After an xrun: when the fill level is looked at (s), and by how many frames it may be off. (After so long
/// a clock's place is known to a fifth of its deviation.)
constexpr double settle_for = 0.15;
constexpr double least_untold = 2.0;
/// For so long after an xrun (s) the drift is taken from the clocks too.
constexpr double shaken_for = 1.0;

/// Adds to a counter that only this thread writes.
void count(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

} // namespace

Result<void> DriftBridge::allocate(const DriftSettings& settings) {
    settings_ = settings;
    const double ratio = settings.playback_rate / settings.capture_rate;
    if (auto made = resampler_.allocate(settings.channels, settings.quality, ratio, max_quantum); !made)
        return made;
    // Twice what the longest cycles of either side move: whatever the quanta become, the target fits.
    const double longest = max_quantum * (1.0 + 1.0 / ratio) + settings.margin + resampler_.look_ahead();
    ring_.allocate(settings.channels, static_cast<std::size_t>(2.0 * longest));
    last_.assign(settings.channels, 0.0F);
    decaying_.assign(settings.channels, 0.0F);
    for (std::uint32_t frame = 0; frame < fade_frames; ++frame)
        rise_[frame] =
            static_cast<float>(0.5 - 0.5 * std::cos(std::numbers::pi * (frame + 0.5) / fade_frames));
    reset();
    return {};
}

void DriftBridge::reset() noexcept {
    ring_.reset();
    resampler_.reset();
    capture_clock_.start(settings_.capture_rate);
    playback_clock_.start(settings_.playback_rate);
    gaps_.fill({});
    pulled_ = released_ = dropped_frames_ = 0;
    capture_quantum_ = playback_quantum_ = 0;
    offset_ = 0;
    locked_ = sounding_ = check_fill_ = dropped_ = false;
    settling_ = shaken_ = 0.0;
    fade_in_ = decay_ = 0;
    std::fill(last_.begin(), last_.end(), 0.0F);
    num_gaps_.store(0, std::memory_order_relaxed);
    silent_frames_.store(0, std::memory_order_relaxed);
    jumps_.store(0, std::memory_order_relaxed);
    capture_quantum_ = settings_.capture_quantum;
    choose_target(settings_.playback_quantum);
    loop_.start(settings_.capture_rate);
    publish(0.0, 0.0);
}

void DriftBridge::push(const CaptureWindow& capture, std::uint32_t frames, double seconds, std::uint64_t lost,
                       bool time_jumped) noexcept {
    DriftStamp stamp;
    stamp.seconds = seconds;
    stamp.time_jumped = time_jumped || dropped_;
    // What did not fit is lost like what was never there.
    dropped_ = !ring_.write(capture, frames, lost + dropped_frames_, stamp);
    if (dropped_) {
        dropped_frames_ += lost + frames;
        return;
    }
    dropped_frames_ = 0;
    ring_.tell(stamp);
}

void DriftBridge::take_stamps() noexcept {
    for (DriftStamp stamp; ring_.take_stamp(stamp);) {
        if (stamp.time_jumped) {
            capture_clock_.doubt();
            check_fill_ = true;
        }
        capture_clock_.update(stamp.seconds, stamp.written, stamp.frames);
        if (stamp.gap_end != stamp.gap_begin) {
            gaps_[next_gap_] = {stamp.gap_begin, stamp.gap_end};
            next_gap_ = (next_gap_ + 1) % gaps_.size();
        }
        capture_quantum_ = std::max(capture_quantum_, stamp.frames);
    }
}

void DriftBridge::choose_target(std::uint32_t frames) noexcept {
    // Like the block adapter's, the latency never shrinks while running.
    playback_quantum_ = std::max(playback_quantum_, frames);
    const double ratio = settings_.playback_rate / settings_.capture_rate;
    const double read = std::ceil(playback_quantum_ / ratio * (1.0 + DriftLoop::max_correction));
    const double margin = settings_.margin != 0 ? settings_.margin : std::max<double>(capture_quantum_, read);
    const double target = capture_quantum_ + read + resampler_.look_ahead() + margin;
    if (target != target_)
        check_fill_ = true;
    target_ = target;
    // A frame at the start of a cycle had been captured for a quantum already, in what the backend reports.
    latency_.store(static_cast<std::uint32_t>(std::lround((target - capture_quantum_) * ratio)),
                   std::memory_order_relaxed);
}

DriftBridge::Pulled DriftBridge::pull(float* const* output, std::uint32_t frames, double seconds,
                                      bool time_jumped) noexcept {
    take_stamps();
    if (time_jumped) {
        playback_clock_.doubt();
        check_fill_ = true;
    }
    playback_clock_.update(seconds, pulled_, frames);
    pulled_ += frames;
    check_fill_ = capture_clock_.take_leap() || playback_clock_.take_leap() || check_fill_;
    choose_target(frames);
    const double captured =
        static_cast<double>(capture_clock_.frames()) + capture_clock_.frames_since(playback_clock_.time());
    if (!locked_ && !try_lock(captured)) {
        for (std::uint32_t channel = 0; channel < settings_.channels; ++channel)
            std::fill_n(output[channel], frames, 0.0F);
        release(static_cast<std::int64_t>(ring_.written()));
        publish(0.0, 0.0);
        return {};
    }
    Pulled pulled;
    const double error = captured - position() - target_;
    const double period = std::max<double>(capture_quantum_, playback_quantum_ * settings_.capture_rate /
                                                                 settings_.playback_rate);
    const double duration = frames / settings_.playback_rate;
    if (std::exchange(check_fill_, false)) {
        settling_ = settle_for;
        shaken_ = shaken_for;
    }
    const bool settled = settling_ > 0.0 && settling_ <= duration;
    const double deviation =
        (capture_clock_.deviation() + playback_clock_.deviation()) / 2.0 * settings_.capture_rate;
    if (std::fabs(error) > (settled ? std::max(least_untold, deviation) : period)) {
        jump(captured);
        pulled.broke_off = true;
    }
    const double fill = captured - position();
    if (shaken_ > 0.0) {
        loop_.lean_to((1.0 + capture_clock_.drift()) / (1.0 + playback_clock_.drift()) - 1.0, duration);
        if (shaken_ <= duration)
            loop_.widen();
    }
    // After an xrun the clocks need a moment to say where they are; the loop must not learn from that.
    const double correction = settling_ > 0.0 ? loop_.drift() : loop_.update(fill - target_, duration);
    settling_ = std::max(0.0, settling_ - duration);
    shaken_ = std::max(0.0, shaken_ - duration);
    const double ratio = settings_.playback_rate / settings_.capture_rate / (1.0 + correction);
    const Pulled fed = feed(resampler_.missing(frames, ratio));
    resampler_.process(output, frames, ratio);
    publish(fill, correction);
    return {fed.missing, fed.broke_off || pulled.broke_off};
}

bool DriftBridge::try_lock(double captured) noexcept {
    const std::uint64_t written = ring_.written();
    if (!capture_clock_.is_started() || static_cast<double>(written) < target_ + capture_quantum_)
        return false;
    offset_ = std::llround(captured - target_ - resampler_.position());
    locked_ = true;
    sounding_ = false;
    check_fill_ = false;
    return true;
}

void DriftBridge::jump(double captured) noexcept {
    offset_ = std::llround(captured - target_ - resampler_.position());
    loop_.forget_error();
    break_off();
    fade_in_ = fade_frames;
    count(jumps_, 1);
}

void DriftBridge::break_off() noexcept {
    decaying_ = last_; // same length: copies in place
    decay_ = fade_frames;
}

bool DriftBridge::is_there(std::uint64_t frame, std::uint64_t written) const noexcept {
    if (frame >= written || frame < released_)
        return false;
    for (const Gap& gap : gaps_)
        if (frame >= gap.begin && frame < gap.end)
            return false;
    return true;
}

DriftBridge::Pulled DriftBridge::feed(std::uint32_t frames) noexcept {
    Pulled pulled;
    const std::uint64_t written = ring_.written();
    const std::int64_t begin = static_cast<std::int64_t>(resampler_.appended()) + offset_;
    float* place = resampler_.append(frames);
    // After a gap the signal comes back only when there is enough of it: better one gap than several.
    const bool enough = sounding_ || begin + frames <= static_cast<std::int64_t>(written);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const std::int64_t number = begin + i;
        const bool there = enough && number >= 0 && is_there(static_cast<std::uint64_t>(number), written);
        if (there && !sounding_) {
            fade_in_ = fade_frames;
        } else if (!there && sounding_) {
            break_off();
            pulled.broke_off = true;
            count(num_gaps_, 1);
        }
        sounding_ = there;
        pulled.missing += there ? 0 : 1;
        const float gain = fade_in_ != 0 ? rise_[fade_frames - fade_in_] : 1.0F;
        const float rest = decay_ != 0 ? 1.0F - rise_[fade_frames - decay_] : 0.0F;
        for (std::uint32_t channel = 0; channel < settings_.channels; ++channel) {
            const float captured =
                there ? gain * ring_.sample(channel, static_cast<std::uint64_t>(number)) : 0.0F;
            last_[channel] = captured + rest * decaying_[channel];
            *place++ = last_[channel];
        }
        fade_in_ -= fade_in_ != 0 ? 1 : 0;
        decay_ -= decay_ != 0 ? 1 : 0;
    }
    count(silent_frames_, pulled.missing);
    release(begin + frames);
    return pulled;
}

void DriftBridge::release(std::int64_t next) noexcept {
    // Half of the ring stays for a jump back.
    const std::int64_t from = next - static_cast<std::int64_t>(ring_.capacity() / 2);
    released_ = std::max(released_, static_cast<std::uint64_t>(std::max<std::int64_t>(from, 0)));
    ring_.release(released_);
}

bool DriftBridge::is_drained() const noexcept {
    return !locked_ || position() >= static_cast<double>(ring_.written());
}

void DriftBridge::publish(double fill, double correction) noexcept {
    target_now_.store(target_, std::memory_order_relaxed);
    fill_now_.store(fill, std::memory_order_relaxed);
    ratio_ppm_.store(correction * ppm, std::memory_order_relaxed);
    drift_ppm_.store(loop_.drift() * ppm, std::memory_order_relaxed);
    locked_now_.store(locked_, std::memory_order_relaxed);
}

BridgeInfo DriftBridge::info() const noexcept {
    BridgeInfo info;
    info.target_frames = target_now_.load(std::memory_order_relaxed);
    info.fill_frames = fill_now_.load(std::memory_order_relaxed);
    info.ratio_ppm = ratio_ppm_.load(std::memory_order_relaxed);
    info.drift_ppm = drift_ppm_.load(std::memory_order_relaxed);
    info.locked = locked_now_.load(std::memory_order_relaxed);
    info.gaps = num_gaps_.load(std::memory_order_relaxed);
    info.silent_frames = silent_frames_.load(std::memory_order_relaxed);
    info.jumps = jumps_.load(std::memory_order_relaxed);
    return info;
}

} // namespace rill::io
