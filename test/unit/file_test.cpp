// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include "random.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/file.hpp>

#include <fcntl.h>
#include <sndfile.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <test.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace io = rill::io;
namespace fs = std::filesystem;
using rill::io::Errc;
using rill::io::Match;
using rill::io::TickFlags;
using rill::io::file::Options;
using rill::io::file::SampleFormat;

// --- The disk: read and write of this program and its libraries go through here. --------------------

namespace {

struct FakeDisk {
    std::atomic<bool> hold{false};              ///< accesses wait
    std::atomic<std::int64_t> read_budget{-1};  ///< bytes until reading fails; -1 = no limit
    std::array<std::atomic<int>, 32> threads{}; ///< that have accessed a file

    void forget_threads() {
        for (auto& thread : threads)
            thread = 0;
    }
    [[nodiscard]] bool was_accessed_by(int thread) const {
        return std::find(threads.begin(), threads.end(), thread) != threads.end();
    }
    [[nodiscard]] bool was_accessed() const { return threads.front() != 0; }

    /// False if so much may not be read any more, nor anything else.
    bool take_budget(std::size_t bytes) noexcept {
        if (read_budget < 0)
            return true;
        const bool enough = static_cast<std::int64_t>(bytes) <= read_budget;
        read_budget = enough ? read_budget - static_cast<std::int64_t>(bytes) : 0;
        return enough;
    }

    /// True if it is an access to a regular file by another thread than the test's own.
    bool access(int descriptor) noexcept {
        struct stat status{};
        const int self = io::current_thread_id();
        if (self == ::getpid() || ::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
            return false;
        for (auto& thread : threads) {
            int nobody = 0;
            if (thread.compare_exchange_strong(nobody, self) || nobody == self)
                break;
        }
        const timespec step{0, 1'000'000};
        while (hold)
            ::nanosleep(&step, nullptr);
        return true;
    }
};
FakeDisk disk;

} // namespace

extern "C" ssize_t read(int descriptor, void* buffer, std::size_t bytes) {
    if (!disk.access(descriptor) || disk.take_budget(bytes))
        return ::syscall(SYS_read, descriptor, buffer, bytes);
    errno = EIO;
    return -1;
}
extern "C" ssize_t write(int descriptor, const void* buffer, std::size_t bytes) {
    disk.access(descriptor);
    return ::syscall(SYS_write, descriptor, buffer, bytes);
}

// --- Sound files, made and looked at without the library under test. ------------------------------------

namespace {

class Directory {
public:
    Directory() {
        std::string pattern = (fs::temp_directory_path() / "rill-io-file-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
        ::chmod(path_.c_str(), 0755); // for the user that may not open a file in it
    }
    ~Directory() { fs::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

private:
    fs::path path_;
};

struct Sound {
    std::vector<float> samples; ///< interleaved
    int channels = 1;
    int rate = 48000;
    int format = 0;
    bool readable = false;

    [[nodiscard]] std::size_t frames() const { return samples.size() / static_cast<std::size_t>(channels); }
    [[nodiscard]] bool starts_with(const Sound& other) const {
        return other.samples.size() <= samples.size() &&
               same_bits(samples, other.samples, other.samples.size());
    }
    [[nodiscard]] bool operator==(const Sound& other) const {
        return channels == other.channels && samples.size() == other.samples.size() && starts_with(other);
    }
    static bool same_bits(const std::vector<float>& a, const std::vector<float>& b, std::size_t count) {
        return count == 0 || std::memcmp(a.data(), b.data(), count * sizeof(float)) == 0;
    }
};

/// Noise that a sample format of so many bits holds exactly.
Sound noise(std::size_t frames, int channels, int bits = 16) {
    Sound sound{std::vector<float>(frames * static_cast<std::size_t>(channels)), channels, 48000, 0, true};
    Random random(static_cast<std::uint32_t>(frames));
    for (float& sample : sound.samples)
        sample =
            std::ldexp(static_cast<float>(static_cast<std::int32_t>(random.bits()) >> (32 - bits)), 1 - bits);
    return sound;
}

/// Frame n is (n + 1) / 2^24: every frame says which one it is, and none is silent.
constexpr float ramp_step = 0x1p-24F;
Sound ramp(std::size_t frames) {
    Sound sound = noise(frames, 1);
    for (std::size_t frame = 0; frame < frames; ++frame)
        sound.samples[frame] = static_cast<float>(frame + 1) * ramp_step;
    return sound;
}

void save(const std::string& path, const Sound& sound, int format) {
    SF_INFO info{0, sound.rate, sound.channels, format, 0, 0};
    SNDFILE* const file = sf_open(path.c_str(), SFM_WRITE, &info);
    REQUIRE(file != nullptr);
    const auto frames = static_cast<sf_count_t>(sound.frames());
    if (const int kind = format & SF_FORMAT_SUBMASK; kind == SF_FORMAT_FLOAT || kind == SF_FORMAT_VORBIS) {
        REQUIRE(sf_writef_float(file, sound.samples.data(), frames) == frames);
    } else { // libsndfile's way from float is not exact
        std::vector<int> integers(sound.samples.size());
        std::transform(sound.samples.begin(), sound.samples.end(), integers.begin(),
                       [](float sample) { return static_cast<int>(std::ldexp(double{sample}, 31)); });
        REQUIRE(sf_writef_int(file, integers.data(), frames) == frames);
    }
    REQUIRE(sf_close(file) == 0);
}
constexpr int wav_float = SF_FORMAT_WAV | SF_FORMAT_FLOAT;

/// Reads as much as can be read.
Sound load(const std::string& path) {
    Sound sound;
    SF_INFO info{};
    SNDFILE* const file = sf_open(path.c_str(), SFM_READ, &info);
    if (file == nullptr)
        return sound;
    sound.readable = true;
    sound.channels = info.channels;
    sound.rate = info.samplerate;
    sound.format = info.format;
    std::vector<float> piece(4096 * static_cast<std::size_t>(info.channels));
    while (const auto count = static_cast<std::size_t>(sf_readf_float(file, piece.data(), 4096)))
        sound.samples.insert(
            sound.samples.end(), piece.begin(),
            piece.begin() + static_cast<std::ptrdiff_t>(count * static_cast<std::size_t>(info.channels)));
    sf_close(file);
    return sound;
}

std::string bytes_of(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}
void put_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Frames of a mono float WAV file, by its header alone. (libsndfile overlooks it if that was never brought
/// up to date.)
std::size_t frames_in_header(const std::string& path) {
    const std::string bytes = bytes_of(path);
    const std::size_t chunk = bytes.find("data");
    std::uint32_t size = 0;
    if (chunk == std::string::npos || chunk + 8 > bytes.size())
        return 0;
    std::memcpy(&size, bytes.data() + chunk + 4, sizeof size);
    return size == 0xFFFF'FFFF ? 0 : size / sizeof(float); // (nothing has been written yet)
}

// --- Graphs. --------------------------------------------------------------------------------------------

using Duplex = io::Driver<io::file::Capture, io::file::Playback>;
using Recorder = io::Driver<io::NoCapture, io::file::Playback>;
using Player = io::Driver<io::file::Capture, io::NoPlayback>;

/// What a callback has seen. Read it while the driver is stopped, except the atomics.
struct Seen {
    std::vector<TickFlags> flags;
    std::vector<std::uint64_t> lost; ///< frames, by block
    std::atomic<std::uint64_t> frames{0};
    std::atomic<int> thread{0};

    Seen() {
        flags.reserve(1U << 20U);
        lost.reserve(1U << 20U);
    }
    void look(const io::ClockTick& tick) noexcept {
        flags.push_back(tick.flags);
        lost.push_back(tick.lost_frames);
        thread = io::current_thread_id();
        frames = frames + tick.frames;
    }
    [[nodiscard]] std::size_t finals() const {
        return static_cast<std::size_t>(std::count_if(
            flags.begin(), flags.end(), [](TickFlags bits) { return has(bits, TickFlags::final); }));
    }
    /// The last block, and only that, was said to be the last one.
    [[nodiscard]] bool ends_once() const { return finals() == 1 && has(flags.back(), TickFlags::final); }
};

struct Copy : Seen {
    explicit Copy(Duplex& driver) : capture(driver.capture()), playback(driver.playback()) {}
    void operator()(const io::ClockTick& tick) noexcept {
        look(tick);
        for (std::size_t channel = 0; channel < playback.num_output_channels(); ++channel)
            playback.write_output(channel, std::span(capture.input(channel), capture.frames()));
    }
    io::file::Capture& capture;
    io::file::Playback& playback;
};

/// Plays the ramp.
struct Ramp : Seen {
    explicit Ramp(Recorder& driver) : playback(driver.playback()) {}
    void operator()(const io::ClockTick& tick) noexcept {
        for (std::size_t channel = 0; channel < playback.num_output_channels(); ++channel)
            for (std::uint32_t i = 0; i < tick.frames; ++i)
                playback.output(channel)[i] = static_cast<float>(frames + i + 1) * ramp_step;
        look(tick);
    }
    io::file::Playback& playback;
};

/// Keeps what is captured.
struct Keep : Seen {
    explicit Keep(Player& driver) : capture(driver.capture()) { kept.reserve(1U << 22U); }
    void operator()(const io::ClockTick& tick) noexcept {
        kept.insert(kept.end(), capture.input(0), capture.input(0) + tick.frames);
        look(tick);
    }
    io::file::Capture& capture;
    std::vector<float> kept; ///< channel 0
};

io::StreamConfig channels(int count) {
    const auto both = static_cast<std::uint32_t>(count);
    return {.input_channels = both, .output_channels = both};
}

bool says(const io::Error& error, const std::string& words) {
    UNSCOPED_INFO(error.text);
    return std::string(error.text).find(words) != std::string::npos;
}

/// Why a driver can't be opened like this.
template <class Driver>
io::Error refusal(const io::StreamConfig& config, const Options& options) {
    Driver driver;
    const auto opened = driver.open(config, options);
    REQUIRE_FALSE(opened);
    CHECK(std::string(opened.error().backend) == "file");
    return opened.error();
}
/// Runs the graph to the stream's end.
template <class Graph, class Driver>
io::Result<void> run(Driver& driver, Graph& graph) {
    REQUIRE(driver.set_process_callback(graph));
    return driver.run();
}

/// As long as it lives no file can grow beyond: a disk that is full.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::size_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
};

std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{}));
}

} // namespace

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
    REQUIRE(driver.open(
        {.sample_rate = 384'000, .output_channels = 2},
        {.playback_path = out, .paced = paced, .end_after_frames = 1'000'000, .buffer_frames = 19200}));
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

// --- A process that is killed. --------------------------------------------------------------------------

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
