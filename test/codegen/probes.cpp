// SPDX-License-Identifier: MIT

// The hot path's pieces as functions of their own: with everything known when compiled, with everything known
// at run time (_any), and with halves that can only be copied from and to (_copying). For each a twin.
// (flatten: it is the pieces' code that is looked at, also where a compiler would rather call them.)

#include "probes.hpp"

#include "../unit/halves.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace io = rill::io;

using Range = io::FrameRange<64>;
using AnyRange = io::FrameRange<io::dynamic_extent>;
using Block = io::AudioBlock<float, 64, 2>;
using ConstBlock = io::AudioBlock<const float, 64, 2>;
using AnyBlock = io::AudioBlock<float, io::dynamic_extent, io::dynamic_extent>;
using AnyConstBlock = io::AudioBlock<const float, io::dynamic_extent, io::dynamic_extent>;

using NullInput = io::Input<io::null::Capture, 64>;
using NullOutput = io::Output<io::null::Playback, 64>;
using AnyInput = io::Input<io::null::Capture, io::dynamic_extent, io::dynamic_extent>;
using AnyOutput = io::Output<io::null::Playback, io::dynamic_extent, io::dynamic_extent>;
using CopyingInput = io::Input<halves::CopyingCapture, 64>;
using CopyingOutput = io::Output<halves::CopyingPlayback, 64>;

/// The graph of one gain.
template <class Input, class Gain, class Output>
using Graph = decltype(std::declval<Input>() >> std::declval<Gain>() >> std::declval<Output>());

using HostDriver = io::Driver<io::host::Capture, io::host::Playback, 64>;
template <class Gain>
using HostGraph = Graph<io::Input<io::host::Capture, 64>, Gain, io::Output<io::host::Playback, 64>>;
template <class Gain>
using HostProcessor = io::host::Processor<HostDriver, io::ProcessingState<HostGraph<Gain>>>;

extern "C" {

[[gnu::flatten]] void probe_consume(NullOutput& output, const io::ClockTick& tick, const ConstBlock& block) {
    output.consume(tick, Range{}, block);
}
[[gnu::flatten]] void probe_consume_any(AnyOutput& output, const io::ClockTick& tick, const AnyRange& range,
                                        const AnyConstBlock& block) {
    output.consume(tick, range, block);
}
[[gnu::flatten]] void probe_consume_copying(CopyingOutput& output, const io::ClockTick& tick,
                                            const ConstBlock& block) {
    output.consume(tick, Range{}, block);
}
[[gnu::flatten]] void probe_consume_twin(io::Output<probes::VirtualPlayback, 64>& output,
                                         const io::ClockTick& tick, const ConstBlock& block) {
    output.consume(tick, Range{}, block);
}

[[gnu::flatten]] void probe_generate(NullInput& input, const io::ClockTick& tick, const Block& block) {
    input.generate(tick, Range{}, block);
}
[[gnu::flatten]] void probe_generate_any(AnyInput& input, const io::ClockTick& tick, const AnyRange& range,
                                         const AnyBlock& block) {
    input.generate(tick, range, block);
}
[[gnu::flatten]] void probe_generate_copying(CopyingInput& input, const io::ClockTick& tick,
                                             const Block& block) {
    input.generate(tick, Range{}, block);
}
[[gnu::flatten]] void probe_generate_twin(io::Input<probes::VirtualCapture, 64>& input,
                                          const io::ClockTick& tick, const Block& block) {
    input.generate(tick, Range{}, block);
}

[[gnu::flatten]] void probe_chain(Graph<NullInput, io::Gain, NullOutput>& graph, const io::ClockTick& tick) {
    graph.process(tick, Range{});
}
[[gnu::flatten]] void probe_chain_any(Graph<AnyInput, io::Gain, AnyOutput>& graph, const io::ClockTick& tick,
                                      const AnyRange& range) {
    graph.process(tick, range);
}
[[gnu::flatten]] void probe_chain_copying(Graph<CopyingInput, io::Gain, CopyingOutput>& graph,
                                          const io::ClockTick& tick) {
    graph.process(tick, Range{});
}
[[gnu::flatten]] void probe_chain_twin(Graph<NullInput, probes::VirtualGain, NullOutput>& graph,
                                       const io::ClockTick& tick) {
    graph.process(tick, Range{});
}
[[gnu::flatten]] void
probe_chain_copying_twin(Graph<CopyingInput, io::Gain, io::Output<probes::VirtualPlayback, 64>>& graph,
                         const io::ClockTick& tick) {
    graph.process(tick, Range{});
}

[[gnu::flatten]] void probe_host(HostProcessor<io::Gain>& processor, const float* const* inputs,
                                 float* const* outputs) {
    processor.process(inputs, outputs, 64);
}
[[gnu::flatten]] void probe_host_any(HostProcessor<io::Gain>& processor, const float* const* inputs,
                                     float* const* outputs, std::uint32_t frames) {
    processor.process(inputs, outputs, frames);
}
[[gnu::flatten]] void probe_host_twin(HostProcessor<probes::VirtualGain>& processor,
                                      const float* const* inputs, float* const* outputs) {
    processor.process(inputs, outputs, 64);
}
}
