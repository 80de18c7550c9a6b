// SPDX-License-Identifier: MIT
#pragma once

// The program's own malloc, pthread_mutex_lock and so on: they stand in front of libc's and count what is
// called between begin and end of a cycle. For one file of a program.

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <test.hpp>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <string>

namespace {

thread_local bool in_cycle = false;
thread_local int violations = 0;
thread_local const char* first_violation = "";

void note(const char* function) noexcept {
    if (in_cycle && violations++ == 0)
        first_violation = function;
}

/// The function of this name behind ours.
template <class Function>
Function next(const char* name) noexcept {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

void* malloc(std::size_t size) {
    note("malloc");
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    note("calloc");
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    note("realloc");
    return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    note("aligned_alloc");
    return __libc_memalign(alignment, size);
}
void free(void* memory) {
    if (memory != nullptr)
        note("free");
    __libc_free(memory);
}
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    note("pthread_mutex_lock");
    static const auto real = next<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
    return real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    note("pthread_mutex_trylock");
    static const auto real = next<int (*)(pthread_mutex_t*)>("pthread_mutex_trylock");
    return real(mutex);
}
int poll(pollfd* descriptors, nfds_t count, int timeout) {
    note("poll");
    static const auto real = next<int (*)(pollfd*, nfds_t, int)>("poll");
    return real(descriptors, count, timeout);
}
int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
    note("clock_nanosleep");
    static const auto real = next<int (*)(clockid_t, int, const timespec*, timespec*)>("clock_nanosleep");
    return real(clock, flags, time, left);
}
ssize_t read(int descriptor, void* memory, std::size_t size) {
    note("read");
    static const auto real = next<ssize_t (*)(int, void*, std::size_t)>("read");
    return real(descriptor, memory, size);
}
ssize_t write(int descriptor, const void* memory, std::size_t size) {
    note("write");
    static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
    return real(descriptor, memory, size);
}
}

namespace {

/// Calls step() as if by a cycle thread.
constexpr auto as_cycle = [](const auto& step) {
    in_cycle = true;
    step();
    in_cycle = false;
};

void reset() {
    violations = 0;
    first_violation = "";
}

} // namespace
