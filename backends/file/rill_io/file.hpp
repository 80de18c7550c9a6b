// SPDX-License-Identifier: MIT
#pragma once

// file: capture from and playback to audio files, through libsndfile (WAV, FLAC, AIFF, Ogg, whatever it
// reads).
//
// Cycle thread: an own one. Clock: none (offline: as fast as the graph) or CLOCK_MONOTONIC (paced). Rate: the
// capture file's; without capture what is asked, or 48000 Hz. Quantum: what is asked, or the block, or 256.
// Channels: the first ones of the capture file; for playback as many as its format can hold.
//
// Offline, the cycle thread reads and writes the disk itself. Paced, a disk thread does, far enough ahead and
// behind, and both files keep the clock's time: frames that the disk brings or takes too late, and the time
// of a graph that is more than half a second late (less is caught up), are lost, counted and silent, and all
// other frames stay in place.
//
// The stream ends with the capture file: the last block is padded with silence and has TickFlags::final, the
// padding is not written. A truncated or damaged file is captured as far as it goes; run() then ends with
// io_failure, as it does when the disk is full. After stop() or the end the playback file is complete.
// start() goes on where the last run stopped (after the end: from the file's beginning), and what is played
// is appended; FLAC and Ogg files can't be appended to.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/loop_thread.hpp>
#include <rill_io/pacer.hpp>
#include <rill_io/stream.hpp>
#include <rill_io/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace rill::io::file {

struct Chunk; ///< planar audio on its way between cycle and disk
class Chunks; ///< many of them
class Disk;   ///< the files, and the disk thread

/// What kind of file playback makes.
enum class Format : std::uint8_t {
    by_extension, ///< .wav .flac .aiff .aif .ogg .oga; without an extension: wav
    wav,          ///< RIFF; beyond 4 GiB it becomes RF64
    flac,         ///< lossless, pcm16 or pcm24
    aiff,         ///< up to 4 GiB
    ogg,          ///< Ogg Vorbis, lossy
};

/// How playback's samples are stored. Integers are rounded to nearest and clipped, without dither.
enum class SampleFormat : std::uint8_t {
    automatic, ///< float32; pcm24 in FLAC; Vorbis' own in Ogg
    float32,
    pcm16,
    pcm24,
    pcm32,
};

struct Options {
    std::string_view capture_path = {};  ///< read; ignored by a driver without capture
    std::string_view playback_path = {}; ///< overwritten by open(); ignored by a driver without playback
    bool paced = false;                  ///< false: as fast as the graph; true: in real time
    bool loop = false;                   ///< capture begins again at the file's end: it has none
    std::uint64_t tail_frames = 0; ///< silence captured after the file's end, for what the graph still plays
    std::uint64_t end_after_frames = 0; ///< from start() to the end, unless capture's comes first; 0 = never
    Format format = Format::by_extension;
    SampleFormat sample_format = SampleFormat::automatic;
    std::uint32_t quantum = 0; ///< frames per cycle; 0 = the block (so no adapter and no latency), or 256
    std::uint32_t buffer_frames = 0; ///< paced: frames between each file and the cycle; 0 = one second
};

class Session {
public:
    using Options = file::Options;

    Session() = default;
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<void> open(const StreamConfig& config, const Options& options, Stream& stream);
    Result<void> stop();
    bool close();

    template <class Cycle>
    Result<void> start(void* engine) {
        engine_ = engine;
        return start_loop(&Session::loop<Cycle>);
    }

    template <std::size_t Inputs, std::size_t Outputs>
    void fetch(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t) noexcept {
        const std::size_t inputs = Inputs != dynamic_extent ? Inputs : capture.num_input_channels();
        const std::size_t outputs = Outputs != dynamic_extent ? Outputs : playback.num_output_channels();
        for (std::size_t channel = 0; channel < inputs; ++channel)
            capture.set_input(channel, input_ + channel * input_stride_);
        for (std::size_t channel = 0; channel < outputs; ++channel)
            playback.set_output(channel, output_ + channel * output_stride_);
    }
    bool fetch_checked(CaptureWindow& capture, PlaybackWindow& playback, std::uint32_t frames) noexcept {
        fetch<dynamic_extent, dynamic_extent>(capture, playback, frames);
        return true;
    }
    [[nodiscard]] bool owns_cycle_thread() const noexcept { return true; }

    static std::uint64_t time_ns(const void* session, std::int32_t offset) noexcept;
    static constexpr TickSource tick_source{.time_ns = &Session::time_ns};

private:
    static constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

    template <class Cycle>
    static void loop(void* self) noexcept {
        auto& session = *static_cast<Session*>(self);
        session.begin_loop();
        while (const std::uint32_t frames = session.begin_cycle()) {
            Cycle::run(session.engine_, frames);
            if (!session.end_cycle())
                return;
        }
    }

    void delete_disk() noexcept;
    Result<void> open_files(const StreamConfig& config, const Options& options);
    Result<void> start_loop(void (*body)(void*));
    void begin_loop() noexcept;
    /// Waits for the next cycle and finds its memory; its frames, or 0 when the loop is to end.
    std::uint32_t begin_cycle() noexcept;
    /// False when the loop is to end.
    bool end_cycle() noexcept;

    bool keep_pace() noexcept;
    Chunk* take(Chunk* (Chunks::*next)() noexcept, Chunks& chunks) noexcept;
    void take_input() noexcept;
    void take_output() noexcept;
    void use_up_input(std::uint64_t frames) noexcept;
    void hand_over_output() noexcept;
    [[nodiscard]] std::uint64_t frames_left() const noexcept;

    // The window's memory in this cycle.
    const float* input_ = nullptr;
    std::size_t input_stride_ = 0; ///< frames from channel to channel
    float* output_ = nullptr;
    std::size_t output_stride_ = 0;

    Stream* stream_ = nullptr;
    Disk* disk_ = nullptr; ///< while open
    Error failure_{};      ///< what went wrong on the disk: the stream's end refers to its text
    bool paced_ = false;
    std::uint32_t sample_rate_ = 0;
    std::uint32_t quantum_ = 0;
    std::uint32_t num_inputs_ = 0;
    std::uint32_t num_outputs_ = 0;
    int priority_ = 0;
    std::uint64_t tail_frames_ = 0;
    std::uint64_t end_after_frames_ = 0;
    std::vector<float> silence_; ///< captured where there is nothing, by all channels
    std::vector<float> scratch_; ///< played into while the disk is late

    // Positions count frames of file time since open() or the last rewind, lost ones included.
    std::uint64_t position_ = 0;
    std::uint64_t limit_ = unknown;       ///< where end_after_frames ends the stream
    std::uint64_t capture_end_ = unknown; ///< where the capture file and its tail end, once that is known
    std::uint64_t cycles_before_ = 0;     ///< the stream's counter before this cycle
    Chunk* capture_chunk_ = nullptr;
    std::uint32_t capture_offset_ = 0; ///< frames of it that are used up
    bool capture_done_ = false;        ///< the file's last chunk is used up
    std::uint64_t capture_late_ = 0;   ///< frames still to come whose time has gone
    Chunk* playback_chunk_ = nullptr;
    std::uint32_t playback_offset_ = 0; ///< frames in it
    std::uint64_t playback_lost_ = 0;   ///< frames that no chunk took: silence before the next one

    void* engine_ = nullptr;
    std::atomic<bool> stop_{false};
    Pacer pacer_;
    LoopThread thread_;
};

/// The door.
struct Backend {
    static constexpr const char* name = "file";
    static constexpr bool drives_itself = true;
    static Result<void> available() noexcept { return {}; }
    using Session = file::Session;
    using Options = file::Options;
    using Capture = io::Capture<Backend>;
    using Playback = io::Playback<Backend>;
};

using Capture = Backend::Capture;
using Playback = Backend::Playback;

static_assert(IoBackend<Backend>);

} // namespace rill::io::file

namespace rill::io {
using FileBackend = file::Backend;
} // namespace rill::io
