// SPDX-License-Identifier: MIT
#pragma once

// How Catch2 shows our types: `REQUIRE(driver.start())` prints the error in full.

#include <rill_io/error.hpp>

#include <test.hpp>

#include <ostream>
#include <sstream>
#include <string>

namespace conformance {

inline std::string show(const rill::io::Error& error) {
    std::ostringstream out;
    out << error.backend << ": " << error.operation << ": " << to_string(error.code) << " ("
        << error.native_code << "): " << error.text;
    return out.str();
}

} // namespace conformance

namespace Catch {
template <class T>
struct StringMaker<rill::io::Result<T>> {
    static std::string convert(const rill::io::Result<T>& result) {
        return result ? "success" : conformance::show(result.error());
    }
};
template <>
struct StringMaker<rill::io::Errc> {
    static std::string convert(rill::io::Errc code) { return to_string(code); }
};
} // namespace Catch
