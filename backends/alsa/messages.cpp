// SPDX-License-Identifier: MIT
#include "messages.hpp"

#include <alsa/asoundlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace rill::io::alsa {

namespace {

using Handler = snd_local_error_handler_t;
/// snd_lib_error_set_local: alsa-lib's header declares it outside of its extern "C".
extern "C" Handler set_handler_of_thread(Handler handler) __asm__("snd_lib_error_set_local");

} // namespace

Quiet::Quiet() noexcept
    : before_(set_handler_of_thread([](const char*, int, const char*, int, const char*, std::va_list) {})) {}

Quiet::~Quiet() {
    set_handler_of_thread(before_);
}

namespace {

/// alsa-lib finds a card by its id only through the card's device file; where that may not be opened it says
/// that there is no such card. (The kernel's list of cards may be read by everybody.)
bool is_forbidden_card(std::string_view device) {
    constexpr std::string_view key = "CARD=";
    const std::size_t at = device.find(key);
    if (at == std::string_view::npos)
        return false;
    const std::string_view rest = device.substr(at + key.size());
    const std::string listed = "/proc/asound/" + std::string(rest.substr(0, rest.find(',')));
    std::array<char, 32> card{}; // it is a link to "card0"
    if (::readlink(listed.c_str(), card.data(), card.size() - 1) <= 0)
        return false;
    constexpr std::size_t number = std::string_view("card").size();
    const std::string file = std::string("/dev/snd/controlC") + (card.data() + number);
    return ::access(file.c_str(), R_OK) != 0 && errno == EACCES;
}

} // namespace

Error error_of(int status, const char* operation, const char* device, const char* what) noexcept {
    constexpr const char* name = "alsa";
    if ((status == -ENOENT || status == -ENODEV) && is_forbidden_card(device))
        status = -EACCES;
    switch (-status) {
    case EBUSY:
        return Error::make(Errc::device_busy, name, operation, status,
                           "%s is in use by another program; close that, or choose another device", device);
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return Error::make(Errc::no_device, name, operation, status,
                           "there is no %s (%s); list the devices and choose one of them", device, what);
    case EACCES:
    case EPERM:
        return Error::make(Errc::permission_denied, name, operation, status,
                           "%s may not be opened; is this user in the group audio?", device);
    case ECONNREFUSED:
    case EHOSTDOWN:
        return Error::make(Errc::no_server, name, operation, status,
                           "the server behind %s does not answer; start it, or choose another device",
                           device);
    default:
        return Error::make(Errc::backend_failure, name, operation, status, "%s: %s: %s", device, what,
                           snd_strerror(status));
    }
}

} // namespace rill::io::alsa
