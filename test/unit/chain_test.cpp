// SPDX-License-Identifier: MIT
#include "halves.hpp"
#include "random.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/nodes.hpp>
#include <rill_io/null.hpp>
#include <rill_io/processing.hpp>

#include <test.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace io = rill::io;
namespace null = rill::io::null;

namespace {

constexpr std::size_t any = std::dynamic_extent;

/// An elementwise node with two parameters; not the same as a product, so that the order of nodes shows.
struct Offset {
    static constexpr io::NodeKind kind = io::NodeKind::elementwise;
    float offset = 0.0F;
    bool set_parameter(std::uint16_t parameter, float value) noexcept {
        if (parameter != 0)
            return false;
        offset = value;
        return true;
    }
    [[nodiscard]] auto kernel(std::size_t channel) const noexcept {
        return [add = offset + static_cast<float>(channel)](auto x) noexcept { return x + add; };
    }
};

/// Multiplies by 2, and counts how often it was asked how.
struct Doubler {
    static constexpr io::NodeKind kind = io::NodeKind::elementwise;
    int* asked = nullptr;
    [[nodiscard]] auto kernel() const noexcept {
        ++*asked;
        return [](auto x) noexcept { return x * 2.0F; };
    }
};

/// A processor with memory: the sum of a sample and the one before.
struct Smooth {
    static constexpr io::NodeKind kind = io::NodeKind::processor;
    std::array<float, 8> before{};
    template <std::size_t Frames, std::size_t Channels>
    void process(const io::ClockTick&, io::AudioBlock<const float, Frames, Channels> in,
                 io::AudioBlock<float, Frames, Channels> out) noexcept {
        for (std::size_t channel = 0; channel < in.num_channels(); ++channel)
            for (std::size_t i = 0; i < in.frames(); ++i) {
                const float sample = in.channel(channel)[i];
                out.channel(channel)[i] = sample + before[channel];
                before[channel] = sample;
            }
    }
};

/// Keeps what it sees of channel 0.
struct Probe {
    static constexpr io::NodeKind kind = io::NodeKind::observer;
    std::vector<float> seen;
    template <std::size_t Frames, std::size_t Channels>
    void observe(const io::ClockTick&, io::AudioBlock<const float, Frames, Channels> block) noexcept {
        const auto samples = block.channel(0);
        seen.insert(seen.end(), samples.begin(), samples.end());
    }
};

/// What `offset >> gain >> smooth >> offset >> gain` makes of a channel, sample by sample.
std::vector<float> reference(const std::vector<float>& in, std::size_t channel) {
    std::vector<float> out;
    float before = 0.0F;
    for (const float x : in) {
        const float sample = (x + (1.0F + static_cast<float>(channel))) * 0.5F;
        const float smooth = sample + before;
        before = sample;
        out.push_back((smooth + (3.0F + static_cast<float>(channel))) * -2.0F);
    }
    return out;
}

template <class Capture, class Playback, std::size_t Block, std::size_t Channels>
void compare_with_reference(std::size_t frames) {
    CAPTURE(frames);
    halves::Memory in(2, frames);
    halves::Memory out(2, frames);
    Random random(3);
    for (std::size_t channel = 0; channel < 2; ++channel)
        for (float& sample : in[channel])
            sample = random.sample();
    io::CaptureWindow capture_window;
    io::PlaybackWindow playback_window;
    in.show(capture_window);
    out.show(playback_window);
    Capture capture(capture_window);
    Playback playback(playback_window);
    Probe before;
    Probe between;
    Probe after;
    const auto input = [&] {
        if constexpr (Channels == any)
            return io::Input<Capture, Block>::with_channels(capture, 2);
        else
            return io::Input<Capture, Block, Channels>(capture);
    }();
    const auto output = [&] {
        if constexpr (Channels == any)
            return io::Output<Playback, Block>::with_channels(playback, 2);
        else
            return io::Output<Playback, Block, Channels>(playback);
    }();
    auto chain = io::Input(input) >> before >> Offset{1.0F} >> io::Gain(0.5F) >> between >> Smooth{} >>
                 Offset{3.0F} >> io::Gain(-2.0F) >> after >> io::Output(output);
    REQUIRE(chain.prepare({}));
    io::ClockTick tick;
    if constexpr (Block != any) {
        chain.process(tick, io::FrameRange<Block>{});
    } else { // in three pieces, as commands would cut it
        const std::size_t third = frames / 3;
        chain.process(tick, io::FrameRange<any>{0, third});
        chain.process(tick, io::FrameRange<any>{third, third});
        chain.process(tick, io::FrameRange<any>{2 * third, frames - 2 * third});
    }
    for (std::size_t channel = 0; channel < 2; ++channel)
        CHECK(out[channel] == reference(in[channel], channel));
    CHECK(before.seen == in[0]);
    CHECK(after.seen == out[0]);
    CHECK(between.seen.size() == frames);
    CHECK(between.seen[0] == (in[0][0] + 1.0F) * 0.5F);
}

/// A half that is its window.
struct DirectCapture : io::CaptureWindow {
    explicit DirectCapture(const io::CaptureWindow& window) {
        set_num_channels(static_cast<std::uint32_t>(window.num_input_channels()));
        set_frames(static_cast<std::uint32_t>(window.frames()));
        for (std::size_t channel = 0; channel < window.num_input_channels(); ++channel)
            set_input(channel, window.input(channel));
    }
};
struct DirectPlayback : io::PlaybackWindow {
    explicit DirectPlayback(const io::PlaybackWindow& window) {
        set_num_channels(static_cast<std::uint32_t>(window.num_output_channels()));
        set_frames(static_cast<std::uint32_t>(window.frames()));
        for (std::size_t channel = 0; channel < window.num_output_channels(); ++channel)
            set_output(channel, window.outputs()[channel]);
    }
};

template <class Capture, class Playback>
void compare_everywhere() {
    for (const std::size_t frames : {3U, 16U, 64U, 100U, 1021U}) {
        compare_with_reference<Capture, Playback, any, 2>(frames);
        compare_with_reference<Capture, Playback, any, any>(frames);
    }
    compare_with_reference<Capture, Playback, 64, 2>(64);
    compare_with_reference<Capture, Playback, 64, any>(64);
    compare_with_reference<Capture, Playback, 100, 2>(100);
}

} // namespace

TEST_CASE("chain: fused, it is the same as one node after the other, whatever its ends allow") {
    compare_everywhere<DirectCapture, DirectPlayback>();
    compare_everywhere<halves::CopyingCapture, DirectPlayback>();
    compare_everywhere<DirectCapture, halves::CopyingPlayback>();
    compare_everywhere<halves::CopyingCapture, halves::CopyingPlayback>();
}

TEST_CASE("chain: from input to output alone, and past an observer, is a copy") {
    const auto copies = [](auto capture_type, auto playback_type) {
        using Capture = typename decltype(capture_type)::type;
        using Playback = typename decltype(playback_type)::type;
        halves::Memory in(2, 50);
        in.number();
        halves::Memory out(2, 50);
        io::CaptureWindow capture_window;
        io::PlaybackWindow playback_window;
        in.show(capture_window);
        out.show(playback_window);
        Capture capture(capture_window);
        Playback playback(playback_window);
        auto plain = io::Input<Capture>(capture) >> io::Output<Playback>(playback);
        REQUIRE(plain.prepare({}));
        plain.process({}, io::FrameRange<any>{0, 20});
        plain.process({}, io::FrameRange<any>{20, 30});
        CHECK(in == out);
        Probe probe;
        halves::Memory silence(2, 50);
        out = silence;
        out.show(playback_window);
        Playback again(playback_window);
        auto observed = io::Input<Capture>(capture) >> probe >> io::Output<Playback>(again);
        REQUIRE(observed.prepare({}));
        observed.process({}, io::FrameRange<any>{0, 50});
        CHECK(in == out);
        CHECK(probe.seen == in[0]);
    };
    copies(std::type_identity<DirectCapture>{}, std::type_identity<DirectPlayback>{});
    copies(std::type_identity<DirectCapture>{}, std::type_identity<halves::CopyingPlayback>{});
    copies(std::type_identity<halves::CopyingCapture>{}, std::type_identity<DirectPlayback>{});
    copies(std::type_identity<halves::CopyingCapture>{}, std::type_identity<halves::CopyingPlayback>{});
}

TEST_CASE("chain: input and output may be the same memory") {
    halves::Memory memory(2, 64);
    memory.number();
    halves::Memory expected = memory;
    for (std::size_t channel = 0; channel < 2; ++channel)
        for (float& sample : expected[channel])
            sample *= 3.0F;
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    memory.show(capture);
    memory.show(playback);
    auto chain = io::Input<io::CaptureWindow, 64>(capture) >> io::Gain(3.0F) >>
                 io::Output<io::PlaybackWindow, 64>(playback);
    chain.process({}, io::FrameRange<64>{});
    CHECK(memory == expected);
}

TEST_CASE("chain: nodes are numbered by their place; what does not exist is refused") {
    io::PlaybackWindow playback;
    Probe probe;
    auto chain = io::Tone<>(100.0, 1.0F) >> probe >> io::Gain(1.0F) >> Offset{} >>
                 io::Output<io::PlaybackWindow>(playback);
    CHECK(chain.set_parameter(0, io::Tone<>::amplitude, 0.5F));
    CHECK_FALSE(chain.set_parameter(1, 0, 1.0F)); // takes none
    CHECK(chain.set_parameter(2, io::Gain::gain, 7.0F));
    CHECK(chain.set_parameter(3, 0, 2.0F));
    CHECK_FALSE(chain.set_parameter(3, 1, 2.0F));
    CHECK_FALSE(chain.set_parameter(4, 0, 1.0F));
    CHECK_FALSE(chain.set_parameter(5, 0, 1.0F));
    CHECK_FALSE(chain.set_parameter(65'535, 0, 1.0F));
    CHECK(chain.node<2>().kernel()(1.0F) == 7.0F);
    CHECK(chain.node<3>().offset == 2.0F);
}

TEST_CASE("chain: nodes that are alike in all channels are asked once for all") {
    constexpr std::size_t frames = 16;
    halves::Memory in(2, frames);
    halves::Memory out(2, frames);
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    in.show(capture);
    out.show(playback);
    for (std::size_t channel = 0; channel < 2; ++channel)
        for (float& sample : in[channel])
            sample = 1.0F + static_cast<float>(channel);
    int asked = 0;
    auto alike = io::Input<io::CaptureWindow, frames, 2>(capture) >> Doubler{&asked} >> Doubler{&asked} >>
                 io::Output<io::PlaybackWindow, frames, 2>(playback);
    alike.process({}, io::FrameRange<frames>{});
    CHECK(asked == 2);
    CHECK(out[0] == std::vector<float>(frames, 4.0F));
    CHECK(out[1] == std::vector<float>(frames, 8.0F));

    asked = 0;
    auto mixed = io::Input<io::CaptureWindow, frames, 2>(capture) >> Doubler{&asked} >> Offset{1.0F} >>
                 io::Output<io::PlaybackWindow, frames, 2>(playback);
    mixed.process({}, io::FrameRange<frames>{});
    CHECK(asked == 2); // Offset is another one in each channel
    CHECK(out[0] == std::vector<float>(frames, 3.0F));
    CHECK(out[1] == std::vector<float>(frames, 6.0F));
}

TEST_CASE("chain: what is given by name is referred to, what is made in place is kept") {
    io::PlaybackWindow playback;
    io::Gain gain(1.0F);
    auto chain = io::Tone<>() >> gain >> io::Gain(2.0F) >> io::Output<io::PlaybackWindow>(playback);
    REQUIRE(chain.set_parameter(1, io::Gain::gain, 5.0F));
    CHECK(gain.kernel()(1.0F) == 5.0F);

    auto part = io::Gain(1.0F) >> gain; // a chain can be put into another, by name or in place
    auto longer = io::Tone<>() >> part >> (io::Gain(3.0F) >> io::Gain(4.0F)) >>
                  io::Output<io::PlaybackWindow>(playback);
    REQUIRE(longer.set_parameter(1, io::Gain::gain, 6.0F));
    CHECK(part.node<0>().kernel()(1.0F) == 6.0F);
    CHECK(longer.node<4>().kernel()(1.0F) == 4.0F);
}

TEST_CASE("chain: what its ends are says what it needs of a stream") {
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    auto fixed = io::Input<io::CaptureWindow, 64, 3>(capture) >> io::Gain() >>
                 io::Output<io::PlaybackWindow, 64, 3>(playback);
    static_assert(decltype(fixed)::block == 64);
    static_assert(decltype(fixed)::num_inputs == 3 && decltype(fixed)::num_outputs == 3);
    static_assert(decltype(fixed)::fills_playback);
    auto mixed = io::Tone<any, 1>() >> io::Output<io::PlaybackWindow, 128, 1>(playback);
    static_assert(decltype(mixed)::block == 128 && decltype(mixed)::num_inputs == any);
    auto free = io::Input<io::CaptureWindow>(capture) >> io::Output<io::PlaybackWindow>(playback);
    static_assert(decltype(free)::block == any && decltype(free)::num_inputs == 2);
    CHECK(true);
}

TEST_CASE("chain: a node that refuses the stream refuses for all of it") {
    io::CaptureWindow capture;
    capture.set_num_channels(1);
    io::PlaybackWindow playback;
    playback.set_num_channels(2);
    auto chain = io::Input<io::CaptureWindow>(capture) >> io::Output<io::PlaybackWindow>(playback);
    const auto refused = chain.prepare({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == io::Errc::unsupported_channels);
    capture.set_num_channels(2);
    CHECK(chain.prepare({}));
    playback.set_num_channels(3);
    CHECK_FALSE(chain.prepare({}));
}

TEST_CASE("chain: ends whose channel counts are only known at run time must agree all the same") {
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    capture.set_num_channels(8);
    for (const std::uint32_t outputs : {1U, 2U, 3U}) {
        playback.set_num_channels(outputs);
        auto chain = io::Input<io::CaptureWindow>::with_channels(capture, 2) >> io::Gain() >>
                     io::Output<io::PlaybackWindow>::with_channels(playback, outputs);
        const auto prepared = chain.prepare({});
        CHECK(prepared.has_value() == (outputs == 2));
        if (!prepared)
            CHECK(std::string(prepared.error().text).find("2 channels") != std::string::npos);
    }
}

TEST_CASE("chain: put on another driver's halves while stopped") {
    using Driver = io::Driver<null::Capture, null::Playback>;
    static constexpr auto one = [](const void*, std::uint32_t, std::uint64_t) noexcept { return 1.0F; };
    static constexpr auto two = [](const void*, std::uint32_t, std::uint64_t) noexcept { return 2.0F; };
    std::array<std::array<float, 64>, 4> kept{};
    const std::array<float*, 2> keep_first{kept[0].data(), kept[1].data()};
    const std::array<float*, 2> keep_second{kept[2].data(), kept[3].data()};
    Driver first;
    Driver second;
    const null::Options base{.mode = null::Mode::manual, .keep_frames = 64};
    null::Options options = base;
    options.signal = {.sample = +one};
    options.keep = keep_first;
    REQUIRE(first.open({.block = 64}, options));
    options.signal = {.sample = +two};
    options.keep = keep_second;
    REQUIRE(second.open({.block = 64}, options));

    auto chain = io::Input<null::Capture, 64>(first.capture()) >> io::Gain(10.0F) >>
                 io::Output<null::Playback, 64>(first.playback());
    io::ProcessingState state(chain);
    REQUIRE(first.set_process_callback(state));
    REQUIRE(first.start());
    REQUIRE(first.session().step() == 1);
    REQUIRE(first.stop());
    chain.node<0>().set_capture(second.capture());
    chain.node<2>().set_playback(second.playback());
    REQUIRE(second.set_process_callback(state));
    REQUIRE(second.start());
    REQUIRE(second.session().step() == 1);
    for (std::size_t i = 0; i < 64; ++i) {
        REQUIRE(kept[0][i] == 10.0F);
        REQUIRE(kept[3][i] == 20.0F);
    }
}

TEST_CASE("chain: in a driver, a command takes effect on its frame, in the server's memory and through the "
          "adapter") {
    using Driver = io::Driver<null::Capture, null::Playback>;
    static constexpr auto one = [](const void*, std::uint32_t, std::uint64_t) noexcept { return 1.0F; };
    for (const std::uint32_t quantum : {64U, 128U, 48U}) {
        CAPTURE(quantum);
        std::array<std::vector<float>, 2> kept{std::vector<float>(512), std::vector<float>(512)};
        const std::array<float*, 2> keep{kept[0].data(), kept[1].data()};
        Driver driver;
        REQUIRE(driver.open({.block = 64, .period_match = io::Match::adapt}, {.mode = null::Mode::manual,
                                                                              .quantum = quantum,
                                                                              .signal = {.sample = +one},
                                                                              .keep = keep,
                                                                              .keep_frames = 512}));
        auto chain = io::Input<null::Capture, 64>(driver.capture()) >> io::Gain(1.0F) >>
                     io::Output<null::Playback, 64>(driver.playback());
        io::ProcessingState state(chain);
        REQUIRE(driver.set_process_callback(state));
        REQUIRE(state.send({.node = 1, .parameter = io::Gain::gain, .value = 2.0F, .frame = 100}));
        REQUIRE(state.send({.node = 1, .parameter = io::Gain::gain, .value = 3.0F, .frame = 101}));
        REQUIRE(state.send({.node = 9, .parameter = 0, .value = 3.0F, .frame = 0}));
        REQUIRE(driver.start());
        while (driver.stats().frames < 512)
            REQUIRE(driver.session().step() == 1);
        const std::size_t latency = driver.info().adapter_latency;
        for (std::size_t i = 0; i < 400; ++i) {
            const float expected = i < 100 ? 1.0F : i < 101 ? 2.0F : 3.0F;
            REQUIRE(kept[0][i + latency] == expected);
            REQUIRE(kept[1][i + latency] == expected);
        }
        CHECK(state.unknown_commands() == 1);
    }
}
