// SPDX-License-Identifier: MIT
#include "sound_file.hpp"

#include <rill_io/file.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace rill::io::file {

std::string shown(const std::string& path) {
    constexpr std::size_t longest = 100; // of the 231 characters that an error has
    return path.size() <= longest ? path : "..." + path.substr(path.size() - longest + 3);
}

Result<int> open_descriptor(const std::string& path, int flags, struct stat& status) {
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (descriptor >= 0 && ::fstat(descriptor, &status) == 0)
        return descriptor;
    const int reason = errno;
    if (descriptor >= 0)
        ::close(descriptor);
    const std::string name = shown(path);
    const auto refuse = [&](Errc code, const char* advice) {
        return Error::make(code, Backend::name, "open", reason, "'%s' can't be %s: %s; %s", name.c_str(),
                           writes ? "written" : "read", std::strerror(reason), advice);
    };
    switch (reason) {
    case ENOENT:
        return refuse(Errc::no_device, writes ? "make the directory first" : "check the path");
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
        return refuse(Errc::no_device, "check the path");
    case ENXIO:
        return refuse(Errc::no_device, "it is a pipe, or a device that is not there; choose a file");
    case EACCES:
    case EPERM:
    case EROFS:
        return refuse(Errc::permission_denied, "change its permissions, or choose another place");
    default:
        return no_room(reason) != nullptr
                   ? refuse(Errc::io_failure, "free some space, or choose another disk")
                   : refuse(Errc::backend_failure, "see open(2)");
    }
}

const char* no_room(int error_number) noexcept {
    switch (error_number) {
    case ENOSPC:
        return "the disk is full; free some space";
    case EDQUOT:
        return "your share of the disk is used up; free some space";
    case EFBIG:
        return "it has the largest size that is allowed; see ulimit -f";
    default:
        return nullptr;
    }
}

std::string sndfile_words(SNDFILE* file) {
    if (sf_error(file) < 0) // sf_strerror() would complain on stdout
        return "libsndfile does not say why";
    std::string_view words = sf_strerror(file);
    for (const std::string_view prefix : {"System error : ", "Error : "})
        if (words.substr(0, prefix.size()) == prefix)
            words.remove_prefix(prefix.size());
    while (!words.empty() && (words.back() == '.' || words.back() == '\n' || words.back() == ' '))
        words.remove_suffix(1);
    return std::string(words);
}

const char* sample_format_name(int format) noexcept {
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
        return "pcm8";
    case SF_FORMAT_PCM_16:
        return "pcm16";
    case SF_FORMAT_PCM_24:
        return "pcm24";
    case SF_FORMAT_PCM_32:
        return "pcm32";
    case SF_FORMAT_FLOAT:
        return "float32";
    case SF_FORMAT_DOUBLE:
        return "float64";
    case SF_FORMAT_VORBIS:
        return "vorbis";
    case SF_FORMAT_OPUS:
        return "opus";
    case SF_FORMAT_MPEG_LAYER_III:
        return "mp3";
    default:
        return "compressed";
    }
}

} // namespace rill::io::file
