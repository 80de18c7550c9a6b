// SPDX-License-Identifier: MIT
//
// What static dispatch really buys: a chain of nodes as one function, against nodes that are called one after
// the other. Every node multiplies by its factor; the input is the host's memory, so is the output.
//
// The chains are inlined into the loop that measures; the nodes of the others are called through it.
//
//   fused          our chain, block and channels known at compile time: one pass over memory for all nodes
//   fused_run_time our chain, block and channels known when it runs
//   virtual_nodes  one virtual call for each node and block, which works in place on all channels: the graph
//                  as most hosts have it, with loops as vectorised as ours
//   virtual_channels  likewise, but a call for each channel: what many plugin chains are
//
// The label is how many samples a vector holds in this program: it is built for any x86-64, and again for
// x86-64-v3 (AVX2).

#include "../host_memory.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/kernel.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace io = rill::io;

/// Another one for each node, so that no two are the same number.
constexpr float factor(std::size_t node) {
    return 1.0F + 0.001F * static_cast<float>(node);
}

template <std::size_t... I>
auto gains(std::index_sequence<I...>) {
    return (... >> io::Gain(factor(I)));
}

void show(benchmark::State& state, std::size_t nodes, std::size_t channels, std::size_t frames) {
    const auto samples = static_cast<double>(nodes * channels * frames);
    state.SetLabel(std::to_string(io::num_lanes) + " lanes");
    state.counters["ns_per_node_sample"] = benchmark::Counter(
        samples * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Process>
void measure(benchmark::State& state, std::size_t nodes, std::size_t channels, const Process& process) {
    const auto frames = static_cast<std::size_t>(state.range(0));
    HostMemory memory(channels, frames);
    for (auto _ : state) {
        process(memory.inputs.data(), memory.outputs.data(), static_cast<std::uint32_t>(frames));
        benchmark::ClobberMemory();
    }
    float expected = 0.5F;
    for (std::size_t node = 0; node < nodes; ++node)
        expected *= factor(node);
    if (memory.outputs[channels - 1][frames - 1] != expected)
        state.SkipWithError("the output is wrong");
    show(state, nodes, channels, frames);
}

template <std::size_t Nodes, std::size_t Channels, std::size_t Block, std::size_t Width>
void run_chain(benchmark::State& state) {
    constexpr bool fixed = Width != io::dynamic_extent;
    using Input = io::Input<io::host::Capture, Block, Width>;
    using Output = io::Output<io::host::Playback, Block, Width>;
    io::Driver<io::host::Capture, io::host::Playback, Block> driver;
    auto graph = [&] {
        auto chain = gains(std::make_index_sequence<Nodes>());
        if constexpr (fixed)
            return Input(driver.capture()) >> std::move(chain) >> Output(driver.playback());
        else
            return Input::with_channels(driver.capture(), Channels) >> std::move(chain) >>
                   Output::with_channels(driver.playback(), Channels);
    }();
    io::ProcessingState processing(graph);
    io::host::Processor processor(driver, processing);
    const auto block = static_cast<std::uint32_t>(state.range(0));
    if (!driver.open({.block = block, .input_channels = Channels, .output_channels = Channels}) ||
        !processor.start())
        return state.SkipWithError("the driver does not open");
    measure(state, Nodes, Channels,
            [&](const float* const* inputs, float* const* outputs, std::uint32_t frames) {
                processor.process(inputs, outputs, frames);
            });
}
template <std::size_t Nodes, std::size_t Channels, std::size_t Block>
void fused(benchmark::State& state) {
    run_chain<Nodes, Channels, Block, Channels>(state);
}
template <std::size_t Nodes, std::size_t Channels>
void fused_run_time(benchmark::State& state) {
    run_chain<Nodes, Channels, io::dynamic_extent, io::dynamic_extent>(state);
}

/// A node of a graph whose nodes nobody knows at compile time.
struct Node {
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;
    virtual void process(const float* const* in, float* const* out, std::size_t channels,
                         std::size_t frames) noexcept = 0;
};
struct GainNode final : Node {
    explicit GainNode(float by) : gain(by) {}
    void process(const float* const* in, float* const* out, std::size_t channels,
                 std::size_t frames) noexcept override {
        for (std::size_t channel = 0; channel < channels; ++channel)
            io::apply(std::span<const float>(in[channel], frames), std::span<float>(out[channel], frames),
                      [by = gain](auto x) noexcept { return x * by; });
    }
    float gain;
};

std::vector<std::unique_ptr<Node>> make_nodes(std::size_t count) {
    std::vector<std::unique_ptr<Node>> nodes;
    for (std::size_t node = 0; node < count; ++node)
        nodes.push_back(std::make_unique<GainNode>(factor(node)));
    benchmark::DoNotOptimize(nodes.data());
    return nodes;
}

template <std::size_t Nodes, std::size_t Channels>
void virtual_nodes(benchmark::State& state) {
    const auto nodes = make_nodes(Nodes);
    measure(state, Nodes, Channels,
            [&](const float* const* inputs, float* const* outputs, std::uint32_t frames) {
                const float* const* from = inputs;
                for (const auto& node : nodes) {
                    node->process(from, outputs, Channels, frames);
                    from = outputs;
                }
            });
}
template <std::size_t Nodes, std::size_t Channels>
void virtual_channels(benchmark::State& state) {
    const auto nodes = make_nodes(Nodes);
    measure(state, Nodes, Channels,
            [&](const float* const* inputs, float* const* outputs, std::uint32_t frames) {
                for (std::size_t channel = 0; channel < Channels; ++channel) {
                    const float* const* from = inputs + channel;
                    for (const auto& node : nodes) {
                        node->process(from, outputs + channel, 1, frames);
                        from = outputs + channel;
                    }
                }
            });
}

std::string name_of(const char* way, std::size_t nodes, std::size_t channels) {
    return std::string(way) + "/nodes:" + std::to_string(nodes) + "/channels:" + std::to_string(channels);
}

template <std::size_t Nodes, std::size_t Channels>
void add() {
    using benchmark::RegisterBenchmark;
    const auto blocks = [](auto* one) { one->ArgNames({"block"})->Arg(16)->Arg(64)->Arg(256); };
    const std::string fused_name = name_of("fused", Nodes, Channels);
    RegisterBenchmark(fused_name.c_str(), fused<Nodes, Channels, 16>)->ArgNames({"block"})->Arg(16);
    RegisterBenchmark(fused_name.c_str(), fused<Nodes, Channels, 64>)->ArgNames({"block"})->Arg(64);
    RegisterBenchmark(fused_name.c_str(), fused<Nodes, Channels, 256>)->ArgNames({"block"})->Arg(256);
    RegisterBenchmark(name_of("fused_run_time", Nodes, Channels).c_str(), fused_run_time<Nodes, Channels>)
        ->Apply(blocks);
    RegisterBenchmark(name_of("virtual_nodes", Nodes, Channels).c_str(), virtual_nodes<Nodes, Channels>)
        ->Apply(blocks);
    RegisterBenchmark(name_of("virtual_channels", Nodes, Channels).c_str(), virtual_channels<Nodes, Channels>)
        ->Apply(blocks);
}

} // namespace

int main(int argc, char** argv) {
    add<1, 2>();
    add<8, 2>();
    add<32, 2>();
    add<1, 64>();
    add<32, 64>();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 64;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
