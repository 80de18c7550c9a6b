// SPDX-License-Identifier: MIT
#pragma once

// ClockTick: what the process callback is told about its block.

#include <cstdint>
#include <type_traits>

namespace rill::io {

/// What is special about a block. Bits; combine with `|`.
enum class TickFlags : std::uint32_t {
    none = 0,
    new_block = 1U << 0U,     ///< starts a whole block (not set for the rest of a block split by a command)
    freewheeling = 1U << 1U,  ///< the clock is not real time: it runs as fast as the graph
    discontinuity = 1U << 2U, ///< before this block: frames lost or inserted, another quantum, rate or clock
    final = 1U << 3U,         ///< no block follows (end of file)
};

[[nodiscard]] constexpr TickFlags operator|(TickFlags a, TickFlags b) noexcept {
    return static_cast<TickFlags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr TickFlags operator&(TickFlags a, TickFlags b) noexcept {
    return static_cast<TickFlags>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(TickFlags flags, TickFlags bit) noexcept {
    return (flags & bit) != TickFlags::none;
}

/// What a tick can ask its backend for, only when the graph asks: no clock is read for a graph that never
/// looks. `session` is the backend's own; `offset` is the frame's distance from the start of the current
/// cycle.
struct TickSource {
    std::uint64_t (*time_ns)(const void* session, std::int32_t offset) noexcept = nullptr;
    double (*tempo)(const void* session) noexcept = nullptr;
    double (*speed)(const void* session) noexcept = nullptr;
};

/// One block's clock. Trivially copyable; valid as it stands inside the callback, `detached()` beyond it.
struct ClockTick {
    std::uint64_t position = 0;    ///< frames since start() of the block's first frame
    std::uint32_t frames = 0;      ///< frames in this block
    std::uint32_t sample_rate = 0; ///< Hz, as negotiated
    std::uint64_t lost_frames = 0; ///< frames lost just before this block (0 almost always)
    std::uint32_t xruns = 0;       ///< xruns since start()
    TickFlags flags = TickFlags::none;
    std::int32_t cycle_offset = 0; ///< the block's first frame counted from the start of the server's cycle
    std::uint64_t known_time_ns =
        0;                    ///< what time_ns() returns if not 0 (the server handed it over for nothing)
    const char* backend = ""; ///< static string: which backend's clock this is
    const TickSource* source = nullptr;
    const void* session = nullptr;

    /// CLOCK_MONOTONIC time of the block's first frame in nanoseconds, 0 if the backend has none.
    /// Thread: cycle (inside the callback), or any on a detached tick. Realtime-safe: yes; may read the
    /// clock.
    [[nodiscard]] std::uint64_t time_ns() const noexcept {
        if (known_time_ns != 0 || source == nullptr || source->time_ns == nullptr)
            return known_time_ns;
        return source->time_ns(session, cycle_offset);
    }

    /// Beats per minute of the server's transport, 0 if there is none. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] double tempo() const noexcept {
        return source == nullptr || source->tempo == nullptr ? 0.0 : source->tempo(session);
    }

    /// How fast the device's clock runs against CLOCK_MONOTONIC, as the server measures it (PipeWire); 1.0
    /// where nobody does. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] double speed() const noexcept {
        return source == nullptr || source->speed == nullptr ? 1.0 : source->speed(session);
    }

    /// A copy that may outlive the cycle: it no longer asks the backend for anything.
    [[nodiscard]] ClockTick detached() const noexcept {
        ClockTick copy = *this;
        copy.source = nullptr;
        copy.session = nullptr;
        return copy;
    }
};

static_assert(std::is_trivially_copyable_v<ClockTick>);

} // namespace rill::io
