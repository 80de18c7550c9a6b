// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string_view>
#include <system_error>

namespace rill::io::file {

namespace {

struct Extension {
    const char* text;
    Format format;
};
constexpr std::array<Extension, 6> extensions{{{".wav", Format::wav},
                                               {".flac", Format::flac},
                                               {".aiff", Format::aiff},
                                               {".aif", Format::aiff},
                                               {".ogg", Format::ogg},
                                               {".oga", Format::ogg}}};

/// by_extension: there is one, and it is none of those.
Format format_of(const std::string& path) {
    const std::size_t name = path.rfind('/') + 1; // npos + 1 = 0
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos || dot <= name)
        return Format::wav;
    for (const Extension& extension : extensions)
        if (::strcasecmp(path.c_str() + dot, extension.text) == 0)
            return extension.format;
    return Format::by_extension;
}

Error unknown_extension(const std::string& name) {
    return Error::make(
        Errc::unsupported_format, Backend::name, "open", 0,
        "'%s': its extension is none of .wav .flac .aiff .aif .ogg .oga; use one of them, or name the format",
        name.c_str());
}

/// What libsndfile calls it. RF64 stays a plain WAV file as long as that can hold it (see open()).
int container_of(Format format) {
    switch (format) {
    case Format::flac:
        return SF_FORMAT_FLAC;
    case Format::aiff:
        return SF_FORMAT_AIFF;
    case Format::ogg:
        return SF_FORMAT_OGG;
    default:
        return SF_FORMAT_RF64;
    }
}

int samples_of(SampleFormat sample_format, Format format) {
    switch (sample_format) {
    case SampleFormat::float32:
        return SF_FORMAT_FLOAT;
    case SampleFormat::pcm16:
        return SF_FORMAT_PCM_16;
    case SampleFormat::pcm24:
        return SF_FORMAT_PCM_24;
    case SampleFormat::pcm32:
        return SF_FORMAT_PCM_32;
    case SampleFormat::automatic:
        break;
    }
    return format == Format::flac  ? SF_FORMAT_PCM_24
           : format == Format::ogg ? SF_FORMAT_VORBIS
                                   : SF_FORMAT_FLOAT;
}

int pcm_bits_of(int format) {
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_16:
        return 16;
    case SF_FORMAT_PCM_24:
        return 24;
    case SF_FORMAT_PCM_32:
        return 32;
    default:
        return 0;
    }
}

/// libsndfile's own conversion rounds down, which adds half a step of offset. Left justified: it takes the
/// upper bits.
int to_pcm(float sample, int bits) noexcept {
    if (std::isnan(sample))
        return 0;
    const double full_scale = std::ldexp(1.0, bits - 1);
    const double value = std::clamp(double{sample} * full_scale, -full_scale, full_scale - 1.0);
    return static_cast<int>(std::lrint(value)) << (32 - bits);
}

} // namespace

Result<void> Writer::check_path(const std::string& path) {
    if (format_of(path) == Format::by_extension)
        return unknown_extension(shown(path));
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    std::error_code ignored;
    if (directory.empty() || std::filesystem::is_directory(directory, ignored))
        return {};
    return Error::make(Errc::no_device, Backend::name, "open", ENOENT,
                       "'%s' can't be written: there is no such directory; make it first",
                       shown(path).c_str());
}

Result<void> Writer::open(const Target& target) {
    name_ = shown(target.path);
    channels_ = target.channels;
    most_frames_ = target.most_frames;
    frames_ = frames_in_header_ = 0;
    if (auto chosen = choose_format(target); !chosen)
        return chosen;

    struct stat status{};
    // Not truncated at once: it may turn out to be the capture file.
    const auto descriptor = open_descriptor(target.path, O_WRONLY | O_CREAT, status);
    if (!descriptor)
        return descriptor.error();
    const auto refuse = [&](Errc code, const char* what) {
        ::close(*descriptor);
        return Error::make(code, Backend::name, "open", 0, "'%s' %s", name_.c_str(), what);
    };
    if (target.not_this_file != nullptr && target.not_this_file->st_dev == status.st_dev &&
        target.not_this_file->st_ino == status.st_ino)
        return refuse(Errc::invalid_config,
                      "is to be captured from and played to; choose another playback_path");
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        return refuse(Errc::no_device, "is no file but a pipe or a disk; choose another playback_path");
    if (S_ISREG(status.st_mode) && ::ftruncate(*descriptor, 0) != 0)
        return refuse(Errc::io_failure, "can't be emptied; choose another playback_path");

    errno = 0;
    file_.reset(sf_open_fd(*descriptor, SFM_WRITE, &info_, SF_TRUE)); // which closes it, also if it fails
    const char* const full = no_room(errno);
    if (file_ == nullptr)
        return Error::make(full != nullptr ? Errc::io_failure : Errc::unsupported_format, Backend::name,
                           "open", sf_error(nullptr),
                           "'%s' can't be made a file of %u Hz and %u channel%s: %s", name_.c_str(),
                           target.sample_rate, channels_, channels_ == 1 ? "" : "s",
                           full != nullptr ? full : sndfile_words(nullptr).c_str());
    sf_command(file_.get(), SFC_RF64_AUTO_DOWNGRADE, nullptr, SF_TRUE);
    // A PEAK chunk has a time stamp: the same graph would not render the same file twice. (Not for the
    // others: where there is none, as in RF64, this command adds it.)
    if (container() == SF_FORMAT_AIFF && pcm_bits_ == 0)
        sf_command(file_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    const std::size_t samples = std::size_t{most_frames_} * channels_;
    integers_.assign(pcm_bits_ != 0 ? samples : 0, 0);
    floats_.assign(pcm_bits_ != 0 ? 0 : samples, 0.0F);
    return {};
}

Result<void> Writer::choose_format(const Target& target) {
    const Format format = target.format == Format::by_extension ? format_of(target.path) : target.format;
    if (format == Format::by_extension)
        return unknown_extension(name_);
    info_ = {};
    info_.samplerate = static_cast<int>(target.sample_rate);
    info_.channels = 1;
    info_.format = container_of(format) | samples_of(target.sample_format, format);
    if (sf_format_check(&info_) == SF_FALSE)
        return Error::make(
            Errc::unsupported_format, Backend::name, "open", 0,
            "'%s': a file of this kind can't hold %s samples; set Options::sample_format = automatic%s",
            name_.c_str(), sample_format(), format == Format::flac ? ", pcm16 or pcm24" : "");
    info_.channels = static_cast<int>(channels_);
    if (sf_format_check(&info_) == SF_FALSE)
        return Error::make(Errc::unsupported_channels, Backend::name, "open", 0,
                           "'%s': a file of this kind can't hold %u channels; use fewer, or .wav",
                           name_.c_str(), channels_);
    pcm_bits_ = pcm_bits_of(info_.format);
    max_frames_ = std::numeric_limits<std::uint64_t>::max();
    if (format == Format::aiff) { // sizes of 32 bits; less what the header takes
        const std::uint64_t bytes_per_sample = pcm_bits_ == 0 ? 4U : static_cast<unsigned>(pcm_bits_) / 8U;
        max_frames_ = (std::numeric_limits<std::uint32_t>::max() - 4096U) / (bytes_per_sample * channels_);
    }
    return {};
}

Result<void> Writer::write(const float* samples, std::size_t stride, std::uint32_t frames) noexcept {
    const std::size_t channels = channels_;
    for (std::size_t channel = 0; channel < channels; ++channel)
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const float sample = samples[channel * stride + frame];
            if (pcm_bits_ != 0)
                integers_[frame * channels + channel] = to_pcm(sample, pcm_bits_);
            else
                floats_[frame * channels + channel] = sample;
        }
    return put(frames);
}

Result<void> Writer::write_silence(std::uint64_t frames) noexcept {
    if (frames == 0)
        return {};
    std::fill(integers_.begin(), integers_.end(), 0);
    std::fill(floats_.begin(), floats_.end(), 0.0F);
    while (frames != 0) {
        const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(frames, most_frames_));
        if (auto written = put(piece); !written)
            return written;
        frames -= piece;
    }
    return {};
}

Result<void> Writer::put(std::uint32_t frames) noexcept {
    if (frames > max_frames_ - frames_)
        return failure(0, "it has 4 GiB, the most that an AIFF file can hold; use .wav");
    errno = 0;
    const sf_count_t written = pcm_bits_ != 0 ? sf_writef_int(file_.get(), integers_.data(), frames)
                                              : sf_writef_float(file_.get(), floats_.data(), frames);
    const int reason = errno;
    frames_ += static_cast<std::uint64_t>(written);
    if (written != sf_count_t{frames})
        return failure(reason, sndfile_words(file_.get()).c_str());
    // Often enough that a process may be killed at any time.
    constexpr int updates_per_second = 50; // of audio
    if (frames_in_header_ == 0 ||
        frames_ - frames_in_header_ >= static_cast<std::uint64_t>(info_.samplerate / updates_per_second)) {
        update_header();
        frames_in_header_ = frames_;
    }
    return {};
}

Result<void> Writer::complete() noexcept {
    if (file_ == nullptr)
        return {};
    errno = 0;
    int status = 0;
    if (has_header()) {
        update_header();
        status = sf_error(file_.get());
    } else {
        status = sf_close(file_.release());
    }
    // sf_close() says nothing of what an encoder could not write at the end; errno still does.
    const int reason = errno;
    if (status != SF_ERR_NO_ERROR || no_room(reason) != nullptr || reason == EIO)
        return failure(reason, status > 0 ? sf_error_number(status) : std::strerror(reason));
    return {};
}

bool Writer::has_header() const noexcept {
    return container() == SF_FORMAT_RF64 || container() == SF_FORMAT_AIFF;
}

void Writer::update_header() noexcept {
    if (has_header())
        sf_command(file_.get(), SFC_UPDATE_HEADER_NOW, nullptr, 0);
}

Error Writer::failure(int reason, const char* words) const noexcept {
    const char* const full = no_room(reason);
    return Error::make(Errc::io_failure, Backend::name, "write", reason,
                       "'%s' could not be written to its end: %s; the %llu frames before can be read",
                       name_.c_str(), full != nullptr ? full : words,
                       static_cast<unsigned long long>(frames_));
}

} // namespace rill::io::file
