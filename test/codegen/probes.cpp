// SPDX-License-Identifier: MIT
#include "probes.hpp"

#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/host.hpp>
#include <rill_io/input.hpp>
#include <rill_io/null.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include <cstddef>
#include <cstdint>

namespace io = rill::io;

using Block = io::AudioBlock<float, 64, 2>;
using ConstBlock = io::AudioBlock<const float, 64, 2>;
using Range = io::FrameRange<64>;
using NullInput = io::Input<io::null::Capture, 64>;
using NullOutput = io::Output<io::null::Playback, 64>;
using Graph = decltype(std::declval<NullInput>() >> std::declval<io::Gain>() >> std::declval<NullOutput>());
using GraphTwin =
    decltype(std::declval<NullInput>() >> std::declval<probes::VirtualGain>() >> std::declval<NullOutput>());

template <class Gain>
using HostGraph = decltype(std::declval<io::Input<io::host::Capture, 64>>() >> std::declval<Gain>() >>
                           std::declval<io::Output<io::host::Playback, 64>>());
using HostDriver = io::Driver<io::host::Capture, io::host::Playback, 64>;
template <class Gain>
using HostProcessor = io::host::Processor<HostDriver, io::ProcessingState<HostGraph<Gain>>>;

extern "C" {

void probe_consume(NullOutput& output, const io::ClockTick& tick, const ConstBlock& block) {
    output.consume(tick, Range{}, block);
}
void probe_consume_twin(io::Output<probes::VirtualPlayback, 64>& output, const io::ClockTick& tick,
                        const ConstBlock& block) {
    output.consume(tick, Range{}, block);
}

void probe_generate(NullInput& input, const io::ClockTick& tick, const Block& block) {
    input.generate(tick, Range{}, block);
}
void probe_generate_twin(io::Input<probes::VirtualCapture, 64>& input, const io::ClockTick& tick,
                         const Block& block) {
    input.generate(tick, Range{}, block);
}

void probe_chain(Graph& graph, const io::ClockTick& tick) {
    graph.process(tick, Range{});
}
void probe_chain_twin(GraphTwin& graph, const io::ClockTick& tick) {
    graph.process(tick, Range{});
}

void probe_host(HostProcessor<io::Gain>& processor, const float* const* inputs, float* const* outputs) {
    processor.process(inputs, outputs, 64);
}
void probe_host_twin(HostProcessor<probes::VirtualGain>& processor, const float* const* inputs,
                     float* const* outputs) {
    processor.process(inputs, outputs, 64);
}
}
