// SPDX-License-Identifier: MIT
//
// rill_io FRAMES mmap|read_write FORMAT: the same work with rill-io. BLOCK and CHANNELS are template
// arguments, or std::dynamic_extent for run-time values. PLAYBACK_ONLY: from a table of a period to two
// channels out.

#include <rill_io/alsa.hpp>
#include <rill_io/chain.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/gain.hpp>
#include <rill_io/input.hpp>
#include <rill_io/output.hpp>
#include <rill_io/processing.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <type_traits>

namespace io = rill::io;

namespace {

constexpr std::size_t block_extent = BLOCK;

constexpr std::size_t most_frames = 1024;
float table[2][most_frames];

/// A source whose samples lie in the table.
struct Table {
    static constexpr io::NodeKind kind = io::NodeKind::source;
    static constexpr std::size_t block = block_extent;
    static constexpr std::size_t channels = CHANNELS;
    [[nodiscard]] static std::size_t num_channels() noexcept { return 2; }

    template <std::size_t Frames>
    [[nodiscard]] auto view(io::FrameRange<Frames> range) const noexcept {
        if constexpr (channels == io::dynamic_extent)
            return io::AudioBlock<const float, Frames, channels>(rows.data(), 2, range.begin(),
                                                                 range.frames());
        else
            return io::AudioBlock<const float, Frames, channels>(
                std::array{rows[0] + range.begin(), rows[1] + range.begin()}, range.frames());
    }
    template <std::size_t Frames>
    void generate(const io::ClockTick&, io::FrameRange<Frames> range,
                  io::AudioBlock<float, Frames, channels> out) noexcept {
        const auto in = view(range);
        for (std::size_t channel = 0; channel < 2; ++channel)
            std::copy(in.channel(channel).begin(), in.channel(channel).end(), out.channel(channel).begin());
    }
    std::array<const float*, 2> rows{table[0], table[1]};
};

void fill_table() {
    for (std::size_t channel = 0; channel < 2; ++channel)
        for (std::size_t i = 0; i < most_frames; ++i)
            table[channel][i] = static_cast<float>(i + 1) / 4096.0F * (channel == 0 ? 1.0F : -1.0F);
}

template <std::size_t Channels>
auto make_graph([[maybe_unused]] io::NoCapture& capture, io::alsa::Playback& playback) {
    using Output = io::Output<io::alsa::Playback, block_extent, Channels>;
    if constexpr (Channels == io::dynamic_extent)
        return Table{} >> io::Gain{0.5F} >> Output::with_channels(playback, 2);
    else
        return Table{} >> io::Gain{0.5F} >> Output{playback};
}

template <std::size_t Channels>
auto make_graph(io::alsa::Capture& capture, io::alsa::Playback& playback) {
    using Input = io::Input<io::alsa::Capture, block_extent, Channels>;
    using Output = io::Output<io::alsa::Playback, block_extent, Channels>;
    if constexpr (Channels == io::dynamic_extent)
        return Input::with_channels(capture, 2) >> io::Gain{0.5F} >> Output::with_channels(playback, 2);
    else
        return Input{capture} >> io::Gain{0.5F} >> Output{playback};
}

void require(const io::Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().text);
        std::exit(1);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4)
        return 64;
    const auto frames = static_cast<std::uint32_t>(std::atoi(argv[1]));
    using Capture = std::conditional_t<PLAYBACK_ONLY, io::NoCapture, io::alsa::Capture>;
    using Driver = io::Driver<Capture, io::alsa::Playback>;
    fill_table();
    static Driver driver;
    static auto graph = make_graph<CHANNELS>(driver.capture(), driver.playback());
    static io::ProcessingState state{graph};
    const bool mapped = std::string_view(argv[2]) == "mmap";
    require(driver.open(
        {.device = "ready", .sample_rate = 192000, .block = frames, .periods = 3},
        {.access = mapped ? io::alsa::Access::mmap : io::alsa::Access::read_write, .format = argv[3]}));
    require(driver.set_process_callback(state));
    require(driver.start());
    for (;;)
        ::pause();
}
