// SPDX-License-Identifier: MIT
#pragma once

// alsa-lib's own messages, and its error numbers as errors of ours.

#include <rill_io/error.hpp>

#include <cstdarg>

namespace rill::io::alsa {

/// Keeps alsa-lib from printing on stderr while it lives, on this thread only: an application's own handler,
/// and other threads, are left alone. Thread: control.
class Quiet {
public:
    Quiet() noexcept;
    ~Quiet();
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    using Handler = void (*)(const char*, int, const char*, int, const char*, std::va_list);
    Handler before_;
};

/// Of a device that could not be opened or set up; `status` is a negative errno.
[[nodiscard]] Error error_of(int status, const char* operation, const char* device,
                             const char* what) noexcept;

} // namespace rill::io::alsa
