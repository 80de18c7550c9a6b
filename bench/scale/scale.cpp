// SPDX-License-Identifier: MIT
//
// How the cost of a cycle grows, and what the block adapter adds. The graph is Input >> Gain (as many as
// there are nodes) >> Output, run by the host backend; "raw" is the callback that everybody writes in C.
//
//   channels/{rill_io,raw}   1 .. 128 channels, 64 frames
//   block/{rill_io,raw}      16 .. 1024 frames, 2 channels
//   nodes/{rill_io,raw}      1 .. 64 nodes, 2 channels, 64 frames; raw: a loop for each node
//   adapter/{direct,adapted,copies}  2 channels, a block of 100 frames in a quantum of 256, of 480 in one of
//                            1024: a cycle where the adapter stands in between; one of 300, of 960, where the
//                            same blocks need none; and what one copy each way costs alone. "_static": the
//                            number of channels is known when compiling

#include "../host_memory.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = rill::io;

// --- the callback by hand

struct RawState {
    std::size_t channels;
    std::vector<float> gains;
};
using RawCallback = void (*)(void* state, const float* const* inputs, float* const* outputs,
                             std::uint32_t frames);

void raw_callback(void* state, const float* const* inputs, float* const* outputs, std::uint32_t frames) {
    const auto& raw = *static_cast<RawState*>(state);
    for (std::size_t node = 0; node < raw.gains.size(); ++node) {
        const float gain = raw.gains[node];
        for (std::size_t channel = 0; channel < raw.channels; ++channel) {
            const float* const in = node == 0 ? inputs[channel] : outputs[channel];
            float* const out = outputs[channel];
            for (std::uint32_t i = 0; i < frames; ++i)
                out[i] = in[i] * gain;
        }
    }
}

void measure_raw(benchmark::State& state, std::size_t nodes, std::size_t channels, std::uint32_t frames) {
    HostMemory memory(channels, frames);
    RawState raw{channels, std::vector<float>(nodes, 0.999F)};
    RawCallback callback = &raw_callback;
    for (auto _ : state) {
        benchmark::DoNotOptimize(callback); // a host knows no more than the pointer
        callback(&raw, memory.inputs.data(), memory.outputs.data(), frames);
        benchmark::ClobberMemory();
    }
}

// --- the library

template <std::size_t... I>
auto gains(std::index_sequence<I...>) {
    return (... >> io::Gain(0.999F + 0.0F * static_cast<float>(I)));
}

/// Runs `graph`, whose gains and ends it has.
template <class Graph>
void measure_graph(benchmark::State& state, io::Driver<io::host::Capture, io::host::Playback>& driver,
                   Graph graph, std::size_t channels, std::uint32_t block, std::uint32_t quantum) {
    io::ProcessingState processing(graph);
    io::host::Processor processor(driver, processing);
    const auto count = static_cast<std::uint32_t>(channels);
    if (!driver.open({.block = block,
                      .input_channels = count,
                      .output_channels = count,
                      .period_match = io::Match::adapt},
                     {.max_frames = quantum}) ||
        !processor.start())
        return state.SkipWithError("the driver does not open");
    HostMemory memory(channels, quantum);
    using Ours = decltype(processor);
    RawCallback callback = [](void* ours, const float* const* inputs, float* const* outputs,
                              std::uint32_t frames) {
        static_cast<Ours*>(ours)->process(inputs, outputs, frames);
    };
    for (auto _ : state) {
        benchmark::DoNotOptimize(callback);
        callback(&processor, memory.inputs.data(), memory.outputs.data(), quantum);
        benchmark::ClobberMemory();
    }
    if (driver.stats().frames == 0)
        state.SkipWithError("the graph has not run");
}

/// Everything but the number of nodes is known when it runs only. The adapter is there if `block` does not
/// divide `quantum`.
template <std::size_t Nodes>
void measure_ours(benchmark::State& state, std::size_t channels, std::uint32_t block, std::uint32_t quantum) {
    using Input = io::Input<io::host::Capture>;
    using Output = io::Output<io::host::Playback>;
    io::Driver<io::host::Capture, io::host::Playback> driver;
    measure_graph(state, driver,
                  Input::with_channels(driver.capture(), channels) >>
                      gains(std::make_index_sequence<Nodes>()) >>
                      Output::with_channels(driver.playback(), channels),
                  channels, block, quantum);
}

void channels_ours(benchmark::State& state) {
    measure_ours<1>(state, static_cast<std::size_t>(state.range(0)), 64, 64);
}
void channels_raw(benchmark::State& state) {
    measure_raw(state, 1, static_cast<std::size_t>(state.range(0)), 64);
}
void block_ours(benchmark::State& state) {
    const auto frames = static_cast<std::uint32_t>(state.range(0));
    measure_ours<1>(state, 2, frames, frames);
}
void block_raw(benchmark::State& state) {
    measure_raw(state, 1, 2, static_cast<std::uint32_t>(state.range(0)));
}
template <std::size_t Nodes>
void nodes_ours(benchmark::State& state) {
    measure_ours<Nodes>(state, 2, 64, 64);
}
void nodes_raw(benchmark::State& state) {
    measure_raw(state, static_cast<std::size_t>(state.range(0)), 2, 64);
}

void adapter_ours(benchmark::State& state) {
    measure_ours<1>(state, 2, static_cast<std::uint32_t>(state.range(0)),
                    static_cast<std::uint32_t>(state.range(1)));
}
void adapter_ours_static(benchmark::State& state) {
    io::Driver<io::host::Capture, io::host::Playback> driver;
    measure_graph(state, driver,
                  io::Input<io::host::Capture, io::dynamic_extent, 2>(driver.capture()) >> io::Gain(0.999F) >>
                      io::Output<io::host::Playback, io::dynamic_extent, 2>(driver.playback()),
                  2, static_cast<std::uint32_t>(state.range(0)), static_cast<std::uint32_t>(state.range(1)));
}
/// Two channels in and two out, a quantum long.
void adapter_copies(benchmark::State& state) {
    const auto quantum = static_cast<std::size_t>(state.range(1));
    HostMemory memory(2, quantum);
    HostMemory ring(2, quantum);
    for (auto _ : state) {
        for (std::size_t channel = 0; channel < 2; ++channel) {
            std::memcpy(ring.outputs[channel], memory.inputs[channel], quantum * sizeof(float));
            benchmark::ClobberMemory();
            std::memcpy(memory.outputs[channel], ring.inputs[channel], quantum * sizeof(float));
        }
        benchmark::ClobberMemory();
    }
}

template <std::size_t... I>
void add_nodes(std::index_sequence<I...>) {
    (benchmark::RegisterBenchmark("nodes/rill_io", nodes_ours<std::size_t{1} << I>)
         ->Arg(std::int64_t{1} << I),
     ...);
    (benchmark::RegisterBenchmark("nodes/raw", nodes_raw)->Arg(std::int64_t{1} << I), ...);
}

} // namespace

int main(int argc, char** argv) {
    using benchmark::RegisterBenchmark;
    RegisterBenchmark("channels/rill_io", channels_ours)->RangeMultiplier(2)->Range(1, 128);
    RegisterBenchmark("channels/raw", channels_raw)->RangeMultiplier(2)->Range(1, 128);
    RegisterBenchmark("block/rill_io", block_ours)->RangeMultiplier(2)->Range(16, 1024);
    RegisterBenchmark("block/raw", block_raw)->RangeMultiplier(2)->Range(16, 1024);
    add_nodes(std::make_index_sequence<7>());
    const auto sizes = [](auto* one) { one->Args({100, 256})->Args({480, 1024}); };
    const auto multiples = [](auto* one) { one->Args({100, 300})->Args({480, 960}); };
    RegisterBenchmark("adapter/direct", adapter_ours)->Apply(multiples);
    RegisterBenchmark("adapter/adapted", adapter_ours)->Apply(sizes);
    RegisterBenchmark("adapter/direct_static", adapter_ours_static)->Apply(multiples);
    RegisterBenchmark("adapter/adapted_static", adapter_ours_static)->Apply(sizes);
    RegisterBenchmark("adapter/copies", adapter_copies)->Apply(sizes);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 64;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
