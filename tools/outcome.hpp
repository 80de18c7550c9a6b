// SPDX-License-Identifier: MIT
#pragma once

// Outcome: how a command ended, as an exit code, a word and a sentence.

#include <rill_io/error.hpp>

#include <string>

namespace rill::io::tools {

struct Outcome {
    int exit_code = 0;
    std::string result = "ok"; ///< one word, for programs
    std::string message = {};  ///< one sentence for people; empty on success

    [[nodiscard]] bool ok() const noexcept { return exit_code == 0; }

    /// Its own exit code for every Errc.
    [[nodiscard]] static Outcome failed(const Error& error);
    /// The command line makes no sense.
    [[nodiscard]] static Outcome wrong_usage(std::string message);
    /// A loopback that worked, but whose signal did not come back, or not unchanged. `result` says which.
    [[nodiscard]] static Outcome not_exact(std::string result, std::string message);
};

/// The table of exit codes as `--help` shows it.
[[nodiscard]] std::string exit_code_table();

} // namespace rill::io::tools
