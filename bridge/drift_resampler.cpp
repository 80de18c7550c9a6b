// SPDX-License-Identifier: MIT

#include <rill_io/drift_resampler.hpp>

#include <samplerate.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rill::io {

namespace {

constexpr int converter(BridgeQuality quality) noexcept {
    switch (quality) {
    case BridgeQuality::fast:
        return SRC_SINC_FASTEST;
    case BridgeQuality::medium:
        return SRC_SINC_MEDIUM_QUALITY;
    case BridgeQuality::best:
        return SRC_SINC_BEST_QUALITY;
    }
    return SRC_SINC_MEDIUM_QUALITY;
}

} // namespace

DriftResampler::~DriftResampler() {
    if (state_ != nullptr)
        ::src_delete(state_);
}

Result<void> DriftResampler::allocate(std::uint32_t channels, BridgeQuality quality, double ratio,
                                      std::uint32_t max_output) {
    constexpr double slack = 1.05; // the ratio drifts
    if (state_ != nullptr)
        ::src_delete(state_);
    int status = 0;
    state_ = ::src_new(converter(quality), static_cast<int>(channels), &status);
    if (state_ == nullptr)
        return Error::make(Errc::unsupported_channels, "bridge", "open", status,
                           "no resampler for %u channels (%s); ask for fewer input channels", channels,
                           ::src_strerror(status));
    channels_ = channels;
    const auto input_frames = static_cast<std::size_t>(std::ceil(max_output / ratio * slack));
    output_.assign(std::size_t{max_output} * channels, 0.0F);
    input_.assign(channels, 0.0F);
    look_ahead_ = find_look_ahead(ratio / slack);
    input_.assign((input_frames + 2 * std::size_t{look_ahead_} + 2) * channels, 0.0F);
    reset();
    return {};
}

void DriftResampler::reset() noexcept {
    ::src_reset(state_);
    last_ratio_ = 0.0;
    whole_ = appended_ = 0;
    fraction_ = 0.0;
    waiting_ = 0;
}

std::uint32_t DriftResampler::find_look_ahead(double ratio) noexcept {
    constexpr std::uint32_t never = 100'000;
    ::src_reset(state_);
    for (std::uint32_t frames = 1; frames < never; ++frames) {
        SRC_DATA data{};
        data.data_in = input_.data();
        data.input_frames = 1;
        data.data_out = output_.data();
        data.output_frames = 1;
        data.src_ratio = ratio;
        if (::src_process(state_, &data) != 0 || data.output_frames_gen != 0)
            return frames;
    }
    return never;
}

std::uint32_t DriftResampler::missing(std::uint32_t frames, double ratio) const noexcept {
    const double slowest = last_ratio_ > 0.0 ? std::min(ratio, last_ratio_) : ratio;
    const double last = position() + frames / slowest;
    const auto needed = static_cast<std::uint64_t>(last) + look_ahead_ + 1;
    return needed > appended_ ? static_cast<std::uint32_t>(needed - appended_) : 0;
}

float* DriftResampler::append(std::uint32_t frames) noexcept {
    float* const place = input_.data() + waiting_ * channels_;
    waiting_ += frames;
    appended_ += frames;
    return place;
}

void DriftResampler::process(float* const* output, std::uint32_t frames, double ratio) noexcept {
    if (last_ratio_ == 0.0)
        last_ratio_ = ratio;
    SRC_DATA data{};
    data.data_in = input_.data();
    data.input_frames = static_cast<long>(waiting_);
    data.data_out = output_.data();
    data.output_frames = static_cast<long>(frames);
    data.src_ratio = ratio;
    if (::src_process(state_, &data) != 0)
        data.input_frames_used = data.output_frames_gen = 0;
    const auto made = static_cast<std::uint32_t>(data.output_frames_gen);
    advance(made, frames, ratio);
    const auto used = static_cast<std::size_t>(data.input_frames_used);
    waiting_ -= used;
    std::memmove(input_.data(), input_.data() + used * channels_, waiting_ * channels_ * sizeof(float));
    for (std::uint32_t channel = 0; channel < channels_; ++channel) {
        for (std::uint32_t frame = 0; frame < made; ++frame)
            output[channel][frame] = output_[std::size_t{frame} * channels_ + channel];
        std::fill(output[channel] + made, output[channel] + frames, 0.0F);
    }
}

void DriftResampler::advance(std::uint32_t generated, std::uint32_t asked, double ratio) noexcept {
    constexpr double same = 1e-10; // libsamplerate's: a smaller difference does not glide
    const bool glides = std::fabs(last_ratio_ - ratio) > same;
    const double first = last_ratio_;
    for (std::uint32_t frame = 0; frame < generated; ++frame) {
        if (glides)
            last_ratio_ = first + frame * (ratio - first) / asked;
        fraction_ += 1.0 / last_ratio_;
        const double whole = std::floor(fraction_);
        whole_ += static_cast<std::uint64_t>(whole);
        fraction_ -= whole;
    }
}

} // namespace rill::io
