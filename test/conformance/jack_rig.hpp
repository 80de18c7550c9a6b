// SPDX-License-Identifier: MIT
#pragma once

#include "eventually.hpp"
#include "jack_outside.hpp"
#include "jack_server.hpp"
#include "rig.hpp"
#include <rill_io/jack.hpp>

#include <jack/jack.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace conformance {

struct JackRig {
    using Backend = io::JackBackend;
    static constexpr bool in_real_time = true;

    static constexpr std::array<Exception, 0> does_not_apply{};
    static constexpr std::array losses{
        Loss{"jackd killed with SIGKILL", io::Errc::server_lost},
        Loss{"jackd ended with SIGTERM", io::Errc::server_lost},
    };

    explicit JackRig(const Setting& setting) : setting_(setting), server_(setting.quantum) {}

    [[nodiscard]] io::StreamConfig config() const {
        return {.input_channels = setting_.channels,
                .output_channels = setting_.channels,
                .autoconnect =
                    setting_.wiring == Wiring::loop ? io::Autoconnect::loopback : io::Autoconnect::off};
    }
    [[nodiscard]] io::jack::Options options() const { return {.server = server_.name()}; }
    [[nodiscard]] io::jack::Options absent_server() const { return {.server = "no-such-server"}; }
    [[nodiscard]] std::uint32_t sample_rate() const { return JackServer::sample_rate; }
    [[nodiscard]] JackServer& server() { return server_; }

    void connect(DriverOf<JackRig>& driver) {
        if (setting_.wiring != Wiring::through)
            return;
        keeper_.reset(); // it looks at the sender
        sender_.emplace(server_.name(), setting_.channels);
        keeper_.emplace(server_.name(), *sender_, setting_.channels, setting_.frames);
        const std::string ours = jack_get_client_name(driver.session().client());
        for (std::uint32_t channel = 0; channel < setting_.channels; ++channel) {
            const std::string number = std::to_string(channel + 1);
            jack_connect(sender_->client(), sender_->port_name(channel).c_str(),
                         (ours + ":in_" + number).c_str());
            jack_connect(keeper_->client(), (ours + ":out_" + number).c_str(),
                         keeper_->port_name(channel).c_str());
        }
        // A connection is in force from the next cycle on.
        sender_->await_cycles();
        sender_->send();
    }

    /// One cycle from our playback to our capture; of a connection to oneself no port's latency tells.
    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo& info) const { return info.quantum; }
    [[nodiscard]] bool complete() const { return keeper_->complete(); }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return keeper_->kept(channel); }
    [[nodiscard]] std::uint64_t disturbances() const { return sender_->xruns() + keeper_->out_of_step(); }

    void follow_changes(DriverOf<JackRig>& driver) {
        const std::size_t phase = setting_.frames / (setting_.quanta.size() + 1);
        for (std::size_t i = 0; i < setting_.quanta.size(); ++i) {
            (void)eventually([&] { return keeper_->frames() >= (i + 1) * phase; });
            jack_set_buffer_size(driver.session().client(), setting_.quanta[i]);
        }
    }

    void lose(const Loss& loss) { server_.kill(loss.how == losses[0].how ? SIGKILL : SIGTERM); }
    void restore() { server_.start(); }
    void hang() { server_.send(SIGSTOP); }
    void go_on() { server_.send(SIGCONT); }

private:
    Setting setting_;
    JackServer server_;
    std::optional<JackSender> sender_;
    std::optional<JackKeeper> keeper_;
};

} // namespace conformance
