// SPDX-License-Identifier: MIT
//
// The backend as a type, in a plugin: the host calls the graph.

#include "client.h"
#include "host.h"
#include "rill_io_graph.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>

namespace {

using Driver = io::Driver<backend::Capture, backend::Playback>;
using Graph = decltype(make_graph(std::declval<backend::Capture&>(), std::declval<backend::Playback&>()));

struct Plugin {
    Driver driver;
    Graph graph = make_graph(driver.capture(), driver.playback());
    io::ProcessingState<Graph> state{graph};
    backend::Processor<Driver, io::ProcessingState<Graph>> processor{driver, state};
};

void process(void* instance, const float* const* inputs, float* const* outputs, std::uint32_t frames) {
    static_cast<Plugin*>(instance)->processor.process(inputs, outputs, frames);
}

} // namespace

extern "C" void client_start(unsigned block) {
    static Plugin plugin;
    require(plugin.driver.open(stream_config(block)));
    require(plugin.processor.start());
    host_set_process(&process, &plugin);
}
