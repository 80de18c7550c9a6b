// SPDX-License-Identifier: MIT
#pragma once

// What this process holds and uses, as the kernel and the allocator count it.

#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

namespace conformance {

/// A sanitizer brings an allocator of its own, which keeps what was freed and maps what it likes: then memory
/// tells nothing of the program. (AddressSanitizer reports leaks itself.)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool memory_tells = false;
#elif defined(__has_feature)
inline constexpr bool memory_tells = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
inline constexpr bool memory_tells = true;
#endif

struct Resources {
    std::size_t descriptors = 0; ///< open file descriptors
    std::size_t threads = 0;
    std::size_t mappings = 0;       ///< of memory
    std::size_t heap_bytes = 0;     ///< in use
    std::size_t resident_bytes = 0; ///< in memory

    [[nodiscard]] static Resources now() {
        Resources held;
        held.descriptors = count_entries("/proc/self/fd") - 1; // the one that reads the folder
        held.threads = count_entries("/proc/self/task");
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);)
            ++held.mappings;
        const struct mallinfo2 heap = ::mallinfo2();
        held.heap_bytes = heap.uordblks + heap.hblkhd;
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages >> pages;
        held.resident_bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        return held;
    }

private:
    static std::size_t count_entries(const char* folder) {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
    }
};

inline std::ostream& operator<<(std::ostream& out, const Resources& held) {
    return out << held.descriptors << " descriptors, " << held.threads << " threads, " << held.mappings
               << " mappings, " << held.heap_bytes << " bytes of heap, " << held.resident_bytes
               << " bytes resident";
}

/// Seconds of processor time that this process, with all its threads, has used so far.
[[nodiscard]] inline double cpu_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

} // namespace conformance
