// SPDX-License-Identifier: MIT
#pragma once

// Frames of many interleaved channels: four channels at a time are put the other way round, from frames to
// vectors of a channel's samples, and back. Included by kernels.hpp only, and always inlined.

#include "lanes.hpp"
#include "wires.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace rill::io::alsa::kernel {

/// Samples of four adjacent channels.
inline constexpr std::size_t quad = 4;

// A row is made of the quads of frames k, k + 4, k + 8 ...; four of them hold `lanes` frames. In each quad's
// place the rows are a square of four by four, so turning it round stays within that place.

template <class Ints, std::size_t... I>
[[gnu::always_inline]] inline Ints low_singles(Ints a, Ints b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b, static_cast<int>(I / 4 * 4 + I % 4 / 2 + I % 2 * sizeof...(I))...);
}
template <class Ints, std::size_t... I>
[[gnu::always_inline]] inline Ints high_singles(Ints a, Ints b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b,
                                   static_cast<int>(I / 4 * 4 + 2 + I % 4 / 2 + I % 2 * sizeof...(I))...);
}
template <class Ints, std::size_t... I>
[[gnu::always_inline]] inline Ints low_doubles(Ints a, Ints b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b, static_cast<int>(I / 4 * 4 + I % 2 + I % 4 / 2 * sizeof...(I))...);
}
template <class Ints, std::size_t... I>
[[gnu::always_inline]] inline Ints high_doubles(Ints a, Ints b, std::index_sequence<I...>) noexcept {
    return __builtin_shufflevector(a, b,
                                   static_cast<int>(I / 4 * 4 + 2 + I % 2 + I % 4 / 2 * sizeof...(I))...);
}

template <class Ops>
using Rows = std::array<typename Ops::Ints, quad>;

/// Its own inverse.
template <class Ops>
[[gnu::always_inline]] inline Rows<Ops> turned(const Rows<Ops>& rows) noexcept {
    constexpr auto indices = std::make_index_sequence<Ops::lanes>{};
    const auto a = low_singles(rows[0], rows[1], indices);
    const auto b = low_singles(rows[2], rows[3], indices);
    const auto c = high_singles(rows[0], rows[1], indices);
    const auto d = high_singles(rows[2], rows[3], indices);
    return {low_doubles(a, b, indices), high_doubles(a, b, indices), low_doubles(c, d, indices),
            high_doubles(c, d, indices)};
}

/// Four channels of `Ops::lanes` frames that are `step` bytes apart.
template <class Wire, class Ops>
[[gnu::always_inline]] inline Rows<Ops> load_quads(const std::byte* from, std::size_t step) noexcept {
    Rows<Ops> rows;
    for (std::size_t k = 0; k < quad; ++k)
        rows[k] = Wire::loaded(Ops::row([=](std::size_t place) __attribute__((always_inline)) {
            return Wire::template load_quad<Ops>(from + (place * quad + k) * step);
        }));
    return turned<Ops>(rows);
}
template <class Wire, class Ops>
[[gnu::always_inline]] inline void store_quads(std::byte* to, std::size_t step,
                                               const Rows<Ops>& channels) noexcept {
    const Rows<Ops> rows = turned<Ops>(channels);
    for (std::size_t k = 0; k < quad; ++k)
        Ops::for_each_quad(Wire::to_store(rows[k]),
                           [=](std::size_t place, Quad samples) __attribute__((always_inline)) {
                               Wire::template store_quad<Ops>(to + (place * quad + k) * step, samples);
                           });
}

/// Which of eight adjacent channels are turned together: in lanes of two samples each the even ones and the
/// odd ones, else those before and those after the middle.
template <class Wire>
struct Octets {
    static constexpr std::size_t apart = Wire::bytes == 2 ? 2 : 1;
    static constexpr std::size_t first(std::size_t k) noexcept { return k * apart; }
    static constexpr std::size_t last(std::size_t k) noexcept {
        return (Wire::bytes == 2 ? 1 : quad) + k * apart;
    }
    template <class Ops>
    using Both = std::array<Rows<Ops>, 2>;
};

/// Eight channels of `Ops::lanes` frames that are `step` bytes apart.
template <class Wire, class Ops>
[[gnu::always_inline]] inline typename Octets<Wire>::template Both<Ops>
load_octets(const std::byte* from, std::size_t step) noexcept {
    Rows<Ops> first;
    Rows<Ops> last;
    for (std::size_t k = 0; k < quad; ++k) {
        const auto frame = [=](std::size_t place)
                               __attribute__((always_inline)) { return from + (place * quad + k) * step; };
        if constexpr (Wire::bytes == 2) {
            Wire::split(Ops::row([=](std::size_t place)
                                     __attribute__((always_inline)) { return load<Quad>(frame(place)); }),
                        first[k], last[k]);
        } else {
            Ops::octet_rows([=](std::size_t place) __attribute__((
                                always_inline)) { return Wire::template load_octet<Ops>(frame(place)); },
                            first[k], last[k]);
            first[k] = Wire::loaded(first[k]);
            last[k] = Wire::loaded(last[k]);
        }
    }
    return {turned<Ops>(first), turned<Ops>(last)};
}
template <class Wire, class Ops>
[[gnu::always_inline]] inline void
store_octets(std::byte* to, std::size_t step,
             const typename Octets<Wire>::template Both<Ops>& channels) noexcept {
    const Rows<Ops> first = turned<Ops>(channels[0]);
    const Rows<Ops> last = turned<Ops>(channels[1]);
    for (std::size_t k = 0; k < quad; ++k) {
        const auto frame = [=](std::size_t place)
                               __attribute__((always_inline)) { return to + (place * quad + k) * step; };
        if constexpr (Wire::bytes == 2)
            Ops::for_each_quad(Wire::joined(first[k], last[k]),
                               [=](std::size_t place, Quad pairs)
                                   __attribute__((always_inline)) { store(frame(place), pairs); });
        else
            Ops::for_each_octet(Wire::to_store(first[k]), Wire::to_store(last[k]),
                                [=](std::size_t place, Octet samples) __attribute__((always_inline)) {
                                    Wire::template store_octet<Ops>(frame(place), samples);
                                });
    }
}

} // namespace rill::io::alsa::kernel
