// SPDX-License-Identifier: MIT

// What the ALSA backend's conversion costs: 256 frames of 1, 2 and 8 channels between a device's memory and
// planar floats, against memcpy of as many bytes as the device's memory has. First the loops that this
// processor gets, then those for every x86-64, then the portable ones.

#include "convert.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

namespace alsa = rill::io::alsa;

constexpr std::size_t frames = 256;

struct Buffers {
    Buffers(alsa::Encoding encoding, std::size_t channels)
        : bytes(alsa::bytes_of(encoding) * channels * frames),
          device(bytes),
          window(channels * frames, 0.25F) {
        const std::size_t sample = alsa::bytes_of(encoding);
        for (std::size_t channel = 0; channel < channels; ++channel) {
            areas.push_back({device.data() + channel * sample, channels * sample});
            pointers.push_back(window.data() + channel * frames);
        }
    }
    std::size_t bytes;
    std::vector<std::byte> device;
    std::vector<float> window;
    std::vector<alsa::Area> areas;
    std::vector<float*> pointers;
};

void count_bytes(benchmark::State& state, std::size_t bytes) {
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}

void copy_memory(benchmark::State& state, std::size_t bytes) {
    std::vector<std::byte> from(bytes);
    std::vector<std::byte> to(bytes);
    for (auto _ : state) {
        std::memcpy(to.data(), from.data(), bytes);
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    count_bytes(state, bytes);
}

void from_device(benchmark::State& state, const alsa::Codec& codec, alsa::Encoding encoding,
                 std::size_t channels) {
    Buffers buffers(encoding, channels);
    for (auto _ : state) {
        if (channels == 2)
            codec.read_stereo(buffers.device.data(), buffers.pointers[0], buffers.pointers[1], frames);
        else
            for (std::size_t channel = 0; channel < channels; ++channel)
                codec.read(buffers.areas[channel].first, buffers.areas[channel].step,
                           buffers.pointers[channel], frames);
        benchmark::ClobberMemory();
    }
    count_bytes(state, buffers.bytes);
}

void to_device(benchmark::State& state, const alsa::Codec& codec, alsa::Encoding encoding,
               std::size_t channels) {
    Buffers buffers(encoding, channels);
    for (auto _ : state) {
        if (channels == 2)
            codec.write_stereo(buffers.pointers[0], buffers.pointers[1], buffers.device.data(), frames);
        else
            for (std::size_t channel = 0; channel < channels; ++channel)
                codec.write(buffers.pointers[channel], buffers.areas[channel].first,
                            buffers.areas[channel].step, frames);
        benchmark::ClobberMemory();
    }
    count_bytes(state, buffers.bytes);
}

} // namespace

int main(int argc, char** argv) {
    struct Named {
        const char* name;
        alsa::Encoding encoding;
    };
    constexpr Named encodings[] = {{"FLOAT", alsa::Encoding::float32},
                                   {"S32", alsa::Encoding::s32},
                                   {"S24_3", alsa::Encoding::s24_3},
                                   {"S16", alsa::Encoding::s16},
                                   {"S32_swapped", alsa::Encoding::s32_swapped}};
    for (const std::size_t bytes : {std::size_t{1024}, std::size_t{2048}, std::size_t{8192}})
        benchmark::RegisterBenchmark(("memcpy/" + std::to_string(bytes) + "_bytes").c_str(), copy_memory,
                                     bytes);
    std::size_t number = 0;
    for (const alsa::Codecs* const set : alsa::codec_sets()) {
        const std::string loops = "loops" + std::to_string(number++) + "/";
        for (const Named& named : encodings)
            for (const std::size_t channels : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
                const std::string rest = named.name + std::string("/") + std::to_string(channels);
                const alsa::Codec& codec = (*set)[static_cast<std::size_t>(named.encoding)];
                benchmark::RegisterBenchmark((loops + "read/" + rest).c_str(), from_device, codec,
                                             named.encoding, channels);
                benchmark::RegisterBenchmark((loops + "write/" + rest).c_str(), to_device, codec,
                                             named.encoding, channels);
            }
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
