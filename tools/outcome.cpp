// SPDX-License-Identifier: MIT
#include "outcome.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace rill::io::tools {

namespace {

constexpr int usage_code = 2; // what shells and most programs use for it
constexpr int not_exact_code = 3;

struct ExitCode {
    Errc code;
    int exit_code;
    std::string_view meaning;
};

// Scripts rely on them: a number once given stays.
constexpr std::array exit_codes{
    ExitCode{Errc::no_server, 10, "no audio server answers"},
    ExitCode{Errc::no_device, 11, "no such device, port, file or directory"},
    ExitCode{Errc::device_busy, 12, "somebody else holds the device"},
    ExitCode{Errc::permission_denied, 13, "this user may not open it"},
    ExitCode{Errc::unsupported_rate, 14, "the sample rate is not offered"},
    ExitCode{Errc::unsupported_channels, 15, "the channel count is not offered"},
    ExitCode{Errc::unsupported_format, 16, "not a sound file, an empty one, or a format that does not fit"},
    ExitCode{Errc::period_mismatch, 17, "the block does not fit the device's period"},
    ExitCode{Errc::invalid_config, 18, "a value out of range, or an unknown backend"},
    ExitCode{Errc::invalid_state, 19, "a defect of this program; please report it"},
    ExitCode{Errc::device_lost, 20, "the device went away in the middle"},
    ExitCode{Errc::server_lost, 21, "the server went away in the middle"},
    ExitCode{Errc::timed_out, 22, "the server hangs"},
    ExitCode{Errc::io_failure, 23, "reading or writing a file failed: disk full, file truncated"},
    ExitCode{Errc::backend_failure, 24, "the backend failed in a way of its own"},
    ExitCode{Errc::not_installed, 25, "the backend's library is not on this machine"},
};

consteval bool every_errc_has_a_code() {
    for (std::size_t i = 0; i < exit_codes.size(); ++i)
        if (static_cast<std::size_t>(exit_codes[i].code) != i)
            return false;
    return std::string_view(to_string(static_cast<Errc>(exit_codes.size()))) == "unknown";
}
static_assert(every_errc_has_a_code(), "a line for every Errc, in its order");

/// What the library's advice is called on this program's command line.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> option_words{{
    {"set rate_match = adapt", "leave --rate out"},
    {"set period_match = adapt", "leave --block out"},
    {"leave autoconnect = standard", "leave --connect out"},
    {"set autoconnect = off", "use --connect none"},
}};

std::string in_option_words(std::string text) {
    for (const auto& [library, program] : option_words)
        if (const std::size_t at = text.find(library); at != std::string::npos)
            text.replace(at, library.size(), program);
    return text;
}

} // namespace

Outcome Outcome::failed(const Error& error) {
    const std::string_view backend = error.backend;
    return {exit_codes[static_cast<std::size_t>(error.code)].exit_code, to_string(error.code),
            fmt::format("{}{}{}", backend, backend.empty() ? "" : ": ", in_option_words(error.text))};
}

Outcome Outcome::wrong_usage(std::string message) {
    return {usage_code, "usage", std::move(message)};
}

Outcome Outcome::not_exact(std::string result, std::string message) {
    return {not_exact_code, std::move(result), std::move(message)};
}

std::string exit_code_table() {
    std::string table = "Exit codes:\n"
                        "   0  success, also when ended by Ctrl-C\n"
                        "   2  wrong usage\n"
                        "   3  loopback: the signal did not come back, or not unchanged\n";
    for (const ExitCode& line : exit_codes)
        table += fmt::format("  {}  {}: {}\n", line.exit_code, to_string(line.code), line.meaning);
    return table;
}

} // namespace rill::io::tools
