// SPDX-License-Identifier: MIT
#include "client.hpp"

#include <rill_io/bounded_call.hpp>
#include <rill_io/jack.hpp>

#include <cstdlib>
#include <utility>

namespace rill::io::jack {

namespace {

constexpr const char* name = Backend::name;
constexpr int open_timeout_ms = 5000;
constexpr int close_timeout_ms = 2000;

struct OpenCall {
    std::string client_name;
    std::string server;
    jack_client_t* client;
    jack_status_t status;
};

void do_open(OpenCall& call) {
    const int options = JackNoStartServer | (call.server.empty() ? 0 : int{JackServerName});
    call.client = jack_client_open(call.client_name.c_str(), static_cast<jack_options_t>(options),
                                   &call.status, call.server.c_str());
}
void discard_open(OpenCall& call) {
    if (call.client != nullptr)
        jack_client_close(call.client);
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

Result<jack_client_t*> open_client_bounded(std::string client_name, std::string server) {
    OpenCall call{std::move(client_name), std::move(server), nullptr, jack_status_t{}};
    if (!bounded_call(open_timeout_ms, call, &do_open, &discard_open))
        return Error::make(Errc::timed_out, name, "open", 0,
                           "the JACK server accepts but has not answered for %d ms; it hangs: restart it",
                           open_timeout_ms);
    if (call.client == nullptr)
        return open_error(call);
    return call.client;
}

bool close_client_bounded(jack_client_t* client) {
    const auto close = [](jack_client_t*& open) { jack_client_close(open); };
    return bounded_call<jack_client_t*>(close_timeout_ms, client, close, [](jack_client_t*&) {});
}

} // namespace rill::io::jack
