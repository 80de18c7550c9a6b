// SPDX-License-Identifier: MIT
#pragma once

// The conversion loops, written once for every instruction set (`Ops`, see lanes.hpp) and encoding.
//
// Included by one file for each instruction set only. Everything but the loops themselves is always inlined,
// and the loops are templates of `Ops`, so that no two of those files define the same function.

#include "convert.hpp"
#include "lanes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rill::io::alsa {

namespace kernel {

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

/// The bytes of each lane the other way round; `Ints` may be a plain integer too.
template <class Ints>
[[gnu::always_inline]] inline Ints swap_bytes(Ints x) noexcept {
    return (x << 24) | ((x << 8) & 0xff0000) | ((x >> 8) & 0xff00) | ((x >> 24) & 0xff);
}
/// Likewise in each half of a lane.
template <class Ints>
[[gnu::always_inline]] inline Ints swap_bytes_of_halves(Ints x) noexcept {
    constexpr std::int32_t high_bytes = -0xff0100; // 0xff00ff00
    return ((x << 8) & high_bytes) | ((x >> 8) & 0xff00ff);
}

// Of the samples a0 a1 a2 ... b0 b1 b2 ...: every other one, and the two put together again.
template <class T, std::size_t... I>
[[gnu::always_inline]] inline T evens(T a, T b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b, static_cast<int>(2 * I)...);
}
template <class T, std::size_t... I>
[[gnu::always_inline]] inline T odds(T a, T b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b, static_cast<int>(2 * I + 1)...);
}
template <class T, std::size_t... I>
[[gnu::always_inline]] inline T first_pairs(T a, T b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b, static_cast<int>(I / 2 + (I % 2) * sizeof...(I))...);
}
template <class T, std::size_t... I>
[[gnu::always_inline]] inline T last_pairs(T a, T b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b,
                                   static_cast<int>(sizeof...(I) / 2 + I / 2 + (I % 2) * sizeof...(I))...);
}

/// Both channels of frames that lie interleaved, and back.
template <class Wire, class Ops>
[[gnu::always_inline]] inline void load_pair(const std::byte* from, typename Ops::Ints& left,
                                             typename Ops::Ints& right) noexcept {
    constexpr auto indices = std::make_index_sequence<Ops::lanes>{};
    const auto a = Wire::template load_lanes<Ops>(from);
    const auto b = Wire::template load_lanes<Ops>(from + Ops::lanes * Wire::bytes);
    left = evens(a, b, indices);
    right = odds(a, b, indices);
}
template <class Wire, class Ops>
[[gnu::always_inline]] inline void store_pair(std::byte* to, typename Ops::Ints left,
                                              typename Ops::Ints right) noexcept {
    constexpr auto indices = std::make_index_sequence<Ops::lanes>{};
    Wire::template store_lanes<Ops>(to, first_pairs(left, right, indices));
    Wire::template store_lanes<Ops>(to + Ops::lanes * Wire::bytes, last_pairs(left, right, indices));
}

// An encoding, "Wire", is: `bytes`; get and put of one sample as an integer in this machine's order; for
// vectors load and store of adjacent samples, load_pair and store_pair of adjacent frames of two; `bits` (0 =
// float).

/// Four bytes, of which the low `Bits` count (32, 24), or a float's (0).
template <std::uint32_t Bits, bool Swapped>
struct FourBytes {
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
        return static_cast<std::int32_t>(in_order(load<std::uint32_t>(from)));
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        store(to, in_order(static_cast<std::uint32_t>(sample)));
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
    [[gnu::always_inline]] static void load_pair(const std::byte* from, typename Ops::Ints& left,
                                                 typename Ops::Ints& right) noexcept {
        kernel::load_pair<FourBytes, Ops>(from, left, right);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_pair(std::byte* to, typename Ops::Ints left,
                                                  typename Ops::Ints right) noexcept {
        kernel::store_pair<FourBytes, Ops>(to, left, right);
    }
};

template <bool Swapped>
struct ThreeBytes {
    static constexpr std::size_t bytes = 3;
    static constexpr std::uint32_t bits = 24;

    [[gnu::always_inline]] static std::int32_t get(const std::byte* from) noexcept {
        const auto byte = [&](std::size_t i) {
            return std::to_integer<std::uint32_t>(from[is_low_first ? i : 2 - i]);
        };
        return static_cast<std::int32_t>(byte(0) | byte(1) << 8U | byte(2) << 16U);
    }
    [[gnu::always_inline]] static void put(std::byte* to, std::int32_t sample) noexcept {
        const auto word = static_cast<std::uint32_t>(sample);
        to[is_low_first ? 0 : 2] = static_cast<std::byte>(word);
        to[1] = static_cast<std::byte>(word >> 8U);
        to[is_low_first ? 2 : 0] = static_cast<std::byte>(word >> 16U);
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
    [[gnu::always_inline]] static void load_pair(const std::byte* from, typename Ops::Ints& left,
                                                 typename Ops::Ints& right) noexcept {
        kernel::load_pair<ThreeBytes, Ops>(from, left, right);
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_pair(std::byte* to, typename Ops::Ints left,
                                                  typename Ops::Ints right) noexcept {
        kernel::store_pair<ThreeBytes, Ops>(to, left, right);
    }

private:
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
    /// A frame is a lane.
    template <class Ops>
    [[gnu::always_inline]] static void load_pair(const std::byte* from, typename Ops::Ints& left,
                                                 typename Ops::Ints& right) noexcept {
        const auto frames = in_order(load<typename Ops::Ints>(from));
        left = low_first ? frames : frames >> 16;
        right = low_first ? frames >> 16 : frames;
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_pair(std::byte* to, typename Ops::Ints left,
                                                  typename Ops::Ints right) noexcept {
        const auto low = low_first ? left : right;
        const auto high = low_first ? right : left;
        store(to, in_order((low & 0xffff) | (high << 16)));
    }
    template <class Ops>
    [[gnu::always_inline]] static typename Ops::Ints load_lanes(const std::byte* from) noexcept {
        return in_order(__builtin_convertvector(load<typename Ops::Halves>(from), typename Ops::Ints));
    }
    template <class Ops>
    [[gnu::always_inline]] static void store_lanes(std::byte* to, typename Ops::Ints samples) noexcept {
        store(to, __builtin_convertvector(in_order(samples), typename Ops::Halves));
    }

private:
    static constexpr bool low_first = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
};

template <class Ops, class Wire>
concept HasLanes = requires(const std::byte* from) { Wire::template load_lanes<Ops>(from); };

/// The highest value of `bits` bits that a float holds exactly.
constexpr float highest(std::uint32_t bits) noexcept {
    return bits > 24 ? 0x1.fffffep30F : static_cast<float>((1 << (bits - 1)) - 1);
}
constexpr float full_scale(std::uint32_t bits) noexcept {
    return static_cast<float>(std::uint64_t{1} << (bits - 1));
}

template <class Wire, class Ops>
[[gnu::always_inline]] inline typename Ops::Floats decode(typename Ops::Ints samples) noexcept {
    if constexpr (Wire::bits == 0) {
        return reinterpret_cast<typename Ops::Floats>(samples);
    } else {
        // To the top, so that the sign is where it belongs and whatever pads the sample is gone.
        const auto left_justified = samples << (32 - Wire::bits);
        return __builtin_convertvector(left_justified, typename Ops::Floats) * 0x1p-31F;
    }
}

constexpr float lowest_int = -0x1p31F;

/// `scaled` clipped to `bits` bits and rounded. NaN: any value.
template <class Ops>
[[gnu::always_inline]] inline typename Ops::Ints quantize(typename Ops::Floats scaled, float low,
                                                          float high) noexcept {
    scaled = Ops::min(scaled, typename Ops::Floats{} + high);
    if (low > lowest_int || !Ops::rounds_to_lowest)
        scaled = Ops::max(scaled, typename Ops::Floats{} + low);
    return Ops::round(scaled);
}

template <class Ops>
[[gnu::always_inline]] inline typename Ops::Floats without_nan(typename Ops::Floats x) noexcept {
    const typename Ops::Ints is_number = x == x;
    return reinterpret_cast<typename Ops::Floats>(reinterpret_cast<typename Ops::Ints>(x) & is_number);
}

/// How the samples of a loop are encoded: fast, but NaN becomes anything (`Clean` = false), or all right.
template <class Wire, class Ops, bool Clean>
[[gnu::always_inline]] inline typename Ops::Ints encode(typename Ops::Floats samples) noexcept {
    if constexpr (Wire::bits == 0) {
        return reinterpret_cast<typename Ops::Ints>(samples);
    } else {
        if constexpr (Clean)
            samples = without_nan<Ops>(samples);
        return quantize<Ops>(samples * full_scale(Wire::bits), -full_scale(Wire::bits), highest(Wire::bits));
    }
}

template <class Wire, class Ops>
[[gnu::always_inline]] inline typename Ops::Ints gather(const std::byte* from, std::size_t step,
                                                        std::size_t count = Ops::lanes) noexcept {
    typename Ops::Ints samples{};
    for (std::size_t i = 0; i < count; ++i)
        samples[i] = Wire::get(from + i * step);
    return samples;
}
template <class Wire, class Ops>
[[gnu::always_inline]] inline void scatter(std::byte* to, std::size_t step, typename Ops::Ints samples,
                                           std::size_t count = Ops::lanes) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        Wire::put(to + i * step, samples[i]);
}
/// The `count` floats that are left at the end of a loop; the other lanes are 0.
template <class Ops>
[[gnu::always_inline]] inline typename Ops::Floats load_some(const float* from, std::size_t count) noexcept {
    typename Ops::Floats samples{};
    for (std::size_t i = 0; i < count; ++i)
        samples[i] = from[i];
    return samples;
}
template <class Ops>
[[gnu::always_inline]] inline void store_some(float* to, typename Ops::Floats samples,
                                              std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = samples[i];
}

template <class Wire, class Ops>
struct Loops {
    using Floats = typename Ops::Floats;
    using Ints = typename Ops::Ints;
    static constexpr std::size_t lanes = Ops::lanes;
    static constexpr bool dithers = Wire::bits != 0;

    static void read(const std::byte* from, std::size_t step, float* to, std::size_t frames) noexcept {
        std::size_t i = 0;
        if constexpr (HasLanes<Ops, Wire>)
            if (step == Wire::bytes)
                for (; i + lanes <= frames; i += lanes)
                    store(to + i, decode<Wire, Ops>(Wire::template load_lanes<Ops>(from + i * Wire::bytes)));
        for (; i + lanes <= frames; i += lanes)
            store(to + i, decode<Wire, Ops>(gather<Wire, Ops>(from + i * step, step)));
        store_some<Ops>(to + i, decode<Wire, Ops>(gather<Wire, Ops>(from + i * step, step, frames - i)),
                        frames - i);
    }

    static void read_stereo(const std::byte* from, float* left, float* right, std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>) {
            std::size_t i = 0;
            for (; i + lanes <= frames; i += lanes) {
                Ints a;
                Ints b;
                Wire::template load_pair<Ops>(from + i * 2 * Wire::bytes, a, b);
                store(left + i, decode<Wire, Ops>(a));
                store(right + i, decode<Wire, Ops>(b));
            }
            from += i * 2 * Wire::bytes;
            left += i;
            right += i;
            frames -= i;
        }
        read(from, 2 * Wire::bytes, left, frames);
        read(from + Wire::bytes, 2 * Wire::bytes, right, frames);
    }

    static void write(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept {
        if (write_as<false>(from, to, step, frames)) [[unlikely]]
            write_as<true>(from, to, step, frames);
    }

    static void write_stereo(const float* left, const float* right, std::byte* to,
                             std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>) {
            const std::size_t whole = frames - frames % lanes;
            if (write_pairs<false>(left, right, to, whole)) [[unlikely]]
                write_pairs<true>(left, right, to, whole);
            to += whole * 2 * Wire::bytes;
            left += whole;
            right += whole;
            frames -= whole;
        }
        write(left, to, 2 * Wire::bytes, frames);
        write(right, to + Wire::bytes, 2 * Wire::bytes, frames);
    }

    static void write_dithered(const float* from, std::byte* to, std::size_t step, std::size_t frames,
                               std::uint32_t bits, Noise& noise) noexcept {
        const float scale = full_scale(bits);
        const auto shift = static_cast<int>(Wire::bits - bits);
        auto state = load<typename Ops::Words>(noise.state.data());
        const auto uniform = [&] { // -0.5 <= x < 0.5; xorshift of 32 bits, one generator in each lane
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            return __builtin_convertvector(reinterpret_cast<Ints>(state), Floats) * 0x1p-32F;
        };
        for (std::size_t i = 0; i < frames; i += lanes) {
            const std::size_t count = frames - i < lanes ? frames - i : lanes;
            const Floats samples =
                without_nan<Ops>(count == lanes ? load<Floats>(from + i) : load_some<Ops>(from + i, count));
            const Floats triangular = uniform() + uniform();
            const Ints quantized = quantize<Ops>(samples * scale + triangular, -scale, highest(bits));
            scatter<Wire, Ops>(to + i * step, step, quantized << shift, count);
        }
        store(noise.state.data(), state);
    }

private:
    /// True: a NaN was among them, and is not right.
    template <bool Clean>
    static bool write_as(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept {
        Ints nan{};
        std::size_t i = 0;
        if constexpr (HasLanes<Ops, Wire>)
            if (step == Wire::bytes)
                for (; i + lanes <= frames; i += lanes) {
                    const auto samples = load<Floats>(from + i);
                    nan |= samples != samples;
                    Wire::template store_lanes<Ops>(to + i * step, encode<Wire, Ops, Clean>(samples));
                }
        for (; i + lanes <= frames; i += lanes) {
            const auto samples = load<Floats>(from + i);
            nan |= samples != samples;
            scatter<Wire, Ops>(to + i * step, step, encode<Wire, Ops, Clean>(samples));
        }
        const Floats rest = load_some<Ops>(from + i, frames - i);
        nan |= rest != rest;
        scatter<Wire, Ops>(to + i * step, step, encode<Wire, Ops, Clean>(rest), frames - i);
        return Wire::bits != 0 && Ops::any(nan);
    }

    template <bool Clean>
    static bool write_pairs(const float* left, const float* right, std::byte* to,
                            std::size_t frames) noexcept {
        Ints nan{};
        for (std::size_t i = 0; i < frames; i += lanes) {
            const auto a = load<Floats>(left + i);
            const auto b = load<Floats>(right + i);
            nan |= Ops::unordered(a, b);
            Wire::template store_pair<Ops>(to + i * 2 * Wire::bytes, encode<Wire, Ops, Clean>(a),
                                           encode<Wire, Ops, Clean>(b));
        }
        return Wire::bits != 0 && Ops::any(nan);
    }
};

/// Eight bytes, a double's.
template <class Ops, bool Swapped>
struct DoubleLoops {
    static void read(const std::byte* from, std::size_t step, float* to, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i)
            to[i] = static_cast<float>(get(from + i * step));
    }
    static void write(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i)
            put(to + i * step, double{from[i]});
    }
    static void read_stereo(const std::byte* from, float* left, float* right, std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i) {
            left[i] = static_cast<float>(get(from + i * 16));
            right[i] = static_cast<float>(get(from + i * 16 + 8));
        }
    }
    static void write_stereo(const float* left, const float* right, std::byte* to,
                             std::size_t frames) noexcept {
        for (std::size_t i = 0; i < frames; ++i) {
            put(to + i * 16, double{left[i]});
            put(to + i * 16 + 8, double{right[i]});
        }
    }

private:
    [[gnu::always_inline]] static double get(const std::byte* from) noexcept {
        const auto bits = load<std::uint64_t>(from);
        return __builtin_bit_cast(double, Swapped ? __builtin_bswap64(bits) : bits);
    }
    [[gnu::always_inline]] static void put(std::byte* to, double sample) noexcept {
        const auto bits = __builtin_bit_cast(std::uint64_t, sample);
        store(to, Swapped ? __builtin_bswap64(bits) : bits);
    }
};

template <class Loops>
constexpr Codec codec() noexcept {
    Codec loops{&Loops::read, &Loops::write, &Loops::read_stereo, &Loops::write_stereo, nullptr};
    if constexpr (requires { requires Loops::dithers; })
        loops.write_dithered = &Loops::write_dithered;
    return loops;
}

} // namespace kernel

/// The loops of one instruction set.
template <class Ops>
[[nodiscard]] constexpr Codecs make_codecs() noexcept {
    using namespace kernel;
    return {
        codec<Loops<FourBytes<0, false>, Ops>>(),  codec<DoubleLoops<Ops, false>>(),
        codec<Loops<FourBytes<32, false>, Ops>>(), codec<Loops<FourBytes<24, false>, Ops>>(),
        codec<Loops<ThreeBytes<false>, Ops>>(),    codec<Loops<TwoBytes<false>, Ops>>(),
        codec<Loops<FourBytes<0, true>, Ops>>(),   codec<DoubleLoops<Ops, true>>(),
        codec<Loops<FourBytes<32, true>, Ops>>(),  codec<Loops<FourBytes<24, true>, Ops>>(),
        codec<Loops<ThreeBytes<true>, Ops>>(),     codec<Loops<TwoBytes<true>, Ops>>(),
    };
}

} // namespace rill::io::alsa
