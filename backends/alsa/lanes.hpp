// SPDX-License-Identifier: MIT
#pragma once

// The few vector operations that the conversion loops need and that GNU vectors don't have: one struct for
// each instruction set, with the same members.
//
// Everything here is always inlined: files that are compiled for different instruction sets must not share
// functions.

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace rill::io::alsa {

/// Four lanes, any processor.
struct Portable {
    static constexpr std::size_t lanes = 4;
    using Floats = float __attribute__((vector_size(16)));
    using Ints = std::int32_t __attribute__((vector_size(16)));
    using Words = std::uint32_t __attribute__((vector_size(16)));
    using Halves = std::int16_t __attribute__((vector_size(8)));
    /// Does round() make the lowest integer of what is lower still?
    static constexpr bool rounds_to_lowest = false;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept {
        return x < limit ? x : limit;
    }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept {
        return x > limit ? x : limit;
    }
    /// To nearest, halves to even.
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        const Ints bits = reinterpret_cast<Ints>(x);
        const Ints sign = bits & INT32_MIN;
        const Floats magnitude = reinterpret_cast<Floats>(bits & INT32_MAX);
        const Floats integers = Floats{} + 0x1p23F; // from here on there are no fractions
        const Floats rounded = magnitude < integers ? (magnitude + integers) - integers : magnitude;
        return __builtin_convertvector(reinterpret_cast<Floats>(reinterpret_cast<Ints>(rounded) | sign),
                                       Ints);
    }
    /// In each lane: is one of the two no number?
    [[gnu::always_inline]] static Ints unordered(Floats a, Floats b) noexcept { return (a != a) | (b != b); }
    [[gnu::always_inline]] static bool any(Ints mask) noexcept {
        return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
    }
};

#if defined(__SSE2__)
/// Four lanes; a part of every x86-64.
struct Sse2 {
    static constexpr std::size_t lanes = 4;
    using Floats = float __attribute__((vector_size(16)));
    using Ints = std::int32_t __attribute__((vector_size(16)));
    using Words = std::uint32_t __attribute__((vector_size(16)));
    using Halves = std::int16_t __attribute__((vector_size(8)));
    static constexpr bool rounds_to_lowest = true;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept { return _mm_min_ps(x, limit); }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept { return _mm_max_ps(x, limit); }
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        return reinterpret_cast<Ints>(_mm_cvtps_epi32(x));
    }
    [[gnu::always_inline]] static Ints unordered(Floats a, Floats b) noexcept {
        return reinterpret_cast<Ints>(_mm_cmpunord_ps(a, b));
    }
    [[gnu::always_inline]] static bool any(Ints mask) noexcept {
        return _mm_movemask_ps(reinterpret_cast<__m128>(mask)) != 0;
    }
};
#endif

#if defined(__AVX2__)
/// Eight lanes.
struct Avx2 {
    static constexpr std::size_t lanes = 8;
    using Floats = float __attribute__((vector_size(32)));
    using Ints = std::int32_t __attribute__((vector_size(32)));
    using Words = std::uint32_t __attribute__((vector_size(32)));
    using Halves = std::int16_t __attribute__((vector_size(16)));
    static constexpr bool rounds_to_lowest = true;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept {
        return _mm256_min_ps(x, limit);
    }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept {
        return _mm256_max_ps(x, limit);
    }
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        return reinterpret_cast<Ints>(_mm256_cvtps_epi32(x));
    }
    [[gnu::always_inline]] static Ints unordered(Floats a, Floats b) noexcept {
        return reinterpret_cast<Ints>(_mm256_cmp_ps(a, b, _CMP_UNORD_Q));
    }
    [[gnu::always_inline]] static bool any(Ints mask) noexcept {
        return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
    }
};
#endif

#if defined(__AVX512F__)
/// Sixteen lanes.
struct Avx512 {
    static constexpr std::size_t lanes = 16;
    using Floats = float __attribute__((vector_size(64)));
    using Ints = std::int32_t __attribute__((vector_size(64)));
    using Words = std::uint32_t __attribute__((vector_size(64)));
    using Halves = std::int16_t __attribute__((vector_size(32)));
    static constexpr bool rounds_to_lowest = true;
    /// g++ 12 warns about its own unmasked functions.
    static constexpr __mmask16 all = 0xffff;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept {
        return _mm512_maskz_min_ps(all, x, limit);
    }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept {
        return _mm512_maskz_max_ps(all, x, limit);
    }
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        return reinterpret_cast<Ints>(_mm512_maskz_cvtps_epi32(all, x));
    }
    [[gnu::always_inline]] static Ints unordered(Floats a, Floats b) noexcept {
        return reinterpret_cast<Ints>(_mm512_maskz_set1_epi32(_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), -1));
    }
    [[gnu::always_inline]] static bool any(Ints mask) noexcept {
        return _mm512_test_epi32_mask(reinterpret_cast<__m512i>(mask), reinterpret_cast<__m512i>(mask)) != 0;
    }
};
#endif

} // namespace rill::io::alsa
