// SPDX-License-Identifier: MIT
#pragma once

// Kernels: per-sample functions, written once for a float and for a vector of floats.
//
// A kernel is a callable object `T operator()(T) const noexcept` for T = float and T = Lanes, for example
// `[gain](auto x) { return x * gain; }`. Kernels of neighbouring nodes are composed into one function, so a
// chain of them is one pass over memory, and the vectors do not depend on what the optimiser makes of a loop
// (GCC 12 at -O2 vectorises almost none).

#include <cstddef>
#include <cstring>
#include <span>

namespace rill::io {

#if defined(__AVX__)
inline constexpr std::size_t vector_bytes = 32;
#else
inline constexpr std::size_t vector_bytes = 16; // SSE2, NEON
#endif

/// As many samples as the target's vector registers hold.
using Lanes = float __attribute__((vector_size(vector_bytes)));
inline constexpr std::size_t num_lanes = vector_bytes / sizeof(float);

namespace detail {

[[gnu::always_inline]] inline Lanes load(const float* samples) noexcept {
    Lanes lanes;
    std::memcpy(&lanes, samples, sizeof lanes); // unaligned: servers promise less than a vector's alignment
    return lanes;
}
[[gnu::always_inline]] inline void store(float* samples, Lanes lanes) noexcept {
    std::memcpy(samples, &lanes, sizeof lanes);
}

/// Where the compiler is not to prepare anything for a loop of a few rounds (hoist, unroll, make vectors of
/// it): that would cost more than the rounds. `count` is what the loop counts by.
[[gnu::always_inline]] inline void prepare_nothing(std::size_t& count) noexcept {
    __asm__ volatile("" : "+r"(count));
}

/// `first`, then `second`.
template <class First, class Second>
struct Composed {
    First first;
    Second second;
    template <class T>
    [[gnu::always_inline]] T operator()(T x) const noexcept {
        return second(first(x));
    }
};

struct Identity {
    template <class T>
    [[gnu::always_inline]] T operator()(T x) const noexcept {
        return x;
    }
};

} // namespace detail

/// out[i] = kernel(in[i]). `in` and `out` are the same memory or do not overlap. Thread: cycle.
/// Realtime-safe: yes.
template <std::size_t Frames, class Kernel>
[[gnu::always_inline]] inline void apply(std::span<const float, Frames> in, std::span<float, Frames> out,
                                         const Kernel& kernel) noexcept {
    const float* source = in.data();
    float* target = out.data();
    std::size_t frames = in.size();
    if constexpr (Frames != std::dynamic_extent) {
        std::size_t i = 0;
#pragma GCC                                                                                                  \
    unroll 16 // blocks of up to 64 become straight code; in longer ones the loop itself is hardly seen
        for (; i + num_lanes <= frames; i += num_lanes)
            detail::store(target + i, kernel(detail::load(source + i)));
        if constexpr (Frames % num_lanes != 0)
            for (; i < frames; ++i)
                target[i] = kernel(source[i]);
    } else {
        // Four at a time by hand: unrolling a loop of unknown length by pragma costs a jump table in front of
        // it.
        constexpr std::size_t stride = 4 * num_lanes;
        for (const float* const end = source + frames / stride * stride; source != end;) {
            const Lanes a = kernel(detail::load(source));
            const Lanes b = kernel(detail::load(source + num_lanes));
            const Lanes c = kernel(detail::load(source + 2 * num_lanes));
            const Lanes d = kernel(detail::load(source + 3 * num_lanes));
            detail::store(target, a);
            detail::store(target + num_lanes, b);
            detail::store(target + 2 * num_lanes, c);
            detail::store(target + 3 * num_lanes, d);
            source += stride;
            target += stride;
        }
        frames %= stride;
        if (frames == 0)
            return;
        detail::prepare_nothing(frames);
        for (; frames >= num_lanes; frames -= num_lanes) {
            detail::store(target, kernel(detail::load(source)));
            source += num_lanes;
            target += num_lanes;
        }
        for (; frames != 0; --frames) {
            detail::prepare_nothing(frames);
            *target++ = kernel(*source++);
        }
    }
}

} // namespace rill::io
