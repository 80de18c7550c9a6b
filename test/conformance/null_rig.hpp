// SPDX-License-Identifier: MIT
#pragma once

#include "rig.hpp"
#include <rill_io/null.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace conformance {

template <io::null::Mode Mode>
struct NullRig {
    using Backend = io::NullBackend;
    static constexpr bool in_real_time = Mode == io::null::Mode::real_time;
    static constexpr bool ends_by_itself = true;

    static constexpr std::array does_not_apply{
        Exception{Property::rate_refusal, "its clock runs at any rate"},
        Exception{Property::no_server, "there is none that could be absent"},
        Exception{Property::hang, "there is nobody who could stop answering"},
    };
    static constexpr std::array losses{Loss{"a device loss that was ordered", io::Errc::device_lost}};

    explicit NullRig(const Setting& setting) : setting_(setting), kept_(setting.channels) {
        const std::size_t phase = setting.frames / (setting.quanta.size() + 1);
        for (std::size_t i = 0; i < setting.quanta.size(); ++i)
            faults_.push_back({io::null::Fault::Kind::quantum, (i + 1) * phase, setting.quanta[i]});
        if (setting.to_be_lost)
            faults_.push_back({io::null::Fault::Kind::device_loss, setting.quantum * 20, 0});
        for (std::vector<float>& channel : kept_) {
            channel.resize(setting.frames);
            keep_.push_back(channel.data());
        }
    }

    [[nodiscard]] io::StreamConfig config() const {
        return {.input_channels = setting_.channels, .output_channels = setting_.channels};
    }
    [[nodiscard]] io::null::Options options() const {
        io::null::Options options{.mode = Mode,
                                  .quantum = setting_.quantum,
                                  .faults = faults_,
                                  .end_after_frames = setting_.end_after};
        if (setting_.wiring == Wiring::loop)
            options.loopback = true;
        if (setting_.wiring == Wiring::through) {
            options.signal.sample = [](const void*, std::uint32_t channel, std::uint64_t frame) noexcept {
                return signal(channel, frame);
            };
            options.keep = keep_;
            options.keep_frames = setting_.frames;
        }
        return options;
    }
    [[nodiscard]] std::uint32_t sample_rate() const { return 48000; }
    void connect(DriverOf<NullRig>&) {}

    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo& info) const {
        return info.capture_latency + info.playback_latency; // it is told in full
    }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return kept_[channel]; }
    [[nodiscard]] bool complete() const { return true; }
    [[nodiscard]] std::uint64_t disturbances() const { return 0; }
    void follow_changes(DriverOf<NullRig>&) {} // ordered already

    void lose(const Loss&) {} // likewise
    void restore() { faults_.clear(); }

private:
    Setting setting_;
    std::vector<io::null::Fault> faults_;
    std::vector<std::vector<float>> kept_;
    std::vector<float*> keep_;
};

} // namespace conformance
