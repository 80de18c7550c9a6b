// SPDX-License-Identifier: MIT
//
// The same trampolines, for a backend that is chosen at run time.

#include <rill_io/jack.hpp>
#include <rill_io/null.hpp>
#include <rill_io/selector.hpp>

#define RILL_IO_PROBED_BACKEND rill::io::jack
#include "trampoline_graph.hpp"

using Selector = io::Selector<io::BackendList<io::NullBackend, io::JackBackend>, io::Direction::duplex, 64>;

template <class Callback>
static io::Result<void> use_selected(Selector& selector, Callback& callback) {
    return selector.visit([&]<class Driver>(Driver& driver) -> io::Result<void> {
        if constexpr (std::is_same_v<typename Driver::Backend, io::JackBackend>)
            return driver.set_process_callback(callback);
        else
            return {};
    });
}

io::Result<void> use(Selector& selector, static_graph& graph) {
    return use_selected(selector, graph);
}
io::Result<void> use(Selector& selector, virtual_graph& graph) {
    return use_selected(selector, graph);
}
