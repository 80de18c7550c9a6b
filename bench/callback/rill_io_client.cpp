// SPDX-License-Identifier: MIT
//
// The backend as a type.

#include "client.h"
#include "rill_io_graph.hpp"
#include <rill_io/driver.hpp>

extern "C" void client_start(unsigned block) {
    with_block(block, []<std::size_t Block>() {
        static io::Driver<backend::Capture, backend::Playback> driver;
        require(driver.open(stream_config<Block>()));
        require(start_graph<Block>(driver));
    });
}
