// SPDX-License-Identifier: MIT
#include <rill_io/error.hpp>

#include <test.hpp>

#include <cstring>
#include <set>
#include <string>

namespace io = rill::io;

TEST_CASE("error: every code has a name of its own") {
    std::set<std::string> names;
    for (int code = 0; code <= static_cast<int>(io::Errc::not_installed); ++code)
        names.insert(io::to_string(static_cast<io::Errc>(code)));
    CHECK(names.size() == static_cast<std::size_t>(io::Errc::not_installed) + 1);
    CHECK(names.count("unknown") == 0);
    CHECK(std::string(io::to_string(static_cast<io::Errc>(200))) == "unknown");
}

TEST_CASE("error: make formats, and cuts what is too long") {
    const auto error =
        io::Error::make(io::Errc::no_device, "alsa", "open", -2, "there is no '%s' (%d)", "hw:9", 9);
    CHECK(error.code == io::Errc::no_device);
    CHECK(std::string(error.backend) == "alsa");
    CHECK(std::string(error.operation) == "open");
    CHECK(error.native_code == -2);
    CHECK(std::string(error.text) == "there is no 'hw:9' (9)");

    const std::string long_text(1000, 'x');
    const auto cut = io::Error::make(io::Errc::io_failure, "file", "write", 0, "%s", long_text.c_str());
    CHECK(std::strlen(cut.text) == sizeof cut.text - 1);
}

TEST_CASE("result: either a value or an error") {
    const io::Result<int> good = 7;
    CHECK(good);
    CHECK(good.has_value());
    CHECK(*good == 7);
    CHECK(good.value() == 7);

    const io::Result<std::string> bad = io::Error::make(io::Errc::timed_out, "", "open", 0, "no answer");
    CHECK_FALSE(bad);
    CHECK(bad.error().code == io::Errc::timed_out);
    CHECK(bad->empty());

    const io::Result<void> done;
    CHECK(done);
    const io::Result<void> refused = bad.error();
    CHECK_FALSE(refused.has_value());
    CHECK(std::string(refused.error().text) == "no answer");
}
