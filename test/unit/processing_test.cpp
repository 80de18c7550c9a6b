// SPDX-License-Identifier: MIT
#include "random.hpp"
#include <rill_io/processing.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace io = rill::io;

namespace {

constexpr std::uint16_t num_parameters = 3;

/// Writes down, for every frame, what its parameters are, and every tick it is given.
template <std::size_t Block>
class Recorder {
public:
    static constexpr std::size_t block = Block;

    template <std::size_t Frames>
    void process(const io::ClockTick& tick, io::FrameRange<Frames> range) noexcept {
        whole_blocks += Frames != io::dynamic_extent ? 1 : 0;
        good = good && range.frames() == tick.frames && tick.position == block_position + range.begin();
        for (std::size_t i = 0; i < range.frames(); ++i)
            frames.push_back(parameters);
        ticks.push_back(tick);
    }
    bool set_parameter(std::uint16_t node, std::uint16_t parameter, float value) noexcept {
        if (node != 0 || parameter >= num_parameters)
            return false;
        parameters[parameter] = value;
        return true;
    }

    std::array<float, num_parameters> parameters{};
    std::uint64_t block_position = 0;
    bool good = true;
    int whole_blocks = 0;
    std::vector<std::array<float, num_parameters>> frames;
    std::vector<io::ClockTick> ticks;
};

/// Runs blocks one after the other, as a driver does.
template <class Graph, class State>
class Runner {
public:
    Runner(Graph& graph, State& state) : graph_(graph), state_(state) {
        tick_.flags = io::TickFlags::new_block;
        tick_.sample_rate = 48'000;
    }
    void block(std::uint32_t frames) {
        tick_.frames = frames;
        graph_.block_position = tick_.position;
        state_(tick_);
        tick_.position += frames;
    }
    [[nodiscard]] io::ClockTick& tick() { return tick_; }

private:
    Graph& graph_;
    State& state_;
    io::ClockTick tick_;
};

/// The same, one frame at a time, and without a mailbox.
class Reference {
public:
    void send(io::SetParameter command) { arrived_.push_back(command); }
    void block(std::uint32_t frames) {
        for (io::SetParameter& command : arrived_) {
            command.frame = std::max(command.frame, position_);
            pending_.insert(std::upper_bound(pending_.begin(), pending_.end(), command,
                                             [](const auto& a, const auto& b) { return a.frame < b.frame; }),
                            command);
        }
        arrived_.clear();
        for (const std::uint64_t end = position_ + frames; position_ < end; ++position_) {
            for (const io::SetParameter& command : pending_)
                if (command.frame == position_) {
                    if (command.node == 0 && command.parameter < num_parameters)
                        parameters_[command.parameter] = command.value;
                    else
                        ++unknown;
                }
            frames_.push_back(parameters_);
        }
        std::erase_if(pending_, [this](const auto& command) { return command.frame < position_; });
    }
    [[nodiscard]] const auto& frames() const { return frames_; }
    std::uint64_t unknown = 0;

private:
    std::uint64_t position_ = 0;
    std::array<float, num_parameters> parameters_{};
    std::vector<io::SetParameter> arrived_;
    std::vector<io::SetParameter> pending_;
    std::vector<std::array<float, num_parameters>> frames_;
};

template <std::size_t Block>
void compare_with_reference(std::uint32_t seed) {
    Random random(seed);
    Recorder<Block> graph;
    io::ProcessingState<Recorder<Block>, 64> state(graph);
    Reference reference;
    Runner runner(graph, state);
    std::uint64_t position = 0;
    for (int round = 0; round < 60; ++round) {
        const std::uint32_t frames = Block != io::dynamic_extent ? static_cast<std::uint32_t>(Block)
                                                                 : random.magnitude_between(1, 300);
        for (std::uint32_t i = random.between(0, 2) == 0 ? random.between(0, 30) : 0; i > 0; --i) {
            io::SetParameter command;
            command.node = random.between(0, 19) == 0 ? 1 : 0;
            command.parameter = static_cast<std::uint16_t>(random.between(0, num_parameters));
            command.value = static_cast<float>(random.between(1, 1'000'000));
            switch (random.between(0, 3)) {
            case 0:
                command.frame = 0;
                break;
            case 1:
                command.frame = position > 0 ? position - random.between(0, 1) : 0;
                break;
            default: // often two on one frame
                command.frame = position + random.magnitude_between(1, 8) * (frames / 4 + 1);
            }
            if (state.send(command))
                reference.send(command);
        }
        runner.block(frames);
        reference.block(frames);
        position += frames;
    }
    REQUIRE(graph.good);
    REQUIRE(graph.frames.size() == position);
    REQUIRE(graph.frames == reference.frames());
    REQUIRE(state.unknown_commands() == reference.unknown);
}

} // namespace

TEST_CASE("processing: every command takes effect on exactly its frame, in blocks of any size") {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        compare_with_reference<io::dynamic_extent>(seed);
    }
}

TEST_CASE(
    "processing: every command takes effect on exactly its frame, in blocks of a size known when compiled") {
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
        CAPTURE(seed);
        compare_with_reference<64>(seed);
        compare_with_reference<1>(seed);
    }
}

TEST_CASE("processing: without commands a block is one piece, of the size known when compiled") {
    Recorder<64> graph;
    io::ProcessingState state(graph);
    Runner runner(graph, state);
    runner.block(64);
    CHECK(graph.ticks.size() == 1);
    CHECK(graph.whole_blocks == 1);
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 1.0F, .frame = 64}));
    runner.block(64); // takes effect on its first frame: nothing to split
    CHECK(graph.ticks.size() == 2);
    CHECK(graph.whole_blocks == 2);
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 2.0F, .frame = 129}));
    runner.block(64);
    CHECK(graph.ticks.size() == 4);
    CHECK(graph.whole_blocks == 2);
}

TEST_CASE("processing: of late commands the one that came last wins") {
    Recorder<io::dynamic_extent> graph;
    io::ProcessingState state(graph);
    Runner runner(graph, state);
    runner.block(100);
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 1.0F, .frame = 90}));
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 2.0F, .frame = 0})); // at once
    runner.block(100);
    CHECK(graph.frames.at(100)[0] == 2.0F);
}

TEST_CASE("processing: a full mailbox refuses, and what it has taken is not lost") {
    Recorder<io::dynamic_extent> graph;
    io::ProcessingState<decltype(graph), 4> state(graph);
    Runner runner(graph, state);
    for (std::uint64_t i = 0; i < 4; ++i)
        REQUIRE(
            state.send({.node = 0, .parameter = 0, .value = 1.0F + static_cast<float>(i), .frame = 100 + i}));
    CHECK_FALSE(state.send({.node = 0, .parameter = 0, .value = 99.0F, .frame = 0}));
    runner.block(64); // they wait for their frame, the mailbox is free again
    for (std::uint64_t i = 0; i < 4; ++i)
        REQUIRE(
            state.send({.node = 0, .parameter = 1, .value = 1.0F + static_cast<float>(i), .frame = 110 + i}));
    CHECK_FALSE(state.send({.node = 0, .parameter = 1, .value = 99.0F, .frame = 0}));
    runner.block(64);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(graph.frames.at(100 + i)[0] == 1.0F + static_cast<float>(i));
        CHECK(graph.frames.at(110 + i)[1] == 1.0F + static_cast<float>(i));
    }
    CHECK(graph.frames.back()[0] == 4.0F);
    CHECK(graph.frames.back()[1] == 4.0F);
    CHECK(graph.good);
}

TEST_CASE("processing: the parts of a split block add up to it") {
    Recorder<io::dynamic_extent> graph;
    io::ProcessingState state(graph);
    Runner runner(graph, state);
    for (const std::uint64_t frame : {10U, 20U, 20U, 63U})
        REQUIRE(state.send({.node = 0, .parameter = 0, .value = static_cast<float>(frame), .frame = frame}));
    io::ClockTick& tick = runner.tick();
    tick.flags = io::TickFlags::new_block | io::TickFlags::discontinuity | io::TickFlags::final |
                 io::TickFlags::freewheeling;
    tick.lost_frames = 7;
    tick.xruns = 2;
    tick.known_time_ns = 1000;
    tick.cycle_offset = -5;
    runner.block(64);

    REQUIRE(graph.ticks.size() == 4);
    const std::array<std::uint64_t, 4> begins{0, 10, 20, 63};
    for (std::size_t i = 0; i < 4; ++i) {
        const io::ClockTick& part = graph.ticks[i];
        const bool first = i == 0;
        const bool last = i == 3;
        CHECK(part.position == begins[i]);
        CHECK(part.frames == (last ? 64 : begins[i + 1]) - begins[i]);
        CHECK(part.cycle_offset == static_cast<std::int32_t>(begins[i]) - 5);
        CHECK(has(part.flags, io::TickFlags::new_block) == first);
        CHECK(has(part.flags, io::TickFlags::discontinuity) == first);
        CHECK(has(part.flags, io::TickFlags::final) == last);
        CHECK(has(part.flags, io::TickFlags::freewheeling));
        CHECK(part.lost_frames == (first ? 7 : 0));
        CHECK(part.known_time_ns == (first ? 1000 : 0));
        CHECK(part.xruns == 2);
        CHECK(part.sample_rate == 48'000);
    }
}

TEST_CASE("processing: subscribers get one tick per block, split or not; a slow one loses ticks, counted") {
    Recorder<io::dynamic_extent> graph;
    io::ProcessingState state(graph);
    Runner runner(graph, state);
    runner.block(64); // nobody listens
    auto subscription = state.subscribe();
    REQUIRE(subscription);
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 1.0F, .frame = 100}));
    for (int i = 0; i < 70; ++i)
        runner.block(64);
    io::ClockTick tick;
    for (std::uint64_t i = 1; i <= 64; ++i) { // the backlog
        REQUIRE(subscription.read(tick));
        CHECK(tick.position == i * 64);
        CHECK(tick.frames == 64);
    }
    CHECK_FALSE(subscription.read(tick));
    CHECK(subscription.lost() == 6);
}

namespace {

/// Only remembers the last values, and whether one has ever gone back.
struct Rising {
    void process(const io::ClockTick&, io::FrameRange<io::dynamic_extent>) noexcept {}
    bool set_parameter(std::uint16_t, std::uint16_t parameter, float value) noexcept {
        good = good && value == parameters[parameter] + 1.0F;
        parameters[parameter] = value;
        return true;
    }
    std::array<float, num_parameters> parameters{};
    bool good = true;
};

} // namespace

TEST_CASE("processing: what many threads send while blocks run arrives, each one's in order") {
    Rising graph;
    io::ProcessingState<Rising, 16> state(graph);
    std::atomic<int> senders_left{num_parameters};
    std::vector<std::thread> senders;
    senders.reserve(num_parameters);
    for (std::uint16_t parameter = 0; parameter < num_parameters; ++parameter)
        senders.emplace_back([&state, &senders_left, parameter] {
            for (int i = 1; i <= 2000; ++i)
                while (!state.send(
                    {.node = 0, .parameter = parameter, .value = static_cast<float>(i), .frame = 0}))
                    std::this_thread::yield();
            --senders_left;
        });
    io::ClockTick tick;
    tick.frames = 16;
    do {
        state(tick);
        tick.position += tick.frames;
    } while (senders_left != 0);
    state(tick);
    for (std::thread& sender : senders)
        sender.join();
    CHECK(graph.good);
    CHECK(graph.parameters == std::array<float, num_parameters>{2000.0F, 2000.0F, 2000.0F});
    CHECK(state.unknown_commands() == 0);
}

namespace {

/// Says what it was told last.
struct Echo {
    template <std::size_t Frames>
    void process(const io::ClockTick&, io::FrameRange<Frames>) noexcept {}
    bool set_parameter(std::uint16_t, std::uint16_t, float value) noexcept {
        heard.store(value, std::memory_order_release);
        return true;
    }
    std::atomic<float> heard{0.0F};
};

} // namespace

TEST_CASE("processing: of commands that come one by one, in between blocks, none is overlooked") {
    Echo graph;
    io::ProcessingState<Echo, 16> state(graph);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> blocks{0};
    std::thread cycle([&] {
        io::ClockTick tick;
        for (tick.frames = 16; !stop; tick.position += tick.frames) {
            state(tick);
            blocks.fetch_add(1, std::memory_order_release);
        }
    });
    int overlooked = 0;
    const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (int i = 1; overlooked == 0 && std::chrono::steady_clock::now() < enough; ++i) {
        for (int wait = i % 64; wait > 0; --wait) // at any moment of a block's end
            std::atomic_signal_fence(std::memory_order_seq_cst);
        const auto value = static_cast<float>(i % 10'000);
        REQUIRE(state.send({.node = 0, .parameter = 0, .value = value, .frame = 0}));
        const std::uint64_t sent_at = blocks.load(std::memory_order_acquire);
        while (overlooked == 0) {
            constexpr std::uint64_t ages =
                100'000; // a processor keeps a store to itself for a few of our short blocks
            const bool late = blocks.load(std::memory_order_acquire) > sent_at + ages;
            if (graph.heard.load(std::memory_order_acquire) == value)
                break;
            overlooked += late ? 1 : 0;
        }
    }
    stop = true;
    cycle.join();
    CHECK(overlooked == 0);
}

TEST_CASE("processing: a seat taken between blocks gets the next block's tick, however often one is taken") {
    Echo graph;
    io::ProcessingState<Echo, 16> state(graph);
    io::ClockTick tick;
    tick.frames = 16;
    for (int round = 0; round < 3; ++round) {
        state(tick);
        auto seat = state.subscribe();
        REQUIRE(seat);
        io::ClockTick told;
        CHECK_FALSE(seat.read(told));
        for (std::uint64_t i = 1; i <= 4; ++i) {
            tick.position += tick.frames;
            state(tick);
            REQUIRE(seat.read(told));
            CHECK(told.position == tick.position);
        }
    }
}

namespace {

/// Leaves itself a command in the middle of a block, when the mailbox has been looked at for it.
struct Afterthought {
    template <std::size_t Frames>
    void process(const io::ClockTick& tick, io::FrameRange<Frames>) noexcept {
        if (tick.position == 16)
            send_another();
    }
    bool set_parameter(std::uint16_t, std::uint16_t, float value) noexcept {
        heard = value;
        return true;
    }
    std::function<void()> send_another;
    float heard = 0.0F;
};

} // namespace

TEST_CASE("processing: a command that comes after the mailbox was looked at takes effect in the next block") {
    Afterthought graph;
    io::ProcessingState<Afterthought, 16> state(graph);
    bool sent = false;
    graph.send_another = [&] { sent = state.send({.node = 0, .parameter = 0, .value = 2.0F, .frame = 0}); };
    REQUIRE(state.send({.node = 0, .parameter = 0, .value = 1.0F, .frame = 16}));
    io::ClockTick tick;
    tick.frames = 16;
    for (const float expected : {0.0F, 1.0F, 2.0F}) { // the second block drains, applies, and is left another
        state(tick);
        CHECK(graph.heard == expected);
        tick.position += tick.frames;
    }
    CHECK(sent);
}
