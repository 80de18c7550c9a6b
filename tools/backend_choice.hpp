// SPDX-License-Identifier: MIT
#pragma once

// Which backend a command uses: the one that was asked for, or the first that works.

#include "backend_options.hpp"
#include "command.hpp"
#include <rill_io/backends.hpp>
#include <rill_io/choice.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>

#include <fmt/format.h>

namespace rill::io::tools {

/// What a command needs of a device.
struct Needs {
    bool capture = false;
    bool playback = false;
    bool may_render = false; ///< into a file will do where nothing else works
};

/// Keeps the libraries behind the backends from writing on stderr.
void silence_backend_libraries();

/// Calls `function.operator()<B>()`, which opens and runs the stream, with the backend that was asked for;
/// with "auto" with one after the other until one opens. Thread: control.
template <class Function>
Result<void> on_chosen_backend(const Run& run, const Needs& needs, Function&& function) {
    StreamConfig config;
    config.device = run.options.device;
    config.autoconnect = run.options.autoconnect;
    config.capture_target = run.options.capture_target;
    config.playback_target = run.options.playback_target;
    Result<void> ended;
    Attempts attempts;
    const auto open_and_run = [&]<class B>() -> Result<void> {
        run.report.backend = B::name;
        ended = function.template operator()<B>();
        // Once it was open its troubles are the command's.
        return run.report.is_open() ? Result<void>() : ended;
    };
    const auto chosen = choose_backend<EnabledBackends>(
        {.backend = run.options.backend}, config, needs.capture, needs.playback, attempts, open_and_run);
    if (chosen)
        return ended;
    const bool nobody_there =
        chosen.error().code == Errc::no_server || chosen.error().code == Errc::no_device;
    if (!nobody_there || !needs.may_render || attempts.size() < 2 || !run.options.device.empty() ||
        run.options.ports_given)
        return chosen;
    for_each_backend(EnabledBackends{}, [&]<class B>() {
        if constexpr (renders_files<B>) {
            run.display.result(fmt::format("No audio server to play to ({}): rendering to {} instead.",
                                           attempts.reasons().text(), default_render_path));
            (void)open_and_run.template operator()<B>();
        }
    });
    return ended;
}

} // namespace rill::io::tools
