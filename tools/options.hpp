// SPDX-License-Identifier: MIT
#pragma once

// Options: what the user asked for on the command line, checked for sense but not yet against any backend.

#include "outcome.hpp"
#include <rill_io/config.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace rill::io::tools {

enum class Command : std::uint8_t { backends, devices, play, record, tone, loopback, monitor };

struct Options {
    Command command = Command::backends;
    bool json = false;
    bool watch = false; ///< devices: not only now
    std::string backend = "auto";
    std::string device = {};
    // monitor: the two sides, each of its own; empty = as the other options say
    std::string capture_backend = {};
    std::string playback_backend = {};
    std::string capture_device = {};
    std::string playback_device = {};
    std::uint32_t rate = 0;                ///< Hz; 0 = not given
    std::uint32_t block = 0;               ///< frames; 0 = not given
    std::optional<std::uint32_t> channels; ///< none = not given
    Autoconnect autoconnect = Autoconnect::standard;
    bool ports_given = false; ///< --connect named some
    std::string playback_target = {};
    std::string capture_target = {};
    double seconds = 0.0; ///< 0 = no limit
    bool reconnect = false;
    std::string file = {};
    bool loop = false;
    double frequency = 440.0; ///< Hz
    float gain = 0.25F;       ///< linear

    /// The two sides need not be one backend's default devices.
    [[nodiscard]] bool sides_given() const noexcept {
        return !capture_backend.empty() || !playback_backend.empty() || !capture_device.empty() ||
               !playback_device.empty();
    }
};

/// The options, or how the program is to end right away.
struct ParsedCommandLine {
    Options options;
    std::optional<Outcome> outcome; ///< of wrong usage, or of --help and --version
    std::string text = {};          ///< for stdout: the help that was asked for
};

[[nodiscard]] ParsedCommandLine parse_command_line(int argc, char** argv);

} // namespace rill::io::tools
