// SPDX-License-Identifier: MIT
#pragma once

// A device as a line for people and as JSON.

#include "json.hpp"
#include <rill_io/device.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace rill::io::tools {

/// Without the line's end; ids are padded to `id_width`.
[[nodiscard]] std::string device_line(std::string_view backend, const Device& device, std::size_t id_width);
[[nodiscard]] JsonObject to_object(std::string_view backend, const Device& device);

} // namespace rill::io::tools
