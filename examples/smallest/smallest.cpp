// SPDX-License-Identifier: MIT

#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/processing.hpp>

#include <cstdio>

int main() {
    using namespace rill::io;
    Driver<jack::Capture, jack::Playback> driver;
    auto graph = Input(driver.capture()) >> Gain(0.5F) >> Output(driver.playback());
    ProcessingState state(graph);
    auto result = driver.open();
    if (result && (result = driver.set_process_callback(state)))
        result = driver.run();
    if (!result)
        std::fprintf(stderr, "%s: %s\n", result.error().backend, result.error().text);
    return result ? 0 : 1;
}
