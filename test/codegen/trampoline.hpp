// SPDX-License-Identifier: MIT
//
// Makes a backend's trampoline for each of the two graphs.

#include "trampoline_graph.hpp"

io::Result<void> use(io::Driver<backend::Capture, backend::Playback, 64>& driver, static_graph& graph) {
    return driver.set_process_callback(graph);
}
io::Result<void> use(io::Driver<backend::Capture, backend::Playback, 64>& driver, virtual_graph& graph) {
    return driver.set_process_callback(graph);
}
