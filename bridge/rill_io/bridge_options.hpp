// SPDX-License-Identifier: MIT
#pragma once

// What is asked of a bridge, and what it is called.

#include <rill_io/drift_resampler.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rill::io {

/// What time it is where CLOCK_MONOTONIC does not say so (a simulation's).
struct BridgeClock {
    std::uint64_t (*now_ns)(const void* context) noexcept =
        nullptr; ///< Thread: both cycles. Realtime-safe: yes.
    const void* context = nullptr;
};

struct BridgeOptions {
    std::string_view capture_device = {}; ///< StreamConfig::device is the playback side's
    std::uint32_t capture_rate = 0; ///< Hz; 0 = the playback side's if possible, else the capture side's own
    /// Captured frames by which a capture cycle may come late before there is a gap; 0 = the longer of the
    /// two quanta. Counts fully as latency.
    std::uint32_t margin = 0;
    BridgeQuality quality = BridgeQuality::medium;
    BridgeClock clock{}; ///< by default CLOCK_MONOTONIC
};

namespace bridge {

/// "alsa+jack": a name for two backends, made by the compiler.
template <class A, class B>
struct Name {
    static constexpr std::size_t length(const char* name) noexcept {
        std::size_t count = 0;
        while (name[count] != '\0')
            ++count;
        return count;
    }
    static constexpr auto text = [] {
        std::array<char, length(A::name) + length(B::name) + 2> joined{};
        std::size_t at = 0;
        for (std::size_t i = 0; i < length(A::name); ++i)
            joined[at++] = A::name[i];
        joined[at++] = '+';
        for (std::size_t i = 0; i < length(B::name); ++i)
            joined[at++] = B::name[i];
        return joined;
    }();
};

template <class A, class B>
struct Options {
    typename A::Options capture{};
    typename B::Options playback{};
    BridgeOptions bridge{};
};

} // namespace bridge

} // namespace rill::io
