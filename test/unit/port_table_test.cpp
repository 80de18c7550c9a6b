// SPDX-License-Identifier: MIT
#include <rill_io/port_table.hpp>
#include <rill_io/window.hpp>

#include <test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace io = rill::io;

namespace {

constexpr std::uint32_t frames = 4;

/// As PipeWire's: whoever asks again in the same cycle is given another buffer, or none.
struct Port {
    bool linked = true;
    std::size_t asked = 0;
    std::array<float, frames> samples{1.0F, 1.0F, 1.0F, 1.0F};

    static void* buffer(Port* port, std::uint32_t) {
        return port->linked && port->asked++ == 0 ? port->samples.data() : nullptr;
    }
};

struct World {
    World() {
        capture.set_num_channels(1);
        capture.set_frames(frames);
        playback.set_num_channels(2);
        playback.set_frames(frames);
        table.clear(&Port::buffer);
        table.add_input(&input);
        table.add_output(&left);
        table.add_output(&right);
    }
    Port input, left, right;
    io::CaptureWindow capture;
    io::PlaybackWindow playback;
    io::PortTable<Port> table;
};

} // namespace

TEST_CASE("port table: the windows show each port's buffer") {
    World world;
    world.table.fetch_with_stand_ins(world.capture, world.playback, frames);
    CHECK(world.capture.inputs()[0] == world.input.samples.data());
    CHECK(world.playback.outputs()[0] == world.left.samples.data());
    CHECK(world.playback.outputs()[1] == world.right.samples.data());
    CHECK(world.table.has_all(world.capture, world.playback));
    CHECK(world.table.all().size() == 3);
    CHECK(world.table.inputs()[0] == &world.input);
    CHECK(world.table.outputs()[1] == &world.right);
}

TEST_CASE("port table: in place of a missing buffer there is silence, or memory that is nobody's") {
    World world;
    world.input.linked = world.right.linked = false;
    world.table.fetch_with_stand_ins(world.capture, world.playback, frames);
    REQUIRE(world.capture.inputs()[0] != nullptr);
    CHECK(world.capture.inputs()[0][frames - 1] == 0.0F);
    CHECK(world.playback.outputs()[1] != nullptr);
    CHECK_FALSE(world.table.has_all(world.capture, world.playback));
}

TEST_CASE("port table: outputs without a buffer keep apart what is written to them") {
    World world;
    world.left.linked = world.right.linked = false;
    world.table.fetch_with_stand_ins(world.capture, world.playback, io::max_quantum);
    float* const left = world.playback.outputs()[0];
    float* const right = world.playback.outputs()[1];
    std::fill_n(left, io::max_quantum, 1.0F);
    std::fill_n(right, io::max_quantum, 2.0F);
    CHECK(std::all_of(left, left + io::max_quantum, [](float sample) { return sample == 1.0F; }));
    CHECK_FALSE(world.table.has_all(world.capture, world.playback));
    world.table.silence_fetched(world.playback, io::max_quantum); // nobody hears it: nothing to do
    CHECK(right[0] == 2.0F);
}

TEST_CASE("port table: what was fetched is silenced without asking again") {
    World world;
    world.right.linked = false;
    world.table.fetch_with_stand_ins(world.capture, world.playback, frames);
    world.table.silence_fetched(world.playback, frames);
    CHECK(world.left.samples == std::array<float, frames>{});
    CHECK(world.left.asked == 1);
}

TEST_CASE("port table: looking for missing buffers writes nothing") {
    World world;
    world.playback.forget_written();
    world.table.fetch_with_stand_ins(world.capture, world.playback, frames);
    CHECK(world.table.has_all(world.capture, world.playback));
    world.playback.silence_unwritten(); // all of it: nobody has written
    CHECK(world.left.samples == std::array<float, frames>{});
}
