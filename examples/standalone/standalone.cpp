// SPDX-License-Identifier: MIT
//
// standalone: ../graph/saturator.hpp on JACK. Lines on stdin turn its controls while it runs:
//
//     drive 10
//     cutoff 800
//
// The end of input (Ctrl-D) ends it.

#include "../graph/saturator.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/jack.hpp>
#include <rill_io/processing.hpp>

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

namespace io = rill::io;

int fail(const io::Error& error) {
    std::fprintf(stderr, "standalone: %s: %s\n", error.backend, error.text);
    return 1;
}

void print(const io::StreamInfo& info) {
    std::printf("%s: %u Hz, %u frames per block, %u in, %u out, as client '%s'\n", info.backend,
                info.sample_rate, info.block, info.input_channels, info.output_channels, info.client_name);
    for (const example::Control& control : example::controls)
        std::printf("  %-6s %g .. %g, now %g\n", control.name, static_cast<double>(control.minimum),
                    static_cast<double>(control.maximum), static_cast<double>(control.standard));
    std::fflush(stdout);
}

/// "cutoff 800" -> a command for the running graph.
template <class State>
void turn(State& state, const char* line) {
    const std::size_t length = std::strcspn(line, " ");
    char* end = nullptr;
    const float value = std::strtof(line + length, &end);
    if (end != line + length)
        for (const example::Control& control : example::controls)
            if (std::string_view(line, length) == control.name && value >= control.minimum &&
                value <= control.maximum) {
                if (!state.send({.node = control.node, .parameter = control.parameter, .value = value}))
                    std::fputs("standalone: too many commands at once, this one is dropped\n", stderr);
                return;
            }
    std::fputs("standalone: expected a control and a value in its range, such as 'cutoff 800'\n", stderr);
}

/// Waits for a line, and looks every 0.1 s whether the stream still lives.
template <class Driver>
bool read_line(Driver& driver, char (&line)[128]) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (driver.is_running())
        if (::poll(&input, 1, 100) > 0)
            return std::fgets(line, sizeof line, stdin) != nullptr;
    return false;
}

} // namespace

int main() {
    std::setvbuf(stdin, nullptr, _IONBF, 0); // or poll() would not see a line that stdio has read already
    io::Driver<io::jack::Capture, io::jack::Playback> driver;
    auto graph = example::saturator(driver.capture(), driver.playback());
    io::ProcessingState state(graph);

    if (const auto opened = driver.open({.client_name = "saturator"}); !opened)
        return fail(opened.error());
    if (const auto set = driver.set_process_callback(state); !set)
        return fail(set.error());
    if (const auto started = driver.start(); !started)
        return fail(started.error());
    print(driver.info());

    char line[128];
    while (read_line(driver, line))
        turn(state, line);

    const auto stopped = driver.stop();
    const io::StreamStats stats = driver.stats();
    std::printf("%llu frames, %llu xruns\n", static_cast<unsigned long long>(stats.frames),
                static_cast<unsigned long long>(stats.xruns));
    if (const auto status = driver.status(); !status) // the server has gone
        return fail(status.error());
    return stopped ? 0 : fail(stopped.error());
}
