// SPDX-License-Identifier: MIT
#pragma once

// Sound files through libsndfile, with errors for people. Thread: one at a time, never the cycle thread.

#include <rill_io/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

struct sf_private_tag; // SNDFILE

namespace rill::io::tools {

class SoundFileReader {
public:
    SoundFileReader() = default;
    ~SoundFileReader();
    SoundFileReader(const SoundFileReader&) = delete;
    SoundFileReader& operator=(const SoundFileReader&) = delete;

    /// Errors: `no_device` (no such file), `permission_denied`, `unsupported_format` (no sound file, or an
    /// empty one).
    Result<void> open(const std::string& path);

    [[nodiscard]] std::uint32_t sample_rate() const noexcept { return sample_rate_; }
    [[nodiscard]] std::uint32_t num_channels() const noexcept { return num_channels_; }
    /// 0 if the file does not say.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

    /// Reads interleaved samples; fewer frames than asked, or none, at the end.
    [[nodiscard]] std::size_t read(float* interleaved, std::size_t frames);
    /// Back to the first frame. False if the file can't.
    [[nodiscard]] bool rewind();
    /// At the end: was it the file's real one? Errors: `io_failure` (truncated, damaged, or reading failed).
    [[nodiscard]] Result<void> check_end();

private:
    std::string path_;
    sf_private_tag* file_ = nullptr;
    std::uint32_t sample_rate_ = 0;
    std::uint32_t num_channels_ = 0;
    std::uint64_t frames_ = 0;
    bool frames_are_exact_ = false;
    std::uint64_t missing_bytes_ = 0;
    std::uint64_t read_frames_ = 0; ///< since the start or the last rewind()
};

/// Writes a file that is complete and readable at any time, also when the program is killed: its header is
/// brought up to date with every write. (FLAC can't rewrite its header; a reader plays it all the same,
/// without knowing its length.)
class SoundFileWriter {
public:
    SoundFileWriter() = default;
    ~SoundFileWriter();
    SoundFileWriter(const SoundFileWriter&) = delete;
    SoundFileWriter& operator=(const SoundFileWriter&) = delete;

    /// Errors that can be found before there is anything to write: `unsupported_format` for an unknown
    /// extension, `no_device` for a directory that does not exist.
    [[nodiscard]] static Result<void> check_path(const std::string& path);

    /// Makes or empties the file. Its extension chooses the format, WAV if it has none.
    Result<void> open(const std::string& path, std::uint32_t sample_rate, std::uint32_t num_channels);
    /// Errors: `io_failure`; what was written before is kept.
    Result<void> write(const float* interleaved, std::size_t frames);
    /// Errors: `io_failure`. Idempotent.
    Result<void> close();

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

private:
    std::string path_;
    sf_private_tag* file_ = nullptr;
    int fd_ = -1;
    std::uint64_t frames_ = 0;
};

} // namespace rill::io::tools
