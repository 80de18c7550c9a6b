// SPDX-License-Identifier: MIT
//
// The backend chosen at run time: a Selector, visited once.

#include "client.h"
#include "rill_io_graph.hpp"
#include <rill_io/null.hpp>
#include <rill_io/selector.hpp>

extern "C" void client_start(unsigned block) {
    with_block(block, []<std::size_t Block>() {
        static io::Selector<io::BackendList<io::NullBackend, backend::Backend>> selector;
        require(selector.open(stream_config<Block>(), {.backend = backend::Backend::name}));
        require(selector.visit([](auto& driver) { return start_graph<Block>(driver); }));
    });
}
