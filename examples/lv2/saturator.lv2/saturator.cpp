// SPDX-License-Identifier: MIT
//
// ../../graph/saturator.hpp as an LV2 plugin: the host's audio thread calls run(), run() calls the graph.

#include "../../graph/saturator.hpp"

#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/processing.hpp>

#include <lv2/core/lv2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>

namespace {

namespace host = rill::io::host;
using rill::io::ProcessingState;
using rill::io::Result;

using Driver = rill::io::Driver<host::Capture, host::Playback>;
using Graph = example::Saturator<host::Capture, host::Playback>;
using State = ProcessingState<Graph>;

constexpr const char* uri = "urn:rill-io:saturator";
constexpr std::size_t num_channels = example::num_channels;
constexpr std::size_t num_controls = example::controls.size();

// Ports as saturator.ttl numbers them: audio in, audio out, controls.
constexpr std::size_t first_output = num_channels;
constexpr std::size_t first_control = first_output + num_channels;
constexpr std::size_t num_ports = first_control + num_controls;

class Plugin {
public:
    Result<void> open(double sample_rate) {
        return driver_.open({.sample_rate = static_cast<std::uint32_t>(sample_rate),
                             .input_channels = num_channels,
                             .output_channels = num_channels});
    }

    void connect(std::size_t port, void* memory) noexcept {
        if (port < first_output)
            inputs_[port] = static_cast<const float*>(memory);
        else if (port < first_control)
            outputs_[port - first_output] = static_cast<float*>(memory);
        else if (port < num_ports)
            controls_[port - first_control] = static_cast<const float*>(memory);
    }

    void activate() {
        if (const auto started = processor_.start(); !started)
            std::fprintf(stderr, "rill-io saturator: %s\n", started.error().text);
    }
    void deactivate() noexcept { (void)processor_.stop(); }

    void run(std::uint32_t frames) noexcept {
        send_controls();
        // The graph goes channel by channel. A host may also lay one channel's output over another's input.
        if (inputs_[1] == outputs_[0])
            return run_from_copy(frames);
        processor_.process(inputs_.data(), outputs_.data(), frames);
    }

private:
    void send_controls() noexcept {
        for (std::size_t i = 0; i < num_controls; ++i) {
            const example::Control& control = example::controls[i];
            if (controls_[i] == nullptr || *controls_[i] == sent_[i])
                continue;
            if (state_.send({.node = control.node, .parameter = control.parameter, .value = *controls_[i]}))
                sent_[i] = *controls_[i];
        }
    }

    void run_from_copy(std::uint32_t frames) noexcept {
        const std::array<const float*, num_channels> copies{copy_[0].data(), copy_[1].data()};
        for (std::uint32_t done = 0; done < frames;) {
            const std::uint32_t count = std::min(frames - done, copy_frames);
            std::array<float*, num_channels> outputs = outputs_;
            for (std::size_t channel = 0; channel < num_channels; ++channel) {
                std::copy_n(inputs_[channel] + done, count, copy_[channel].data());
                outputs[channel] += done;
            }
            processor_.process(copies.data(), outputs.data(), count);
            done += count;
        }
    }

    static constexpr std::uint32_t copy_frames = 256;

    Driver driver_;
    Graph graph_ = example::saturator(driver_.capture(), driver_.playback());
    State state_{graph_};
    host::Processor<Driver, State> processor_{driver_, state_};

    std::array<const float*, num_channels> inputs_{};
    std::array<float*, num_channels> outputs_{};
    std::array<const float*, num_controls> controls_{};
    std::array<float, num_controls> sent_{example::controls[0].standard, example::controls[1].standard,
                                          example::controls[2].standard};
    std::array<std::array<float, copy_frames>, num_channels> copy_{};
};

LV2_Handle instantiate(const LV2_Descriptor*, double sample_rate, const char*, const LV2_Feature* const*) {
    try {
        auto plugin = std::make_unique<Plugin>();
        if (const auto opened = plugin->open(sample_rate); !opened) {
            std::fprintf(stderr, "rill-io saturator: %s\n", opened.error().text);
            return nullptr;
        }
        return plugin.release();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

constexpr LV2_Descriptor descriptor{
    .URI = uri,
    .instantiate = instantiate,
    .connect_port = [](LV2_Handle self, std::uint32_t port,
                       void* memory) { static_cast<Plugin*>(self)->connect(port, memory); },
    .activate = [](LV2_Handle self) { static_cast<Plugin*>(self)->activate(); },
    .run = [](LV2_Handle self, std::uint32_t frames) { static_cast<Plugin*>(self)->run(frames); },
    .deactivate = [](LV2_Handle self) { static_cast<Plugin*>(self)->deactivate(); },
    .cleanup = [](LV2_Handle self) { delete static_cast<Plugin*>(self); },
    .extension_data = nullptr,
};

} // namespace

LV2_SYMBOL_EXPORT const LV2_Descriptor* lv2_descriptor(std::uint32_t index) {
    return index == 0 ? &descriptor : nullptr;
}
