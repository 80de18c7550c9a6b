// SPDX-License-Identifier: MIT
#include "client.hpp"

#include "jack_library.hpp"
#include <rill_io/bounded_call.hpp>
#include <rill_io/jack.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
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

/// libjack has one engine and one port graph per process (JackLibGlobals in JackLibGlobals.h): a client of
/// another server replaces both under all that are open (JackLibClient::Open). So all that are opened here
/// are of one server. (Adopted clients, and those of other libraries in the process, are not known here.)
class OneServer {
public:
    /// Counts a client of this server; false while clients of another are open. One that is just being closed
    /// is waited for.
    bool enter(const std::string& server) {
        std::unique_lock lock(mutex_);
        const bool free = left_.wait_for(lock, std::chrono::milliseconds(close_timeout_ms),
                                         [&] { return clients_ == 0 || server == server_; });
        if (free) {
            server_ = server;
            ++clients_;
        }
        return free;
    }
    void leave() {
        const std::lock_guard lock(mutex_);
        --clients_;
        left_.notify_all();
    }
    [[nodiscard]] std::string name() {
        const std::lock_guard lock(mutex_);
        return server_;
    }

private:
    std::mutex mutex_;
    std::condition_variable left_;
    std::string server_;
    int clients_ = 0;
};
/// Never destroyed: a thread that was left behind may still close its client.
OneServer& one_server() {
    static auto& server = *new OneServer;
    return server;
}

void do_open(OpenCall& call) {
    const int options = JackNoStartServer | (call.server.empty() ? 0 : int{JackServerName});
    call.client = jack_client_open(call.client_name.c_str(), static_cast<jack_options_t>(options),
                                   &call.status, call.server.c_str());
    if (call.client == nullptr)
        one_server().leave();
}
void discard_open(OpenCall& call) {
    if (call.client != nullptr)
        close_client(call.client);
}

/// As libjack finds it.
std::string resolved(const std::string& server) {
    const char* const other = std::getenv("JACK_DEFAULT_SERVER");
    return !server.empty() ? server : other != nullptr ? other : "default";
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
    if (auto loaded = load_library(); !loaded)
        return loaded.error();
    if (!one_server().enter(resolved(server)))
        return Error::make(
            Errc::invalid_config, name, "open", 0,
            "a client of JACK server '%s' is open (or that server hangs), and libjack can hold "
            "only one server per process; close it, or use another process for '%s'",
            one_server().name().c_str(), resolved(server).c_str());
    OpenCall call{std::move(client_name), std::move(server), nullptr, jack_status_t{}};
    if (!bounded_call(open_timeout_ms, call, &do_open, &discard_open))
        return Error::make(Errc::timed_out, name, "open", 0,
                           "the JACK server accepts but has not answered for %d ms; it hangs: restart it",
                           open_timeout_ms);
    if (call.client == nullptr)
        return open_error(call);
    return call.client;
}

void close_client(jack_client_t* client) {
    jack_client_close(client);
    one_server().leave();
}

bool close_client_bounded(jack_client_t* client) {
    const auto close = [](jack_client_t*& open) { close_client(open); };
    return bounded_call<jack_client_t*>(close_timeout_ms, client, close, [](jack_client_t*&) {});
}

} // namespace rill::io::jack
