// SPDX-License-Identifier: MIT

// The file backend: what is refused, what is damaged, full disks, a process that is killed.

#include "file_fixture.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>

using namespace file_fixture;

TEST_CASE("what can't be opened is refused, with the reason and the way out") {
    const Directory directory;
    const std::size_t descriptors = open_descriptors();
    const std::string good = directory / "good.wav";
    save(good, noise(100, 2), wav_float);

    SECTION("capture") {
        const auto refused = [&](const char* name) {
            return refusal<Player>({}, {.capture_path = directory / name});
        };
        CHECK(says(refusal<Player>({}, {}), "capture_path"));
        CHECK(refused("missing.wav").code == Errc::no_device);
        CHECK(says(refused("missing.wav"), "missing.wav"));
        CHECK(refused("good.wav/x").code == Errc::no_device);
        fs::create_directory(directory / "folder");
        CHECK(says(refused("folder"), "directory"));
        REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
        CHECK(says(refused("pipe"), "pipe")); // and does not wait for its other end
        put_bytes(directory / "empty.wav", "");
        CHECK(refused("empty.wav").code == Errc::unsupported_format);
        CHECK(says(refused("empty.wav"), "empty"));
        put_bytes(directory / "text.wav",
                  "The quick brown fox jumps over the lazy dog, and again, and again.");
        CHECK(refused("text.wav").code == Errc::unsupported_format);
        put_bytes(directory / "header.wav", bytes_of(good).substr(0, 30));
        CHECK(refused("header.wav").code == Errc::unsupported_format);
        save(directory / "silent.wav", noise(0, 2), wav_float);
        CHECK(refused("silent.wav").code == Errc::unsupported_format);
        CHECK(says(refused("silent.wav"), "no frames"));
        const auto many = refusal<Player>({.input_channels = 3}, {.capture_path = good});
        CHECK(many.code == Errc::unsupported_channels);
        CHECK(says(many, "has 2 channels, 3 were asked"));
        CHECK(refusal<Player>({.device = "hw:0"}, {.capture_path = good}).code == Errc::no_device);
        CHECK(refusal<Player>({.capture_target = "x"}, {.capture_path = good}).code == Errc::no_device);
        CHECK(says(refusal<Player>({.autoconnect = io::Autoconnect::loopback}, {.capture_path = good}),
                   "autoconnect"));
        CHECK(refusal<Player>({}, {.capture_path = good, .quantum = 8193}).code == Errc::invalid_config);
        CHECK(refusal<Player>({}, {.capture_path = good, .paced = true, .buffer_frames = 100'000'000}).code ==
              Errc::invalid_config);
    }
    SECTION("playback") {
        const auto refused = [&](const char* name, Options options = {}, int num_channels = 2) {
            const std::string path = directory / name;
            options.playback_path = path;
            return refusal<Recorder>(channels(num_channels), options);
        };
        CHECK(says(refusal<Recorder>({}, {}), "playback_path"));
        CHECK(refused("missing/out.wav").code == Errc::no_device);
        CHECK(says(refused("missing/out.wav"), "directory"));
        fs::create_directory(directory / "folder");
        CHECK(refused("folder").code == Errc::no_device);
        REQUIRE(::mkfifo((directory / "pipe.wav").c_str(), 0600) == 0);
        CHECK(refused("pipe.wav").code == Errc::no_device);
        CHECK(refused("out.xyz").code == Errc::unsupported_format);
        CHECK(says(refused("out.xyz"), ".flac"));
        CHECK(refused("out.flac", {.sample_format = SampleFormat::float32}).code == Errc::unsupported_format);
        CHECK(refused("out.flac", {.sample_format = SampleFormat::pcm32}).code == Errc::unsupported_format);
        CHECK(refused("out.ogg", {.sample_format = SampleFormat::pcm16}).code == Errc::unsupported_format);
        CHECK(refused("out.flac", {}, 9).code == Errc::unsupported_channels);
        CHECK_FALSE(fs::exists(directory / "out.flac"));
        CHECK(refusal<Recorder>({}, {.playback_path = "/dev/full"}).code == Errc::io_failure);
    }
    SECTION("the same file under two names") {
        fs::create_symlink(good, directory / "link.wav");
        fs::create_hard_link(good, directory / "hard.wav");
        const std::string before = bytes_of(good);
        for (const char* const name : {"good.wav", "link.wav", "hard.wav"})
            CHECK(refusal<Duplex>({}, {.capture_path = good, .playback_path = directory / name}).code ==
                  Errc::invalid_config);
        CHECK((bytes_of(good) == before));
    }
    SECTION("permissions") {
        const std::string secret = directory / "secret.wav";
        save(secret, noise(10, 2), wav_float);
        REQUIRE(::chmod(secret.c_str(), 0) == 0);
        const uid_t user = ::geteuid();
        constexpr uid_t nobody = 65534;
        if (user == 0)
            REQUIRE(::seteuid(nobody) == 0); // root may open everything
        Player player;
        const auto read = player.open({}, {.capture_path = secret});
        Recorder recorder;
        const auto written = recorder.open({}, {.playback_path = secret});
        if (user == 0)
            REQUIRE(::seteuid(user) == 0);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == Errc::permission_denied);
        REQUIRE_FALSE(written);
        CHECK(written.error().code == Errc::permission_denied);
    }
    CHECK(open_descriptors() == descriptors);
}

TEST_CASE("a file that was cut short is captured as far as it goes, and the stream ends with the reason") {
    const Directory directory;
    struct Cut {
        int format;
        bool between_flac_frames; ///< where the decoder notices nothing
    };
    const auto cut =
        GENERATE(Cut{SF_FORMAT_WAV | SF_FORMAT_PCM_16, false}, Cut{SF_FORMAT_AIFF | SF_FORMAT_FLOAT, false},
                 Cut{SF_FORMAT_FLAC | SF_FORMAT_PCM_16, false}, Cut{SF_FORMAT_FLAC | SF_FORMAT_PCM_16, true});
    CAPTURE(cut.format, cut.between_flac_frames);
    const Sound sound = noise(100'000, 1);
    save(directory / "whole", sound, cut.format);
    const std::string bytes = bytes_of(directory / "whole");
    std::size_t kept = bytes.size() / 2;
    if (cut.between_flac_frames) {
        // The first frame's sync code, and how large, fast, wide and deep it is: all frames but the last are
        // alike.
        const std::string head = bytes.substr(bytes.find("\xff\xf8"), 4);
        kept = bytes.rfind(head, kept);
        REQUIRE(kept > 40'000);
    }
    put_bytes(directory / "cut", bytes.substr(0, kept));
    Duplex driver;
    REQUIRE(driver.open(channels(1),
                        {.capture_path = directory / "cut", .playback_path = directory / "out.wav"}));
    Copy graph(driver);
    const auto result = run(driver, graph);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::io_failure);
    CHECK(says(result.error(), "cut"));
    CHECK((!cut.between_flac_frames || says(result.error(), "header")));
    CHECK(graph.ends_once());
    const Sound played = load(directory / "out.wav");
    CHECK(played.frames() > 40'000);
    CHECK(played.frames() < 60'000);
    CHECK(sound.starts_with(played));
}

TEST_CASE("a WAV file of unknown length is not taken for a damaged one") {
    const Directory directory;
    const Sound sound = noise(1000, 2);
    save(directory / "in.wav", sound, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    std::string bytes = bytes_of(directory / "in.wav");
    const auto unknown = GENERATE(as<std::string>{}, "\xff\xff\xff\xff", "\xff\xff\xff\x7f");
    bytes.replace(4, 4, unknown);
    bytes.replace(bytes.find("data") + 4, 4, unknown);
    put_bytes(directory / "in.wav", bytes);
    Duplex driver;
    REQUIRE(driver.open({}, {.capture_path = directory / "in.wav", .playback_path = directory / "out.wav"}));
    Copy graph(driver);
    CHECK(run(driver, graph));
    CHECK((load(directory / "out.wav") == sound));
}

TEST_CASE("a disk that can't be read any more: what was read is processed, then the reason") {
    const Directory directory;
    const auto paced = GENERATE(false, true);
    const Sound sound = ramp(200'000);
    save(directory / "in.wav", sound, wav_float);
    Player driver;
    REQUIRE(driver.open(channels(1),
                        {.capture_path = directory / "in.wav", .paced = paced, .buffer_frames = 4800}));
    Keep graph(driver);
    disk.read_budget = 40'000;
    const auto result = run(driver, graph);
    disk.read_budget = -1;
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::io_failure);
    CHECK(result.error().native_code == EIO);
    CHECK(says(result.error(), "in.wav"));
    CHECK(graph.ends_once());
    CHECK(graph.kept.size() >= 2560);
    CHECK(graph.kept.size() < 100'000);
}

TEST_CASE("disk full: the stream ends with the reason, and what was recorded stays readable") {
    const Directory directory;
    const auto paced = GENERATE(false, true);
    const auto* const name = GENERATE("out.wav", "out.aiff", "out.flac");
    CAPTURE(paced, name);
    const std::string out = directory / name;
    Recorder driver;
    // (Half a second of buffer: a paced stream whose disk is slower than that has silence in it.)
    REQUIRE(driver.open(
        {.sample_rate = 384'000, .output_channels = 2},
        {.playback_path = out, .paced = paced, .end_after_frames = 1'000'000, .buffer_frames = 192'000}));
    Ramp graph(driver);
    const auto result = [&] {
        const FileSizeLimit limit(60'001); // not a whole frame
        return run(driver, graph);
    }();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::io_failure);
    CHECK(result.error().native_code == EFBIG);
    CHECK(says(result.error(), "largest size"));
    CHECK(says(result.error(), name));
    const auto is_ramp = [](const Sound& sound) {
        const float step = 0x1p-23F; // of pcm24
        bool good = sound.channels == 2;
        for (std::size_t frame = 0; frame < sound.frames() && good; ++frame)
            good = std::abs(sound.samples[2 * frame + 1] - static_cast<float>(frame + 1) * ramp_step) <= step;
        return good;
    };
    const Sound played = load(out); // while the driver still has it open
    CHECK(played.frames() > 5'000);
    INFO("lost " << driver.stats().lost_frames << " frames");
    CHECK(is_ramp(played));
    CHECK_FALSE(driver.start());
    driver.close();
    CHECK(load(out).frames() == played.frames());
}

TEST_CASE("what an encoder still holds when the disk is full is not lost in silence") {
    const Directory directory;
    const std::string out = directory / GENERATE("out.flac", "out.ogg");
    const auto record = [&] {
        Recorder driver;
        REQUIRE(driver.open(channels(1), {.playback_path = out, .end_after_frames = 4000}));
        Ramp graph(driver);
        return run(driver, graph);
    };
    REQUIRE(record());
    const auto bytes = static_cast<std::size_t>(fs::file_size(out));
    const FileSizeLimit limit(bytes - 20); // what is written last, by closing the file
    const auto result = record();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::io_failure);
    CHECK(result.error().native_code == EFBIG);
}

namespace {
constexpr const char* child_directory = "RILL_IO_FILE_TEST_DIRECTORY";
}

/// Run only as a child of the test below, which kills it.
TEST_CASE("child: records until it is killed", "[.][child]") {
    const char* const directory = std::getenv(child_directory);
    REQUIRE(directory != nullptr);
    const std::string out = std::string(directory) + "/out.wav";
    Recorder driver;
    REQUIRE(driver.open({.output_channels = 1}, {.playback_path = out, .paced = true}));
    Ramp graph(driver);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    (void)eventually([] { return ::getppid() == 1; }); // at most ten seconds
}

TEST_CASE("a killed process leaves a readable file") {
    const Directory directory;
    REQUIRE(::setenv(child_directory, (directory / "").c_str(), 1) == 0);
    std::string program = fs::read_symlink("/proc/self/exe").string();
    std::string test = "[child]";
    std::array<char*, 3> arguments{program.data(), test.data(), nullptr};
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
    const bool recorded = eventually([&] { return frames_in_header(directory / "out.wav") >= 40'000; });
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(recorded);
    CHECK(WIFSIGNALED(status));
    const Sound played = load(directory / "out.wav");
    CHECK(played.frames() == frames_in_header(directory / "out.wav"));
    CHECK(ramp(played.frames()).starts_with(played));
}
