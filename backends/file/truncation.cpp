// SPDX-License-Identifier: MIT
#include "truncation.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace rill::io::file {

namespace {

using Bytes = std::array<unsigned char, 16>;

std::uint64_t number(const unsigned char* bytes, std::size_t length, bool big_endian) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
        value = value << 8U | bytes[big_endian ? i : length - 1 - i];
    return value;
}

/// RF64 says so, and then has chunk ds64; and programs that write to a pipe: they put something near the
/// largest signed or unsigned number.
bool means_unknown(std::uint64_t length) noexcept {
    return length >= 0xFFFF'F000 || (length >= 0x7FFF'F000 && length <= 0x8000'0000);
}

bool begins(const Bytes& bytes, std::string_view id) noexcept {
    for (std::size_t i = 0; i < id.size(); ++i)
        if (bytes[i] != static_cast<unsigned char>(id[i]))
            return false;
    return true;
}

} // namespace

std::uint64_t missing_bytes(int fd) noexcept {
    // IFF: 4 bytes of id, 4 of length, then the content, padded to even. EBU Tech 3306 for RF64.
    constexpr std::size_t chunk_header = 8;
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return 0;
    const auto length = static_cast<std::uint64_t>(status.st_size);
    Bytes bytes{};
    const auto read_at = [&](std::uint64_t offset, std::size_t count) {
        return ::pread(fd, bytes.data(), count, static_cast<off_t>(offset)) == static_cast<ssize_t>(count);
    };

    std::uint64_t offset = 12; // behind the outermost id, its length, and the kind
    if (!read_at(0, offset))
        return 0;
    const bool big_endian = begins(bytes, "FORM") || begins(bytes, "RIFX");
    if (!big_endian && !begins(bytes, "RIFF") && !begins(bytes, "RF64"))
        return 0;
    std::uint64_t long_length = 0;
    while (read_at(offset, chunk_header)) {
        std::uint64_t promised = number(bytes.data() + 4, 4, big_endian);
        const bool is_samples = begins(bytes, "data") || begins(bytes, "SSND");
        if (is_samples && means_unknown(promised))
            promised = long_length;
        const std::uint64_t there = length - offset - chunk_header;
        if (is_samples)
            return promised > there ? promised - there : 0;
        if (begins(bytes, "ds64") && read_at(offset + chunk_header, 16))
            long_length = number(bytes.data() + 8, 8, false);
        offset += chunk_header + promised + promised % 2;
    }
    return 0;
}

} // namespace rill::io::file
