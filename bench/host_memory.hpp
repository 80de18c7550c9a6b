// SPDX-License-Identifier: MIT
#pragma once

// The memory that a host hands to its plugin: planar, channel by channel.

#include <cstddef>
#include <vector>

class HostMemory {
public:
    HostMemory(std::size_t channels, std::size_t frames) : samples_(2 * channels * (frames + margin), 0.5F) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            inputs.push_back(samples_.data() + channel * (frames + margin));
            outputs.push_back(samples_.data() + (channels + channel) * (frames + margin));
        }
    }
    HostMemory(const HostMemory&) = delete;
    HostMemory& operator=(const HostMemory&) = delete;

    std::vector<const float*> inputs;
    std::vector<float*> outputs;

private:
    /// At distances of 4 KiB a processor takes a load and a store for the same place.
    static constexpr std::size_t margin = 24;
    std::vector<float> samples_;
};
