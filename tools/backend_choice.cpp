// SPDX-License-Identifier: MIT
#include "backend_choice.hpp"

#include <rill_io/device.hpp>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace rill::io::tools {

std::string backend_names() {
    std::string names;
    for_each_backend([&]<class B>() {
        if constexpr (B::drives_itself)
            names.append(names.empty() ? "" : ", ").append(B::name);
    });
    return names;
}

Result<std::string> asked_backend(const Options& options) {
    std::string name = options.backend;
    std::string where;
    if (const char* const preferred = std::getenv("RILL_IO_BACKEND");
        name == "auto" && preferred != nullptr && *preferred != '\0') {
        name = preferred;
        where = "RILL_IO_BACKEND: ";
    }
    if (name == "auto" || visit_backend(name, []<class B>() {}))
        return name;
    const bool missing =
        std::find(missing_backends.begin(), missing_backends.end(), name) != missing_backends.end();
    const std::string text =
        missing ? fmt::format(
                      "{}backend '{}' is not part of this build; install its library and build again, or use "
                      "auto, {}",
                      where, name, backend_names())
                : fmt::format("{}there is no backend '{}'; use auto, {}", where, name, backend_names());
    return Error::make(Errc::invalid_config, "", "choose", 0, "%s", text.c_str());
}

void silence_backend_libraries() {
    for_each_backend([]<class B>() {
        if constexpr (requires { B::silence_messages(); })
            B::silence_messages();
    });
}

namespace detail {

namespace {
/// What it is without what to do about it, which is not the same for all of them.
std::string reason_of(const char* name, const Error& error) {
    if (error.code == Errc::no_server)
        return fmt::format("{} is not running", name);
    const std::string_view text = error.text;
    return fmt::format("{}: {}", name, text.substr(0, text.find("; ")));
}
} // namespace

std::string Search::why_not(const char* name, const Options& options, const Needs& needs,
                            const Result<void>& available, const Result<DeviceList>& devices) {
    if (!available)
        return reason_of(name, available.error());
    if (!devices)
        return reason_of(name, devices.error());
    any_available_ = true;
    const auto any = [&](const auto& property) {
        return std::any_of(devices->begin(), devices->end(), property);
    };
    if (!options.device.empty())
        return any([&](const Device& device) { return device.id == options.device; })
                   ? std::string()
                   : fmt::format("{} has no device '{}'", name, options.device);
    if (options.ports_given || options.autoconnect != Autoconnect::standard)
        return {};
    if (needs.capture && !any([](const Device& device) { return device.default_capture; }))
        return fmt::format("{} has nothing to capture from", name);
    if (needs.playback && !any([](const Device& device) { return device.default_playback; }))
        return fmt::format("{} has nothing to play to", name);
    return {};
}

bool Search::may_go_on(const char* name, const Options& options, const Error& error) {
    switch (error.code) {
    case Errc::no_device:
        if (options.ports_given) // the user's own mistake
            return false;
        break;
    case Errc::no_server:
    case Errc::device_busy:
    case Errc::permission_denied:
    case Errc::timed_out:
    case Errc::backend_failure:
        break;
    default:
        return false;
    }
    add_reason(reason_of(name, error));
    if (!first_failure_ && error.code != Errc::no_server && error.code != Errc::no_device)
        first_failure_ = error;
    return true;
}

void Search::add_reason(const std::string& reason) {
    reasons_.append(reasons_.empty() ? "" : ", ").append(reason);
}

Error Search::failure(const Options& options) const {
    if (first_failure_)
        return *first_failure_;
    const bool wrong_device = any_available_ && !options.device.empty();
    return Error::make(wrong_device ? Errc::no_device : Errc::no_server, "", "choose", 0, "%s (%s); %s",
                       wrong_device ? "there is no such device" : "no audio server can be used",
                       reasons_.empty() ? "this build knows none" : reasons_.c_str(),
                       wrong_device ? "see 'rill-io devices'" : "start one, or see 'rill-io backends'");
}

} // namespace detail

} // namespace rill::io::tools
