// SPDX-License-Identifier: MIT
#pragma once

// Writer: a sound file that takes planar frames. A process that is killed leaves a readable file behind.
// Thread: one at a time. Realtime-safe: no (writes the disk).

#include "sound_file.hpp"
#include <rill_io/error.hpp>
#include <rill_io/file.hpp>

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rill::io::file {

class Writer {
public:
    struct Target {
        std::string path;
        Format format = Format::by_extension;
        SampleFormat sample_format = SampleFormat::automatic;
        std::uint32_t sample_rate = 0;
        std::uint32_t channels = 0;
        std::uint32_t most_frames = 0;              ///< of one write()
        const struct stat* not_this_file = nullptr; ///< the one that is being read
    };
    /// Refuses what can be seen before there is anything to write: `unsupported_format` (the extension),
    /// `no_device` (no such directory).
    [[nodiscard]] static Result<void> check_path(const std::string& path);
    /// Makes the file anew. Errors: `no_device`, `permission_denied`, `unsupported_format`,
    /// `unsupported_channels`, `invalid_config`, `io_failure`.
    Result<void> open(const Target& target);

    /// Appends frames of channels that lie `stride` frames apart.
    Result<void> write(const float* samples, std::size_t stride, std::uint32_t frames) noexcept;
    Result<void> write_silence(std::uint64_t frames) noexcept;
    /// Afterwards the file is complete; more can be written only if can_continue(). Idempotent.
    Result<void> complete() noexcept;
    [[nodiscard]] bool can_continue() const noexcept { return file_ != nullptr; }
    /// That were written. Thread: one at a time.
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] const char* sample_format() const noexcept { return sample_format_name(info_.format); }

private:
    Result<void> choose_format(const Target& target);
    /// Appends what lies interleaved in the buffer.
    Result<void> put(std::uint32_t frames) noexcept;
    /// `words`: unless the errno `reason` says enough.
    [[nodiscard]] Error failure(int reason, const char* words) const noexcept;
    [[nodiscard]] int container() const noexcept { return info_.format & SF_FORMAT_TYPEMASK; }
    /// Does the file begin with sizes that change while it grows?
    [[nodiscard]] bool has_header() const noexcept;
    void update_header() noexcept;

    std::string name_;
    SoundFile file_;
    SF_INFO info_{};
    int pcm_bits_ = 0; ///< 0: floats are written
    std::uint32_t channels_ = 0;
    std::uint32_t most_frames_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t frames_in_header_ = 0;
    std::uint64_t max_frames_ = 0;
    std::vector<float> floats_; ///< interleaved
    std::vector<int> integers_; ///< interleaved, left justified
};

} // namespace rill::io::file
