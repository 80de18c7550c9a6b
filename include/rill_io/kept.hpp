// SPDX-License-Identifier: MIT
#pragma once

// Kept: a copy of a configuration together with what it borrows, for whoever needs it longer than open()
// does.
//
// The members of a plain struct are found by themselves (their number by trying, their names by a structured
// binding), so that a backend's Options need not list them a second time and none can be forgotten.

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rill::io {

namespace detail {

/// Stands for a value of any type, to try out initialisers with.
struct AnyValue {
    template <class T>
    operator T() const noexcept;
};

template <class T, std::size_t... I>
consteval bool takes_initialisers(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), AnyValue{})...}; };
}

inline constexpr std::size_t max_members = 16;

/// The number of members of an aggregate.
template <class T, std::size_t N = 0>
consteval std::size_t count_members() {
    static_assert(N <= max_members, "give visit_members() more lines");
    if constexpr (!takes_initialisers<T>(std::make_index_sequence<N + 1>()))
        return N;
    else
        return count_members<T, N + 1>();
}

/// Calls `visit(member)` for every member of an aggregate.
template <class T, class Visit>
void visit_members(T& object, const Visit& visit) {
    constexpr std::size_t count = count_members<T>();
    const auto each = [&](auto&... members) { (visit(members), ...); };
    if constexpr (count == 1) {
        auto& [a] = object;
        each(a);
    } else if constexpr (count == 2) {
        auto& [a, b] = object;
        each(a, b);
    } else if constexpr (count == 3) {
        auto& [a, b, c] = object;
        each(a, b, c);
    } else if constexpr (count == 4) {
        auto& [a, b, c, d] = object;
        each(a, b, c, d);
    } else if constexpr (count == 5) {
        auto& [a, b, c, d, e] = object;
        each(a, b, c, d, e);
    } else if constexpr (count == 6) {
        auto& [a, b, c, d, e, f] = object;
        each(a, b, c, d, e, f);
    } else if constexpr (count == 7) {
        auto& [a, b, c, d, e, f, g] = object;
        each(a, b, c, d, e, f, g);
    } else if constexpr (count == 8) {
        auto& [a, b, c, d, e, f, g, h] = object;
        each(a, b, c, d, e, f, g, h);
    } else if constexpr (count == 9) {
        auto& [a, b, c, d, e, f, g, h, i] = object;
        each(a, b, c, d, e, f, g, h, i);
    } else if constexpr (count == 10) {
        auto& [a, b, c, d, e, f, g, h, i, j] = object;
        each(a, b, c, d, e, f, g, h, i, j);
    } else if constexpr (count == 11) {
        auto& [a, b, c, d, e, f, g, h, i, j, k] = object;
        each(a, b, c, d, e, f, g, h, i, j, k);
    } else if constexpr (count == 12) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l] = object;
        each(a, b, c, d, e, f, g, h, i, j, k, l);
    } else if constexpr (count == 13) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = object;
        each(a, b, c, d, e, f, g, h, i, j, k, l, m);
    } else if constexpr (count == 14) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = object;
        each(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
    } else if constexpr (count == 15) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = object;
        each(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
    } else if constexpr (count == 16) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = object;
        each(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
    }
}

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

} // namespace detail

/// Text and constant spans, also those of members' members, are copied; what a pointer refers to stays
/// borrowed.
template <class T>
class Kept {
public:
    Kept() = default;
    Kept(const Kept&) = delete; // its value refers to its own memory
    Kept& operator=(const Kept&) = delete;

    /// Thread: control, one at a time. Realtime-safe: no (allocates).
    void keep(const T& value) {
        pieces_.clear();
        value_ = value;
        take(value_);
    }
    [[nodiscard]] const T& value() const noexcept { return value_; }

private:
    template <class M>
    void take(M& member) {
        if constexpr (std::is_same_v<M, std::string_view>)
            member = {copy(member.data(), member.size()), member.size()};
        else if constexpr (requires {
                               typename M::element_type;
                               requires std::is_same_v<M, std::span<typename M::element_type>>;
                           }) {
            if constexpr (std::is_const_v<typename M::element_type>)
                member = {copy(member.data(), member.size()), member.size()};
        } else if constexpr (std::is_aggregate_v<M> && std::is_class_v<M> && !detail::is_array<M>)
            detail::visit_members(member, [this](auto& inner) { this->take(inner); });
    }

    template <class E>
    const E* copy(const E* elements, std::size_t count) {
        static_assert(std::is_trivially_copyable_v<E>);
        if (count == 0)
            return nullptr;
        std::vector<std::byte>& piece = pieces_.emplace_back(count * sizeof(E));
        std::memcpy(piece.data(), elements, piece.size());
        return reinterpret_cast<const E*>(piece.data());
    }

    T value_{};
    std::vector<std::vector<std::byte>> pieces_; ///< growing moves them, but not what they hold
};

} // namespace rill::io
