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

template <std::size_t Block>
struct Plugin {
    using Graph =
        decltype(make_graph<Block>(std::declval<backend::Capture&>(), std::declval<backend::Playback&>()));
    Driver driver;
    Graph graph = make_graph<Block>(driver.capture(), driver.playback());
    io::ProcessingState<Graph> state{graph};
    backend::Processor<Driver, io::ProcessingState<Graph>> processor{driver, state};
};

template <std::size_t Block>
void process(void* instance, const float* const* inputs, float* const* outputs, std::uint32_t frames) {
    static_cast<Plugin<Block>*>(instance)->processor.process(inputs, outputs, frames);
}

} // namespace

extern "C" void client_start(unsigned block) {
    with_block(block, []<std::size_t Block>() {
        static Plugin<Block> plugin;
        require(plugin.driver.open(stream_config<Block>()));
        require(plugin.processor.start());
        host_set_process(&process<Block>, &plugin);
    });
}
