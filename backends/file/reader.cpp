// SPDX-License-Identifier: MIT
#include "reader.hpp"

#include "truncation.hpp"
#include <rill_io/config.hpp>
#include <rill_io/file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rill::io::file {

Result<void> Reader::open(const std::string& path, std::uint32_t channels, bool loop) {
    name_ = shown(path);
    loop_ = loop;
    const auto refuse = [&](Errc code, const char* what) {
        return Error::make(code, Backend::name, "open", 0, "'%s' %s", name_.c_str(), what);
    };
    const auto descriptor = open_descriptor(path, O_RDONLY, status_);
    if (!descriptor)
        return descriptor.error();
    if (!S_ISREG(status_.st_mode) || status_.st_size == 0) {
        ::close(*descriptor);
        return S_ISREG(status_.st_mode)
                   ? refuse(Errc::unsupported_format, "is empty; choose another file")
                   : refuse(Errc::no_device, "is no file but a directory, pipe or device; "
                                             "choose a sound file");
    }
    cut_short_ = missing_bytes(*descriptor) != 0;
    info_ = {};
    file_.reset(sf_open_fd(*descriptor, SFM_READ, &info_, SF_TRUE)); // which closes it, also if it fails
    if (file_ == nullptr)
        return Error::make(Errc::unsupported_format, Backend::name, "open", sf_error(nullptr),
                           "'%s' can't be read as a sound file (%s); choose another, or convert it to WAV",
                           name_.c_str(), sndfile_words(nullptr).c_str());
    file_channels_ = static_cast<std::size_t>(info_.channels);
    if (info_.samplerate < int{min_sample_rate} || info_.samplerate > int{max_sample_rate})
        return Error::make(Errc::unsupported_rate, Backend::name, "open", 0,
                           "'%s' has %d Hz; files of %u..%u Hz can be read: resample it", name_.c_str(),
                           info_.samplerate, min_sample_rate, max_sample_rate);
    channels_ = channels != all_channels ? channels : static_cast<std::uint32_t>(file_channels_);
    if (channels > file_channels_)
        return Error::make(Errc::unsupported_channels, Backend::name, "open", 0,
                           "'%s' has %d channel%s, %u were asked; ask for at most %d", name_.c_str(),
                           info_.channels, info_.channels == 1 ? "" : "s", channels, info_.channels);
    if (loop && info_.seekable == SF_FALSE)
        return refuse(Errc::unsupported_format, "can't be wound back; do not loop it, or convert it to WAV");
    return {};
}

Result<void> Reader::prepare(std::uint32_t frames) {
    buffer_.assign((std::size_t{frames} + 1) * file_channels_, 0.0F);
    buffered_ = 0;
    read_ = 0;
    failed_ = false;
    fill(1);
    if (failed_)
        return failure_;
    if (buffered_ == 0)
        return Error::make(Errc::unsupported_format, Backend::name, "open", 0,
                           "'%s' holds no frames; choose another file", name_.c_str());
    return {};
}

Result<void> Reader::rewind() {
    failed_ = false;
    buffered_ = 0;
    if (!seek_to_begin())
        return failure_;
    return {};
}

std::uint64_t Reader::frames() const noexcept {
    return info_.frames == SF_COUNT_MAX ? 0 : static_cast<std::uint64_t>(info_.frames);
}

Reader::Piece Reader::read(float* samples, std::size_t stride, std::uint32_t frames) noexcept {
    fill(frames + 1); // one more: to know whether this is the last piece
    const std::uint32_t count = std::min(frames, buffered_);
    for (std::size_t channel = 0; channel < channels_; ++channel)
        for (std::size_t frame = 0; frame < count; ++frame)
            samples[channel * stride + frame] = buffer_[frame * file_channels_ + channel];
    return take(count);
}

Reader::Piece Reader::read_interleaved(float* samples, std::uint32_t frames) noexcept {
    fill(frames + 1);
    const std::uint32_t count = std::min(frames, buffered_);
    std::copy_n(buffer_.data(), count * file_channels_, samples);
    return take(count);
}

Reader::Piece Reader::take(std::uint32_t count) noexcept {
    buffered_ -= count;
    std::copy_n(buffer_.data() + count * file_channels_, buffered_ * file_channels_, buffer_.data());
    return {count, buffered_ == 0};
}

void Reader::fill(std::uint32_t wanted) noexcept {
    while (buffered_ < wanted && !failed_) {
        errno = 0;
        const sf_count_t count =
            sf_readf_float(file_.get(), buffer_.data() + buffered_ * file_channels_, wanted - buffered_);
        const int reason = errno;
        buffered_ += static_cast<std::uint32_t>(count);
        read_ += count;
        if (buffered_ == wanted)
            return;
        // The number of frames is only an estimate in an MPEG file without a table of contents.
        const bool is_exact =
            info_.frames != SF_COUNT_MAX && (info_.format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG;
        if (sf_error(file_.get()) != SF_ERR_NO_ERROR)
            return fail(sndfile_words(file_.get()).c_str(), reason);
        if (read_ != 0 && (cut_short_ || (is_exact && read_ < info_.frames)))
            return fail("it is shorter than its header says", 0);
        if (!loop_ || read_ == 0 || !seek_to_begin())
            return;
    }
}

bool Reader::seek_to_begin() noexcept {
    if (sf_seek(file_.get(), 0, SEEK_SET) != 0) {
        fail(sndfile_words(file_.get()).c_str(), errno);
        return false;
    }
    read_ = 0;
    return true;
}

void Reader::fail(const char* what, int reason) noexcept {
    failure_ = Error::make(Errc::io_failure, Backend::name, "read", reason,
                           "'%s' could be read only in part: %s; check the disk, or get an undamaged copy",
                           name_.c_str(), what);
    failed_ = true;
}

} // namespace rill::io::file
