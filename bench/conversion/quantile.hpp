// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace conversion {

/// `part`: 0.5 for the median. The values' order changes.
inline double quantile(std::vector<double>& values, double part) {
    const std::ptrdiff_t index = std::lround(part * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + index, values.end());
    return values[static_cast<std::size_t>(index)];
}

} // namespace conversion
