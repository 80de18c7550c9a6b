// SPDX-License-Identifier: MIT
#include "halves.hpp"
#include <rill_io/output.hpp>

#include <test.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace io = rill::io;

namespace {

constexpr std::size_t any = std::dynamic_extent;

io::AudioBlock<const float, any, 2> part(halves::Memory& memory, std::size_t begin, std::size_t frames) {
    return {{memory[0].data() + begin, memory[1].data() + begin}, frames};
}

} // namespace

TEST_CASE("output: shows where to write so that nothing is copied") {
    halves::Memory memory(2, 64);
    io::PlaybackWindow window;
    memory.show(window);
    const io::Output<io::PlaybackWindow, 64> fixed(window);
    CHECK(fixed.num_channels() == 2);
    const auto whole = fixed.target(io::FrameRange<64>{});
    CHECK(whole.data(1) == memory[1].data());
    CHECK(whole.channel(1).size() == 64);
    const auto piece = fixed.target(io::FrameRange<any>{10, 20});
    CHECK(piece.data(1) == memory[1].data() + 10);
    CHECK(piece.frames() == 20);
    const auto dynamic = io::Output<io::PlaybackWindow>::with_channels(window, 2);
    CHECK(dynamic.target(io::FrameRange<any>{5, 6}).data(1) == memory[1].data() + 5);
}

TEST_CASE("output: copies, to a half that can be written into and to one that cannot") {
    halves::Memory in(2, 64);
    in.number();
    for (const std::size_t begin : {0U, 7U}) {
        halves::Memory first(2, 64);
        halves::Memory second(2, 64);
        io::PlaybackWindow window;
        first.show(window);
        io::PlaybackWindow behind;
        second.show(behind);
        halves::CopyingPlayback copying(behind);
        io::Output<io::PlaybackWindow> direct(window);
        io::Output<halves::CopyingPlayback> indirect(copying);
        const io::FrameRange<any> range{begin, 30};
        direct.consume({}, range, part(in, begin, 30));
        indirect.consume({}, range, part(in, begin, 30));
        CHECK(first == second);
        for (std::size_t channel = 0; channel < 2; ++channel)
            for (std::size_t i = 0; i < 64; ++i)
                REQUIRE(first[channel][i] == (i < begin || i >= begin + 30 ? 0.0F : in[channel][i]));
    }
}

TEST_CASE("output: channels known at run time") {
    halves::Memory in(3, 16);
    in.number();
    halves::Memory out(3, 16);
    io::PlaybackWindow window;
    out.show(window);
    halves::CopyingPlayback copying(window);
    auto output = io::Output<halves::CopyingPlayback>::with_channels(copying, 3);
    const std::array<const float*, 3> table{in[0].data(), in[1].data(), in[2].data()};
    output.consume({}, io::FrameRange<any>{0, 16},
                   io::AudioBlock<const float, any, any>(table.data(), 3, 0, 16));
    CHECK(in == out);
}

TEST_CASE("output: a stream with another number of channels is refused, with the number to ask for") {
    io::PlaybackWindow window;
    window.set_num_channels(3);
    io::StreamInfo info;
    info.backend = "x";
    CHECK(io::Output<io::PlaybackWindow>::with_channels(window, 3).prepare(info));
    for (const std::size_t channels : {2U, 4U}) {
        const auto refused = io::Output<io::PlaybackWindow>::with_channels(window, channels).prepare(info);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == io::Errc::unsupported_channels);
        const std::string text = refused.error().text;
        CHECK(text.find("plays 3") != std::string::npos);
        CHECK(text.find("output_channels = " + std::to_string(channels)) != std::string::npos);
    }
}

TEST_CASE("output: can be put on another half") {
    halves::Memory first(2, 4);
    halves::Memory second(2, 4);
    io::PlaybackWindow one;
    io::PlaybackWindow other;
    first.show(one);
    second.show(other);
    io::Output<io::PlaybackWindow> output(one);
    CHECK(output.target(io::FrameRange<any>{0, 4}).data(0) == first[0].data());
    output.set_playback(other);
    CHECK(output.target(io::FrameRange<any>{0, 4}).data(0) == second[0].data());
}
