// SPDX-License-Identifier: MIT
#pragma once

// JsonObject: one JSON object, written key by key.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rill::io::tools {

class JsonObject {
public:
    JsonObject& add(std::string_view key, std::string_view text);
    JsonObject& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
    JsonObject& add(std::string_view key, double number);
    JsonObject& add(std::string_view key, const std::vector<JsonObject>& objects);
    JsonObject& add_null(std::string_view key);
    template <std::unsigned_integral Number>
    JsonObject& add(std::string_view key, Number number) {
        if constexpr (std::same_as<Number, bool>)
            return add_raw(key, number ? "true" : "false");
        else
            return add_raw(key, std::to_string(number));
    }
    /// Everything that is in the other one.
    JsonObject& add_all(const JsonObject& other);

    [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

private:
    JsonObject& add_raw(std::string_view key, std::string_view value);
    std::string members_;
};

} // namespace rill::io::tools
