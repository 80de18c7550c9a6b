// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/block_adapter.hpp>

#include <test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

namespace io = rill::io;

namespace {

/// The sample of a channel at a frame: never 0, each another, exact in a float up to two million frames.
float sample_at(std::uint32_t channel, std::uint64_t frame) {
    return static_cast<float>(frame * 8 + channel + 1);
}

/// A server, an adapter, and a graph that passes its input on (or makes the samples if there is none). It
/// checks every cycle against a model that knows nothing of rings.
class Rig {
public:
    Rig(std::uint32_t inputs, std::uint32_t outputs, std::uint32_t block)
        : inputs_(inputs), outputs_(outputs), block_(block), next_output_(outputs, 0) {
        capture_.set_num_channels(inputs);
        playback_.set_num_channels(outputs);
        adapter_.allocate(inputs, outputs, block);
    }

    /// One cycle of the server. Everything that is wrong with it is counted in `faults`.
    void cycle(std::uint32_t frames, bool final = false) {
        prepare_memory(frames);
        end_ = final ? server_frames_ + frames : UINT64_MAX;
        const std::uint32_t latency_before = adapter_.latency();
        blocks_ = elsewhere_ = inputs_elsewhere_ = 0;
        last_seen_ = false;
        adapter_.cycle(capture_, playback_, frames, final,
                       [this](const io::BlockPlace& place) { graph(place); });
        expect(final ? last_seen_ : blocks_ == 0 || last_seen_);
        expect(adapter_.latency() >= latency_before || inputs_ == 0 || outputs_ == 0);
        if (inputs_ != 0 && outputs_ != 0)
            silence_due_ += adapter_.latency() - latency_before;
        check_output(frames);
        most_elsewhere_ = std::max({most_elsewhere_, elsewhere_, inputs_elsewhere_});
        server_frames_ += frames;
        longest_wait_ = std::max(longest_wait_, inputs_ != 0 ? server_frames_ - graph_frames_
                                                             : graph_frames_ - server_frames_);
    }

    /// From now on what is played goes where what came in lies, as hosts have it that work in place; but the
    /// channels the other way round.
    void share_memory() { shared_ = true; }
    /// Likewise, but so many frames further on, or back.
    void share_memory(std::int64_t shift) {
        shared_ = true;
        shift_ = shift;
    }

    [[nodiscard]] const io::BlockAdapter& adapter() const { return adapter_; }
    [[nodiscard]] std::uint64_t faults() const { return faults_; }
    [[nodiscard]] std::uint64_t server_frames() const { return server_frames_; }
    [[nodiscard]] std::uint64_t graph_frames() const { return graph_frames_; }
    /// Frames by which the output is behind the input.
    [[nodiscard]] std::uint64_t measured_latency() const {
        return server_frames_ - next_output_[0] + silence_due_;
    }
    /// The most frames that have ever waited between two cycles.
    [[nodiscard]] std::uint64_t longest_wait() const { return longest_wait_; }
    [[nodiscard]] bool worked_in_place() const { return most_elsewhere_ == 0; }
    /// The most blocks in one cycle and direction that the graph did not see in the server's memory.
    [[nodiscard]] std::uint32_t most_blocks_elsewhere() const { return most_elsewhere_; }

private:
    void expect(bool good) { faults_ += good ? 0U : 1U; }
    [[nodiscard]] float* played(std::uint32_t channel, std::uint32_t frames) {
        return shared_ ? input_memory(outputs_ - 1 - channel, frames) + shift_
                       : memory_out_.data() + std::size_t{channel} * frames;
    }
    [[nodiscard]] float* input_memory(std::uint32_t channel, std::uint32_t frames) {
        return memory_in_.data() + std::abs(shift_) + std::size_t{channel} * frames;
    }
    /// Is this block somewhere else than in the server's memory?
    [[nodiscard]] static bool is_elsewhere(const float* block, const std::vector<float>& memory) {
        return std::less<>{}(block, memory.data()) || !std::less<>{}(block, memory.data() + memory.size());
    }

    void prepare_memory(std::uint32_t frames) {
        memory_in_.assign(static_cast<std::size_t>(2 * std::abs(shift_)) + std::size_t{inputs_} * frames,
                          0.0F);
        memory_out_.assign(std::size_t{outputs_} * frames, -1.0F);
        for (std::uint32_t channel = 0; channel < inputs_; ++channel) {
            float* const samples = input_memory(channel, frames);
            for (std::uint32_t i = 0; i < frames; ++i)
                samples[i] = sample_at(channel, server_frames_ + i);
            capture_.set_input(channel, samples);
        }
        for (std::uint32_t channel = 0; channel < outputs_; ++channel)
            playback_.set_output(channel, played(channel, frames));
        capture_.set_frames(frames);
        playback_.set_frames(frames);
    }

    void graph(const io::BlockPlace& place) {
        expect(!last_seen_);
        last_seen_ = place.last;
        ++blocks_;
        expect(place.frames <= io::max_quantum && (block_ == 0 || place.frames == block_));
        expect(capture_.frames() == place.frames && playback_.frames() == place.frames);
        // Without capture the graph runs ahead, with it behind; its frames are the server's all the same.
        expect(static_cast<std::int64_t>(server_frames_) + place.offset ==
               static_cast<std::int64_t>(graph_frames_));
        for (std::uint32_t channel = 0; channel < inputs_; ++channel)
            for (std::uint32_t i = 0; i < place.frames; ++i)
                expect(capture_.input(channel)[i] ==
                       (graph_frames_ + i < end_ ? sample_at(channel, graph_frames_ + i) : 0.0F));
        if (outputs_ != 0)
            elsewhere_ += is_elsewhere(playback_.output(0), shared_ ? memory_in_ : memory_out_) ? 1U : 0U;
        if (inputs_ != 0)
            inputs_elsewhere_ += is_elsewhere(capture_.input(0), memory_in_) ? 1U : 0U;
        for (std::uint32_t channel = 0; channel < outputs_; ++channel) {
            for (std::uint32_t i = 0; i < place.frames; ++i)
                playback_.output(channel)[i] = sample_at(channel, graph_frames_ + i);
        }
        graph_frames_ += place.frames;
    }

    /// What is played is what was made, frame after frame, with silence only where the latency has grown.
    void check_output(std::uint32_t frames) {
        const std::uint64_t silent = std::min<std::uint64_t>(silence_due_, frames);
        for (std::uint32_t channel = 0; channel < outputs_; ++channel) {
            const float* const samples = played(channel, frames);
            for (std::uint32_t i = 0; i < frames; ++i)
                expect(samples[i] == (i < silent ? 0.0F : sample_at(channel, next_output_[channel]++)));
        }
        silence_due_ -= silent;
    }

    std::uint32_t inputs_;
    std::uint32_t outputs_;
    std::uint32_t block_;
    io::BlockAdapter adapter_;
    io::CaptureWindow capture_;
    io::PlaybackWindow playback_;
    std::vector<float> memory_in_;
    std::vector<float> memory_out_;
    std::vector<std::uint64_t> next_output_;
    std::uint64_t server_frames_ = 0;
    std::uint64_t graph_frames_ = 0;
    std::uint64_t silence_due_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t longest_wait_ = 0;
    std::uint64_t faults_ = 0;
    std::uint32_t blocks_ = 0;
    std::uint32_t elsewhere_ = 0;
    std::uint32_t inputs_elsewhere_ = 0;
    std::uint32_t most_elsewhere_ = 0;
    bool last_seen_ = false;
    bool shared_ = false;
    std::int64_t shift_ = 0;
};

struct Direction {
    const char* name;
    bool captures;
    bool plays;
};
constexpr Direction directions[] = {
    {"duplex", true, true}, {"capture only", true, false}, {"playback only", false, true}};

constexpr std::uint32_t blocks[] = {1, 2, 7, 16, 64, 100, 256, 480, 1009, 1024, 4099, 8191, 8192};
constexpr std::uint32_t quanta[] = {1, 16, 64, 100, 128, 256, 441, 480, 1024, 1031, 4096, 8191, 8192};

} // namespace

TEST_CASE("block adapter: a fixed quantum adds block - gcd(quantum, block), and nothing where the block "
          "divides it") {
    for (const Direction& direction : directions)
        for (const std::uint32_t block : blocks)
            for (const std::uint32_t quantum : quanta) {
                INFO(direction.name << ", block " << block << ", quantum " << quantum);
                const std::uint32_t channels = 1 + block % 2;
                Rig rig(direction.captures ? channels : 0, direction.plays ? channels : 0, block);
                const std::uint32_t expected = block - std::gcd(quantum, block);
                // Until every phase of the block in the quantum has come, as far as that is short.
                const std::uint64_t enough = std::min<std::uint64_t>(std::uint64_t{block} * quantum, 20'000);
                while (rig.server_frames() < enough || rig.server_frames() < std::uint64_t{2} * block) {
                    rig.cycle(quantum);
                    REQUIRE(rig.adapter().latency() == expected);
                }
                REQUIRE(rig.faults() == 0);
                if (direction.captures && direction.plays)
                    CHECK(rig.measured_latency() == expected);
                else
                    CHECK(rig.longest_wait() <= expected);
                if (enough == std::uint64_t{block} * quantum)
                    CHECK(rig.longest_wait() == expected);
                CHECK(rig.worked_in_place() == (expected == 0));
                CHECK(rig.adapter().is_single_block(quantum) == (quantum == block));
            }
}

TEST_CASE("block adapter: any sequence of quanta loses, repeats and reorders nothing") {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        Random random(seed);
        const Direction& direction = directions[seed % 3];
        const std::uint32_t channels = random.between(1, 8);
        const std::uint32_t block = seed % 2 == 0 ? blocks[random.between(0, std::size(blocks) - 1)]
                                                  : random.magnitude_between(1, 8192);
        INFO("seed " << seed << ", " << direction.name << ", block " << block << ", channels " << channels);
        Rig rig(direction.captures ? channels : 0, direction.plays ? channels : 0, block);
        std::uint32_t quantum = 0;
        while (rig.server_frames() < 30'000) {
            if (random.between(0, 3) == 0 || quantum == 0) // the same one for a while, as servers do
                quantum = random.magnitude_between(1, 8192);
            rig.cycle(quantum);
            REQUIRE(rig.adapter().latency() < block);
            REQUIRE(rig.longest_wait() < block);
            if (direction.captures && direction.plays)
                REQUIRE(rig.measured_latency() == rig.adapter().latency());
        }
        REQUIRE(rig.faults() == 0);
    }
}

TEST_CASE("block adapter: input and output may be the same memory") {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const std::uint32_t block = random.magnitude_between(1, 2048);
        const std::uint32_t channels = random.between(1, 3);
        INFO("seed " << seed << ", block " << block << ", channels " << channels);
        Rig rig(channels, channels, block);
        rig.share_memory();
        std::uint32_t quantum = 0;
        while (rig.server_frames() < 20'000) {
            if (random.between(0, 3) == 0 || quantum == 0)
                quantum = random.magnitude_between(1, 2048);
            rig.cycle(quantum);
        }
        REQUIRE(rig.faults() == 0);
    }
}

TEST_CASE("block adapter: input and output may overlap once it adapts") {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        Random random(seed);
        const std::uint32_t block = random.magnitude_between(2, 1024);
        const std::uint32_t channels = random.between(1, 3);
        const std::uint32_t distance = random.magnitude_between(1, 1024);
        INFO("seed " << seed << ", block " << block << ", channels " << channels << ", distance "
                     << distance);
        Rig rig(channels, channels, block);
        rig.cycle(block + 1);
        rig.share_memory(seed % 2 == 0 ? std::int64_t{distance} : -std::int64_t{distance});
        while (rig.server_frames() < 10'000)
            rig.cycle(random.magnitude_between(1, 2048));
        REQUIRE(rig.faults() == 0);
    }
}

TEST_CASE("block adapter: only the block that a cycle begins or ends in is not in the server's memory") {
    for (const Direction& direction : directions)
        for (const std::uint32_t block : blocks)
            for (const std::uint32_t quantum : quanta) {
                INFO(direction.name << ", block " << block << ", quantum " << quantum);
                Rig rig(direction.captures ? 1 : 0, direction.plays ? 1 : 0, block);
                while (rig.server_frames() < 20'000)
                    rig.cycle(quantum);
                CHECK(rig.most_blocks_elsewhere() <= 1);
            }
}

TEST_CASE("block adapter: playback alone is never further ahead than it says") {
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
        Random random(seed);
        const std::uint32_t block = random.magnitude_between(2, 1024);
        Rig rig(0, 1, block);
        for (int part = 0; part < 4; ++part) {
            const std::uint32_t quantum = random.magnitude_between(1, 1024);
            INFO("seed " << seed << ", block " << block << ", quantum " << quantum);
            for (int i = 0; i < 200; ++i) {
                rig.cycle(quantum);
                REQUIRE(rig.graph_frames() - rig.server_frames() <= rig.adapter().latency());
            }
        }
        REQUIRE(rig.faults() == 0);
    }
}

TEST_CASE("block adapter: cycles longer than the largest quantum are processed in pieces") {
    for (const Direction& direction : directions)
        for (const std::uint32_t block : {0U, 64U, 100U, 4096U, 5000U, 8191U, 8192U}) {
            INFO(direction.name << ", block " << block);
            Rig rig(direction.captures ? 2 : 0, direction.plays ? 2 : 0, block);
            for (const std::uint32_t frames :
                 {8192U, 8193U, 10'000U, 16'384U, 20'001U, 64U, 30'000U, 8200U, 40'960U})
                rig.cycle(frames);
            CHECK(rig.faults() == 0);
            CHECK(rig.adapter().latency() <= (block == 0 ? 0 : block - 1));
        }
}

TEST_CASE("block adapter: without a fixed block every cycle is one block in the server's memory") {
    Rig rig(2, 2, 0);
    for (const std::uint32_t frames : {64U, 1U, 8192U, 100U}) {
        rig.cycle(frames);
        CHECK(rig.adapter().is_single_block(frames));
    }
    CHECK_FALSE(rig.adapter().is_single_block(io::max_quantum + 1));
    CHECK(rig.faults() == 0);
    CHECK(rig.worked_in_place());
    CHECK(rig.adapter().latency() == 0);
}

TEST_CASE("block adapter: a block that divides every quantum never leaves the server's memory") {
    Rig rig(2, 2, 64);
    for (const std::uint32_t frames : {64U, 256U, 1024U, 128U, 64U, 8192U})
        rig.cycle(frames);
    CHECK(rig.faults() == 0);
    CHECK(rig.worked_in_place());
    CHECK(rig.adapter().latency() == 0);
}

TEST_CASE("block adapter: once it adapts the latency stays until restart") {
    io::BlockAdapter adapter;
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    const auto nothing = [](const io::BlockPlace&) {};
    adapter.allocate(1, 1, 64);
    std::vector<float> in(256);
    std::vector<float> out(256);
    const auto cycle = [&](std::uint32_t frames) {
        capture.set_num_channels(1);
        playback.set_num_channels(1);
        capture.set_input(0, in.data());
        playback.set_output(0, out.data());
        adapter.cycle(capture, playback, frames, false, nothing);
    };
    cycle(100);
    CHECK(adapter.latency() == 60);
    cycle(64);
    CHECK(adapter.latency() == 60);
    CHECK_FALSE(adapter.is_single_block(64));
    adapter.restart();
    CHECK(adapter.latency() == 0);
    cycle(64);
    CHECK(adapter.latency() == 0);
    CHECK(adapter.is_single_block(64));
}

TEST_CASE("block adapter: the final cycle brings every frame to the graph and ends with a last block") {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        Random random(seed);
        const Direction& direction = directions[seed % 3];
        const std::uint32_t block = random.magnitude_between(1, 8192);
        const std::uint32_t channels = random.between(1, 3);
        INFO("seed " << seed << ", " << direction.name << ", block " << block);
        Rig rig(direction.captures ? channels : 0, direction.plays ? channels : 0, block);
        const std::uint32_t quantum = random.magnitude_between(1, 10'000);
        for (std::uint32_t i = random.between(0, 20); i > 0; --i)
            rig.cycle(quantum);
        rig.cycle(random.between(0, 1) == 0 ? quantum : random.magnitude_between(1, 10'000), true);
        CHECK(rig.faults() == 0);
        CHECK(rig.graph_frames() >= rig.server_frames());
        CHECK(rig.graph_frames() < rig.server_frames() + std::uint64_t{2} * block);
    }
}
