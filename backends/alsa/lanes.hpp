// SPDX-License-Identifier: MIT
#pragma once

// The few vector operations that the conversion loops need and that GNU vectors don't have: one struct for
// each instruction set, with the same members.
//
// Everything here is always inlined: files that are compiled for different instruction sets must not share
// functions.

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace rill::io::alsa {

/// Four adjacent samples, as they are in memory and in a lane each.
using Quad = std::int32_t __attribute__((vector_size(16)));
/// Likewise eight.
using Octet = std::int32_t __attribute__((vector_size(32)));

/// Four lanes, any processor.
struct Portable {
    static constexpr std::size_t lanes = 4;
    using Floats = float __attribute__((vector_size(16)));
    using Ints = std::int32_t __attribute__((vector_size(16)));
    using Words = std::uint32_t __attribute__((vector_size(16)));
    using Halves = std::int16_t __attribute__((vector_size(8)));
    using HalfOfFloats = float __attribute__((vector_size(8)));
    using Doubles = double __attribute__((vector_size(16)));
    using Nan = Ints;
    static constexpr Nan no_nan{};
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
    /// Notes where one of the two is no number.
    [[gnu::always_inline]] static void note_nan(Nan& nan, Floats a, Floats b) noexcept {
        nan |= (a != a) | (b != b);
    }
    /// Was one noted? Yes may be wrong if there was an infinity; no is right.
    [[gnu::always_inline]] static bool any(Nan a, Nan b) noexcept {
        const Nan nan = a | b;
        return (nan[0] | nan[1] | nan[2] | nan[3]) != 0;
    }
    [[gnu::always_inline]] static HalfOfFloats narrowed(Doubles x) noexcept {
        return __builtin_convertvector(x, HalfOfFloats);
    }
    [[gnu::always_inline]] static Doubles widened(HalfOfFloats x) noexcept {
        return __builtin_convertvector(x, Doubles);
    }
    /// Of the samples a0 a1 ... b0 b1 ...: every other one.
    [[gnu::always_inline]] static Ints evens(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 2, 4, 6);
    }
    [[gnu::always_inline]] static Ints odds(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 1, 3, 5, 7);
    }
    /// a0 b0 a1 b1 ...: the first half of them, and the last.
    [[gnu::always_inline]] static Ints first_pairs(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    }
    [[gnu::always_inline]] static Ints last_pairs(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    }
    /// A vector of the quads that `load(place)` returns; and `store(place, quad)` for each of a vector's.
    template <class Load>
    [[gnu::always_inline]] static Ints row(Load load) noexcept {
        return load(0);
    }
    template <class Store>
    [[gnu::always_inline]] static void for_each_quad(Ints row, Store store) noexcept {
        store(0, row);
    }
};

#if defined(__SSE2__)
/// Four lanes; a part of every x86-64.
struct Sse2 : Portable {
    static constexpr bool rounds_to_lowest = true;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept { return _mm_min_ps(x, limit); }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept { return _mm_max_ps(x, limit); }
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        return reinterpret_cast<Ints>(_mm_cvtps_epi32(x));
    }
    [[gnu::always_inline]] static void note_nan(Nan& nan, Floats a, Floats b) noexcept {
        nan |= reinterpret_cast<Nan>(_mm_cmpunord_ps(a, b));
    }
    [[gnu::always_inline]] static bool any(Nan a, Nan b) noexcept {
        return _mm_movemask_ps(reinterpret_cast<__m128>(a | b)) != 0;
    }
};
#endif

#if defined(__AVX2__)
/// Which byte goes where between eight samples of three bytes and eight lanes, in each half; -1 = none.
/// `first`: of the bytes of each half, the first that is a sample's.
consteval std::array<std::int8_t, 32> bytes_to_lanes(bool swapped, std::array<int, 2> first) {
    std::array<std::int8_t, 32> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto byte = static_cast<int>(i % 4);
        const auto sample = static_cast<int>(i % 16 / 4);
        table[i] = static_cast<std::int8_t>(
            byte == 3 ? -1 : first[i / 16] + 3 * sample + (swapped ? 2 - byte : byte));
    }
    return table;
}
consteval std::array<std::int8_t, 32> lanes_to_bytes(bool swapped) {
    std::array<std::int8_t, 32> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto at = static_cast<int>(i % 16);
        table[i] = static_cast<std::int8_t>(at >= 12 ? -1 : at / 3 * 4 + (swapped ? 2 - at % 3 : at % 3));
    }
    return table;
}

/// Eight lanes.
struct Avx2 {
    static constexpr std::size_t lanes = 8;
    using Floats = float __attribute__((vector_size(32)));
    using Ints = std::int32_t __attribute__((vector_size(32)));
    using Words = std::uint32_t __attribute__((vector_size(32)));
    using Halves = std::int16_t __attribute__((vector_size(16)));
    using HalfOfFloats = float __attribute__((vector_size(16)));
    using Doubles = double __attribute__((vector_size(32)));
    using Nan = Ints;
    static constexpr Nan no_nan{};
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
    [[gnu::always_inline]] static void note_nan(Nan& nan, Floats a, Floats b) noexcept {
        nan |= reinterpret_cast<Nan>(_mm256_cmp_ps(a, b, _CMP_UNORD_Q));
    }
    [[gnu::always_inline]] static bool any(Nan a, Nan b) noexcept {
        return _mm256_movemask_ps(reinterpret_cast<__m256>(a | b)) != 0;
    }

    [[gnu::always_inline]] static HalfOfFloats narrowed(Doubles x) noexcept {
        return __builtin_convertvector(x, HalfOfFloats);
    }
    [[gnu::always_inline]] static Doubles widened(HalfOfFloats x) noexcept {
        return __builtin_convertvector(x, Doubles);
    }

    // In two steps, across the halves and then within them: what the compiler makes of one takes six.
    [[gnu::always_inline]] static Ints evens(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(low_halves(a, b), high_halves(a, b), 0, 2, 8, 10, 4, 6, 12, 14);
    }
    [[gnu::always_inline]] static Ints odds(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(low_halves(a, b), high_halves(a, b), 1, 3, 9, 11, 5, 7, 13, 15);
    }
    [[gnu::always_inline]] static Ints first_pairs(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    }
    [[gnu::always_inline]] static Ints last_pairs(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    }
    template <class Load>
    [[gnu::always_inline]] static Ints row(Load load) noexcept {
        return __builtin_shufflevector(load(0), load(1), 0, 1, 2, 3, 4, 5, 6, 7);
    }
    template <class Store>
    [[gnu::always_inline]] static void for_each_quad(Ints row, Store store) noexcept {
        store(0, __builtin_shufflevector(row, row, 0, 1, 2, 3));
        store(1, __builtin_shufflevector(row, row, 4, 5, 6, 7));
    }
    /// Vectors of the quads before and after the middle of the octets that `load(place)` returns.
    template <class Load>
    [[gnu::always_inline]] static void octet_rows(Load load, Ints& first, Ints& last) noexcept {
        const Ints a = load(0);
        const Ints b = load(1);
        first = low_halves(a, b);
        last = high_halves(a, b);
    }
    /// `store(place, octet)` for the quads of two vectors that are in the same place.
    template <class Store>
    [[gnu::always_inline]] static void for_each_octet(Ints first, Ints last, Store store) noexcept {
        store(0, low_halves(first, last));
        store(1, high_halves(first, last));
    }

    /// Samples of three bytes, to the low bytes of each lane; the highest is 0.
    template <bool Swapped>
    [[gnu::always_inline]] static Ints load_threes(const std::byte* from) noexcept {
        return load_eight_threes<Swapped>(from);
    }
    /// And back. Writes just their bytes.
    template <bool Swapped>
    [[gnu::always_inline]] static void store_threes(std::byte* to, Ints samples) noexcept {
        store_eight_threes<Swapped>(to, samples);
    }
    template <bool Swapped>
    [[gnu::always_inline]] static Octet load_eight_threes(const std::byte* from) noexcept {
        // The second half from byte 8 on, not 12: then nothing behind the samples is read.
        static constexpr auto table = bytes_to_lanes(Swapped, {0, 4});
        const __m256i bytes =
            _mm256_inserti128_si256(_mm256_castsi128_si256(load_16_bytes(from)), load_16_bytes(from + 8), 1);
        return reinterpret_cast<Ints>(_mm256_shuffle_epi8(bytes, load_table(table)));
    }
    template <bool Swapped>
    [[gnu::always_inline]] static void store_eight_threes(std::byte* to, Octet samples) noexcept {
        const auto packed = reinterpret_cast<Octet>(pack_threes<Swapped>(samples));
        const auto bytes =
            reinterpret_cast<__m256i>(__builtin_shufflevector(packed, packed, 0, 1, 2, 4, 5, 6, 3, 7));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + 16), _mm256_extracti128_si256(bytes, 1));
    }
    /// Likewise four samples.
    template <bool Swapped>
    [[gnu::always_inline]] static Quad load_four_threes(const std::byte* from) noexcept {
        static constexpr auto table = bytes_to_lanes(Swapped, {0, 0});
        std::int64_t first = 0;
        std::int32_t last = 0;
        __builtin_memcpy(&first, from, sizeof first);
        __builtin_memcpy(&last, from + 8, sizeof last);
        const __m128i bytes = _mm_insert_epi32(_mm_cvtsi64_si128(first), last, 2);
        return reinterpret_cast<Quad>(_mm_shuffle_epi8(bytes, _mm256_castsi256_si128(load_table(table))));
    }
    template <bool Swapped>
    [[gnu::always_inline]] static void store_four_threes(std::byte* to, Quad samples) noexcept {
        static constexpr auto table = lanes_to_bytes(Swapped);
        store_12_bytes(to, _mm_shuffle_epi8(reinterpret_cast<__m128i>(samples),
                                            _mm256_castsi256_si128(load_table(table))));
    }

protected:
    template <bool Swapped>
    [[gnu::always_inline]] static __m256i pack_threes(Ints samples) noexcept {
        static constexpr auto table = lanes_to_bytes(Swapped);
        return _mm256_shuffle_epi8(reinterpret_cast<__m256i>(samples), load_table(table));
    }
    [[gnu::always_inline]] static void store_12_bytes(std::byte* to, __m128i bytes) noexcept {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
        const int last = _mm_extract_epi32(bytes, 2);
        __builtin_memcpy(to + 8, &last, sizeof last);
    }

private:
    [[gnu::always_inline]] static Ints low_halves(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    }
    [[gnu::always_inline]] static Ints high_halves(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
    [[gnu::always_inline]] static __m128i load_16_bytes(const std::byte* from) noexcept {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    }
    [[gnu::always_inline]] static __m256i load_table(const std::array<std::int8_t, 32>& table) noexcept {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&table));
    }
};
#endif

#if defined(__AVX512F__)
/// Sixteen lanes.
struct Avx512 : Avx2 {
    static constexpr std::size_t lanes = 16;
    using Floats = float __attribute__((vector_size(64)));
    using Ints = std::int32_t __attribute__((vector_size(64)));
    using Words = std::uint32_t __attribute__((vector_size(64)));
    using Halves = std::int16_t __attribute__((vector_size(32)));
    using HalfOfFloats = float __attribute__((vector_size(32)));
    using Doubles = double __attribute__((vector_size(64)));
    using Nan = Floats;
    static constexpr Nan no_nan = Floats{} + 1.0F;
    static constexpr bool rounds_to_lowest = true;
    /// g++ 12 warns about its own unmasked functions.
    static constexpr __mmask16 all = 0xffff;
    static constexpr __mmask8 all_doubles = 0xff;

    [[gnu::always_inline]] static Floats min(Floats x, Floats limit) noexcept {
        return _mm512_maskz_min_ps(all, x, limit);
    }
    [[gnu::always_inline]] static Floats max(Floats x, Floats limit) noexcept {
        return _mm512_maskz_max_ps(all, x, limit);
    }
    [[gnu::always_inline]] static Ints round(Floats x) noexcept {
        return reinterpret_cast<Ints>(_mm512_maskz_cvtps_epi32(all, x));
    }
    // A sum of products is a NaN from the first one on: that is one instruction, where a comparison and what
    // keeps its mask are two.
    [[gnu::always_inline]] static void note_nan(Nan& nan, Floats a, Floats b) noexcept {
        nan = _mm512_maskz_fmadd_ps(all, a, b, nan);
    }
    [[gnu::always_inline]] static bool any(Nan a, Nan b) noexcept {
        return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) != 0;
    }

    // (Of a generic conversion g++ 12 makes two, each of half of it.)
    [[gnu::always_inline]] static HalfOfFloats narrowed(Doubles x) noexcept {
        return _mm512_maskz_cvtpd_ps(all_doubles, x);
    }
    [[gnu::always_inline]] static Doubles widened(HalfOfFloats x) noexcept {
        return _mm512_maskz_cvtps_pd(all_doubles, x);
    }

    // One instruction for each of them.
    [[gnu::always_inline]] static Ints evens(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    }
    [[gnu::always_inline]] static Ints odds(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    }
    // Likewise; but in Zen 5 it takes two steps of one kind, and with this one in two instructions of another
    // kind the four have room beside each other.
    [[gnu::always_inline]] static Ints first_pairs(Ints a, Ints b) noexcept {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    }
    [[gnu::always_inline]] static Ints last_pairs(Ints a, Ints b) noexcept {
        const auto lane =
            reinterpret_cast<__m512i>(Ints{8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15});
        const __m512i even = _mm512_maskz_permutexvar_epi32(all, lane, reinterpret_cast<__m512i>(a));
        constexpr __mmask16 odd_lanes = 0xaaaa;
        return reinterpret_cast<Ints>(
            _mm512_mask_permutexvar_epi32(even, odd_lanes, lane, reinterpret_cast<__m512i>(b)));
    }
    template <class Load>
    [[gnu::always_inline]] static Ints row(Load load) noexcept {
        return __builtin_shufflevector(__builtin_shufflevector(load(0), load(1), 0, 1, 2, 3, 4, 5, 6, 7),
                                       __builtin_shufflevector(load(2), load(3), 0, 1, 2, 3, 4, 5, 6, 7), 0,
                                       1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    template <class Store>
    [[gnu::always_inline]] static void for_each_quad(Ints row, Store store) noexcept {
        store(0, __builtin_shufflevector(row, row, 0, 1, 2, 3));
        store(1, __builtin_shufflevector(row, row, 4, 5, 6, 7));
        store(2, __builtin_shufflevector(row, row, 8, 9, 10, 11));
        store(3, __builtin_shufflevector(row, row, 12, 13, 14, 15));
    }
    template <class Load>
    [[gnu::always_inline]] static void octet_rows(Load load, Ints& first, Ints& last) noexcept {
        const Ints a =
            __builtin_shufflevector(load(0), load(1), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const Ints b =
            __builtin_shufflevector(load(2), load(3), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        first = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
        last = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    }
    template <class Store>
    [[gnu::always_inline]] static void for_each_octet(Ints first, Ints last, Store store) noexcept {
        store(0, __builtin_shufflevector(first, last, 0, 1, 2, 3, 16, 17, 18, 19));
        store(1, __builtin_shufflevector(first, last, 4, 5, 6, 7, 20, 21, 22, 23));
        store(2, __builtin_shufflevector(first, last, 8, 9, 10, 11, 24, 25, 26, 27));
        store(3, __builtin_shufflevector(first, last, 12, 13, 14, 15, 28, 29, 30, 31));
    }

    // Bytes can be moved about in half as many lanes only: the rest is a later extension.
    template <bool Swapped>
    [[gnu::always_inline]] static Ints load_threes(const std::byte* from) noexcept {
        return __builtin_shufflevector(load_eight_threes<Swapped>(from),
                                       load_eight_threes<Swapped>(from + 24), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                       10, 11, 12, 13, 14, 15);
    }
    template <bool Swapped>
    [[gnu::always_inline]] static void store_threes(std::byte* to, Ints samples) noexcept {
        const auto first = reinterpret_cast<Octet>(
            pack_threes<Swapped>(__builtin_shufflevector(samples, samples, 0, 1, 2, 3, 4, 5, 6, 7)));
        const auto last = reinterpret_cast<Octet>(
            pack_threes<Swapped>(__builtin_shufflevector(samples, samples, 8, 9, 10, 11, 12, 13, 14, 15)));
        const Octet bytes = __builtin_shufflevector(first, last, 0, 1, 2, 4, 5, 6, 8, 9);
        const Quad more = __builtin_shufflevector(last, last, 2, 4, 5, 6);
        __builtin_memcpy(to, &bytes, sizeof bytes);
        __builtin_memcpy(to + sizeof bytes, &more, sizeof more);
    }
};
#endif

} // namespace rill::io::alsa
