// SPDX-License-Identifier: MIT
//
// Nothing is allocated, locked or waited for on the cycle thread. The program's own malloc,
// pthread_mutex_lock and so on stand in front of libc's and count what is called between begin and end of a
// cycle.

#include "scenarios.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <test.hpp>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>
#include <vector>

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

void check_nothing(int cycles, int expected_cycles) {
    CHECK(cycles == expected_cycles);
    CHECK(std::string(first_violation).empty());
    CHECK(violations == 0);
}
void reset() {
    violations = 0;
    first_violation = "";
}

} // namespace

TEST_CASE("a cycle neither allocates nor locks nor waits") {
    const auto nothing = [](const scenarios::io::ClockTick&) noexcept {};
    reset();
    SECTION("one block per cycle") {
        check_nothing(scenarios::run_null(256, 0, as_cycle, nothing), 150);
    }
    SECTION("several blocks per cycle") {
        check_nothing(scenarios::run_null(256, 64, as_cycle, nothing), 150);
    }
    SECTION("through the adapter's rings") {
        check_nothing(scenarios::run_null(256, 100, as_cycle, nothing), 150);
    }
    SECTION("a host's calls of any length") {
        check_nothing(scenarios::run_host(as_cycle), 9);
    }
}

TEST_CASE("nor does the cycle thread between its cycles") {
    std::atomic<int> found{-1};
    std::string what;
    const auto around = [&](const scenarios::io::ClockTick& tick, const auto& graph) {
        in_cycle = true; // from the first block on
        graph();
        if (!has(tick.flags, scenarios::io::TickFlags::final))
            return;
        in_cycle = false; // the thread's end is the system's business
        what = first_violation;
        found = violations;
    };
    CHECK(scenarios::run_freewheel(25'600, around));
    CHECK(what.empty());
    CHECK(found == 0);
}

TEST_CASE("a callback that does is caught") {
    reset();
    std::mutex mutex;
    SECTION("allocates") {
        scenarios::run_null(256, 0, as_cycle, [](const scenarios::io::ClockTick&) noexcept {
            const std::vector<int> memory(1000);
            __asm__ volatile(""
                             :
                             : "r"(memory.data())
                             : "memory"); // or the compiler leaves the allocation out
        });
        CHECK(std::string(first_violation) == "malloc");
    }
    SECTION("locks") {
        scenarios::run_null(256, 0, as_cycle, [&](const scenarios::io::ClockTick&) noexcept {
            const std::lock_guard lock(mutex);
        });
        CHECK(std::string(first_violation) == "pthread_mutex_lock");
    }
    SECTION("waits") {
        scenarios::run_null(256, 0, as_cycle,
                            [](const scenarios::io::ClockTick&) noexcept { ::poll(nullptr, 0, 0); });
        CHECK(std::string(first_violation) == "poll");
    }
    CHECK(violations > 0);
}
