// SPDX-License-Identifier: MIT
#pragma once

#include "eventually.hpp"
#include "pipewire_outside.hpp"
#include "pipewire_server.hpp"
#include "rig.hpp"
#include <rill_io/pipewire.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace conformance {

struct PipewireRig {
    using Backend = io::PipewireBackend;
    static constexpr bool in_real_time = true;

    static constexpr std::array does_not_apply{
        Exception{Property::quantum_change, "the server itself leaves out a cycle when its quantum changes"},
    };
    static constexpr std::array losses{
        Loss{"pipewire killed with SIGKILL", io::Errc::server_lost},
        Loss{"pipewire ended with SIGTERM", io::Errc::server_lost},
    };

    explicit PipewireRig(const Setting& setting) : setting_(setting), server_(setting.quantum) {}

    [[nodiscard]] io::StreamConfig config() const {
        return {.client_name = "conformance",
                .input_channels = setting_.channels,
                .output_channels = setting_.channels,
                .autoconnect =
                    setting_.wiring == Wiring::loop ? io::Autoconnect::loopback : io::Autoconnect::off};
    }
    [[nodiscard]] io::pipewire::Options options() const { return {}; }
    [[nodiscard]] io::pipewire::Options absent_server() const { return {.remote = "no-such-server"}; }
    [[nodiscard]] std::uint32_t sample_rate() const { return PipewireServer::sample_rate; }

    void connect(DriverOf<PipewireRig>&) {
        if (setting_.wiring != Wiring::through)
            return;
        sender_.emplace(setting_.channels);
        keeper_.emplace(*sender_, setting_.channels, setting_.frames);
        for (std::uint32_t channel = 0; channel < setting_.channels; ++channel) {
            const std::string number = std::to_string(channel + 1);
            (void)eventually(
                [&] { return server_.link(sender_->port_name(channel), "conformance:in_" + number); });
            (void)eventually(
                [&] { return server_.link("conformance:out_" + number, keeper_->port_name(channel)); });
        }
        // A link carries sound some cycles after it is made.
        (void)eventually([this, goal = sender_->cycles() + 8] { return sender_->cycles() >= goal; });
        sender_->send();
    }

    /// One cycle from our playback to our capture.
    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo& info) const { return info.quantum; }
    [[nodiscard]] bool complete() const { return keeper_->complete(); }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return keeper_->kept(channel); }
    [[nodiscard]] std::uint64_t disturbances() const { return sender_->skipped() + keeper_->out_of_step(); }

    void follow_changes(DriverOf<PipewireRig>&) {
        const std::size_t phase = setting_.frames / (setting_.quanta.size() + 1);
        for (std::size_t i = 0; i < setting_.quanta.size(); ++i) {
            (void)eventually([&] { return keeper_->frames() >= (i + 1) * phase; });
            (void)server_.set_quantum(setting_.quanta[i]);
        }
    }

    void lose(const Loss& loss) { server_.kill(loss.how == losses[0].how ? SIGKILL : SIGTERM); }
    void restore() { server_.start(); }
    void hang() { server_.send(SIGSTOP); }
    void go_on() { server_.send(SIGCONT); }

private:
    Setting setting_;
    PipewireServer server_;
    std::optional<PipewireSender> sender_;
    std::optional<PipewireKeeper> keeper_;
};

} // namespace conformance
