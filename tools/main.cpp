// SPDX-License-Identifier: MIT
//
// rill-io: plays, records and measures through any backend of the library.

#include "backend_choice.hpp"
#include "command.hpp"
#include "standard_streams.hpp"

#include <cstdio>

namespace {

using namespace rill::io::tools;

Outcome run_command(const Run& run) {
    switch (run.options.command) {
    case Command::play:
        return play(run);
    case Command::record:
        return record(run);
    case Command::tone:
        return tone(run);
    case Command::loopback:
        return loopback(run);
    case Command::monitor:
        return monitor(run);
    case Command::backends:
    case Command::devices:
        break;
    }
    return {};
}

Outcome run_and_report(const Options& options, Signals& signals) {
    Display display(options.json);
    Report report;
    report.backend = options.backend;
    const Outcome outcome = run_command({options, signals, display, report});
    if (options.json)
        print_text(to_json(report, outcome) + "\n");
    return outcome;
}

} // namespace

int main(int argc, char** argv) {
    open_standard_streams();
    const ParsedCommandLine parsed = parse_command_line(argc, argv);
    const Options& options = parsed.options;
    Outcome outcome;
    if (parsed.outcome) {
        outcome = *parsed.outcome;
        print_text(parsed.text);
        if (options.json && !outcome.ok())
            print_text(to_json({.backend = options.backend}, outcome) + "\n");
    } else {
        Signals signals;
        silence_backend_libraries();
        switch (options.command) {
        case Command::backends:
            outcome = list_backends(options);
            break;
        case Command::devices:
            outcome = options.watch ? watch_devices(options, signals) : list_devices(options);
            break;
        default:
            outcome = run_and_report(options, signals);
            break;
        }
    }
    const Outcome output = finish_output();
    if (outcome.ok())
        outcome = output;
    if (!outcome.message.empty())
        std::fprintf(stderr, "rill-io: %s\n", outcome.message.c_str());
    return outcome.exit_code;
}
