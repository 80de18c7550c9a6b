// SPDX-License-Identifier: MIT
#include "client.hpp"

#include "jack_library.hpp"
#include <rill_io/bounded_call.hpp>
#include <rill_io/jack.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

namespace rill::io::jack {

namespace {

constexpr const char* name = Backend::name;
constexpr int open_timeout_ms = 5000;
constexpr int close_timeout_ms = 2000;

struct OpenCall {
    std::string client_name;
    std::string server;
    Client client;
    jack_status_t status;
    Result<void> entered; ///< a libjack for this server
};

/// As libjack finds it.
std::string resolved(const std::string& server) {
    const char* const other = std::getenv("JACK_DEFAULT_SERVER");
    return !server.empty() ? server : other != nullptr ? other : "default";
}

void do_open(OpenCall& call) {
    const auto entered = enter_libjack(resolved(call.server));
    if (!entered) {
        call.entered = entered.error();
        return;
    }
    call.client.libjack = *entered;
    const Libjack& libjack = **entered;
    const int options = JackNoStartServer | (call.server.empty() ? 0 : int{JackServerName});
    const auto longest =
        static_cast<std::size_t>(libjack.jack_client_name_size()) - 2; // jack2 says 65 and takes 63
    call.client_name.resize(std::min(call.client_name.size(), longest));
    call.client.handle = libjack.jack_client_open(
        call.client_name.c_str(), static_cast<jack_options_t>(options), &call.status, call.server.c_str());
    if (call.client.handle == nullptr)
        leave_libjack(&libjack);
}
void discard_open(OpenCall& call) {
    if (call.client.handle != nullptr)
        close_client(call.client);
}

/// Why jack_client_open gave no client.
Error open_error(const OpenCall& call) {
    const char* const server = call.server.empty() ? std::getenv("JACK_DEFAULT_SERVER") : call.server.c_str();
    if ((call.status & (JackServerFailed | JackServerError | JackShmFailure)) != 0 ||
        call.status == JackFailure)
        return Error::make(
            Errc::no_server, name, "open", call.status,
            "no JACK server%s%s answers; start one (jackd -d alsa, or PipeWire's), or choose another "
            "backend",
            server != nullptr ? " named " : "", server != nullptr ? server : "");
    if ((call.status & JackVersionError) != 0)
        return Error::make(
            Errc::backend_failure, name, "open", call.status,
            "the JACK server speaks another protocol than libjack; install both from one version");
    return Error::make(Errc::backend_failure, name, "open", call.status,
                       "jack_client_open failed with status 0x%x", static_cast<unsigned>(call.status));
}

} // namespace

Result<Client> open_client_bounded(std::string client_name, std::string server) {
    if (auto loaded = load_library(); !loaded)
        return loaded.error();
    OpenCall call{std::move(client_name), std::move(server), {}, jack_status_t{}, {}};
    if (!bounded_call(open_timeout_ms, call, &do_open, &discard_open))
        return Error::make(Errc::timed_out, name, "open", 0,
                           "the JACK server accepts but has not answered for %d ms; it hangs: restart it",
                           open_timeout_ms);
    if (!call.entered)
        return call.entered.error();
    if (call.client.handle == nullptr)
        return open_error(call);
    return call.client;
}

void close_client(const Client& client) {
    client.libjack->jack_client_close(client.handle);
    leave_libjack(client.libjack);
}

bool close_client_bounded(const Client& client) {
    Client closing = client;
    return bounded_call<Client>(
        close_timeout_ms, closing, [](Client& open) { close_client(open); }, [](Client&) {});
}

} // namespace rill::io::jack
