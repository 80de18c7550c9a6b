// SPDX-License-Identifier: MIT
#include <rill_io/negotiation.hpp>
#include <rill_io/null.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace rill::io::null {

namespace {
constexpr std::uint32_t default_rate = 48000;
constexpr std::uint32_t default_quantum = 256;
constexpr int join_timeout_ms = 1000;
} // namespace

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    const auto refuse = [](Errc code, const char* text) {
        return Error::make(code, Backend::name, "open", 0, "%s", text);
    };
    if (auto unnamed = check_unnamed(config, Backend::name); !unnamed)
        return unnamed;
    if (options.quantum > max_quantum)
        return refuse(Errc::invalid_config, "the quantum is larger than 8192 frames; use 1..8192");
    if (!options.keep.empty() && options.keep.size() < config.output_channels)
        return refuse(Errc::invalid_config, "keep has fewer buffers than there are output channels");
    for (const Fault& fault : options.faults)
        if (fault.kind == Fault::Kind::quantum && (fault.value == 0 || fault.value > max_quantum))
            return refuse(Errc::invalid_config, "a quantum fault needs a value of 1..8192 frames");

    stream_ = &stream;
    mode_ = options.mode;
    sample_rate_ = config.sample_rate != 0 ? config.sample_rate : default_rate;
    first_quantum_ = options.quantum != 0 ? options.quantum
                     : config.block != 0  ? config.block
                                          : default_quantum;
    num_inputs_ = config.input_channels;
    num_outputs_ = config.output_channels;
    priority_ = config.realtime_priority;
    signal_ = options.signal;
    keep_.assign(options.keep.begin(), options.keep.end());
    keep_frames_ = options.keep_frames;
    faults_.assign(options.faults.begin(), options.faults.end());
    std::sort(faults_.begin(), faults_.end(),
              [](const Fault& a, const Fault& b) { return a.frame < b.frame; });
    loopback_latency_ = 0;
    if (options.loopback || config.autoconnect == Autoconnect::loopback) {
        loopback_latency_ = first_quantum_;
        for (const Fault& fault : faults_)
            if (fault.kind == Fault::Kind::quantum)
                loopback_latency_ = std::max(loopback_latency_, fault.value);
    }
    end_after_frames_ = options.end_after_frames;
    inputs_.assign(std::size_t{num_inputs_} * max_quantum, 0.0F);
    outputs_.assign(std::size_t{num_outputs_} * max_quantum, 0.0F);
    played_.assign(loopback_latency_ != 0 ? num_outputs_ * loop_frames : 0, 0.0F);

    StreamInfo& got = stream.negotiated;
    copy_text(got.client_name, config.client_name);
    copy_text(got.device, "null");
    got.sample_rate = sample_rate_;
    got.quantum = first_quantum_;
    got.input_channels = num_inputs_;
    got.output_channels = num_outputs_;
    got.hardware_format = "float32";
    got.direct = true;
    stream.report_freewheeling(mode_ != Mode::real_time);
    stream.report_latency(0, loopback_latency_);
    return {};
}

Result<void> Session::start_loop(void (*body)(void*)) {
    if (!thread_.join(join_timeout_ms)) // left over from a stop() that timed out
        return Error::make(
            Errc::timed_out, Backend::name, "start", 0,
            "the cycle thread of the last run has still not ended; the process callback must not block");
    quantum_ = first_quantum_;
    device_frame_ = 0;
    next_fault_ = 0;
    std::fill(inputs_.begin(), inputs_.end(), 0.0F);
    std::fill(outputs_.begin(), outputs_.end(), 0.0F);
    std::fill(played_.begin(), played_.end(), 0.0F);
    stop_.store(false, std::memory_order_release); // what was set up above is seen by step()
    if (mode_ == Mode::manual)
        return {};
    return thread_.start(Backend::name, "rill-io-null", priority_, body, this);
}

Result<void> Session::stop() {
    stop_.store(true, std::memory_order_relaxed);
    if (!thread_.join(join_timeout_ms))
        return Error::make(Errc::timed_out, Backend::name, "stop", 0,
                           "the cycle thread has not ended within %d ms", join_timeout_ms);
    return {};
}

bool Session::close() {
    if (thread_.join(join_timeout_ms))
        return true;
    thread_.abandon();
    return false;
}

std::uint32_t Session::step(std::uint32_t cycles) noexcept {
    if (mode_ != Mode::manual)
        return 0;
    std::uint32_t done = 0;
    for (; done < cycles; ++done) {
        const std::uint32_t frames = begin_cycle();
        if (frames == 0)
            break;
        run_cycle_(engine_, frames);
        end_cycle(frames);
    }
    return done;
}

void Session::begin_loop() noexcept {
    pacer_.start(sample_rate_);
}

std::uint32_t Session::begin_cycle() noexcept {
    if (stop_.load(std::memory_order_acquire) || stream_->ended())
        return 0;
    if (end_after_frames_ != 0 && device_frame_ >= end_after_frames_) {
        stream_->finished();
        return 0;
    }
    apply_faults();
    if (stream_->ended())
        return 0;
    if (mode_ == Mode::real_time) {
        const std::int64_t late = pacer_.wait(quantum_, quantum_, stop_);
        if (late < 0)
            return 0;
        if (late > 0) {
            stream_->report_xrun(static_cast<std::uint64_t>(late));
            skip(static_cast<std::uint64_t>(late));
        }
    }
    fill_inputs(quantum_);
    if (end_after_frames_ != 0 && device_frame_ + quantum_ >= end_after_frames_)
        stream_->report_final_block();
    return quantum_;
}

void Session::end_cycle(std::uint32_t frames) noexcept {
    for (std::size_t channel = 0; channel < keep_.size() && channel < num_outputs_; ++channel) {
        if (device_frame_ >= keep_frames_)
            break;
        const std::size_t count = std::min<std::size_t>(frames, keep_frames_ - device_frame_);
        std::memcpy(keep_[channel] + device_frame_, outputs_.data() + channel * max_quantum,
                    count * sizeof(float));
    }
    if (loopback_latency_ != 0) {
        const std::size_t start = device_frame_ % loop_frames;
        const std::size_t first = std::min<std::size_t>(frames, loop_frames - start);
        for (std::size_t channel = 0; channel < num_outputs_; ++channel) {
            const float* const samples = outputs_.data() + channel * max_quantum;
            float* const ring = played_.data() + channel * loop_frames;
            std::memcpy(ring + start, samples, first * sizeof(float));
            std::memcpy(ring, samples + first, (frames - first) * sizeof(float));
        }
    }
    device_frame_ += frames;
}

void Session::skip(std::uint64_t frames) noexcept {
    if (loopback_latency_ != 0)
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(frames, loop_frames); ++i)
            for (std::size_t channel = 0; channel < num_outputs_; ++channel)
                played_[channel * loop_frames + (device_frame_ + i) % loop_frames] = 0.0F;
    device_frame_ += frames;
}

void Session::apply_faults() noexcept {
    for (; next_fault_ < faults_.size() && faults_[next_fault_].frame <= device_frame_; ++next_fault_) {
        const Fault& fault = faults_[next_fault_];
        switch (fault.kind) {
        case Fault::Kind::xrun:
            stream_->report_xrun(fault.value);
            skip(fault.value);
            break;
        case Fault::Kind::quantum:
            quantum_ = fault.value;
            break;
        case Fault::Kind::device_loss:
            stream_->lost(Errc::device_lost, "the device is gone (a fault that was ordered)");
            return;
        }
    }
}

void Session::fill_inputs(std::uint32_t frames) noexcept {
    if (loopback_latency_ != 0) {
        const std::size_t channels = std::min(num_inputs_, num_outputs_);
        const std::uint64_t from = device_frame_ + loop_frames - loopback_latency_;
        for (std::size_t channel = 0; channel < channels; ++channel)
            for (std::uint32_t i = 0; i < frames; ++i)
                inputs_[channel * max_quantum + i] =
                    played_[channel * loop_frames + (from + i) % loop_frames];
    } else if (signal_.sample != nullptr) {
        for (std::uint32_t channel = 0; channel < num_inputs_; ++channel)
            for (std::uint32_t i = 0; i < frames; ++i)
                inputs_[std::size_t{channel} * max_quantum + i] =
                    signal_.sample(signal_.context, channel, device_frame_ + i);
    }
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    const std::int64_t offset_ns = std::int64_t{offset} * 1'000'000'000 / self.sample_rate_;
    const std::uint64_t cycle_ns =
        self.mode_ == Mode::real_time
            ? self.pacer_.cycle_time_ns()
            : self.device_frame_ / self.sample_rate_ * 1'000'000'000 +
                  self.device_frame_ % self.sample_rate_ * 1'000'000'000 / self.sample_rate_;
    return cycle_ns + static_cast<std::uint64_t>(offset_ns);
}

} // namespace rill::io::null
