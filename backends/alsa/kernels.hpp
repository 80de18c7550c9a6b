// SPDX-License-Identifier: MIT
#pragma once

// The conversion loops, written once for every instruction set (`Ops`, see lanes.hpp) and encoding.
//
// Included by one file for each instruction set only. Everything but the loops themselves is always inlined,
// and the loops are templates of `Ops`, so that no two of those files define the same function.

#include "cache_line.hpp"
#include "convert.hpp"
#include "frames.hpp"
#include "wires.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace rill::io::alsa {

namespace kernel {

template <class Ops, class Wire>
concept HasLanes = requires(const std::byte* from) { Wire::template load_lanes<Ops>(from); };

/// Eight adjacent samples are moved at once: those of two bytes always, others by vectors that hold so many.
template <class Ops, class Wire>
concept HasOctets = Wire::bytes == 2 || Ops::lanes >= 8;

/// Bytes that a processor's first cache has at least; asking ahead pays for periods that need more.
inline constexpr std::size_t first_cache = 32768;

/// Asks for memory that is needed soon. (It may lie beyond the end of an array: asking can't fail.)
[[gnu::always_inline]] inline void ask_ahead(const std::byte* from, std::size_t bytes) noexcept {
    for (std::size_t at = 0; at < bytes; at += cache_line)
        __builtin_prefetch(from + at);
}

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

/// (As a list: set one by one they would go through memory.)
template <class Wire, class Ops, std::size_t... I>
[[gnu::always_inline]] inline typename Ops::Ints gather(const std::byte* from, std::size_t step,
                                                        std::index_sequence<I...>) noexcept {
    return typename Ops::Ints{Wire::get(from + I * step)...};
}
template <class Wire, class Ops>
[[gnu::always_inline]] inline typename Ops::Ints gather(const std::byte* from, std::size_t step) noexcept {
    return gather<Wire, Ops>(from, step, std::make_index_sequence<Ops::lanes>{});
}
/// The `count` samples that are left at the end of a loop; the other lanes are 0.
template <class Wire, class Ops>
[[gnu::always_inline]] inline typename Ops::Ints gather_some(const std::byte* from, std::size_t step,
                                                             std::size_t count) noexcept {
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
/// Likewise floats.
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

    // Not inlined: others call it where there is little to do.
    [[gnu::noinline]] static void read(const std::byte* from, std::size_t step, float* to,
                                       std::size_t frames) noexcept {
        std::size_t i = 0;
        if constexpr (HasLanes<Ops, Wire>)
            if (step == Wire::bytes && frames >= lanes) {
                for_each_lanes(0, frames, [=](std::size_t at, std::size_t) __attribute__((always_inline)) {
                    store(to + at,
                          decode<Wire, Ops>(Wire::template load_lanes<Ops>(from + at * Wire::bytes)));
                });
                return;
            }
        for (; i + lanes <= frames; i += lanes)
            store(to + i, decode<Wire, Ops>(gather<Wire, Ops>(from + i * step, step)));
        store_some<Ops>(to + i, decode<Wire, Ops>(gather_some<Wire, Ops>(from + i * step, step, frames - i)),
                        frames - i);
    }

    static void read_stereo(const std::byte* from, float* left, float* right, std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>)
            if (frames >= lanes) {
                for_each_lanes(0, frames, [=](std::size_t i, std::size_t) __attribute__((always_inline)) {
                    Ints a;
                    Ints b;
                    Wire::template load_pair<Ops>(from + i * 2 * Wire::bytes, a, b);
                    store(left + i, decode<Wire, Ops>(a));
                    store(right + i, decode<Wire, Ops>(b));
                });
                return;
            }
        read_each(from, left, right, frames);
    }

    [[gnu::noinline]] static void write(const float* from, std::byte* to, std::size_t step,
                                        std::size_t frames) noexcept {
        if (write_as<false>(from, to, step, frames)) [[unlikely]]
            write_as<true>(from, to, step, frames);
    }

    static void write_stereo(const float* left, const float* right, std::byte* to,
                             std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>)
            if (frames >= lanes) {
                if (write_pairs<false>(left, right, to, frames)) [[unlikely]]
                    write_clean_pairs(left, right, to, frames);
                return;
            }
        write_each(left, right, to, frames);
    }

    static void read_frames(const std::byte* from, std::size_t step, float* const* to, std::size_t channels,
                            std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>)
            if (channels >= quad && frames >= lanes) {
                const bool is_large = exceeds_first_cache(channels, frames);
                for_each_row(frames, [=](std::size_t i) __attribute__((always_inline)) {
                    if (is_large) // the next frames, while these are converted
                        ask_ahead(from + (i + lanes) * step, lanes * step);
                    const std::byte* const place = from + i * step;
                    std::size_t c = 0;
                    if constexpr (HasOctets<Ops, Wire>)
                        for (; c + 2 * quad <= channels; c += 2 * quad) {
                            const auto eight = load_octets<Wire, Ops>(place + c * Wire::bytes, step);
                            for (std::size_t k = 0; k < quad; ++k) {
                                store(to[c + Octets<Wire>::first(k)] + i, decode<Wire, Ops>(eight[0][k]));
                                store(to[c + Octets<Wire>::last(k)] + i, decode<Wire, Ops>(eight[1][k]));
                            }
                        }
                    for_each_quad(c, channels, [=](std::size_t q) __attribute__((always_inline)) {
                        const auto four = load_quads<Wire, Ops>(place + q * Wire::bytes, step);
                        for (std::size_t k = 0; k < quad; ++k)
                            store(to[q + k] + i, decode<Wire, Ops>(four[k]));
                    });
                });
                return;
            }
        for (std::size_t channel = 0; channel < channels; ++channel)
            read(from + channel * Wire::bytes, step, to[channel], frames);
    }

    static void write_frames(const float* const* from, std::byte* to, std::size_t step, std::size_t channels,
                             std::size_t frames) noexcept {
        if constexpr (HasLanes<Ops, Wire>)
            if (channels >= quad && frames >= lanes) {
                if (write_quads<false>(from, to, step, channels, frames)) [[unlikely]]
                    (void)write_quads<true>(from, to, step, channels, frames);
                return;
            }
        for (std::size_t channel = 0; channel < channels; ++channel)
            write(from[channel], to + channel * Wire::bytes, step, frames);
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
    static constexpr bool exceeds_first_cache(std::size_t channels, std::size_t frames) noexcept {
        return channels * frames * (Wire::bytes + sizeof(float)) > first_cache;
    }

    // Not inlined: what is rarely needed must not cost the others registers and a stack.
    [[gnu::noinline]] static void read_each(const std::byte* from, float* left, float* right,
                                            std::size_t frames) noexcept {
        read(from, 2 * Wire::bytes, left, frames);
        read(from + Wire::bytes, 2 * Wire::bytes, right, frames);
    }
    [[gnu::noinline]] static void write_each(const float* left, const float* right, std::byte* to,
                                             std::size_t frames) noexcept {
        write(left, to, 2 * Wire::bytes, frames);
        write(right, to + Wire::bytes, 2 * Wire::bytes, frames);
    }
    [[gnu::noinline]] static void write_clean_pairs(const float* left, const float* right, std::byte* to,
                                                    std::size_t frames) noexcept {
        (void)write_pairs<true>(left, right, to, frames);
    }

    /// `convert(i, k)` for frames i, i + 1 ... i + lanes - 1, from `first` on; the last ones may come twice,
    /// which is cheaper than one after the other. At least `lanes` frames. `k` is 0 and 1 in turn: a call
    /// that goes on from what another of the same `k` has left need not wait for the call just before.
    template <class Convert>
    [[gnu::always_inline]] static void for_each_lanes(std::size_t first, std::size_t frames,
                                                      Convert convert) noexcept {
        std::size_t i = first;
        for (; i + 2 * lanes <= frames; i += 2 * lanes) {
            convert(i, 0);
            convert(i + lanes, 1);
        }
        if (i + lanes <= frames) {
            convert(i, 0);
            i += lanes;
        }
        if (i < frames)
            convert(frames - lanes, 1);
    }
    /// (std::min need not be inlined.)
    [[gnu::always_inline]] static std::size_t at_most(std::size_t value, std::size_t limit) noexcept {
        return value < limit ? value : limit;
    }
    /// `convert(i)` for the same frames, where a call takes long by itself: its code is there once, not four
    /// times.
    template <class Convert>
    [[gnu::always_inline]] static void for_each_row(std::size_t frames, Convert convert) noexcept {
        for (std::size_t i = 0; i < frames; i += lanes)
            convert(at_most(i, frames - lanes));
    }
    /// `convert(c)` for channels c, c + 1, c + 2, c + 3, from `first` on; the last ones may come twice.
    template <class Convert>
    [[gnu::always_inline]] static void for_each_quad(std::size_t first, std::size_t channels,
                                                     Convert convert) noexcept {
        for (std::size_t c = first; c < channels; c += quad)
            convert(at_most(c, channels - quad));
    }

    /// Where a NaN was among what was written, if that matters.
    class NanWatch {
    public:
        [[gnu::always_inline]] void note(std::size_t k, Floats a, Floats b) noexcept {
            if constexpr (Wire::bits != 0)
                Ops::note_nan(nan_[k], a, b);
        }
        [[gnu::always_inline]] bool found() const noexcept {
            if constexpr (Wire::bits != 0)
                return Ops::any(nan_[0], nan_[1]);
            return false;
        }

    private:
        std::array<typename Ops::Nan, 2> nan_{Ops::no_nan, Ops::no_nan};
    };

    /// True: a NaN was among them, and is not right.
    template <bool Clean>
    static bool write_as(const float* from, std::byte* to, std::size_t step, std::size_t frames) noexcept {
        NanWatch nan;
        if constexpr (HasLanes<Ops, Wire>)
            if (step == Wire::bytes && frames >= lanes) {
                for_each_lanes(0, frames,
                               [=, &nan](std::size_t at, std::size_t k) __attribute__((always_inline)) {
                                   const auto samples = load<Floats>(from + at);
                                   nan.note(k, samples, samples);
                                   Wire::template store_lanes<Ops>(to + at * Wire::bytes,
                                                                   encode<Wire, Ops, Clean>(samples));
                               });
                return nan.found();
            }
        std::size_t i = 0;
        for (; i + lanes <= frames; i += lanes) {
            const auto samples = load<Floats>(from + i);
            nan.note(0, samples, samples);
            scatter<Wire, Ops>(to + i * step, step, encode<Wire, Ops, Clean>(samples));
        }
        const Floats rest = load_some<Ops>(from + i, frames - i);
        nan.note(1, rest, rest);
        scatter<Wire, Ops>(to + i * step, step, encode<Wire, Ops, Clean>(rest), frames - i);
        return nan.found();
    }

    /// Likewise. At least four channels and `lanes` frames.
    template <bool Clean>
    [[gnu::noinline]] static bool write_quads(const float* const* from, std::byte* to, std::size_t step,
                                              std::size_t channels, std::size_t frames) noexcept {
        NanWatch nan;
        // (channels c, c + apart, c + 2 * apart, c + 3 * apart)
        const auto encoded = [=, &nan](std::size_t c, std::size_t apart,
                                       std::size_t i) __attribute__((always_inline)) {
            const std::array<Floats, quad> four{load<Floats>(from[c] + i), load<Floats>(from[c + apart] + i),
                                                load<Floats>(from[c + 2 * apart] + i),
                                                load<Floats>(from[c + 3 * apart] + i)};
            nan.note(0, four[0], four[1]);
            nan.note(1, four[2], four[3]);
            return Rows<Ops>{encode<Wire, Ops, Clean>(four[0]), encode<Wire, Ops, Clean>(four[1]),
                             encode<Wire, Ops, Clean>(four[2]), encode<Wire, Ops, Clean>(four[3])};
        };
        const bool is_large = exceeds_first_cache(channels, frames);
        for_each_row(frames, [=](std::size_t i) __attribute__((always_inline)) {
            if (is_large)
                for (std::size_t channel = 0; channel < channels; ++channel)
                    __builtin_prefetch(from[channel] + i + 2 * lanes);
            std::byte* const place = to + i * step;
            std::size_t c = 0;
            if constexpr (HasOctets<Ops, Wire>)
                for (; c + 2 * quad <= channels; c += 2 * quad)
                    store_octets<Wire, Ops>(place + c * Wire::bytes, step,
                                            {encoded(c + Octets<Wire>::first(0), Octets<Wire>::apart, i),
                                             encoded(c + Octets<Wire>::last(0), Octets<Wire>::apart, i)});
            for_each_quad(c, channels, [=](std::size_t q) __attribute__((always_inline)) {
                store_quads<Wire, Ops>(place + q * Wire::bytes, step, encoded(q, 1, i));
            });
        });
        return nan.found();
    }

    /// Likewise. At least `lanes` frames.
    template <bool Clean>
    [[gnu::always_inline]] static bool write_pairs(const float* left, const float* right, std::byte* to,
                                                   std::size_t frames) noexcept {
        NanWatch nan;
        const auto convert = [=, &nan](std::size_t i, std::size_t k) __attribute__((always_inline)) {
            const auto a = load<Floats>(left + i);
            const auto b = load<Floats>(right + i);
            Wire::template store_pair<Ops>(to + i * 2 * Wire::bytes, encode<Wire, Ops, Clean>(a),
                                           encode<Wire, Ops, Clean>(b));
            nan.note(k, a, b);
        };
        // What lies across two cache lines takes twice as long to store: so the first vector comes alone, and
        // the others where memory is aligned.
        if constexpr (Wire::bytes % 2 == 0)
            if (const std::size_t past = reinterpret_cast<std::uintptr_t>(to) % sizeof(Ints); past != 0) {
                convert(0, 0);
                for_each_lanes(lanes - past / (2 * Wire::bytes), frames, convert);
                return nan.found();
            }
        for_each_lanes(0, frames, convert);
        return nan.found();
    }
};

template <class Loops>
constexpr Codec codec() noexcept {
    Codec loops{
        &Loops::read,         &Loops::write, &Loops::read_stereo, &Loops::write_stereo, &Loops::read_frames,
        &Loops::write_frames, nullptr};
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
        codec<Loops<FourBytes<0, false>, Ops>>(),  codec<Loops<EightBytes<false>, Ops>>(),
        codec<Loops<FourBytes<32, false>, Ops>>(), codec<Loops<FourBytes<24, false>, Ops>>(),
        codec<Loops<ThreeBytes<false>, Ops>>(),    codec<Loops<TwoBytes<false>, Ops>>(),
        codec<Loops<FourBytes<0, true>, Ops>>(),   codec<Loops<EightBytes<true>, Ops>>(),
        codec<Loops<FourBytes<32, true>, Ops>>(),  codec<Loops<FourBytes<24, true>, Ops>>(),
        codec<Loops<ThreeBytes<true>, Ops>>(),     codec<Loops<TwoBytes<true>, Ops>>(),
    };
}

} // namespace rill::io::alsa
