// SPDX-License-Identifier: MIT
//
// The backend `any`: one type for all, which is asked in each cycle whose window it is.

#include "client.h"
#include "rill_io_graph.hpp"
#include <rill_io/any.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/null.hpp>

extern "C" void client_start(unsigned block) {
    using Any = io::any::BasicBackend<io::BackendList<io::NullBackend, backend::Backend>>;
    with_block(block, []<std::size_t Block>() {
        static io::Driver<Any::Capture, Any::Playback> driver;
        require(driver.open(stream_config<Block>(), {.choice = {.backend = backend::Backend::name}}));
        require(start_graph<Block>(driver));
    });
}
