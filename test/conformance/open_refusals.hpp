// SPDX-License-Identifier: MIT
#pragma once

// Opening: what is negotiated, and every refusal.

#include "eventually.hpp"
#include "probes.hpp"
#include "resources.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <numeric>
#include <string>
#include <string_view>

namespace conformance {

/// Checks that an error is the expected one and tells a person what, where and what to do.
inline void check_refusal(const io::Error& error, io::Errc code, const char* backend,
                          std::string_view operation, std::initializer_list<std::string_view> needles) {
    INFO(show(error));
    const std::string_view text = error.text;
    CHECK(error.code == code);
    CHECK(std::string_view(error.backend) == backend);
    CHECK(error.operation == operation);
    CHECK(text.size() + 1 < sizeof error.text);      // not cut
    CHECK(text.find(';') != std::string_view::npos); // what is wrong; what to do
    for (const std::string_view needle : needles) {
        INFO("should name: " << needle);
        CHECK(text.find(needle) != std::string_view::npos);
    }
}

/// Opens with a changed configuration, which must be refused, and leave nothing.
template <Rig R, class Change>
void check_open_refused(const R& rig, DriverOf<R>& driver, io::Errc code,
                        std::initializer_list<std::string_view> needles, Change change) {
    io::StreamConfig config = rig.config();
    auto options = rig.options();
    change(config, options);
    const Resources before = Resources::now();
    const auto opened = driver.open(config, options);
    REQUIRE_FALSE(opened);
    check_refusal(opened.error(), code, R::Backend::name, "open", needles);
    // A detached thread may still be leaving, with what it holds.
    CHECK(eventually([&] { return Resources::now().descriptors <= before.descriptors; }));
    CHECK(eventually([&] { return Resources::now().threads <= before.threads; }));
}

} // namespace conformance

TEMPLATE_LIST_TEST_CASE("what does not apply here", "[open]", Rigs) {
    for (const conformance::Exception& exception : TestType::does_not_apply)
        std::printf("%s: not tested: %s: %s\n", TestType::Backend::name, to_string(exception.property),
                    exception.why);
    SUCCEED();
}

TEMPLATE_LIST_TEST_CASE("info tells what was negotiated", "[open]", Rigs) {
    using namespace conformance;
    TestType rig{Setting{.quantum = 512, .channels = 3}};
    DriverOf<TestType> driver;
    io::StreamConfig config = rig.config();
    config.client_name = "negotiated";
    REQUIRE(driver.open(config, rig.options()));

    const auto check = [&](std::uint32_t rate) {
        const io::StreamInfo info = driver.info();
        CHECK(std::string_view(info.backend) == TestType::Backend::name);
        CHECK(std::string_view(info.client_name).starts_with("negotiated"));
        CHECK(std::string_view(info.device).size() > 0);
        CHECK(info.sample_rate == rate);
        CHECK(info.quantum == 512);
        CHECK(info.block == 512);
        CHECK(info.input_channels == 3);
        CHECK(info.output_channels == 3);
        CHECK(info.adapter_latency == 0);
        CHECK(std::string_view(info.hardware_format).size() > 0);
        CHECK(driver.capture().num_input_channels() == 3);
        CHECK(driver.playback().num_output_channels() == 3);
    };
    check(rig.sample_rate());

    Counter counter;
    REQUIRE(driver.set_process_callback(counter));
    const auto cycles = drive(rig, driver, counter);
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return counter.calls() > 2; }));
    check(rig.sample_rate());
    CHECK(driver.info().scheduling != io::Scheduling::unknown);
    CHECK(driver.stats().cycles >= 2);
    CHECK(driver.stats().frames >= 2 * 512);
    REQUIRE(driver.stop());
    CHECK(driver.info().scheduling != io::Scheduling::unknown);
}

TEMPLATE_LIST_TEST_CASE("a sample rate is the server's, or refused, or adapted to", "[open]", Rigs) {
    using namespace conformance;
    TestType rig{Setting{}};
    DriverOf<TestType> driver;
    io::StreamConfig config = rig.config();

    config.sample_rate = rig.sample_rate();
    REQUIRE(driver.open(config, rig.options()));
    CHECK(driver.info().sample_rate == rig.sample_rate());
    driver.close();

    constexpr std::uint32_t other = 44100;
    config.sample_rate = other;
    if constexpr (applies<TestType>(Property::rate_refusal)) {
        check_open_refused(rig, driver, io::Errc::unsupported_rate,
                           {"44100", std::to_string(rig.sample_rate())},
                           [&](io::StreamConfig& asked, auto&) { asked.sample_rate = other; });
        config.rate_match = io::Match::adapt;
        REQUIRE(driver.open(config, rig.options()));
        CHECK(driver.info().sample_rate == rig.sample_rate());
    } else {
        REQUIRE(driver.open(config, rig.options()));
        CHECK(driver.info().sample_rate == other);
    }
}

TEMPLATE_LIST_TEST_CASE("a block divides the quantum, or is refused, or adapted to", "[open]", Rigs) {
    using namespace conformance;
    constexpr std::uint32_t quantum = 256;
    TestType rig{Setting{.quantum = quantum}};
    DriverOf<TestType> driver;
    io::StreamConfig config = rig.config();

    for (const std::uint32_t block : {1U, 64U, 256U}) {
        if (block != quantum && !applies<TestType>(Property::division))
            continue;
        config.block = block;
        REQUIRE(driver.open(config, rig.options()));
        CHECK(driver.info().block == block);
        CHECK(driver.info().adapter_latency == 0);
        driver.close();
    }
    if constexpr (applies<TestType>(Property::period_refusal)) {
        for (const std::uint32_t block : {100U, 257U, 8192U})
            check_open_refused(rig, driver, io::Errc::period_mismatch,
                               {std::to_string(block), std::to_string(quantum)},
                               [&](io::StreamConfig& asked, auto&) { asked.block = block; });
        config.period_match = io::Match::adapt;
        for (const std::uint32_t block : {100U, 257U, 1024U}) {
            config.block = block;
            REQUIRE(driver.open(config, rig.options()));
            CHECK(driver.info().quantum == quantum);
            CHECK(driver.info().block == block);
            CHECK(driver.info().adapter_latency == block - std::gcd(block, quantum));
            driver.close();
        }
    }
    // Nothing of it remains.
    config.block = 0;
    REQUIRE(driver.open(config, rig.options()));
    CHECK(driver.info().adapter_latency == 0);
}

TEMPLATE_LIST_TEST_CASE("what nobody can make sense of is refused", "[open]", Rigs) {
    using namespace conformance;
    using io::Errc;
    TestType rig{Setting{}};
    DriverOf<TestType> driver;
    const auto refused = [&](Errc code, std::initializer_list<std::string_view> needles, auto change) {
        check_open_refused(rig, driver, code, needles,
                           [&](io::StreamConfig& config, auto&) { change(config); });
    };
    refused(Errc::invalid_config, {"input channels", " 0 ", "1..256"},
            [](auto& config) { config.input_channels = 0; });
    refused(Errc::invalid_config, {"input channels", "257"},
            [](auto& config) { config.input_channels = 257; });
    refused(Errc::invalid_config, {"output channels", " 0 "},
            [](auto& config) { config.output_channels = 0; });
    refused(Errc::invalid_config, {"output channels", "257"},
            [](auto& config) { config.output_channels = 257; });
    refused(Errc::invalid_config, {"sample rate", " 7 "}, [](auto& config) { config.sample_rate = 7; });
    refused(Errc::invalid_config, {"1000000000"}, [](auto& config) { config.sample_rate = 1'000'000'000; });
    refused(Errc::invalid_config, {"block", "8193", "8192"}, [](auto& config) { config.block = 8193; });
    refused(Errc::no_device, {"no-such-device"}, [](auto& config) {
        config.device = "no-such-device";
        config.autoconnect = io::Autoconnect::standard;
    });
    if constexpr (applies<TestType>(Property::targets)) {
        const auto target = [&](std::string_view io::StreamConfig::* which) {
            refused(Errc::no_device, {"no-such-client:port"}, [&](auto& config) {
                config.*which = "no-such-client:port";
                config.autoconnect = io::Autoconnect::standard;
            });
        };
        target(&io::StreamConfig::capture_target);
        target(&io::StreamConfig::playback_target);
    }
    REQUIRE(driver.open(rig.config(), rig.options())); // the driver has taken no harm
}

TEMPLATE_LIST_TEST_CASE("an absent server is reported", "[open]", Rigs) {
    using namespace conformance;
    if constexpr (applies<TestType>(Property::no_server)) {
        TestType rig{Setting{}};
        DriverOf<TestType> driver;
        const auto begin = std::chrono::steady_clock::now();
        check_open_refused(rig, driver, io::Errc::no_server, {"no-such-server"},
                           [&](io::StreamConfig&, auto& options) { options = rig.absent_server(); });
        CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
        REQUIRE(driver.open(rig.config(), rig.options()));
    }
}

TEMPLATE_LIST_TEST_CASE("a call in the wrong state is refused", "[open]", Rigs) {
    using namespace conformance;
    TestType rig{Setting{}};
    DriverOf<TestType> driver;
    Counter counter;
    const auto refused = [](const io::Result<void>& result, std::string_view operation,
                            std::string_view needle) {
        REQUIRE_FALSE(result);
        INFO(show(result.error()));
        CHECK(result.error().code == io::Errc::invalid_state);
        CHECK(std::string_view(result.error().backend) == TestType::Backend::name);
        CHECK(result.error().operation == operation);
        CHECK(std::string_view(result.error().text).find(needle) != std::string_view::npos);
    };
    const auto refused_while_closed = [&] {
        refused(driver.set_process_callback(counter), "set_process_callback", "open()");
        refused(driver.start(), "start", "open()");
        refused(driver.run(), "start", "open()");
        CHECK(driver.stop());
        CHECK(driver.status());
        CHECK_FALSE(driver.is_running());
        driver.close();
    };
    refused_while_closed();

    REQUIRE(driver.open(rig.config(), rig.options()));
    refused(driver.open(rig.config(), rig.options()), "open", "close()");
    refused(driver.start(), "start", "set_process_callback()");
    CHECK(driver.stop());
    REQUIRE(driver.set_process_callback(counter));
    {
        const auto cycles = drive(rig, driver, counter);
        REQUIRE(driver.start());
        CHECK(driver.is_running());
        refused(driver.start(), "start", "running");
        refused(driver.run(), "start", "running");
        refused(driver.set_process_callback(counter), "set_process_callback", "stop()");
        refused(driver.open(rig.config(), rig.options()), "open", "close()");
        CHECK(driver.is_running());
        REQUIRE(driver.stop());
    }
    driver.close();
    driver.close();
    refused_while_closed();
}

TEMPLATE_LIST_TEST_CASE("a callback made for another stream is refused", "[open]", Rigs) {
    using namespace conformance;
    struct Picky : Counter {
        io::Result<void> prepare(const io::StreamInfo&) {
            return io::Error::make(io::Errc::unsupported_format, "", "prepare", 0, "not today; try tomorrow");
        }
    } picky;
    BlockCounter block;
    InputsCounter inputs;
    TestType rig{Setting{}};
    DriverOf<TestType> driver;
    REQUIRE(driver.open(rig.config(), rig.options()));
    const auto refused = [&](auto& callback, io::Errc code, std::initializer_list<std::string_view> needles) {
        REQUIRE(driver.set_process_callback(callback));
        const auto started = driver.start();
        REQUIRE_FALSE(started);
        INFO(show(started.error()));
        CHECK(started.error().code == code);
        for (const std::string_view needle : needles)
            CHECK(std::string_view(started.error().text).find(needle) != std::string_view::npos);
        CHECK_FALSE(driver.is_running());
        CHECK(callback.calls() == 0);
    };
    refused(block, io::Errc::invalid_config, {"64", "block"});
    refused(inputs, io::Errc::invalid_config, {"5", "input_channels"});
    refused(picky, io::Errc::unsupported_format, {"tomorrow"});
}
