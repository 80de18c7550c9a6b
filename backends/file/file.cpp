// SPDX-License-Identifier: MIT
#include "disk.hpp"
#include <rill_io/file.hpp>
#include <rill_io/negotiation.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

namespace rill::io::file {

namespace {

constexpr std::uint32_t default_rate = 48000;
constexpr std::uint32_t default_quantum = 256;
constexpr std::uint32_t offline_chunk_frames = 4096; // stays in the cache, and system calls are few
constexpr std::uint32_t max_buffer_s = 60;
constexpr int join_timeout_ms = 1000;

std::uint64_t round_up(std::uint64_t frames, std::uint32_t step) {
    return (frames + step - 1) / step * step;
}

/// Saturates: `unknown` frames stay unknown.
std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    return __builtin_add_overflow(a, b, &result) ? ~std::uint64_t{0} : result;
}

Error refusal(Errc code, const char* text) {
    return Error::make(code, Backend::name, "open", 0, "%s", text);
}

} // namespace

Session::~Session() {
    delete_disk();
}

void Session::delete_disk() noexcept {
    delete disk_;
    disk_ = nullptr;
}

Result<void> Session::open(const StreamConfig& config, const Options& options, Stream& stream) {
    stream_ = &stream;
    disk_ = new Disk(stream, failure_);
    auto opened = open_files(config, options);
    if (!opened)
        delete_disk();
    return opened;
}

Result<void> Session::open_files(const StreamConfig& config, const Options& options) {
    const bool captures = config.input_channels != 0;
    const bool plays = config.output_channels != 0;
    if (auto unnamed = check_unnamed(config, Backend::name); !unnamed)
        return unnamed;
    if (config.autoconnect == Autoconnect::loopback)
        return refusal(Errc::invalid_config,
                       "there is no way from the playback file to the capture file; leave "
                       "autoconnect = standard, or use another backend");
    if (captures && options.capture_path.empty())
        return refusal(Errc::invalid_config, "no file to capture from; set Options::capture_path");
    if (plays && options.playback_path.empty())
        return refusal(Errc::invalid_config, "no file to play to; set Options::playback_path");
    if (options.quantum > max_quantum)
        return refusal(Errc::invalid_config, "the quantum is larger than 8192 frames; use 1..8192");

    disk_->captures = captures;
    disk_->plays = plays;
    const std::string capture_path(options.capture_path);
    if (captures)
        if (auto opened = disk_->reader.open(capture_path, config.input_channels, options.loop); !opened)
            return opened;

    paced_ = options.paced;
    sample_rate_ = captures                  ? disk_->reader.sample_rate()
                   : config.sample_rate != 0 ? config.sample_rate
                                             : default_rate;
    quantum_ = options.quantum != 0 ? options.quantum : config.block != 0 ? config.block : default_quantum;
    num_inputs_ = config.input_channels;
    num_outputs_ = config.output_channels;
    // A thread that nothing paces would keep a processor to itself.
    priority_ = paced_ ? config.realtime_priority : 0;
    tail_frames_ = options.tail_frames;
    end_after_frames_ = options.end_after_frames;
    position_ = 0;
    capture_end_ = unknown;
    capture_chunk_ = playback_chunk_ = nullptr;
    capture_done_ = false;
    capture_late_ = playback_lost_ = 0;

    StreamInfo& got = stream_->negotiated;
    copy_text(got.client_name, config.client_name);
    copy_text(got.device, captures ? options.capture_path : options.playback_path);
    got.sample_rate = sample_rate_;
    got.quantum = quantum_;
    got.input_channels = num_inputs_;
    got.output_channels = num_outputs_;
    got.direct = true;
    stream_->report_freewheeling(!paced_);
    // The driver will ask the same, but by then an existing playback file would be gone.
    if (auto accepted = accept_negotiated(config, Backend::name, *stream_); !accepted)
        return accepted;

    const std::uint32_t buffer_frames = options.buffer_frames != 0 ? options.buffer_frames : sample_rate_;
    if (buffer_frames / sample_rate_ >= max_buffer_s)
        return Error::make(Errc::invalid_config, Backend::name, "open", 0,
                           "a buffer of %u frames is %u s or more; use a second or two", buffer_frames,
                           max_buffer_s);
    const std::uint32_t wanted_frames = paced_ ? buffer_frames / Chunks::count : offline_chunk_frames;
    const auto chunk_frames =
        static_cast<std::uint32_t>(round_up(std::max(wanted_frames, quantum_), quantum_));
    silence_.assign(quantum_, 0.0F);
    scratch_.assign(std::size_t{num_outputs_} * quantum_, 0.0F);
    if (captures) {
        disk_->capture.allocate(num_inputs_, chunk_frames);
        if (auto prepared = disk_->reader.prepare(chunk_frames); !prepared)
            return prepared;
    }
    if (plays) {
        disk_->playback.allocate(num_outputs_, chunk_frames);
        const Writer::Target target{std::string(options.playback_path),
                                    options.format,
                                    options.sample_format,
                                    sample_rate_,
                                    num_outputs_,
                                    chunk_frames,
                                    captures ? &disk_->reader.status() : nullptr};
        if (auto opened = disk_->writer.open(target); !opened)
            return opened;
    }
    got.hardware_format = captures ? disk_->reader.sample_format() : disk_->writer.sample_format();
    return {};
}

Result<void> Session::start_loop(void (*body)(void*)) {
    if (auto stopped = stop(); !stopped) // the last stop() may have timed out
        return stopped;
    if (position_ >= capture_end_) {
        if (auto rewound = disk_->rewind(); !rewound)
            return rewound;
        position_ = 0;
        capture_end_ = unknown;
        capture_done_ = false;
    }
    limit_ = end_after_frames_ != 0 ? sum(position_, end_after_frames_) : unknown;
    stop_.store(false, std::memory_order_relaxed);
    // Several times per chunk.
    const std::uint32_t chunk_frames = std::max(disk_->capture.frames(), disk_->playback.frames());
    const auto poll_ms =
        static_cast<int>(std::clamp<std::uint64_t>(chunk_frames * 250ULL / sample_rate_, 1, 100));
    if (auto started = disk_->start(paced_, poll_ms); !started)
        return started;
    auto started = thread_.start(Backend::name, "rill-io-file", priority_, body, this);
    if (!started)
        (void)stop();
    return started;
}

Result<void> Session::stop() {
    stop_.store(true, std::memory_order_relaxed);
    if (!thread_.join(join_timeout_ms))
        return Error::make(Errc::timed_out, Backend::name, "stop", 0,
                           "the cycle thread has not ended within %d ms", join_timeout_ms);
    hand_over_output();
    disk_->end({.silence = playback_lost_});
    playback_lost_ = 0;
    if (!disk_->join())
        return Error::make(Errc::timed_out, Backend::name, "stop", 0,
                           "the disk has not taken what was played; the file is complete when it has");
    return disk_->result();
}

bool Session::close() {
    const bool cycle_ended = thread_.join(join_timeout_ms);
    if (cycle_ended && disk_->join()) {
        delete_disk();
        return true;
    }
    thread_.abandon();
    disk_->abandon();
    return false;
}

void Session::begin_loop() noexcept {
    pacer_.start(sample_rate_);
}

std::uint32_t Session::begin_cycle() noexcept {
    if (stop_.load(std::memory_order_relaxed) || stream_->ended() || (paced_ && !keep_pace()))
        return 0;
    if (num_inputs_ != 0)
        take_input();
    if (num_outputs_ != 0)
        take_output();
    if (stream_->ended()) // offline, the disk may just have failed
        return 0;
    if (frames_left() <= quantum_)
        stream_->report_final_block();
    cycles_before_ = stream_->cycles.load();
    return quantum_;
}

bool Session::end_cycle() noexcept {
    // The driver is stopping and did not let the graph run: this quantum is the first one of the next run.
    if (stream_->cycles.load() == cycles_before_)
        return false;
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(quantum_, frames_left()));
    if (capture_chunk_ != nullptr)
        use_up_input(quantum_);
    else if (!capture_done_)
        capture_late_ += quantum_;
    if (playback_chunk_ != nullptr) {
        playback_offset_ += count;
        if (playback_offset_ == disk_->playback.frames())
            hand_over_output();
    } else if (num_outputs_ != 0) {
        stream_->report_xrun(count);
        playback_lost_ += count;
    }
    position_ += quantum_;
    if (frames_left() != 0)
        return true;
    hand_over_output();
    disk_->end({.silence = playback_lost_, .ends_stream = true, .at_capture_end = capture_end_ <= limit_});
    playback_lost_ = 0;
    return false;
}

/// Waits until the cycle is due. False: stop() came first.
bool Session::keep_pace() noexcept {
    // A file loses nothing if a cycle comes late: it is caught up, unless there is no hope.
    const std::uint32_t tolerance = sample_rate_ / 2;
    std::uint64_t lost = 0;
    for (std::uint32_t frames = quantum_;;) {
        const std::int64_t late = pacer_.wait(frames, tolerance, stop_);
        if (late < 0)
            return false;
        if (late == 0)
            break;
        // Whole quanta are given up, or the windows would no longer lie in one chunk each.
        lost += static_cast<std::uint64_t>(late);
        frames = static_cast<std::uint32_t>(round_up(lost, quantum_) - lost);
        lost += frames;
    }
    if (lost == 0)
        return true;
    stream_->report_xrun(lost);
    hand_over_output();
    playback_lost_ += std::min(lost, frames_left());
    if (!capture_done_)
        capture_late_ += lost;
    position_ += lost;
    return true;
}

Chunk* Session::take(Chunk* (Chunks::*next)() noexcept, Chunks& chunks) noexcept {
    Chunk* chunk = (chunks.*next)();
    if (chunk == nullptr && !paced_) {
        disk_->work();
        chunk = (chunks.*next)();
    }
    return chunk;
}

void Session::take_input() noexcept {
    input_ = silence_.data();
    input_stride_ = 0;
    while (!capture_done_) {
        if (capture_chunk_ == nullptr) {
            capture_chunk_ = take(&Chunks::take_full, disk_->capture);
            if (capture_chunk_ == nullptr) {
                if (!stream_->ended())
                    stream_->report_xrun(quantum_);
                return;
            }
            capture_offset_ = 0;
            if (capture_chunk_->last)
                capture_end_ = sum(position_ - capture_late_ + capture_chunk_->frames, tail_frames_);
        }
        if (capture_late_ == 0) {
            input_ = capture_chunk_->samples + capture_offset_;
            input_stride_ = disk_->capture.frames();
            return;
        }
        const std::uint64_t gone =
            std::min<std::uint64_t>(capture_late_, disk_->capture.frames() - capture_offset_);
        capture_late_ -= gone;
        use_up_input(gone);
    }
}

void Session::use_up_input(std::uint64_t frames) noexcept {
    capture_offset_ += static_cast<std::uint32_t>(frames);
    const bool last = capture_chunk_->last;
    if (capture_offset_ < (last ? capture_chunk_->frames : disk_->capture.frames()))
        return;
    disk_->capture.put_empty(*capture_chunk_);
    capture_chunk_ = nullptr;
    capture_done_ = last;
    if (last)
        capture_late_ = 0;
}

void Session::take_output() noexcept {
    if (playback_chunk_ == nullptr) {
        playback_chunk_ = take(&Chunks::take_empty, disk_->playback);
        if (playback_chunk_ == nullptr) {
            output_ = scratch_.data();
            output_stride_ = quantum_;
            return;
        }
        playback_offset_ = 0;
        playback_chunk_->silence = playback_lost_;
        playback_lost_ = 0;
    }
    output_ = playback_chunk_->samples + playback_offset_;
    output_stride_ = disk_->playback.frames();
}

void Session::hand_over_output() noexcept {
    if (playback_chunk_ == nullptr)
        return;
    playback_chunk_->frames = playback_offset_;
    disk_->playback.put_full(*playback_chunk_);
    playback_chunk_ = nullptr;
}

/// From the current position to the stream's end.
std::uint64_t Session::frames_left() const noexcept {
    const std::uint64_t end = std::min(limit_, capture_end_);
    return end == unknown ? unknown : end - std::min(end, position_);
}

std::uint64_t Session::time_ns(const void* session, std::int32_t offset) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    const std::int64_t offset_ns = std::int64_t{offset} * 1'000'000'000 / self.sample_rate_;
    const std::uint64_t cycle_ns =
        self.paced_ ? self.pacer_.cycle_time_ns()
                    : self.position_ / self.sample_rate_ * 1'000'000'000 +
                          self.position_ % self.sample_rate_ * 1'000'000'000 / self.sample_rate_;
    return cycle_ns + static_cast<std::uint64_t>(offset_ns);
}

} // namespace rill::io::file
