// SPDX-License-Identifier: MIT
#pragma once

// What the file backend's tests share: a disk that can be held up or fail, sound files that are made and
// looked at without the library under test, graphs that know what they have seen.

#include "eventually.hpp"
#include "random.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/file.hpp>

#include <sndfile.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <test.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace file_fixture {

namespace io = rill::io;
namespace fs = std::filesystem;
using rill::io::Errc;
using rill::io::Match;
using rill::io::TickFlags;
using rill::io::file::Options;
using rill::io::file::SampleFormat;

/// read and write of this program and its libraries go through here.
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
extern FakeDisk disk;

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
inline Sound noise(std::size_t frames, int channels, int bits = 16) {
    Sound sound{std::vector<float>(frames * static_cast<std::size_t>(channels)), channels, 48000, 0, true};
    Random random(static_cast<std::uint32_t>(frames));
    for (float& sample : sound.samples)
        sample =
            std::ldexp(static_cast<float>(static_cast<std::int32_t>(random.bits()) >> (32 - bits)), 1 - bits);
    return sound;
}

/// Frame n is (n + 1) / 2^24: every frame says which one it is, and none is silent.
inline constexpr float ramp_step = 0x1p-24F;
inline Sound ramp(std::size_t frames) {
    Sound sound = noise(frames, 1);
    for (std::size_t frame = 0; frame < frames; ++frame)
        sound.samples[frame] = static_cast<float>(frame + 1) * ramp_step;
    return sound;
}

inline void save(const std::string& path, const Sound& sound, int format) {
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
inline constexpr int wav_float = SF_FORMAT_WAV | SF_FORMAT_FLOAT;

/// Reads as much as can be read.
inline Sound load(const std::string& path) {
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

inline std::string bytes_of(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}
inline void put_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Frames of a mono float WAV file, by its header alone. (libsndfile overlooks it if that was never brought
/// up to date.)
inline std::size_t frames_in_header(const std::string& path) {
    const std::string bytes = bytes_of(path);
    const std::size_t chunk = bytes.find("data");
    std::uint32_t size = 0;
    if (chunk == std::string::npos || chunk + 8 > bytes.size())
        return 0;
    std::memcpy(&size, bytes.data() + chunk + 4, sizeof size);
    return size == 0xFFFF'FFFF ? 0 : size / sizeof(float); // (nothing has been written yet)
}

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

inline io::StreamConfig channels(int count) {
    const auto both = static_cast<std::uint32_t>(count);
    return {.input_channels = both, .output_channels = both};
}

inline bool says(const io::Error& error, const std::string& words) {
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

inline std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{}));
}

} // namespace file_fixture
