// SPDX-License-Identifier: MIT
#pragma once

// Gain: multiplies every sample by one factor.

#include <rill_io/concepts.hpp>

#include <cstdint>

namespace rill::io {

class Gain {
public:
    static constexpr NodeKind kind = NodeKind::elementwise;
    enum Parameter : std::uint16_t { gain }; ///< gain: a linear factor, 1 = unchanged

    explicit constexpr Gain(float factor = 1.0F) noexcept : factor_(factor) {}

    /// Thread: cycle (through SetParameter), or control while stopped. Realtime-safe: yes.
    bool set_parameter(std::uint16_t parameter, float value) noexcept {
        if (parameter != gain)
            return false;
        factor_ = value;
        return true;
    }

    /// The same for every channel. Thread: cycle. Realtime-safe: yes.
    [[nodiscard]] auto kernel() const noexcept {
        return [factor = factor_](auto x) noexcept { return x * factor; };
    }

private:
    float factor_;
};

} // namespace rill::io
