// SPDX-License-Identifier: MIT
#pragma once

// What can go wrong, said so that a person or a program can act on it.
//
// Nothing in this library throws across a C frame. Set-up functions return `Result<T>`; the cycle thread
// reports through atomics and never builds an `Error`. An `Error` owns its text in place: it is trivially
// copyable, needs no allocation and may be kept for as long as the caller likes.

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <type_traits>
#include <utility>

namespace rill::io {

/// What kind of failure it was, and so what the caller should do about it.
enum class Errc : std::uint8_t {
    no_server,   ///< The audio server does not answer. Start it, or retry later, or choose another backend.
    no_device,   ///< No such device, port or file. List what there is and reconfigure.
    device_busy, ///< Somebody else holds it. Retry later or choose another device.
    permission_denied,    ///< The user may not open it. Change the permission; retrying does not help.
    unsupported_rate,     ///< The sample rate is not offered. Ask for another, for 0, or for `Match::adapt`.
    unsupported_channels, ///< The channel count is not offered. Ask for another.
    unsupported_format,   ///< No sample format in common. Choose another device or file format.
    period_mismatch, ///< The block does not fit the period or quantum. Ask for another or `Match::adapt`.
    invalid_config,  ///< A value makes no sense. Correct the configuration.
    invalid_state,   ///< Called at the wrong time or from the wrong thread. Correct the program.
    device_lost,     ///< The device went away while running. Reopen when it is back.
    server_lost,     ///< The server went away while running. Reopen when it is back.
    timed_out,       ///< No answer within the bound. Retry, or give up.
    io_failure,      ///< Reading or writing a file failed (disk full, truncated). What was written is kept.
    backend_failure, ///< The backend failed in a way of its own; the native code says more. Give up or retry.
    not_installed,   ///< The backend's library is not on this machine (`-Dloading=dlopen`). Install it.
};

/// Thread: any. Realtime-safe: yes. The enumerator's own name, for logs and JSON.
[[nodiscard]] constexpr const char* to_string(Errc code) noexcept {
    switch (code) {
    case Errc::no_server:
        return "no_server";
    case Errc::no_device:
        return "no_device";
    case Errc::device_busy:
        return "device_busy";
    case Errc::permission_denied:
        return "permission_denied";
    case Errc::unsupported_rate:
        return "unsupported_rate";
    case Errc::unsupported_channels:
        return "unsupported_channels";
    case Errc::unsupported_format:
        return "unsupported_format";
    case Errc::period_mismatch:
        return "period_mismatch";
    case Errc::invalid_config:
        return "invalid_config";
    case Errc::invalid_state:
        return "invalid_state";
    case Errc::device_lost:
        return "device_lost";
    case Errc::server_lost:
        return "server_lost";
    case Errc::timed_out:
        return "timed_out";
    case Errc::io_failure:
        return "io_failure";
    case Errc::backend_failure:
        return "backend_failure";
    case Errc::not_installed:
        return "not_installed";
    }
    return "unknown";
}

/// One failure: kind, which backend, which operation, the backend's own code, and a sentence for a person.
struct Error {
    Errc code = Errc::backend_failure;
    const char* backend = "";   ///< static string: "jack", "file", ... ("" = the core)
    const char* operation = ""; ///< static string: what was being done, "open", "connect", ...
    int native_code = 0;        ///< the backend's own status or errno; 0 if it has none
    char text[232] = {};        ///< what, where, what to do; one sentence without the backend's name

    /// Thread: any. Realtime-safe: no (formats). `message` is a printf format; the text is cut at 231
    /// characters.
    [[gnu::format(printf, 5, 6)]] [[nodiscard]] static Error make(Errc code, const char* backend,
                                                                  const char* operation, int native_code,
                                                                  const char* message, ...) noexcept {
        Error error{code, backend, operation, native_code, {}};
        std::va_list arguments;
        va_start(arguments, message);
        std::vsnprintf(error.text, sizeof error.text, message, arguments);
        va_end(arguments);
        return error;
    }
};

static_assert(std::is_trivially_copyable_v<Error>);

/// A value or an `Error` (the part of std::expected that is needed here, for C++20).
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)), ok_(true) {}
    Result(const Error& error) noexcept : error_(error) {}

    [[nodiscard]] explicit operator bool() const noexcept { return ok_; }
    [[nodiscard]] bool has_value() const noexcept { return ok_; }
    /// Only when `has_value()`; a default value otherwise. Taken from a temporary it is moved out, so that
    /// `for (auto& device : *devices())` does not dangle.
    [[nodiscard]] T& value() & noexcept { return value_; }
    [[nodiscard]] const T& value() const& noexcept { return value_; }
    [[nodiscard]] T value() && { return std::move(value_); }
    [[nodiscard]] T& operator*() & noexcept { return value_; }
    [[nodiscard]] const T& operator*() const& noexcept { return value_; }
    [[nodiscard]] T operator*() && { return std::move(value_); }
    [[nodiscard]] T* operator->() noexcept { return &value_; }
    [[nodiscard]] const T* operator->() const noexcept { return &value_; }
    /// Only when not `has_value()`.
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    T value_{};
    Error error_{};
    bool ok_ = false;
};

/// Success or an `Error`.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() noexcept = default;
    Result(const Error& error) noexcept : error_(error), ok_(false) {}

    [[nodiscard]] explicit operator bool() const noexcept { return ok_; }
    [[nodiscard]] bool has_value() const noexcept { return ok_; }
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    Error error_{};
    bool ok_ = true;
};

} // namespace rill::io
