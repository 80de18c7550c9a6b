// SPDX-License-Identifier: MIT
#pragma once

#include "rig.hpp"
#include <rill_io/host.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

namespace conformance {

struct HostRig {
    using Backend = io::HostBackend;
    static constexpr bool in_real_time = false;

    static constexpr std::array does_not_apply{
        Exception{Property::rate_refusal, "the host tells the rate by asking for it"},
        Exception{Property::period_refusal, "the host brings any number of frames; the adapter copes"},
        Exception{Property::no_server, "there is none that could be absent"},
        Exception{Property::loss, "a host that goes away takes the library along"},
        Exception{Property::hang, "a host that stops calling is not hanging, it is paused"},
        Exception{Property::own_cycles, "the host calls"},
    };

    explicit HostRig(const Setting& setting) : setting_(setting), kept_(setting.channels) {
        for (std::vector<float>& channel : kept_)
            channel.reserve(setting.frames);
    }

    [[nodiscard]] io::StreamConfig config() const {
        return {.input_channels = setting_.channels, .output_channels = setting_.channels};
    }
    [[nodiscard]] io::host::Options options() const { return {.max_frames = setting_.quantum}; }
    [[nodiscard]] std::uint32_t sample_rate() const { return 48000; }
    void connect(DriverOf<HostRig>&) {}

    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo&) const { return setting_.quantum; }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return kept_[channel]; }
    [[nodiscard]] bool complete() const { return true; }
    [[nodiscard]] std::uint64_t disturbances() const { return 0; }
    void follow_changes(DriverOf<HostRig>&) {} // the caller's thread does

    /// The host's audio thread: calls from the first start() on, whether the driver is started or not.
    template <class Driver, class F>
    [[nodiscard]] std::jthread drive(Driver& driver, F& callback) {
        for (std::vector<float>& channel : kept_)
            channel.clear();
        return std::jthread([this, &driver, &callback](const std::stop_token& stop) {
            while (!driver.is_running())
                if (stop.stop_requested())
                    return;
                else
                    std::this_thread::sleep_for(std::chrono::microseconds(50));
            io::host::Processor processor{driver, callback};
            Memory memory(setting_);
            while (!stop.stop_requested()) {
                const std::uint32_t frames = memory.fill(setting_);
                processor.process(memory.inputs.data(), memory.outputs.data(), frames);
                memory.take(setting_, frames, kept_);
                std::this_thread::yield();
            }
        });
    }

private:
    static constexpr std::uint32_t longest = 8192;

    /// The host's buffers, and its device's clock.
    struct Memory {
        explicit Memory(const Setting& setting)
            : in(setting.channels, std::vector<float>(longest)), out(in), played(setting.channels) {
            for (std::size_t channel = 0; channel < setting.channels; ++channel) {
                inputs.push_back(in[channel].data());
                outputs.push_back(out[channel].data());
                played[channel].assign(setting.quantum, 0.0F); // the loop's latency
            }
        }
        std::uint32_t fill(const Setting& setting) {
            const std::size_t phase = setting.frames / (setting.quanta.size() + 1);
            const std::size_t changes =
                setting.quanta.empty()
                    ? 0
                    : std::min<std::size_t>(frame / std::max<std::size_t>(phase, 1), setting.quanta.size());
            const std::uint32_t frames = changes == 0 ? setting.quantum : setting.quanta[changes - 1];
            for (std::uint32_t channel = 0; channel < setting.channels; ++channel)
                for (std::uint32_t i = 0; i < frames; ++i)
                    in[channel][i] = setting.wiring == Wiring::through ? signal(channel, frame + i)
                                     : setting.wiring == Wiring::loop  ? played[channel][i]
                                                                       : 0.0F;
            return frames;
        }
        void take(const Setting& setting, std::uint32_t frames, std::vector<std::vector<float>>& kept) {
            frame += frames;
            for (std::uint32_t channel = 0; channel < setting.channels; ++channel) {
                if (setting.wiring == Wiring::loop)
                    std::copy_n(out[channel].begin(), frames, played[channel].begin());
                if (setting.wiring == Wiring::through && kept[channel].size() < setting.frames) {
                    const std::size_t count =
                        std::min<std::size_t>(frames, setting.frames - kept[channel].size());
                    kept[channel].insert(kept[channel].end(), out[channel].data(),
                                         out[channel].data() + count);
                }
            }
        }
        std::uint64_t frame = 0;
        std::vector<std::vector<float>> in;
        std::vector<std::vector<float>> out;
        std::vector<std::vector<float>> played;
        std::vector<const float*> inputs;
        std::vector<float*> outputs;
    };

    Setting setting_;
    std::vector<std::vector<float>> kept_;
};

} // namespace conformance
