// SPDX-License-Identifier: MIT
#pragma once

// AlignedVector: a vector that begins at the beginning of a cache line, so that vector registers which are
// loaded and stored from there on lie within one.

#include "cache_line.hpp"

#include <cstddef>
#include <new>
#include <vector>

namespace rill::io::alsa {

template <class T>
struct CacheLineAllocator {
    using value_type = T; // NOLINT(readability-identifier-naming): the standard library asks for it

    CacheLineAllocator() = default;
    template <class U>
    explicit(false) CacheLineAllocator(const CacheLineAllocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{cache_line}));
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        ::operator delete(memory, count * sizeof(T), std::align_val_t{cache_line});
    }
    template <class U>
    [[nodiscard]] bool operator==(const CacheLineAllocator<U>&) const noexcept {
        return true;
    }
};

template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

} // namespace rill::io::alsa
