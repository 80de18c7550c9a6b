// SPDX-License-Identifier: MIT

// The file backend: what is captured and played, to the bit and to the frame.

#include "file_fixture.hpp"

#include <bit>
#include <limits>

using namespace file_fixture;

TEST_CASE("what is captured is the file, bit for bit, and what is played is as long") {
    const Directory directory;
    const std::string in = directory / "in";
    const std::string out = directory / "out.wav";
    struct Kind {
        int format;
        int bits;
        const char* name;
    };
    const auto kind =
        GENERATE(Kind{wav_float, 24, "float32"}, Kind{SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16, "pcm16"},
                 Kind{SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 24, "pcm24"},
                 Kind{SF_FORMAT_CAF | SF_FORMAT_PCM_32, 24, "pcm32"},
                 Kind{SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 24, "pcm24"});
    const auto num_channels = GENERATE(1, 2, 8);
    for (const std::size_t frames : {1U, 255U, 256U, 257U, 4096U, 8192U, 10000U}) {
        CAPTURE(kind.name, num_channels, frames);
        const Sound sound = noise(frames, num_channels, kind.bits);
        save(in, sound, kind.format);
        Duplex driver;
        REQUIRE(driver.open(channels(num_channels), {.capture_path = in, .playback_path = out}));
        CHECK(std::string(driver.info().hardware_format) == kind.name);
        CHECK(driver.info().sample_rate == 48000);
        CHECK(driver.info().quantum == 256);
        CHECK(driver.info().freewheeling);
        Copy graph(driver);
        REQUIRE(run(driver, graph));
        CHECK(graph.ends_once());
        CHECK(has(graph.flags.front(), TickFlags::freewheeling));
        CHECK(graph.frames == (frames + 255) / 256 * 256);
        CHECK(driver.stats().xruns == 0);
        const Sound played = load(out); // before close(): it is complete when run() has returned
        CHECK((played == sound));
        CHECK((played.format & SF_FORMAT_SUBMASK) == SF_FORMAT_FLOAT);
    }
}

TEST_CASE("float samples pass as they are: denormals, infinities, not-a-numbers") {
    const Directory directory;
    Sound sound = noise(300, 1);
    const std::array<std::uint32_t, 6> special{0x00000001, 0x80000000, 0x7f800000,
                                               0xff800000, 0x7fc12345, 0x807fffff};
    for (std::size_t i = 0; i < special.size(); ++i)
        sound.samples[280 + i] = std::bit_cast<float>(special[i]);
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    REQUIRE(driver.open(channels(1),
                        {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav"}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    CHECK((load(directory / "out.wav") == sound));
}

TEST_CASE("playback formats keep every bit that they have") {
    const Directory directory;
    struct Kind {
        const char* path;
        SampleFormat sample_format;
        int bits;
        int format;
    };
    const auto kind =
        GENERATE(Kind{"out.flac", SampleFormat::pcm16, 16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                 Kind{"out.FLAC", SampleFormat::automatic, 24, SF_FORMAT_FLAC | SF_FORMAT_PCM_24},
                 Kind{"out.wav", SampleFormat::pcm16, 16, SF_FORMAT_WAVEX | SF_FORMAT_PCM_16},
                 Kind{"out", SampleFormat::pcm24, 24, SF_FORMAT_WAVEX | SF_FORMAT_PCM_24},
                 Kind{"out.wav", SampleFormat::pcm32, 24, SF_FORMAT_WAVEX | SF_FORMAT_PCM_32},
                 Kind{"out.aiff", SampleFormat::automatic, 24, SF_FORMAT_AIFF | SF_FORMAT_FLOAT},
                 Kind{"out.aif", SampleFormat::pcm16, 16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16});
    CAPTURE(kind.path);
    const Sound sound = noise(5000, 2, kind.bits);
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    REQUIRE(driver.open({}, {.capture_path = directory / "in.wav",
                             .playback_path = directory / kind.path,
                             .sample_format = kind.sample_format}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    const Sound played = load(directory / kind.path);
    CHECK((played == sound));
    CHECK((played.format & (SF_FORMAT_TYPEMASK | SF_FORMAT_SUBMASK)) == kind.format);
}

TEST_CASE("Ogg Vorbis keeps the number of frames and much the same sound") {
    const Directory directory;
    Sound sound = noise(48000, 2);
    for (std::size_t frame = 0; frame < sound.frames(); ++frame)
        sound.samples[2 * frame] = sound.samples[2 * frame + 1] =
            0.5F * std::sin(static_cast<float>(frame) * 0.05F);
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    REQUIRE(driver.open({}, {.capture_path = directory / "in.wav", .playback_path = directory / "out.ogg"}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    const Sound played = load(directory / "out.ogg");
    REQUIRE(played.samples.size() == sound.samples.size());
    double difference = 0;
    for (std::size_t i = 0; i < sound.samples.size(); ++i)
        difference += std::pow(double{played.samples[i]} - double{sound.samples[i]}, 2);
    CHECK(std::sqrt(difference / static_cast<double>(sound.samples.size())) < 0.01);
}

TEST_CASE("integers are rounded to nearest and clipped") {
    const Directory directory;
    Sound sound = noise(8, 1);
    const float step = 0x1p-15F;
    sound.samples = {1.0F, -1.5F, 0.4F * step, 0.6F * step, -0.4F * step, -0.6F * step, 7.0F, std::nanf("")};
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    REQUIRE(driver.open(channels(1), {.capture_path = directory / "in.wav",
                                      .playback_path = directory / "out.wav",
                                      .sample_format = SampleFormat::pcm16}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    const std::vector<float> expected{1.0F - step, -1.0F, 0.0F, step, 0.0F, -step, 1.0F - step, 0.0F};
    CHECK(load(directory / "out.wav").samples == expected);
}

TEST_CASE("the same graph renders the same file, byte by byte") {
    const Directory directory;
    save(directory / "in.wav", noise(1000, 2), wav_float);
    const std::array<const char*, 6> names{"a.wav", "a.aiff", "a.flac", "b.wav", "b.aiff", "b.flac"};
    for (const char* const name : names) {
        if (name == names[3]) // a second later: nothing in it may depend on the time
            std::this_thread::sleep_until(
                std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now()));
        Duplex driver;
        REQUIRE(driver.open({}, {.capture_path = directory / "in.wav", .playback_path = directory / name}));
        Copy graph(driver);
        REQUIRE(run(driver, graph));
    }
    for (std::size_t i = 0; i < 3; ++i) {
        CAPTURE(names[i]);
        CHECK((bytes_of(directory / names[i]) == bytes_of(directory / names[i + 3])));
    }
}

TEST_CASE("loop, tail and limit are exact to the frame") {
    const Directory directory;
    const Sound sound = noise(1001, 2);
    save(directory / "in.wav", sound, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    const std::string in = directory / "in.wav";
    const std::string out = directory / "out.wav";
    Options options{.capture_path = in, .playback_path = out};
    std::size_t expected_frames = 0;
    SECTION("loop") {
        options.loop = true;
        options.end_after_frames = expected_frames = 100'003;
    }
    SECTION("tail") {
        options.tail_frames = 5000;
        expected_frames = 6001;
    }
    SECTION("limit within the file") {
        options.end_after_frames = expected_frames = 777;
    }
    SECTION("limit beyond the file") {
        options.end_after_frames = 2000;
        expected_frames = 1001;
    }
    Duplex driver;
    REQUIRE(driver.open({}, options));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    CHECK(graph.ends_once());
    CHECK(graph.frames == (expected_frames + 255) / 256 * 256);
    const Sound played = load(directory / "out.wav");
    REQUIRE(played.frames() == expected_frames);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < played.samples.size(); ++i) {
        const float expected = options.loop               ? sound.samples[i % sound.samples.size()]
                               : i < sound.samples.size() ? sound.samples[i]
                                                          : 0.0F;
        wrong += played.samples[i] != expected;
    }
    CHECK(wrong == 0);
}

TEST_CASE("a loop of one frame, and fewer channels than the file has") {
    const Directory directory;
    const Sound sound = noise(1, 8);
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    REQUIRE(driver.open(channels(3), {.capture_path = directory / "in.wav",
                                      .playback_path = directory / "out.wav",
                                      .loop = true,
                                      .end_after_frames = 100}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    const Sound played = load(directory / "out.wav");
    REQUIRE(played.channels == 3);
    REQUIRE(played.frames() == 100);
    for (std::size_t i = 0; i < played.samples.size(); ++i)
        CHECK(played.samples[i] == sound.samples[i % 3]);
}

TEST_CASE("a block that does not divide the quantum: later by the adapter's latency, the end is told once") {
    const Directory directory;
    const auto quantum = GENERATE(64U, 300U, 1000U);
    const auto frames = GENERATE(1U, 64U, 640U, 5000U, 5001U);
    CAPTURE(quantum, frames);
    const Sound sound = noise(frames, 1);
    save(directory / "in.wav", sound, wav_float);
    Duplex driver;
    io::StreamConfig config = channels(1);
    config.block = 256;
    CHECK(refusal<Duplex>(config, {.capture_path = directory / "in.wav",
                                   .playback_path = directory / "out.wav",
                                   .quantum = quantum})
              .code == Errc::period_mismatch);
    config.period_match = Match::adapt;
    REQUIRE(driver.open(
        config,
        {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav", .quantum = quantum}));
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    CHECK(graph.ends_once());
    CHECK(graph.frames >= frames);
    const std::size_t latency = driver.info().adapter_latency;
    const Sound played = load(directory / "out.wav");
    REQUIRE(played.frames() == frames);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < frames; ++i)
        wrong += played.samples[i] != (i < latency ? 0.0F : sound.samples[i - latency]);
    CHECK(wrong == 0);
}

TEST_CASE("playback alone and capture alone") {
    const Directory directory;
    {
        Recorder driver;
        REQUIRE(driver.open({.sample_rate = 44100, .block = 100, .output_channels = 2},
                            {.playback_path = directory / "out.wav", .end_after_frames = 40'001}));
        CHECK(driver.info().quantum == 100);
        Ramp graph(driver);
        REQUIRE(run(driver, graph));
        CHECK(graph.ends_once());
    }
    const Sound played = load(directory / "out.wav");
    CHECK(played.rate == 44100);
    REQUIRE(played.channels == 2);
    REQUIRE(played.frames() == 40'001);
    for (const std::size_t frame : {0U, 1U, 99U, 100U, 4095U, 4096U, 40000U})
        CHECK(played.samples[2 * frame + 1] == static_cast<float>(frame + 1) * ramp_step);

    Player driver;
    REQUIRE(driver.open({.input_channels = 2}, {.capture_path = directory / "out.wav"}));
    CHECK(driver.info().sample_rate == 44100);
    Keep graph(driver);
    REQUIRE(run(driver, graph));
    CHECK(graph.ends_once());
    REQUIRE(graph.kept.size() >= 40'001);
    CHECK(graph.kept[40000] == 40'001 * ramp_step);
    CHECK(std::all_of(graph.kept.begin() + 40'001, graph.kept.end(),
                      [](float sample) { return sample == 0.0F; }));
}

TEST_CASE("the capture file's rate counts") {
    const Directory directory;
    Sound sound = noise(100, 1);
    sound.rate = 22050;
    save(directory / "in.wav", sound, wav_float);
    const std::string in = directory / "in.wav";
    const std::string out = directory / "out.wav";
    put_bytes(out, "an older take");
    io::StreamConfig config = channels(1);
    config.sample_rate = 48000;
    CHECK(refusal<Duplex>(config, {.capture_path = in, .playback_path = out}).code == Errc::unsupported_rate);
    CHECK(bytes_of(out) == "an older take"); // what is refused costs nothing
    config.rate_match = Match::adapt;
    Duplex driver;
    REQUIRE(driver.open(config, {.capture_path = in, .playback_path = out}));
    CHECK(driver.info().sample_rate == 22050);
    Copy graph(driver);
    REQUIRE(run(driver, graph));
    CHECK(load(out).rate == 22050);
}
