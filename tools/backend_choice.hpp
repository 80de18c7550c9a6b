// SPDX-License-Identifier: MIT
#pragma once

// Which backend a command uses: the one that was asked for, or the first that works.

#include "backend_options.hpp"
#include "backend_visit.hpp"
#include "command.hpp"
#include <rill_io/error.hpp>

#include <fmt/format.h>

#include <optional>
#include <string>

namespace rill::io::tools {

/// What a command needs of a device.
struct Needs {
    bool capture = false;
    bool playback = false;
    bool may_render = false; ///< into a file will do where nothing else works
};

/// The names of those that this program can run, with commas, in the order of preference.
[[nodiscard]] std::string backend_names();

/// "auto", or the backend that the user wants: --backend, else RILL_IO_BACKEND. Errors: `invalid_config` if
/// there is no such backend.
[[nodiscard]] Result<std::string> asked_backend(const Options& options);

/// Keeps the libraries behind the backends from writing on stderr.
void silence_backend_libraries();

namespace detail {

/// The backends that "auto" looked at in vain.
class Search {
public:
    /// Why a backend is out of the question, without opening anything; empty if it is not.
    [[nodiscard]] std::string why_not(const char* name, const Options& options, const Needs& needs,
                                      const Result<void>& available, const Result<DeviceList>& devices);
    /// This backend could not be opened. False: with this error the others need not be tried.
    [[nodiscard]] bool may_go_on(const char* name, const Options& options, const Error& error);
    void add_reason(const std::string& reason);

    [[nodiscard]] const std::string& reasons() const noexcept { return reasons_; }
    /// Nothing worked: what to tell.
    [[nodiscard]] Error failure(const Options& options) const;

private:
    std::string reasons_;
    std::optional<Error>
        first_failure_; ///< of a backend that is there, which is more than that others are not
    bool any_available_ = false;
};

template <class Function>
Result<void> on_best_backend(const Run& run, const Needs& needs, Function& function) {
    Search search;
    Result<void> ended;
    bool done = false;
    for_each_backend([&]<class B>() {
        if constexpr (B::drives_itself && has_devices<B>) {
            if (done)
                return;
            const auto available = B::available();
            const std::string reason =
                search.why_not(B::name, run.options, needs, available,
                               available ? B::devices() : Result<DeviceList>(available.error()));
            if (!reason.empty())
                return search.add_reason(reason);
            run.report.backend = B::name;
            ended = function.template operator()<B>();
            // Once it was open its troubles are the command's.
            done = ended || run.report.is_open() || !search.may_go_on(B::name, run.options, ended.error());
        }
    });
    if (!done && needs.may_render && run.options.device.empty() && !run.options.ports_given)
        for_each_backend([&]<class B>() {
            if constexpr (renders_files<B>) {
                run.report.backend = B::name;
                run.display.result(fmt::format("No audio server to play to ({}): rendering to {} instead.",
                                               search.reasons(), default_render_path));
                ended = function.template operator()<B>();
                done = true;
            }
        });
    return done ? ended : Result<void>(search.failure(run.options));
}

} // namespace detail

/// Calls `function.operator()<B>()`, which opens and runs the stream, with the backend that was asked for;
/// with "auto" with one after the other until one opens. Thread: control.
template <class Function>
Result<void> on_chosen_backend(const Run& run, const Needs& needs, Function&& function) {
    const auto asked = asked_backend(run.options);
    if (!asked)
        return asked.error();
    if (*asked == "auto")
        return detail::on_best_backend(run, needs, function);
    run.report.backend = *asked;
    Result<void> ended;
    visit_backend(*asked, [&]<class B>() { ended = function.template operator()<B>(); });
    return ended;
}

} // namespace rill::io::tools
