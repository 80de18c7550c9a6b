// SPDX-License-Identifier: MIT
#include "sound_file.hpp"

#include "truncation.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

namespace rill::io::tools {

namespace {

struct FileFormat {
    std::string_view extension;
    int format;
};

// As exact as each can be. A .wav that grows beyond 4 GB becomes RF64, below it is an ordinary WAV.
constexpr std::array file_formats{
    FileFormat{"wav", SF_FORMAT_RF64 | SF_FORMAT_FLOAT},
    FileFormat{"flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24},
    FileFormat{"aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT},
    FileFormat{"aif", SF_FORMAT_AIFF | SF_FORMAT_FLOAT},
    FileFormat{"caf", SF_FORMAT_CAF | SF_FORMAT_FLOAT},
    FileFormat{"w64", SF_FORMAT_W64 | SF_FORMAT_FLOAT},
    FileFormat{"au", SF_FORMAT_AU | SF_FORMAT_FLOAT},
    FileFormat{"ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
};

Error file_error(Errc code, int number, const std::string& text) {
    return Error::make(code, "", "file", number, "%s", text.c_str());
}

/// Why open(2) refused `path`.
Error open_error(const std::string& path, int number, std::string_view verb) {
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:
        return file_error(
            Errc::no_device, number,
            fmt::format("'{}' can't be {}: {}; check the path", path, verb, std::strerror(number)));
    case EACCES:
    case EPERM:
    case EROFS:
        return file_error(Errc::permission_denied, number,
                          fmt::format("'{}' may not be {}; check its permissions", path, verb));
    default:
        return file_error(Errc::io_failure, number,
                          fmt::format("'{}' can't be {}: {}", path, verb, std::strerror(number)));
    }
}

Error not_a_file(const std::string& path) {
    return file_error(Errc::no_device, 0, fmt::format("'{}' is not a file; name one", path));
}

const FileFormat* format_of(const std::string& path) {
    std::string extension = std::filesystem::path(path).extension().string();
    if (extension.empty())
        return &file_formats.front();
    extension.erase(0, 1);
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* const found =
        std::find_if(file_formats.begin(), file_formats.end(),
                     [&](const FileFormat& known) { return known.extension == extension; });
    return found == file_formats.end() ? nullptr : found;
}

} // namespace

SoundFileReader::~SoundFileReader() {
    if (file_ != nullptr)
        sf_close(file_);
}

Result<void> SoundFileReader::open(const std::string& path) {
    path_ = path;
    const int fd =
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe without a writer would block
    if (fd < 0)
        return open_error(path, errno, "read");
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(fd);
        return not_a_file(path);
    }
    missing_bytes_ = missing_bytes(fd);
    SF_INFO info{};
    file_ = sf_open_fd(fd, SFM_READ, &info, SF_TRUE); // closes it, also when it fails
    if (file_ == nullptr)
        return file_error(
            Errc::unsupported_format, sf_error(nullptr),
            status.st_size == 0
                ? fmt::format("'{}' is empty; it holds no sound", path)
                : fmt::format("'{}' is no sound file that can be read, or its header is damaged", path));
    if (info.frames == 0)
        return file_error(Errc::unsupported_format, 0, fmt::format("'{}' holds no sound: 0 frames", path));
    sample_rate_ = static_cast<std::uint32_t>(info.samplerate);
    num_channels_ = static_cast<std::uint32_t>(info.channels);
    frames_ = info.frames == SF_COUNT_MAX ? 0 : static_cast<std::uint64_t>(info.frames);
    const int container = info.format & SF_FORMAT_TYPEMASK;
    frames_are_exact_ =
        frames_ != 0 && container != SF_FORMAT_MPEG && container != SF_FORMAT_OGG; // these estimate
    return {};
}

std::size_t SoundFileReader::read(float* interleaved, std::size_t frames) {
    const sf_count_t count = sf_readf_float(file_, interleaved, static_cast<sf_count_t>(frames));
    const auto got = static_cast<std::size_t>(std::max<sf_count_t>(0, count));
    read_frames_ += got;
    return got;
}

bool SoundFileReader::rewind() {
    read_frames_ = 0;
    return sf_seek(file_, 0, SEEK_SET) == 0;
}

Result<void> SoundFileReader::check_end() {
    const std::uint64_t missing_frames =
        frames_are_exact_ && read_frames_ < frames_ ? frames_ - read_frames_ : std::uint64_t{0};
    if (missing_bytes_ != 0)
        return file_error(
            Errc::io_failure, 0,
            fmt::format("'{}' is truncated: its header promises {} more bytes of sound; what there is "
                        "has been used",
                        path_, missing_bytes_));
    if (sf_error(file_) != SF_ERR_NO_ERROR || missing_frames != 0)
        return file_error(Errc::io_failure, sf_error(file_),
                          fmt::format("'{}' is truncated or damaged: it could be read up to frame {}", path_,
                                      read_frames_));
    return {};
}

SoundFileWriter::~SoundFileWriter() {
    (void)close();
}

Result<void> SoundFileWriter::check_path(const std::string& path) {
    if (format_of(path) == nullptr) {
        std::string known;
        for (const FileFormat& format : file_formats)
            known += fmt::format("{}.{}", known.empty() ? "" : ", ", format.extension);
        return file_error(
            Errc::unsupported_format, 0,
            fmt::format("'{}' has an extension that names no format known here; use {}", path, known));
    }
    const std::filesystem::path directory = std::filesystem::path(path).parent_path();
    std::error_code ignored;
    if (!directory.empty() && !std::filesystem::is_directory(directory, ignored))
        return file_error(Errc::no_device, ENOENT,
                          fmt::format("'{}' can't be written: there is no directory '{}'; make it first",
                                      path, directory.string()));
    return {};
}

Result<void> SoundFileWriter::open(const std::string& path, std::uint32_t sample_rate,
                                   std::uint32_t num_channels) {
    if (auto good = check_path(path); !good)
        return good;
    path_ = path;
    frames_ = 0;
    SF_INFO info{};
    info.samplerate = static_cast<int>(sample_rate);
    info.channels = static_cast<int>(num_channels);
    info.format = format_of(path)->format;
    if (sf_format_check(&info) == SF_FALSE)
        return file_error(
            Errc::unsupported_format, 0,
            fmt::format("a .{} file can't hold {} channels at {} Hz; use .wav, or fewer channels",
                        format_of(path)->extension, num_channels, sample_rate));
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd_ < 0)
        return errno == EISDIR ? not_a_file(path) : open_error(path, errno, "written");
    struct stat status{};
    if (::fstat(fd_, &status) != 0 || S_ISFIFO(status.st_mode)) { // a header can't be rewritten in a pipe
        (void)close();
        return not_a_file(path);
    }
    errno = 0;
    file_ = sf_open_fd(fd_, SFM_WRITE, &info, SF_FALSE);
    if (file_ == nullptr) {
        const int number = errno;
        (void)close();
        return file_error(Errc::io_failure, number,
                          fmt::format("'{}' can't be written: {}", path,
                                      number != 0 ? std::strerror(number) : sf_strerror(nullptr)));
    }
    sf_command(file_, SFC_RF64_AUTO_DOWNGRADE, nullptr, SF_TRUE);
    sf_command(file_, SFC_SET_UPDATE_HEADER_AUTO, nullptr, SF_TRUE);
    sf_command(file_, SFC_SET_CLIPPING, nullptr,
               SF_TRUE); // integer formats would wrap, and scale by 2^23 - 1
    return {};
}

Result<void> SoundFileWriter::write(const float* interleaved, std::size_t frames) {
    errno = 0;
    const sf_count_t written = sf_writef_float(file_, interleaved, static_cast<sf_count_t>(frames));
    const int number = errno;
    frames_ += static_cast<std::uint64_t>(std::max<sf_count_t>(0, written));
    if (written == static_cast<sf_count_t>(frames))
        return {};
    return file_error(Errc::io_failure, number,
                      fmt::format("'{}' can't be written any further: {}; {} frames are in it", path_,
                                  number != 0 ? std::strerror(number) : sf_strerror(file_), frames_));
}

Result<void> SoundFileWriter::close() {
    if (fd_ < 0)
        return {};
    errno = 0;
    if (file_ != nullptr)
        sf_close(
            std::exchange(file_, nullptr)); // says nothing of what an encoder could not write; errno does
    int number = errno == ENOSPC || errno == EFBIG || errno == EDQUOT || errno == EIO ? errno : 0;
    if (::close(std::exchange(fd_, -1)) != 0) // network file systems tell only now
        number = errno;
    if (number != 0)
        return file_error(Errc::io_failure, number,
                          fmt::format("'{}' can't be completed: {}", path_, std::strerror(number)));
    return {};
}

} // namespace rill::io::tools
