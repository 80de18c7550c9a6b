// SPDX-License-Identifier: MIT
#pragma once

// StreamConfig: what is asked. StreamInfo: what came out. StreamStats: what has happened since.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rill::io {

/// The most channels a direction may have (the window's pointers live in place, without allocation).
inline constexpr std::uint32_t max_channels = 256;
/// The largest quantum that is prepared for; a longer cycle is processed in pieces of this many frames.
inline constexpr std::uint32_t max_quantum = 8192;
/// Accepted sample rates in Hz.
inline constexpr std::uint32_t min_sample_rate = 1000;
inline constexpr std::uint32_t max_sample_rate = 1'536'000;

/// How strictly an asked value is meant.
enum class Match : std::uint8_t {
    exact, ///< refuse (`unsupported_rate`, `period_mismatch`) rather than differ
    adapt, ///< rate: take the nearest; period: put the block adapter in between
};

/// Which ports to connect by itself after starting.
enum class Autoconnect : std::uint8_t {
    standard, ///< the named targets if given, else the backend's default device or physical ports
    off,      ///< none: somebody else makes the connections
    loopback, ///< our own playback to our own capture, channel by channel, where the backend can; to measure
};

/// What is asked of a backend. All text is borrowed until open() returns. Zero means "the backend's own
/// choice".
struct StreamConfig {
    std::string_view client_name = "rill-io"; ///< what other programs see; the server may make it unique
    std::string_view device = {};             ///< device id as listed by the backend; empty = its default
    std::uint32_t sample_rate = 0;            ///< Hz; 0 = the server's
    std::uint32_t block = 0;                  ///< frames per callback; 0 = whatever the server delivers
    std::uint32_t periods = 0;                ///< periods in a device's buffer, where there is such a thing
    std::uint32_t input_channels = 2;         ///< ignored by a driver without capture
    std::uint32_t output_channels = 2;        ///< ignored by a driver without playback
    Match rate_match = Match::exact;
    Match period_match =
        Match::exact; ///< exact: the block divides the quantum (ALSA: is the period): no latency
    Autoconnect autoconnect = Autoconnect::standard;
    std::string_view capture_target =
        {}; ///< port names, comma separated, in channel order, or a device's name
    std::string_view playback_target = {}; ///< likewise, where playback goes
    /// SCHED_FIFO priority of a thread that is ours; 0 = do not ask. (ALSA may have to ask RealtimeKit, which
    /// wants the whole process's RLIMIT_RTTIME lowered first.)
    int realtime_priority = 0;
    std::uint32_t liveness_timeout_ms =
        2000; ///< run() ends with timed_out after so long without a cycle; 0 = never
};

/// The scheduling class that the cycle thread really got.
enum class Scheduling : std::uint8_t { unknown, other, fifo, round_robin, deadline };

[[nodiscard]] constexpr const char* to_string(Scheduling scheduling) noexcept {
    switch (scheduling) {
    case Scheduling::unknown:
        return "unknown";
    case Scheduling::other:
        return "other";
    case Scheduling::fifo:
        return "fifo";
    case Scheduling::round_robin:
        return "round_robin";
    case Scheduling::deadline:
        return "deadline";
    }
    return "unknown";
}

/// What was negotiated, and what the server has changed since. A copy: read it again for news.
struct StreamInfo {
    const char* backend = "";           ///< static string
    char client_name[64] = {};          ///< as the server knows us
    char device[128] = {};              ///< the device or file that was opened
    std::uint32_t sample_rate = 0;      ///< Hz
    std::uint32_t quantum = 0;          ///< frames the server delivers per cycle at present
    std::uint32_t block = 0;            ///< frames per callback; equals quantum if config.block was 0
    std::uint32_t input_channels = 0;   ///< channels of capture
    std::uint32_t output_channels = 0;  ///< channels of playback
    std::uint32_t adapter_latency = 0;  ///< frames that the block adapter adds to the way through (0 = none)
    std::uint32_t capture_latency = 0;  ///< frames from the outside to read_input, without the adapter
    std::uint32_t playback_latency = 0; ///< frames from write_output to the outside, without the adapter
    const char* hardware_format = "";   ///< static string: the device's or file's sample format
    bool direct = false;                ///< true: the window is the server's own memory, no copy
    bool freewheeling = false;          ///< the clock is not real time at present
    Scheduling scheduling = Scheduling::unknown; ///< of the cycle thread; known after the first cycle
    int realtime_priority = 0;                   ///< of the cycle thread
};

/// Copies as much text as fits into an array of StreamInfo's.
template <std::size_t Size>
void copy_text(char (&target)[Size], std::string_view text) noexcept {
    const std::size_t length = text.size() < Size ? text.size() : Size - 1;
    text.copy(target, length);
    target[length] = '\0';
}

/// Counters since start().
struct StreamStats {
    std::uint64_t frames = 0;      ///< frames of graph time that have been processed
    std::uint64_t cycles = 0;      ///< cycles of the server that have run the graph
    std::uint64_t xruns = 0;       ///< reported by the server or detected
    std::uint64_t lost_frames = 0; ///< frames known to be lost in those xruns
};

} // namespace rill::io
