// SPDX-License-Identifier: MIT
#include "halves.hpp"
#include <rill_io/input.hpp>

#include <test.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace io = rill::io;

namespace {

constexpr std::size_t any = std::dynamic_extent;

io::AudioBlock<float, any, 2> part(halves::Memory& memory, std::size_t begin, std::size_t frames) {
    return {{memory[0].data() + begin, memory[1].data() + begin}, frames};
}

} // namespace

TEST_CASE("input: shows the samples where they lie") {
    halves::Memory memory(2, 64);
    memory.number();
    io::CaptureWindow window;
    memory.show(window);
    const io::Input<io::CaptureWindow, 64> fixed(window);
    CHECK(fixed.num_channels() == 2);
    const auto whole = fixed.view(io::FrameRange<64>{});
    CHECK(whole.data(0) == memory[0].data());
    CHECK(whole.data(1) == memory[1].data());
    CHECK(whole.channel(1).size() == 64);
    const auto piece = fixed.view(io::FrameRange<any>{10, 20});
    CHECK(piece.data(1) == memory[1].data() + 10);
    CHECK(piece.frames() == 20);

    const auto dynamic = io::Input<io::CaptureWindow>::with_channels(window, 1);
    CHECK(dynamic.num_channels() == 1);
    CHECK(dynamic.view(io::FrameRange<any>{5, 6}).data(0) == memory[0].data() + 5);
    CHECK(dynamic.view(io::FrameRange<any>{5, 6}).num_channels() == 1);
}

TEST_CASE("input: copies, from a half that can be looked into and from one that cannot") {
    halves::Memory memory(2, 64);
    memory.number();
    io::CaptureWindow window;
    memory.show(window);
    const halves::CopyingCapture copying(window);

    io::Input<io::CaptureWindow> direct(window);
    io::Input<halves::CopyingCapture> indirect(copying);
    for (const std::size_t begin : {0U, 7U}) {
        halves::Memory first(2, 64);
        halves::Memory second(2, 64);
        const io::FrameRange<any> range{begin, 64 - begin};
        direct.generate({}, range, part(first, begin, 64 - begin));
        indirect.generate({}, range, part(second, begin, 64 - begin));
        CHECK(first == second);
        for (std::size_t channel = 0; channel < 2; ++channel)
            for (std::size_t i = 0; i < 64; ++i)
                REQUIRE(first[channel][i] == (i < begin ? 0.0F : memory[channel][i]));
    }

    auto one = io::Input<halves::CopyingCapture>::with_channels(copying, 1);
    halves::Memory out(1, 64);
    const std::array<float*, 1> table{out[0].data()};
    one.generate({}, io::FrameRange<any>{0, 64}, io::AudioBlock<float, any, any>(table.data(), 1, 0, 64));
    CHECK(out[0] == memory[0]);
}

TEST_CASE("input: a stream with too few channels is refused, with the number to ask for") {
    io::CaptureWindow window;
    window.set_num_channels(3);
    io::StreamInfo info;
    info.backend = "x";
    CHECK(io::Input<io::CaptureWindow>(window).prepare(info));
    const auto refused = io::Input<io::CaptureWindow>::with_channels(window, 4).prepare(info);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == io::Errc::unsupported_channels);
    const std::string text = refused.error().text;
    CHECK(text.find("3") != std::string::npos);
    CHECK(text.find("input_channels = 4") != std::string::npos);
}

TEST_CASE("input: can be put on another half") {
    halves::Memory first(2, 4);
    halves::Memory second(2, 4);
    io::CaptureWindow one;
    io::CaptureWindow other;
    first.show(one);
    second.show(other);
    io::Input<io::CaptureWindow> input(one);
    CHECK(input.view(io::FrameRange<any>{0, 4}).data(0) == first[0].data());
    input.set_capture(other);
    CHECK(input.view(io::FrameRange<any>{0, 4}).data(0) == second[0].data());
}
