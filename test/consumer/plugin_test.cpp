// SPDX-License-Identifier: MIT
//
// The LV2 example in the hands of hosts of all kinds: blocks of any size, buffers that are shared, runs out
// of turn.

#include "../../examples/graph/saturator.hpp"

#include <dlfcn.h>
#include <lv2/core/lv2.h>
#include <test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr std::size_t num_frames = 20000;
constexpr std::size_t num_controls = example::controls.size();
using Channels = std::array<std::vector<float>, 2>;

const LV2_Descriptor& descriptor() {
    static const LV2_Descriptor* const found = [] {
        const char* const path = std::getenv("SATURATOR_PLUGIN");
        REQUIRE(path != nullptr);
        void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        REQUIRE(library != nullptr);
        const auto entry = reinterpret_cast<LV2_Descriptor_Function>(dlsym(library, "lv2_descriptor"));
        REQUIRE(entry != nullptr);
        CHECK(entry(1) == nullptr);
        return entry(0);
    }();
    return *found;
}

/// One instance, as a host holds it.
class Instance {
public:
    Instance() : handle_(descriptor().instantiate(&descriptor(), 48000.0, "", nullptr)) {
        REQUIRE(handle_ != nullptr);
        for (std::size_t i = 0; i < num_controls; ++i) {
            values_[i] = example::controls[i].standard;
            descriptor().connect_port(handle_, static_cast<std::uint32_t>(4 + i), &values_[i]);
        }
    }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    ~Instance() { descriptor().cleanup(handle_); }

    void activate() { descriptor().activate(handle_); }
    void deactivate() { descriptor().deactivate(handle_); }
    void set(std::size_t control, float value) { values_[control] = value; }
    void run(float* in_1, float* in_2, float* out_1, float* out_2, std::uint32_t frames) {
        std::uint32_t port = 0;
        for (float* const memory : {in_1, in_2, out_1, out_2})
            descriptor().connect_port(handle_, port++, memory);
        descriptor().run(handle_, frames);
    }

private:
    LV2_Handle handle_;
    std::array<float, num_controls> values_{};
};

Channels noise() {
    std::mt19937 generator(1);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    Channels channels;
    for (auto& channel : channels) {
        channel.resize(num_frames);
        std::generate(channel.begin(), channel.end(), [&] { return uniform(generator); });
        std::fill(channel.begin() + num_frames / 2, channel.begin() + num_frames * 3 / 4,
                  0.0F); // a tail to decay
    }
    return channels;
}

/// Everything in one run.
Channels reference(Channels input) {
    Instance plugin;
    plugin.activate();
    Channels output{std::vector<float>(num_frames), std::vector<float>(num_frames)};
    plugin.run(input[0].data(), input[1].data(), output[0].data(), output[1].data(), num_frames);
    return output;
}

/// A host's way of laying out its buffers: where the outputs go when the inputs are in the first two.
struct Layout {
    const char* name;
    std::array<std::size_t, 2> outputs;
};

} // namespace

TEST_CASE("the samples do not depend on the blocks, nor on shared buffers") {
    const Channels input = noise();
    const Channels expected = reference(input);
    CHECK(expected[0] != input[0]);
    CHECK(std::any_of(expected[1].begin(), expected[1].end(), [](float x) { return x != 0.0F; }));

    const auto layout =
        GENERATE(Layout{"apart", {2, 3}}, Layout{"in place", {0, 1}}, Layout{"in place, crossed", {1, 0}},
                 Layout{"one apart", {2, 0}}, Layout{"the other apart", {1, 2}});
    INFO(layout.name);
    const auto largest = GENERATE(1U, 7U, 64U, 1000U);
    std::mt19937 generator(largest);
    Instance plugin;
    plugin.activate();
    Channels output;
    for (std::size_t done = 0; done < num_frames;) {
        const auto frames = static_cast<std::uint32_t>(std::min<std::size_t>(
            std::uniform_int_distribution<std::uint32_t>(0, largest)(generator), num_frames - done));
        std::array<std::unique_ptr<float[]>, 4>
            buffers; // on the heap and no longer than needed: for AddressSanitizer
        for (auto& buffer : buffers)
            buffer = std::make_unique<float[]>(frames);
        for (std::size_t channel = 0; channel < 2; ++channel)
            std::copy_n(input[channel].data() + done, frames, buffers[channel].get());
        plugin.run(buffers[0].get(), buffers[1].get(), buffers[layout.outputs[0]].get(),
                   buffers[layout.outputs[1]].get(), frames);
        for (std::size_t channel = 0; channel < 2; ++channel) {
            const float* const played = buffers[layout.outputs[channel]].get();
            output[channel].insert(output[channel].end(), played, played + frames);
        }
        done += frames;
    }
    CHECK(output[0] == expected[0]);
    CHECK(output[1] == expected[1]);
}

TEST_CASE("a control takes effect with the next run's first frame") {
    Channels input = noise();
    const Channels expected = reference(input);
    Instance plugin;
    plugin.activate();
    Channels output{std::vector<float>(num_frames), std::vector<float>(num_frames)};
    constexpr std::uint32_t first = 1000;
    plugin.run(input[0].data(), input[1].data(), output[0].data(), output[1].data(), first);
    plugin.set(2, 2.0F * example::controls[2].standard);
    plugin.run(input[0].data() + first, input[1].data() + first, output[0].data() + first,
               output[1].data() + first, num_frames - first);
    for (std::size_t i = 0; i < num_frames; ++i)
        REQUIRE(output[0][i] == (i < first ? 1.0F : 2.0F) * expected[0][i]);
}

TEST_CASE("activating starts anew; out of turn it plays silence") {
    Channels input = noise();
    const Channels expected = reference(input);
    Instance plugin;
    Channels output{std::vector<float>(num_frames, 1.0F), std::vector<float>(num_frames, 1.0F)};
    const auto run = [&](std::uint32_t frames) {
        plugin.run(input[0].data(), input[1].data(), output[0].data(), output[1].data(), frames);
    };
    run(0);
    run(64);
    CHECK(std::all_of(output[0].begin(), output[0].begin() + 64, [](float x) { return x == 0.0F; }));
    plugin.activate();
    run(64);
    run(0);
    plugin.deactivate();
    run(0);
    run(num_frames);
    CHECK(std::all_of(output[1].begin(), output[1].end(), [](float x) { return x == 0.0F; }));
    plugin.activate();
    run(num_frames);
    CHECK(output[0] == expected[0]);
}
