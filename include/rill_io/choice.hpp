// SPDX-License-Identifier: MIT
#pragma once

// choice: which backend is used: the one that was named, or the first of an order that can be opened. Knows
// no backend: all come from a list of types, and everything it tells is in `Attempts`.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>
#include <rill_io/negotiation.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>

namespace rill::io {

/// The backends of a build, most preferred first. `<rill_io/backends.hpp>` has the one that Meson made.
template <class... Backends>
struct BackendList {
    static constexpr std::size_t size = sizeof...(Backends);
    static constexpr std::array<std::string_view, size> names{Backends::name...};
    /// Backends that were left out of the build; see EnabledBackends.
    static constexpr std::array<std::string_view, 0> missing{};
};

/// Calls `function.operator()<B>()` for every backend of the list.
template <class... Backends, class Function>
void for_each_backend(BackendList<Backends...>, Function&& function) {
    (function.template operator()<Backends>(), ...);
}

/// Which backend is wanted. Text is borrowed until open() returns.
struct Choice {
    /// A backend's name, or "auto": the first that can be opened. The environment variable RILL_IO_BACKEND
    /// overrides "auto".
    std::string_view backend = "auto";
    /// For "auto": names, most preferred first, of which those that the build lacks are passed over; empty =
    /// the list's order, without backends that have no devices: they would always do, and nobody would hear
    /// them.
    std::span<const std::string_view> order = {};
};

/// Words with commas; "..." stands for those that no longer fit.
class WordList {
public:
    void add(std::string_view word) noexcept {
        constexpr std::string_view comma = ", ";
        constexpr std::string_view more = "...";
        if (full_)
            return;
        if (length_ != 0)
            append(comma);
        full_ = length_ + word.size() + comma.size() + more.size() >= text_.size();
        append(full_ ? more : word);
    }
    [[nodiscard]] const char* text() const noexcept { return text_.data(); }

private:
    void append(std::string_view piece) noexcept {
        std::copy_n(piece.data(), piece.size(), text_.data() + length_);
        length_ += piece.size();
    }
    std::array<char, 168> text_{}; ///< an Error's text has some more to say
    std::size_t length_ = 0;
    bool full_ = false;
};

/// What became of one backend.
struct Attempt {
    const char* backend = ""; ///< static string
    Result<void> result{};    ///< success, or why it was passed over
};

/// What was tried, in this order; the last one is the one that was opened, if any was.
class Attempts {
public:
    static constexpr std::size_t max_backends = 16;

    [[nodiscard]] const Attempt* begin() const noexcept { return attempts_.data(); }
    [[nodiscard]] const Attempt* end() const noexcept { return attempts_.data() + count_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] const Attempt& operator[](std::size_t i) const noexcept { return attempts_[i]; }

    void clear() noexcept { count_ = 0; }
    void add(const char* backend, const Result<void>& result) noexcept {
        if (count_ < max_backends)
            attempts_[count_++] = {backend, result};
    }
    /// Why each one was passed over: "pipewire is not running, alsa: there is no sound card". Thread: any.
    [[nodiscard]] WordList reasons() const noexcept {
        WordList reasons;
        for (const Attempt& attempt : *this) {
            if (attempt.result)
                continue;
            const Error& error = attempt.result.error();
            const std::string_view text = error.text;
            std::array<char, 80> reason{};
            if (error.code == Errc::no_server)
                std::snprintf(reason.data(), reason.size(), "%s is not running", attempt.backend);
            else if (error.code == Errc::not_installed)
                std::snprintf(reason.data(), reason.size(), "%s is not installed", attempt.backend);
            else // without what to do about it, which is not the same for all of them
                std::snprintf(reason.data(), reason.size(), "%s: %.*s", attempt.backend,
                              static_cast<int>(std::min(text.find("; "), text.size())), error.text);
            reasons.add(reason.data());
        }
        return reasons;
    }

private:
    std::array<Attempt, max_backends> attempts_{};
    std::size_t count_ = 0;
};

namespace detail {

/// Can no other backend do better after this error? What was asked for was understood and refused.
[[nodiscard]] constexpr bool is_final(Errc code) noexcept {
    switch (code) {
    case Errc::unsupported_rate:
    case Errc::unsupported_channels:
    case Errc::unsupported_format:
    case Errc::period_mismatch:
        return true;
    default:
        return false;
    }
}

/// Why "auto" passes a backend over without opening it.
template <class B>
Result<void> passed_over(const StreamConfig& config, bool captures, bool plays) {
    if (auto available = B::available(); !available)
        return available;
    if constexpr (requires { B::devices(); }) {
        const auto devices = B::devices();
        if (!devices)
            return devices.error();
        const auto any = [&](const auto& property) {
            return std::any_of(devices->begin(), devices->end(), property);
        };
        const auto none = [](const char* text) {
            return Error::make(Errc::no_device, B::name, "choose", 0, "%s", text);
        };
        if (!config.device.empty()) {
            if (any([&](const auto& device) { return device.id == config.device; }))
                return {};
            return Error::make(Errc::no_device, B::name, "choose", 0, "it has no device '%.*s'",
                               static_cast<int>(config.device.size()), config.device.data());
        }
        const bool connects = config.autoconnect == Autoconnect::standard;
        if (connects && captures && config.capture_target.empty() &&
            !any([](const auto& device) { return device.default_capture; }))
            return none("it has nothing to capture from");
        if (connects && plays && config.playback_target.empty() &&
            !any([](const auto& device) { return device.default_playback; }))
            return none("it has nothing to play to");
    }
    return {};
}

/// Nothing was opened: the first failure of a backend that is there, else what all of them said.
inline Error nothing_opened(const Attempts& attempts, bool device_asked) noexcept {
    bool wrong_device = false;
    for (const Attempt& attempt : attempts) {
        const Errc code = attempt.result.error().code;
        wrong_device = wrong_device || (device_asked && code == Errc::no_device);
        if (code != Errc::no_server && code != Errc::no_device && code != Errc::not_installed)
            return attempt.result.error();
    }
    return Error::make(wrong_device ? Errc::no_device : Errc::no_server, "", "choose", 0,
                       "no backend can be used (%s); start a server, or choose another device",
                       attempts.reasons().text());
}

/// Names of backends.
class NameList {
public:
    void add(std::string_view name) noexcept {
        if (count_ < names_.size())
            names_[count_++] = name;
    }
    [[nodiscard]] std::span<const std::string_view> names() const noexcept { return {names_.data(), count_}; }

private:
    std::array<std::string_view, Attempts::max_backends> names_{};
    std::size_t count_ = 0;
};

template <class List>
[[nodiscard]] NameList names_with_devices() noexcept {
    NameList list;
    for_each_backend(List{}, [&]<class B>() {
        if constexpr (B::drives_itself && requires { B::devices(); })
            list.add(B::name);
    });
    return list;
}

/// The same name as static text; null if it is not there.
[[nodiscard]] inline const char* find_name(std::span<const std::string_view> names,
                                           std::string_view name) noexcept {
    for (const std::string_view candidate : names)
        if (candidate == name)
            return candidate.data();
    return nullptr;
}

} // namespace detail

/// The names of the backends that a program can run, with commas. Thread: any.
template <class List>
[[nodiscard]] WordList backend_names() noexcept {
    WordList names;
    for_each_backend(List{}, [&]<class B>() {
        if constexpr (B::drives_itself)
            names.add(B::name);
    });
    return names;
}

/// Calls `function.operator()<B>()` for the backend of this name; false if there is none that a program can
/// run. Thread: any.
template <class List, class Function>
bool for_backend_named(std::string_view name, const Function& function) {
    bool found = false;
    for_each_backend(List{}, [&]<class B>() {
        if constexpr (B::drives_itself)
            if (!found && name == B::name) {
                found = true;
                function.template operator()<B>();
            }
    });
    return found;
}

/// The name of the backend that is wanted, or "auto". RILL_IO_BACKEND counts. Errors: `invalid_config` if a
/// program can't have it. Thread: control.
template <class List>
[[nodiscard]] Result<std::string_view> wanted_backend(std::string_view name) {
    const char* const environment = name == "auto" ? std::getenv("RILL_IO_BACKEND") : nullptr;
    const bool overridden = environment != nullptr && *environment != '\0';
    if (overridden)
        name = environment;
    if (name == "auto" || for_backend_named<List>(name, []<class B>() {}))
        return name;
    const char* before = "there is no backend";
    const char* after = "";
    if (detail::find_name(List::missing, name) != nullptr) {
        before = "backend";
        after = " is not part of this build (install its library and build again)";
    } else if (detail::find_name(List::names, name) != nullptr) {
        before = "backend";
        after = " is driven by its host, not by a program";
    }
    return Error::make(Errc::invalid_config, "", "choose", 0, "%s%s '%.*s'%s; use auto, %s",
                       overridden ? "RILL_IO_BACKEND: " : "", before, static_cast<int>(name.size()),
                       name.data(), after, backend_names<List>().text());
}

/// Calls `open.operator()<B>()` (which returns Result<void>) with the backend that `choice` names; with
/// "auto" with one after the other, until one succeeds. `attempts` then says what became of each. Errors:
/// what the named backend says; `invalid_config` for a name that is not in the list; with "auto" what made
/// the first usable backend fail, or `no_server` or `no_device` with all their reasons. Thread: control.
/// Realtime-safe: no.
template <class List, class Open>
Result<void> choose_backend(const Choice& choice, const StreamConfig& config, bool captures, bool plays,
                            Attempts& attempts, const Open& open) {
    attempts.clear();
    const auto name = wanted_backend<List>(choice.backend);
    if (!name)
        return name.error();
    Result<void> opened;
    if (*name != "auto") {
        for_backend_named<List>(*name, [&]<class B>() {
            opened = open.template operator()<B>();
            attempts.add(B::name, opened);
        });
        return opened;
    }

    if (auto valid = check_config(config, "", captures, plays); !valid)
        return valid; // by any of them
    const detail::NameList with_devices = detail::names_with_devices<List>();
    const std::span<const std::string_view> order =
        choice.order.empty() ? with_devices.names() : choice.order;
    bool done = false;
    for (const std::string_view candidate : order) {
        if (done)
            break;
        if (const char* const left_out = detail::find_name(List::missing, candidate)) {
            attempts.add(left_out,
                         Error::make(Errc::no_server, left_out, "choose", 0, "it is not part of this build"));
            continue;
        }
        if (detail::find_name(List::names, candidate) == nullptr)
            return Error::make(
                Errc::invalid_config, "", "choose", 0, "the order names '%.*s', which is no backend; use %s",
                static_cast<int>(candidate.size()), candidate.data(), backend_names<List>().text());
        for_backend_named<List>(candidate, [&]<class B>() {
            auto result = detail::passed_over<B>(config, captures, plays);
            if (result) {
                opened = result = open.template operator()<B>();
                done = result || detail::is_final(result.error().code);
            }
            attempts.add(B::name, result);
        });
    }
    return done ? opened
                : Result<void>(detail::nothing_opened(attempts, !config.device.empty() ||
                                                                    !config.capture_target.empty() ||
                                                                    !config.playback_target.empty()));
}

} // namespace rill::io
