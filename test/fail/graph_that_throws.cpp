// SPDX-License-Identifier: MIT
// expect: Graph
#include <rill_io/processing.hpp>

namespace io = rill::io;

struct Process {
#ifdef CONTROL
    void process(const io::ClockTick&, io::FrameRange<io::dynamic_extent>) noexcept {}
#else
    void process(const io::ClockTick&, io::FrameRange<io::dynamic_extent>) {}
#endif
    bool set_parameter(std::uint16_t, std::uint16_t, float) noexcept { return false; }
};

void use(Process& graph) {
    io::ProcessingState<Process> state(graph);
    (void)state;
}
