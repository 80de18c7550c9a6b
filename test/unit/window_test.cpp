// SPDX-License-Identifier: MIT
#include <rill_io/window.hpp>

#include <test.hpp>

#include <array>

namespace io = rill::io;

TEST_CASE("read_input moves what there is and what fits") {
    io::CaptureWindow window;
    const std::array<float, 4> samples{1, 2, 3, 4};
    window.set_num_channels(1);
    window.set_frames(4);
    window.set_input(0, samples.data());

    std::array<float, 8> out{};
    CHECK(window.read_input(0, std::span(out)) == 4);
    CHECK(out == std::array<float, 8>{1, 2, 3, 4, 0, 0, 0, 0});
    CHECK(window.read_input(0, std::span(out).first<2>(), 3) == 1);
    CHECK(out[0] == 4);
    CHECK(window.read_input(0, std::span(out), 5) == 0);
    CHECK(window.read_input(1, std::span(out)) == 0);
}

TEST_CASE("write_output fills what is given and what fits") {
    io::PlaybackWindow window;
    std::array<float, 4> samples{};
    window.set_num_channels(1);
    window.set_frames(4);
    window.set_output(0, samples.data());

    const std::array<float, 3> in{1, 2, 3};
    CHECK(window.write_output(0, std::span(in)) == 3);
    CHECK(samples == std::array<float, 4>{1, 2, 3, 0});
    CHECK(window.write_output(0, std::span(in), 2) == 2);
    CHECK(samples == std::array<float, 4>{1, 2, 1, 2});
    CHECK(window.write_output(1, std::span(in)) == 0);
    window.silence(4);
    CHECK(samples == std::array<float, 4>{});
}
