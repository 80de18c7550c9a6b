// SPDX-License-Identifier: MIT
#pragma once

// How the samples of each encoding lie in memory, and vectors of them: what kernels.hpp makes its loops of.
// Included where that is only, and always inlined as everything there.

#include "lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rill::io::alsa::kernel {

template <class T>
[[gnu::always_inline]] inline T load(const void* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <class T>
[[gnu::always_inline]] inline void store(void* to, T value) noexcept {
    std::memcpy(to, &value, sizeof value);
}

/// A vector of 32-bit words of so many bytes. (What depends on a template's argument can't be an
/// attribute's.)
template <std::size_t Bytes>
struct WordVector;
template <>
struct WordVector<16> {
    using Type = std::uint32_t __attribute__((vector_size(16)));
};
template <>
struct WordVector<32> {
    using Type = std::uint32_t __attribute__((vector_size(32)));
};
template <>
struct WordVector<64> {
    using Type = std::uint32_t __attribute__((vector_size(64)));
};

/// The bytes of each lane the other way round.
template <class Ints>
[[gnu::always_inline]] inline Ints swap_bytes(Ints x) noexcept {
    using Words = typename WordVector<sizeof(Ints)>::Type;
    const auto words = reinterpret_cast<Words>(x);
    const Words left = (words << 8) | (words >> 24); // turned by a byte, which some processors do at once
    const Words right = (words >> 8) | (words << 24);
    return reinterpret_cast<Ints>((left & 0xff00ff) | (right & 0xff00ff00));
}
/// Likewise in each half of a lane.
template <class Ints>
[[gnu::always_inline]] inline Ints swap_bytes_of_halves(Ints x) noexcept {
    constexpr std::int32_t high_bytes = -0xff0100; // 0xff00ff00
    return ((x << 8) & high_bytes) | ((x >> 8) & 0xff00ff);
}

/// Both channels of frames that lie interleaved, and back, for an encoding whose adjacent samples can be
/// loaded and stored.
template <class Wire>
struct PairsOfLanes {
    template <class Ops>
    [[gnu::always_inline]] static void load_pair(const std::byte* from, typename Ops::Ints& left,
                                                 typename Ops::Ints& right) noexcept {
        const auto a = Wire::template load_lanes<Ops>(from);
        const auto b = Wire::template load_lanes<Ops>(from + Ops::lanes * Wire::bytes);
        left = Ops::evens(a, b);
        right = Ops::odds(a, b);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_pair(std::byte* to, typename Ops::Ints left,
                                                  typename Ops::Ints right) noexcept {
        Wire::template store_lanes<Ops>(to, Ops::first_pairs(left, right));
        Wire::template store_lanes<Ops>(to + Ops::lanes * Wire::bytes, Ops::last_pairs(left, right));
    }

private:
    friend Wire;
    PairsOfLanes() = default;
};

// An encoding, "Wire", is: `bytes`; get and put of one sample as an integer in this machine's order; for
// vectors load and store of adjacent samples, load_pair and store_pair of adjacent frames of two, load_quad
// and store_quad of four adjacent samples, and for vectors of those loaded(), which makes integers in this
// machine's order of what load_quad has loaded, and to_store(), the other way; `bits` (0 = float).

/// Four bytes, of which the low `Bits` count (32, 24), or a float's (0).
template <std::uint32_t Bits, bool Swapped>
struct FourBytes : PairsOfLanes<FourBytes<Bits, Swapped>> {
    static constexpr std::size_t bytes = 4;
    static constexpr std::uint32_t bits = Bits;

    template <class Ints>
    [[gnu::always_inline]] static Ints in_order(Ints x) noexcept {
        if constexpr (Swapped)
            return swap_bytes(x);
        else
            return x;
    }
    [[gnu::always_inline]] static std::int32_t get(const std::byte* from) noexcept {
        const auto word = load<std::uint32_t>(from);
        return static_cast<std::int32_t>(Swapped ? __builtin_bswap32(word) : word);
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        const auto word = static_cast<std::uint32_t>(sample);
        store(to, Swapped ? __builtin_bswap32(word) : word);
    }
    template <class Ops>
    [[gnu::always_inline]] static typename Ops::Ints load_lanes(const std::byte* from) noexcept {
        return in_order(load<typename Ops::Ints>(from));
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_lanes(std::byte* to, typename Ops::Ints samples) noexcept {
        store(to, in_order(samples));
    }
    template <class Ops>
    [[gnu::always_inline]] static Quad load_quad(const std::byte* from) noexcept {
        return load<Quad>(from);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_quad(std::byte* to, Quad samples) noexcept {
        store(to, samples);
    }
    template <class Ops>
    [[gnu::always_inline]] static Octet load_octet(const std::byte* from) noexcept {
        return load<Octet>(from);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_octet(std::byte* to, Octet samples) noexcept {
        store(to, samples);
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints loaded(Ints row) noexcept {
        return in_order(row);
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints to_store(Ints row) noexcept {
        return in_order(row);
    }
};

/// Eight bytes, a double's; in a lane it is the float nearest to it.
template <bool Swapped>
struct EightBytes : PairsOfLanes<EightBytes<Swapped>> {
    static constexpr std::size_t bytes = 8;
    static constexpr std::uint32_t bits = 0;

    [[gnu::always_inline]] static std::int32_t get(const std::byte* from) noexcept {
        const auto word = load<std::uint64_t>(from);
        const auto sample = __builtin_bit_cast(double, Swapped ? __builtin_bswap64(word) : word);
        return __builtin_bit_cast(std::int32_t, static_cast<float>(sample));
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        const auto word = __builtin_bit_cast(std::uint64_t, double{__builtin_bit_cast(float, sample)});
        store(to, Swapped ? __builtin_bswap64(word) : word);
    }
    // Only in this machine's order: hardly a device has doubles at all.
    template <class Ops>
    requires(!Swapped)
    [[gnu::always_inline]] static typename Ops::Ints load_lanes(const std::byte* from) noexcept {
        return narrow<Ops>(from, std::make_index_sequence<Ops::lanes>{});
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_lanes(std::byte* to, typename Ops::Ints samples) noexcept {
        widen<Ops>(to, samples, std::make_index_sequence<Ops::lanes / 2>{});
    }
    // (Four doubles are never passed or returned: how that is done depends on the instruction set.)
    template <class Ops>
    [[gnu::always_inline]] static Quad load_quad(const std::byte* from) noexcept {
        FourDoubles samples;
        std::memcpy(&samples, from, sizeof samples);
        return reinterpret_cast<Quad>(__builtin_convertvector(samples, FourFloats));
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_quad(std::byte* to, Quad quad) noexcept {
        const auto samples = __builtin_convertvector(reinterpret_cast<FourFloats>(quad), FourDoubles);
        std::memcpy(to, &samples, sizeof samples);
    }
    template <class Ops>
    [[gnu::always_inline]] static Octet load_octet(const std::byte* from) noexcept {
        if constexpr (Ops::lanes == 16)
            return reinterpret_cast<Octet>(Ops::narrowed(load<typename Ops::Doubles>(from)));
        else
            return __builtin_shufflevector(load_quad<Ops>(from), load_quad<Ops>(from + sizeof(FourDoubles)),
                                           0, 1, 2, 3, 4, 5, 6, 7);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_octet(std::byte* to, Octet samples) noexcept {
        if constexpr (Ops::lanes == 16) {
            store(to, Ops::widened(reinterpret_cast<typename Ops::HalfOfFloats>(samples)));
        } else {
            store_quad<Ops>(to, __builtin_shufflevector(samples, samples, 0, 1, 2, 3));
            store_quad<Ops>(to + sizeof(FourDoubles), __builtin_shufflevector(samples, samples, 4, 5, 6, 7));
        }
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints loaded(Ints row) noexcept {
        return row;
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints to_store(Ints row) noexcept {
        return row;
    }

private:
    using FourFloats = float __attribute__((vector_size(16)));
    using FourDoubles = double __attribute__((vector_size(32)));

    template <class Ops, std::size_t... I>
    [[gnu::always_inline]] static typename Ops::Ints narrow(const std::byte* from,
                                                            std::index_sequence<I...>) noexcept {
        using Doubles = typename Ops::Doubles;
        return reinterpret_cast<typename Ops::Ints>(__builtin_shufflevector(
            Ops::narrowed(load<Doubles>(from)), Ops::narrowed(load<Doubles>(from + sizeof(Doubles))),
            static_cast<int>(I)...));
    }
    template <class Ops, std::size_t... I>
    [[gnu::always_inline]] static void widen(std::byte* to, typename Ops::Ints samples,
                                             std::index_sequence<I...>) noexcept {
        const auto floats = reinterpret_cast<typename Ops::Floats>(samples);
        store(to, Ops::widened(__builtin_shufflevector(floats, floats, static_cast<int>(I)...)));
        store(to + sizeof(typename Ops::Doubles),
              Ops::widened(__builtin_shufflevector(floats, floats, static_cast<int>(I + sizeof...(I))...)));
    }
};

template <bool Swapped>
struct ThreeBytes : PairsOfLanes<ThreeBytes<Swapped>> {
    static constexpr std::size_t bytes = 3;
    static constexpr std::uint32_t bits = 24;

    [[gnu::always_inline]] static std::int32_t get(const std::byte* from) noexcept {
        const auto third = std::to_integer<std::uint32_t>(from[2]);
        const std::uint32_t two = in_order(load<std::uint16_t>(from));
        return static_cast<std::int32_t>(is_low_first ? two | third << 16U : two << 8U | third);
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        const auto word = static_cast<std::uint32_t>(sample);
        store(to, in_order(static_cast<std::uint16_t>(is_low_first ? word : word >> 8U)));
        to[2] = static_cast<std::byte>(is_low_first ? word >> 16U : word);
    }
    // Only where single bytes can be moved about at once.
    template <class Ops>
    requires requires(const std::byte* from) { Ops::template load_threes<Swapped>(from); }
    [[gnu::always_inline]] static typename Ops::Ints load_lanes(const std::byte* from) noexcept {
        return Ops::template load_threes<Swapped>(from);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_lanes(std::byte* to, typename Ops::Ints samples) noexcept {
        Ops::template store_threes<Swapped>(to, samples);
    }
    template <class Ops>
    [[gnu::always_inline]] static Quad load_quad(const std::byte* from) noexcept {
        return Ops::template load_four_threes<Swapped>(from);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_quad(std::byte* to, Quad samples) noexcept {
        Ops::template store_four_threes<Swapped>(to, samples);
    }
    template <class Ops>
    [[gnu::always_inline]] static Octet load_octet(const std::byte* from) noexcept {
        return Ops::template load_eight_threes<Swapped>(from);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_octet(std::byte* to, Octet samples) noexcept {
        Ops::template store_eight_threes<Swapped>(to, samples);
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints loaded(Ints row) noexcept {
        return row;
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints to_store(Ints row) noexcept {
        return row;
    }

private:
    [[gnu::always_inline]] static std::uint16_t in_order(std::uint16_t two) noexcept {
        return Swapped ? __builtin_bswap16(two) : two;
    }
    static constexpr bool is_low_first = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != Swapped;
};

template <bool Swapped>
struct TwoBytes {
    static constexpr std::size_t bytes = 2;
    static constexpr std::uint32_t bits = 16;

    [[gnu::always_inline]] static std::int32_t get(const std::byte* from) noexcept {
        const auto word = load<std::uint16_t>(from);
        return Swapped ? __builtin_bswap16(word) : word;
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        const auto word = static_cast<std::uint16_t>(sample);
        store(to, Swapped ? __builtin_bswap16(word) : word);
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints in_order(Ints x) noexcept {
        if constexpr (Swapped)
            return swap_bytes_of_halves(x);
        else
            return x;
    }
    /// Two adjacent samples are a lane.
    template <class Ints>
    [[gnu::always_inline]] static void split(Ints pairs, Ints& first, Ints& second) noexcept {
        const Ints ordered = in_order(pairs);
        first = low_first ? ordered : ordered >> 16;
        second = low_first ? ordered >> 16 : ordered;
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints joined(Ints first, Ints second) noexcept {
        const Ints low = low_first ? first : second;
        const Ints high = low_first ? second : first;
        return in_order((low & 0xffff) | (high << 16));
    }
    template <class Ops>
    [[gnu::always_inline]] static void load_pair(const std::byte* from, typename Ops::Ints& left,
                                                 typename Ops::Ints& right) noexcept {
        split(load<typename Ops::Ints>(from), left, right);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_pair(std::byte* to, typename Ops::Ints left,
                                                  typename Ops::Ints right) noexcept {
        store(to, joined(left, right));
    }
    template <class Ops>
    [[gnu::always_inline]] static typename Ops::Ints load_lanes(const std::byte* from) noexcept {
        return in_order(__builtin_convertvector(load<typename Ops::Halves>(from), typename Ops::Ints));
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_lanes(std::byte* to, typename Ops::Ints samples) noexcept {
        store(to, __builtin_convertvector(in_order(samples), typename Ops::Halves));
    }
    template <class Ops>
    [[gnu::always_inline]] static Quad load_quad(const std::byte* from) noexcept {
        const auto halves = reinterpret_cast<Halves>(LongPair{load<std::int64_t>(from), 0});
        return reinterpret_cast<Quad>(__builtin_shufflevector(halves, halves, 0, 0, 1, 1, 2, 2, 3, 3));
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_quad(std::byte* to, Quad samples) noexcept {
        const auto halves = reinterpret_cast<Halves>(samples);
        const auto packed = __builtin_shufflevector(halves, halves, low_first ? 0 : 1, low_first ? 2 : 3,
                                                    low_first ? 4 : 5, low_first ? 6 : 7, 0, 0, 0, 0);
        store(to, reinterpret_cast<LongPair>(packed)[0]);
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints loaded(Ints row) noexcept {
        return in_order(row) >> 16; // from the upper half of its lane down, with its sign
    }
    template <class Ints>
    [[gnu::always_inline]] static Ints to_store(Ints row) noexcept {
        return in_order(row);
    }

private:
    using Halves = std::int16_t __attribute__((vector_size(16)));
    using LongPair = std::int64_t __attribute__((vector_size(16)));
    static constexpr bool low_first = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
};

} // namespace rill::io::alsa::kernel
