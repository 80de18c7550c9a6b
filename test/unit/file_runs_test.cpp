// SPDX-License-Identifier: MIT

// The file backend in real time, and from one run to the next.

#include "file_fixture.hpp"

#include <chrono>
#include <thread>

using namespace file_fixture;

TEST_CASE("paced, it runs in real time and the cycle thread never touches the disk") {
    const Directory directory;
    const Sound sound = noise(24'000, 2);
    save(directory / "in.wav", sound, wav_float);
    const auto paced = GENERATE(false, true);
    CAPTURE(paced);
    Duplex driver;
    REQUIRE(driver.open(
        {.block = 64},
        {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav", .paced = paced}));
    CHECK(driver.info().freewheeling == !paced);
    Copy graph(driver);
    disk.forget_threads();
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(run(driver, graph));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    CHECK(disk.was_accessed());
    CHECK(disk.was_accessed_by(graph.thread) == !paced); // offline: the probe does see it
    CHECK((load(directory / "out.wav") == sound));
    CHECK(graph.ends_once());
    if (paced) {
        CHECK(elapsed.count() >= 0.5);
        CHECK(elapsed.count() < 3.0);
        CHECK_FALSE(has(graph.flags.front(), TickFlags::freewheeling));
    }
}

TEST_CASE("a graph that hangs is caught up with; after too long its time is lost, in both files alike") {
    const Directory directory;
    const Sound sound = ramp(72'000);
    save(directory / "in.wav", sound, wav_float);
    const auto hang_ms = GENERATE(200, 800);
    CAPTURE(hang_ms);
    Duplex driver;
    io::StreamConfig config = channels(1);
    config.block = 100;
    REQUIRE(driver.open(
        config,
        {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav", .paced = true}));
    Copy copy(driver);
    auto graph = [&](const io::ClockTick& tick) noexcept {
        if (tick.position == 12'300)
            std::this_thread::sleep_for(std::chrono::milliseconds(hang_ms));
        copy(tick);
    };
    REQUIRE(run(driver, graph));
    CHECK(copy.ends_once());
    const std::uint64_t lost = driver.stats().lost_frames;
    CHECK(lost % 100 == 0);
    CHECK((lost > 0) == (hang_ms > 500));
    CHECK(driver.stats().xruns == (lost > 0 ? 1 : 0));
    const Sound played = load(directory / "out.wav");
    REQUIRE(played.frames() == sound.frames());
    std::uint64_t silent = 0;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < played.frames(); ++i) {
        silent += played.samples[i] == 0.0F;
        wrong += played.samples[i] != 0.0F && played.samples[i] != sound.samples[i];
    }
    CHECK(wrong == 0);
    CHECK(silent == lost);
}

TEST_CASE("a disk that reads too late: silence, counted, and every other frame in its place") {
    const Directory directory;
    save(directory / "in.wav", ramp(1'000'000), wav_float);
    Player driver;
    REQUIRE(driver.open({.block = 64, .input_channels = 1},
                        {.capture_path = directory / "in.wav", .paced = true, .buffer_frames = 4800}));
    Keep graph(driver);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return graph.frames > 6000; }));
    disk.hold = true;
    CHECK(eventually([&] { return driver.stats().xruns > 20; }));
    disk.hold = false;
    const std::uint64_t released = graph.frames;
    REQUIRE(eventually([&] { return graph.frames > released + 6000; }));
    REQUIRE(driver.stop());

    std::uint64_t silent = 0;
    std::uint64_t ahead = 0; // by frames of time that the cycle thread gave up, should the machine have hung
    bool in_place = true;
    for (std::size_t i = 0; i < graph.kept.size(); ++i) {
        if (graph.kept[i] == 0.0F) {
            ++silent;
            continue;
        }
        const auto frame = static_cast<std::uint64_t>(graph.kept[i] / ramp_step) - 1;
        in_place = in_place && frame >= i + ahead && (frame - i) % 64 == 0;
        ahead = frame - i;
    }
    CHECK(in_place);
    CHECK(silent > 0);
    CHECK(graph.kept.back() != 0.0F);
    CHECK(driver.stats().lost_frames == silent + ahead);
    std::uint64_t told = 0;
    for (std::size_t block = 0; block < graph.lost.size(); ++block) {
        told += graph.lost[block];
        CHECK((graph.lost[block] == 0 || has(graph.flags[block], TickFlags::discontinuity)));
    }
    CHECK(told == silent + ahead);
}

TEST_CASE(
    "a disk that writes too late: what was lost is silence in the file, counted, and time stays right") {
    const Directory directory;
    const bool until_stop = GENERATE(false, true);
    CAPTURE(until_stop);
    Recorder driver;
    REQUIRE(driver.open({.block = 64, .output_channels = 1},
                        {.playback_path = directory / "out.wav", .paced = true, .buffer_frames = 4800}));
    Ramp graph(driver);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return graph.frames > 6000; }));
    disk.hold = true;
    CHECK(eventually([&] { return driver.stats().xruns > 20; }));
    std::thread release;
    if (until_stop) // stop() will wait for the disk: let it go once the cycles have ended
        release = std::thread([&] {
            for (std::uint64_t before = 0; before != graph.frames;) {
                before = graph.frames;
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
            }
            disk.hold = false;
        });
    else {
        disk.hold = false;
        const std::uint64_t released = graph.frames;
        REQUIRE(eventually([&] { return graph.frames > released + 6000; }));
    }
    CHECK(driver.stop());
    if (release.joinable())
        release.join();

    const Sound played = load(directory / "out.wav");
    std::uint64_t silent = 0;
    std::uint64_t ahead = 0;
    bool in_place = true;
    for (std::size_t i = 0; i < played.frames(); ++i) {
        if (played.samples[i] == 0.0F) {
            ++silent;
            continue;
        }
        const auto frame = static_cast<std::uint64_t>(played.samples[i] / ramp_step) - 1;
        in_place = in_place && i >= frame + ahead && (i - frame) % 64 == 0;
        ahead = i - frame;
    }
    CHECK(in_place);
    CHECK(silent > 0);
    CHECK(driver.stats().lost_frames == silent);
    CHECK(played.frames() >= graph.frames);
}

TEST_CASE("stop() and start() lose and repeat no frame, nor leak a descriptor") {
    const Directory directory;
    const Sound sound = ramp(50'000);
    save(directory / "in.wav", sound, wav_float);
    const std::size_t descriptors = open_descriptors();
    const auto paced = GENERATE(true, false);
    CAPTURE(paced);
    std::uint64_t frames = 0;
    {
        Duplex driver;
        REQUIRE(driver.open(channels(1), {.capture_path = directory / "in.wav",
                                          .playback_path = directory / "out.wav",
                                          .paced = paced,
                                          .loop = true,
                                          .quantum = 16}));
        Copy graph(driver);
        REQUIRE(driver.set_process_callback(graph));
        for (int i = 0; i < 50; ++i) {
            const std::uint64_t before = graph.frames;
            REQUIRE(driver.start());
            REQUIRE(eventually([&] { return graph.frames > before + 100; }));
            REQUIRE(driver.stop());
        }
        frames = graph.frames;
        CHECK(load(directory / "out.wav").frames() == frames); // complete after stop(), too
        CHECK(driver.stats().lost_frames == 0);
    }
    const Sound played = load(directory / "out.wav");
    REQUIRE(played.frames() == frames);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < frames; ++i)
        wrong += played.samples[i] != sound.samples[i % sound.frames()];
    CHECK(wrong == 0);
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("after its end a stream can be started again, unless the playback file can't be appended to") {
    const Directory directory;
    const Sound sound = noise(1000, 2);
    save(directory / "in.wav", sound, wav_float);
    const auto paced = GENERATE(false, true);
    Duplex driver;
    REQUIRE(driver.open(
        {}, {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav", .paced = paced}));
    Copy graph(driver);
    for (std::size_t take = 1; take <= 3; ++take) {
        REQUIRE(run(driver, graph));
        CHECK(graph.finals() == take);
        CHECK(load(directory / "out.wav").frames() == take * 1000);
    }
    const Sound played = load(directory / "out.wav");
    CHECK(played.starts_with(sound));
    CHECK(std::equal(sound.samples.begin(), sound.samples.end(), played.samples.end() - 2000));
    driver.close();

    REQUIRE(driver.open(
        {}, {.capture_path = directory / "in.wav", .playback_path = directory / "out.flac", .paced = paced}));
    REQUIRE(run(driver, graph));
    const auto again = run(driver, graph);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::invalid_state);
    CHECK(load(directory / "out.flac").frames() == 1000);
}

TEST_CASE("opening and closing fifty times leaks no descriptor") {
    const Directory directory;
    save(directory / "in.wav", noise(1000, 2), wav_float);
    Duplex driver;
    const std::size_t descriptors = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        for (const bool paced : {true, false}) {
            REQUIRE(driver.open({}, {.capture_path = directory / "in.wav",
                                     .playback_path = directory / (i % 2 == 0 ? "out.wav" : "out.flac"),
                                     .paced = paced,
                                     .end_after_frames = 100}));
            Copy graph(driver);
            if (i % 3 != 0) // also opened, but never run
                REQUIRE(run(driver, graph));
            driver.close();
            CHECK(open_descriptors() == descriptors);
        }
        CHECK_FALSE(driver.open(
            {}, {.capture_path = directory / "in.wav", .playback_path = directory / "no/out.wav"}));
        CHECK(open_descriptors() == descriptors);
    }
}
