// SPDX-License-Identifier: MIT
#include <rill_io/audio_block.hpp>

#include <test.hpp>

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace io = rill::io;

TEST_CASE("audio block: channels known when compiled") {
    std::array<float, 8> left{1, 2, 3, 4, 5, 6, 7, 8};
    std::array<float, 8> right{};
    const io::AudioBlock<float, 8, 2> block({left.data(), right.data()}, 8);
    static_assert(decltype(block)::num_channels() == 2);
    CHECK(block.frames() == 8);
    static_assert(std::is_same_v<decltype(block.channel(0)), std::span<float, 8>>);
    CHECK(block.channel(0)[7] == 8);
    block.channel(1)[3] = 9;
    CHECK(right[3] == 9);

    const auto view = block.as_const();
    static_assert(std::is_same_v<decltype(view.channel(0)), std::span<const float, 8>>);
    CHECK(view.data(1) == right.data());
    CHECK(view.frames() == 8);

    const io::AudioBlock<float, std::dynamic_extent, 2> part({left.data() + 2, right.data()}, 3);
    CHECK(part.frames() == 3);
    CHECK(part.as_const().frames() == 3);
    CHECK(part.channel(0).size() == 3);
    CHECK(part.channel(0)[0] == 3);
}

TEST_CASE("audio block: channels known at run time are a table from an offset on") {
    std::array<float, 8> left{1, 2, 3, 4, 5, 6, 7, 8};
    std::array<float, 8> right{11, 12, 13, 14, 15, 16, 17, 18};
    const std::array<float*, 2> table{left.data(), right.data()};
    const io::AudioBlock<float, std::dynamic_extent, std::dynamic_extent> block(table.data(), 2, 3, 4);
    CHECK(block.num_channels() == 2);
    CHECK(block.frames() == 4);
    CHECK(block.channel(0)[0] == 4);
    CHECK(block.channel(1)[3] == 17);
    CHECK(block.as_const().channel(1)[3] == 17);
    CHECK(block.as_const().num_channels() == 2);

    const io::AudioBlock<float, 8, std::dynamic_extent> whole(table.data(), 2, 0, 8);
    static_assert(std::is_same_v<decltype(whole.channel(0)), std::span<float, 8>>);
    CHECK(whole.frames() == 8);
}

namespace {
template <std::size_t Channels>
void visits_every_channel_once() {
    std::array<float, 4> memory{};
    std::array<float*, Channels> pointers;
    pointers.fill(memory.data());
    std::vector<std::size_t> seen;
    io::for_each_channel(io::AudioBlock<float, 4, Channels>(pointers, 4),
                         [&](std::size_t channel) { seen.push_back(channel); });
    REQUIRE(seen.size() == Channels);
    for (std::size_t i = 0; i < Channels; ++i)
        CHECK(seen[i] == i);
}
} // namespace

TEST_CASE("audio block: every channel is visited once, in order, however many there are") {
    visits_every_channel_once<1>();
    visits_every_channel_once<2>();
    visits_every_channel_once<8>();
    visits_every_channel_once<9>();
    visits_every_channel_once<64>();
    std::array<float*, 300> table{};
    for (const std::size_t channels : {0U, 1U, 300U}) {
        std::size_t next = 0;
        io::for_each_channel(io::AudioBlock<float, 4, std::dynamic_extent>(table.data(), channels, 0, 4),
                             [&](std::size_t channel) { CHECK(channel == next++); });
        CHECK(next == channels);
    }
}
