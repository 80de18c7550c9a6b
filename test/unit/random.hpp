// SPDX-License-Identifier: MIT
#pragma once

// Pseudo-random numbers that are the same on every machine, so that a failure can be seen again.

#include <cstdint>

class Random {
public:
    explicit Random(std::uint32_t seed) noexcept : state_(seed * 2654435761U + 1U) {}

    /// Any 32 bits.
    std::uint32_t bits() noexcept {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL; // Knuth's MMIX
        return static_cast<std::uint32_t>(state_ >> 32U);
    }
    /// low <= result <= high
    std::uint32_t between(std::uint32_t low, std::uint32_t high) noexcept {
        return low +
               static_cast<std::uint32_t>((std::uint64_t{bits()} * (std::uint64_t{high} - low + 1)) >> 32U);
    }
    /// low <= result <= high, each order of magnitude as likely as another.
    std::uint32_t magnitude_between(std::uint32_t low, std::uint32_t high) noexcept {
        std::uint32_t limit = high;
        while (limit / 2 >= low && (bits() & 1U) != 0)
            limit /= 2;
        return between(low, limit);
    }
    /// -1 <= result < 1
    float sample() noexcept { return static_cast<float>(static_cast<std::int32_t>(bits())) * 0x1p-31F; }

private:
    std::uint64_t state_;
};
