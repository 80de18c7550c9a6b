// SPDX-License-Identifier: MIT
#pragma once

// LoadedLibrary: a C library that is loaded when it is first needed, and never unloaded: it has threads of
// its own.
//
// A call of one of its functions is a jump through a slot, as it would be in the linker's own table of
// procedures. Until the library has been loaded, a slot leads to function(), which loads it: nobody has to
// ask before a call, but only load() tells that there is no library.

#include <rill_io/error.hpp>

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <span>

namespace rill::io::loading {

struct Function {
    const char* name;
    bool optional; ///< where the library lacks it, a call does nothing and returns 0
};

// Hidden: each program and each plugin in it has its own.
class [[gnu::visibility("hidden")]] LoadedLibrary {
public:
    constexpr LoadedLibrary(const char* backend, const char* soname, const char* package,
                            std::span<const Function> functions, void** slots) noexcept
        : backend_(backend), soname_(soname), package_(package), functions_(functions), slots_(slots) {}

    /// Loads it unless it is loaded. After an error no slot is different, and the next call tries again.
    /// Errors: `not_installed`. Thread: any but the cycle's. Realtime-safe: no.
    Result<void> load() noexcept {
        // Acquire: whoever finds it loaded also finds the slots filled.
        if (loaded_.load(std::memory_order_acquire))
            return {};
        const std::lock_guard lock(mutex_);
        // Not RTLD_GLOBAL: whatever else the program loads goes on to find its own.
        void* const library = ::dlopen(soname_, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (library == nullptr)
            return Error::make(Errc::not_installed, backend_, "load", 0,
                               "%s can't be loaded (%s); install it (Debian's %s), or choose another backend",
                               soname_, ::dlerror(), package_);
        for (const Function& function : functions_)
            if (address_of(library, function) == nullptr)
                return Error::make(Errc::not_installed, backend_, "load", 0,
                                   "%s is too old, it has no %s; install a newer one (Debian's %s), or "
                                   "choose another backend",
                                   soname_, function.name, package_);
        for (std::size_t i = 0; i < functions_.size(); ++i)
            // Relaxed: a thread that has not asked load() finds either the function or what loads it.
            std::atomic_ref(slots_[i]).store(address_of(library, functions_[i]), std::memory_order_relaxed);
        loaded_.store(true, std::memory_order_release);
        return {};
    }

    /// What was called before anybody has asked load(). Without the library there is no way to go on: the
    /// process ends, as it would have at its start with a linked library.
    void* function(std::size_t index) noexcept {
        if (const auto loaded = load(); !loaded) {
            std::fprintf(stderr, "rill-io: %s was called, but: %s\n", functions_[index].name,
                         loaded.error().text);
            std::abort();
        }
        return std::atomic_ref(slots_[index]).load(std::memory_order_relaxed);
    }

private:
    static int nothing() noexcept { return 0; }

    static void* address_of(void* library, const Function& function) noexcept {
        void* const address = ::dlsym(library, function.name);
        return address == nullptr && function.optional ? reinterpret_cast<void*>(&nothing) : address;
    }

    const char* backend_;
    const char* soname_;
    const char* package_;
    std::span<const Function> functions_;
    void** slots_;
    std::mutex mutex_;
    std::atomic<bool> loaded_{false};
};

} // namespace rill::io::loading
