// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

namespace rill::io::tools {

namespace {

/// The length of the well-formed UTF-8 sequence that `text` begins with, 0 if there is none (Unicode 15,
/// table 3-7).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;  // no overlong form
        const unsigned high = first == 0xED ? 0x9F : 0xBF; // no surrogate
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

/// File and device names may hold any bytes; JSON holds Unicode.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const char c = text.front();
        if (length == 0)
            out += "\\ufffd";
        else if (c == '"' || c == '\\')
            out.append("\\").append(1, c);
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out.append(text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + '"';
}

} // namespace

JsonObject& JsonObject::add(std::string_view key, std::string_view text) {
    return add_raw(key, quoted(text));
}

JsonObject& JsonObject::add(std::string_view key, double number) {
    return std::isfinite(number) ? add_raw(key, fmt::format("{}", number)) : add_null(key);
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<JsonObject>& objects) {
    std::string array;
    for (const JsonObject& object : objects)
        array.append(array.empty() ? "" : ",").append(object.text());
    return add_raw(key, "[" + array + "]");
}

JsonObject& JsonObject::add_null(std::string_view key) {
    return add_raw(key, "null");
}

JsonObject& JsonObject::add_all(const JsonObject& other) {
    if (!members_.empty() && !other.members_.empty())
        members_ += ',';
    members_ += other.members_;
    return *this;
}

JsonObject& JsonObject::add_raw(std::string_view key, std::string_view value) {
    if (!members_.empty())
        members_ += ',';
    members_.append(quoted(key)).append(":").append(value);
    return *this;
}

} // namespace rill::io::tools
