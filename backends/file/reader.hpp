// SPDX-License-Identifier: MIT
#pragma once

// Reader: a sound file as a source of planar frames. It always knows whether more frames follow.
// Thread: one at a time. Realtime-safe: no (reads the disk).

#include "sound_file.hpp"
#include <rill_io/error.hpp>

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rill::io::file {

class Reader {
public:
    static constexpr std::uint32_t all_channels = 0;

    /// The first `channels` will be read. Errors: `no_device`, `permission_denied`, `unsupported_format`,
    /// `unsupported_rate`, `unsupported_channels` (there are fewer), `io_failure`.
    Result<void> open(const std::string& path, std::uint32_t channels, bool loop);
    /// Allocates for read() of up to `frames` frames and looks whether there are any.
    Result<void> prepare(std::uint32_t frames);
    /// The next read() begins at the file's first frame.
    Result<void> rewind();

    struct Piece {
        std::uint32_t frames = 0;
        bool last = false; ///< no frame follows: its end, or see failure()
    };
    /// Reads `frames` frames, fewer at the end, to channels that lie `stride` frames apart.
    Piece read(float* samples, std::size_t stride, std::uint32_t frames) noexcept;
    /// The same with all channels of the file, interleaved.
    Piece read_interleaved(float* samples, std::uint32_t frames) noexcept;
    /// Why the last piece is shorter than the file should be; null if it is not.
    [[nodiscard]] const Error* failure() const noexcept { return failed_ ? &failure_ : nullptr; }

    [[nodiscard]] std::uint32_t channels() const noexcept { return channels_; }
    /// What the header says; 0 if it does not. (Of a compressed file it may be an estimate.)
    [[nodiscard]] std::uint64_t frames() const noexcept;
    [[nodiscard]] std::uint32_t sample_rate() const noexcept {
        return static_cast<std::uint32_t>(info_.samplerate);
    }
    [[nodiscard]] const char* sample_format() const noexcept { return sample_format_name(info_.format); }
    /// Which file it is, whatever its path.
    [[nodiscard]] const struct stat& status() const noexcept { return status_; }

private:
    /// Reads interleaved frames until there are `wanted` of them in the buffer.
    void fill(std::uint32_t wanted) noexcept;
    Piece take(std::uint32_t count) noexcept;
    bool seek_to_begin() noexcept;
    void fail(const char* what, int reason) noexcept;

    std::string name_;
    SoundFile file_;
    SF_INFO info_{};
    struct stat status_{};
    std::size_t file_channels_ = 0;
    std::uint32_t channels_ = 0;
    bool loop_ = false;
    bool cut_short_ = false; ///< the container's header promises more than there is
    std::int64_t read_ = 0;  ///< frames since the beginning
    std::vector<float> buffer_;
    std::uint32_t buffered_ = 0; ///< frames
    bool failed_ = false;
    Error failure_{};
};

} // namespace rill::io::file
