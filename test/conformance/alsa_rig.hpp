// SPDX-License-Identifier: MIT
#pragma once

// ALSA on the timed device in user space (servers/alsa_test_device.cpp), which has one period, as a server
// has a quantum. The outside are its stores.

#include "rig.hpp"
#include <rill_io/alsa.hpp>

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

/// What the plugin gives a test.
class AlsaTestDevice {
public:
    AlsaTestDevice() {
        const char* const path = std::getenv("RILL_IO_TEST_DEVICE");
        void* const plugin = path != nullptr ? ::dlopen(path, RTLD_NOW) : nullptr; // stays
        if (plugin == nullptr)
            throw std::runtime_error("RILL_IO_TEST_DEVICE names no plugin that can be loaded");
        find(plugin, "test_device_sample", sample);
        find(plugin, "test_device_set_frames", set_frames);
        find(plugin, "test_device_frames", frames);
        find(plugin, "test_device_unplug", unplug);
    }

    void* (*sample)(int loop, unsigned long long frame, unsigned channel) = nullptr;
    void (*set_frames)(int loop, unsigned long long frames) = nullptr;
    unsigned long long (*frames)(int loop) = nullptr;
    void (*unplug)(int unplugged) = nullptr;

private:
    template <class Function>
    static void find(void* plugin, const char* name, Function& function) {
        function = reinterpret_cast<Function>(::dlsym(plugin, name));
        if (function == nullptr)
            throw std::runtime_error(std::string("the plugin has no ") + name);
    }
};

struct AlsaRig {
    using Backend = io::AlsaBackend;
    static constexpr bool in_real_time = true;

    static constexpr std::array does_not_apply{
        Exception{Property::division, "the period equals the block, or the adapter is asked for"},
        Exception{Property::no_server, "there is none that could be absent"},
        Exception{Property::quantum_change, "a device that is open keeps its period"},
        Exception{Property::hang, "a device that stops is lost, sooner; see unit/alsa_faults_test.cpp"},
    };
    static constexpr std::array losses{Loss{"a device that is unplugged", io::Errc::device_lost}};

    explicit AlsaRig(const Setting& setting) : setting_(setting) {
        device_name_ =
            "test_quantum:" + std::to_string(setting.quantum) + "," + std::to_string(setting.channels) + ",";
        captured_name_ = device_name_ + std::to_string(captured);
        played_name_ = device_name_ + std::to_string(played);
        device_name_ += "0";
        if (setting.wiring != Wiring::through)
            return;
        for (std::uint64_t frame = 0; frame < setting.frames; ++frame)
            for (std::uint32_t channel = 0; channel < setting.channels; ++channel) {
                const float sample = signal(channel, frame);
                std::memcpy(outside_.sample(captured, frame, channel), &sample, sizeof sample);
            }
        outside_.set_frames(captured, setting.frames);
    }
    ~AlsaRig() { outside_.unplug(0); }
    AlsaRig(const AlsaRig&) = delete;
    AlsaRig& operator=(const AlsaRig&) = delete;

    [[nodiscard]] io::StreamConfig config() const {
        io::StreamConfig config{.input_channels = setting_.channels, .output_channels = setting_.channels};
        if (setting_.wiring == Wiring::through) {
            config.capture_target = captured_name_;
            config.playback_target = played_name_;
        } else {
            config.device = device_name_;
        }
        return config;
    }
    [[nodiscard]] io::alsa::Options options() const { return {}; }
    [[nodiscard]] std::uint32_t sample_rate() const { return 48000; }
    void connect(DriverOf<AlsaRig>&) {}

    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo& info) const {
        return info.capture_latency + info.playback_latency; // it is told in full
    }
    [[nodiscard]] bool complete() const { return outside_.frames(played) >= silence() + setting_.frames; }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) {
        kept_.resize(setting_.frames);
        for (std::size_t i = 0; i < kept_.size(); ++i)
            std::memcpy(&kept_[i], outside_.sample(played, silence() + i, channel), sizeof(float));
        return kept_;
    }
    [[nodiscard]] std::uint64_t disturbances() const { return 0; }
    void follow_changes(DriverOf<AlsaRig>&) {}

    void lose(const Loss&) { outside_.unplug(1); }
    void restore() { outside_.unplug(0); }

private:
    static constexpr int captured = 1; ///< store
    static constexpr int played = 2;

    /// What a stream plays before the graph's first frame: the full buffer.
    [[nodiscard]] std::uint64_t silence() const { return std::uint64_t{4} * setting_.quantum; }

    Setting setting_;
    AlsaTestDevice outside_;
    std::string device_name_;
    std::string captured_name_;
    std::string played_name_;
    std::vector<float> kept_;
};

} // namespace conformance
