// SPDX-License-Identifier: MIT
//
// offline IN OUT [CONTROL VALUE]...: renders a stereo sound file through ../graph/saturator.hpp, as fast as
// it can.
//
//     offline in.wav out.wav drive 10 cutoff 800

#include "../graph/saturator.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/file.hpp>
#include <rill_io/processing.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

namespace io = rill::io;

/// Sets one control while nothing runs yet. False if there is none of that name, or the value is out of its
/// range.
template <class Graph>
bool set(Graph& graph, std::string_view name, const char* text) {
    char* end = nullptr;
    const float value = std::strtof(text, &end);
    for (const example::Control& control : example::controls)
        if (name == control.name && end != text && *end == '\0' && value >= control.minimum &&
            value <= control.maximum)
            return graph.set_parameter(control.node, control.parameter, value);
    return false;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc % 2 == 0) {
        std::fputs("usage: offline IN OUT [CONTROL VALUE]...\n", stderr);
        return 2;
    }
    io::Driver<io::file::Capture, io::file::Playback> driver;
    auto graph = example::saturator(driver.capture(), driver.playback());
    io::ProcessingState state(graph);
    for (int i = 3; i < argc; i += 2)
        if (!set(graph, argv[i], argv[i + 1])) {
            std::fprintf(stderr, "offline: there is no control '%s', or %s is out of its range\n", argv[i],
                         argv[i + 1]);
            return 2;
        }

    io::Result<void> result = driver.open({}, {.capture_path = argv[1], .playback_path = argv[2]});
    if (result && (result = driver.set_process_callback(state)))
        result = driver.run(); // until the file's end
    if (!result) {
        std::fprintf(stderr, "offline: %s: %s\n", result.error().backend, result.error().text);
        return 1;
    }
    return 0;
}
