// SPDX-License-Identifier: MIT
#include <rill_io/negotiation.hpp>

#include <test.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace io = rill::io;

namespace {

constexpr std::size_t any = io::dynamic_extent;
constexpr std::uint32_t huge = std::numeric_limits<std::uint32_t>::max();

/// Is it refused with this code, and are all these words in the sentence?
template <class... Words>
void check_refused(const io::Result<void>& result, io::Errc code, const Words&... words) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == code);
    const std::string text = result.error().text;
    CAPTURE(text);
    const auto check_word = [&](const std::string& word) {
        CAPTURE(word);
        CHECK(text.find(word) != std::string::npos);
    };
    (check_word(words), ...);
}

} // namespace

TEST_CASE("check_config: the defaults and the limits are accepted") {
    CHECK(io::check_config({}, "x", true, true));
    io::StreamConfig config;
    config.input_channels = 1;
    config.output_channels = io::max_channels;
    config.block = io::max_quantum;
    for (const std::uint32_t rate : {io::min_sample_rate, 44'100U, io::max_sample_rate}) {
        config.sample_rate = rate;
        CHECK(io::check_config(config, "x", true, true));
    }
}

TEST_CASE("check_config: every refusal names the value and the range") {
    io::StreamConfig config;
    for (const std::uint32_t rate : {1U, 7U, 999U, 1'536'001U, 1'000'000'000U, huge}) {
        config.sample_rate = rate;
        check_refused(io::check_config(config, "x", true, true), io::Errc::invalid_config, "sample rate",
                      std::to_string(rate), "1000..1536000");
    }
    config = {};
    for (const std::uint32_t block : {8193U, huge}) {
        config.block = block;
        check_refused(io::check_config(config, "x", true, true), io::Errc::invalid_config, "block",
                      std::to_string(block), "1..8192");
    }
    for (const std::uint32_t channels : {0U, 257U, huge}) {
        config = {};
        config.input_channels = channels;
        check_refused(io::check_config(config, "x", true, true), io::Errc::invalid_config, "input channels",
                      std::to_string(channels), "1..256");
        CHECK(io::check_config(config, "x", false, true)); // nothing is captured
        config = {};
        config.output_channels = channels;
        check_refused(io::check_config(config, "x", true, true), io::Errc::invalid_config, "output channels",
                      std::to_string(channels), "1..256");
        CHECK(io::check_config(config, "x", true, false));
    }
}

TEST_CASE("check_config: a refusal says which backend and what was being done") {
    io::StreamConfig config;
    config.block = 9000;
    const auto result = io::check_config(config, "jack", true, true);
    REQUIRE_FALSE(result);
    CHECK(std::string(result.error().backend) == "jack");
    CHECK(std::string(result.error().operation) == "open");
}

TEST_CASE("accept_negotiated: another rate is refused if it was meant exactly") {
    io::Stream stream;
    stream.negotiated.sample_rate = 44'100;
    stream.negotiated.quantum = 256;
    io::StreamConfig config;
    config.sample_rate = 48'000;
    check_refused(io::accept_negotiated(config, "x", stream), io::Errc::unsupported_rate, "44100", "48000",
                  "adapt");
    config.rate_match = io::Match::adapt;
    CHECK(io::accept_negotiated(config, "x", stream));
    CHECK(stream.info().sample_rate == 44'100);
    config.rate_match = io::Match::exact;
    config.sample_rate = 0;
    CHECK(io::accept_negotiated(config, "x", stream));
}

TEST_CASE("accept_negotiated: a block that does not divide the quantum is refused if it was meant exactly") {
    io::Stream stream;
    stream.negotiated.sample_rate = 48'000;
    stream.negotiated.quantum = 256;
    io::StreamConfig config;
    for (const std::uint32_t block : {100U, 512U, 3U}) {
        config.block = block;
        config.period_match = io::Match::exact;
        check_refused(io::accept_negotiated(config, "x", stream), io::Errc::period_mismatch,
                      std::to_string(block), "256", "adapt");
        config.period_match = io::Match::adapt;
        CHECK(io::accept_negotiated(config, "x", stream));
        CHECK(stream.info().block == block);
    }
    config.period_match = io::Match::exact;
    for (const std::uint32_t block : {0U, 1U, 64U, 256U}) {
        config.block = block;
        CHECK(io::accept_negotiated(config, "x", stream));
        CHECK(stream.info().block == (block != 0 ? block : 256));
        CHECK(stream.info().adapter_latency == 0);
    }
}

TEST_CASE("accept_negotiated: the adapter's latency is known before the first cycle") {
    io::Stream stream;
    stream.negotiated.sample_rate = 48'000;
    stream.negotiated.quantum = 256;
    io::StreamConfig config;
    config.block = 100;
    config.period_match = io::Match::adapt;
    REQUIRE(io::accept_negotiated(config, "x", stream));
    CHECK(stream.info().adapter_latency == 96);
}

TEST_CASE("check_callback: what the graph was compiled for must be what the stream has") {
    io::StreamInfo info;
    info.input_channels = 2;
    info.output_channels = 4;
    CHECK(io::check_callback(info, 64, any, any, any));
    CHECK(io::check_callback(info, 64, 64, 2, 4));
    check_refused(io::check_callback(info, 128, 64, any, any), io::Errc::invalid_config, "64 frames", "128",
                  "block = 64");
    check_refused(io::check_callback(info, 0, 64, any, any), io::Errc::invalid_config, "64 frames",
                  "block = 64");
    check_refused(io::check_callback(info, 64, any, 8, any), io::Errc::invalid_config, "8 input channels",
                  "2", "input_channels = 8");
    check_refused(io::check_callback(info, 64, any, any, 2), io::Errc::invalid_config, "2 output channels",
                  "4", "output_channels = 2");
}
