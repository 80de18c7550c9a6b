// SPDX-License-Identifier: MIT
#include "file_fixture.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

file_fixture::FakeDisk file_fixture::disk;

using file_fixture::disk;

extern "C" ssize_t read(int descriptor, void* buffer, std::size_t bytes) {
    if (!disk.access(descriptor) || disk.take_budget(bytes))
        return ::syscall(SYS_read, descriptor, buffer, bytes);
    errno = EIO;
    return -1;
}
extern "C" ssize_t write(int descriptor, const void* buffer, std::size_t bytes) {
    disk.access(descriptor);
    return ::syscall(SYS_write, descriptor, buffer, bytes);
}
