// SPDX-License-Identifier: MIT
#pragma once

// PortAudio over its JACK host, on a server of the test's own. PortAudio's devices there are JACK clients:
// the outside is the device.

#include "eventually.hpp"
#include "jack_outside.hpp"
#include "jack_server.hpp"
#include "rig.hpp"
#include <rill_io/portaudio.hpp>

#include <jack/jack.h>
#include <portaudio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

/// A device whose capture channels are its playback channels.
class JackLoop {
public:
    JackLoop(const std::string& server, const char* name, std::uint32_t channels)
        : client_(jack_client_open(name, static_cast<jack_options_t>(JackNoStartServer | JackServerName),
                                   nullptr, server.c_str())) {
        if (client_ == nullptr)
            throw std::runtime_error("no JACK client for the loop");
        const auto add = [&](const char* prefix, std::uint32_t i, unsigned long direction) {
            return jack_port_register(client_, (prefix + std::to_string(i)).c_str(), JACK_DEFAULT_AUDIO_TYPE,
                                      direction, 0);
        };
        for (std::uint32_t i = 0; i < channels; ++i) {
            played_.push_back(add("play_", i, JackPortIsInput));
            captured_.push_back(add("capture_", i, JackPortIsOutput));
        }
        jack_set_process_callback(
            client_,
            [](jack_nframes_t frames, void* self) {
                static_cast<JackLoop*>(self)->cycle(frames);
                return 0;
            },
            this);
        if (jack_activate(client_) != 0)
            throw std::runtime_error("the loop is not activated");
    }
    ~JackLoop() { jack_client_close(client_); }
    JackLoop(const JackLoop&) = delete;
    JackLoop& operator=(const JackLoop&) = delete;

private:
    void cycle(jack_nframes_t frames) {
        for (std::size_t i = 0; i < played_.size(); ++i)
            std::copy_n(static_cast<const float*>(jack_port_get_buffer(played_[i], frames)), frames,
                        static_cast<float*>(jack_port_get_buffer(captured_[i], frames)));
    }

    jack_client_t* client_;
    std::vector<jack_port_t*> played_;
    std::vector<jack_port_t*> captured_;
};

struct PortaudioJackRig {
    using Backend = io::PortaudioBackend;
    static constexpr bool in_real_time = true;
    /// Pa_Initialize and Pa_Terminate alone lose 31 kB, measured; portaudio_alsa_test.cpp is strict without
    /// them.
    static constexpr std::size_t leak_per_open = std::size_t{40} * 1024;

    static constexpr std::array does_not_apply{
        Exception{Property::period_refusal,
                  "PortAudio itself makes blocks of any size; see portaudio_test.cpp"},
        Exception{Property::loss,
                  "PortAudio can't reach JACK again in a process in which its server died; see "
                  "[alone] in portaudio_test.cpp"},
    };

    explicit PortaudioJackRig(const Setting& setting)
        : setting_(setting), server_(setting.quantum, setting.channels) {
        if (setting.wiring == Wiring::through) {
            sender_.emplace(server_.name(), setting.channels);
            keeper_.emplace(server_.name(), *sender_, setting.channels, setting.frames);
        } else if (setting.wiring == Wiring::loop) {
            loop_.emplace(server_.name(), "loop", setting.channels);
        }
        if (setting.wiring != Wiring::none) {
            (void)options();
            initialized_.emplace();
        }
    }

    [[nodiscard]] io::StreamConfig config() const {
        io::StreamConfig config{.input_channels = setting_.channels, .output_channels = setting_.channels};
        if (setting_.wiring == Wiring::through) {
            config.capture_target = "JACK Audio Connection Kit: sender";
            config.playback_target = "JACK Audio Connection Kit: keeper";
        } else {
            config.device = setting_.wiring == Wiring::loop ? "JACK Audio Connection Kit: loop"
                                                            : "JACK Audio Connection Kit: system";
        }
        return config;
    }
    /// PortAudio finds its server by the environment.
    [[nodiscard]] io::portaudio::Options options() const {
        ::setenv("JACK_DEFAULT_SERVER", server_.name().c_str(), 1);
        return {};
    }
    [[nodiscard]] io::portaudio::Options absent_server() const {
        ::setenv("JACK_DEFAULT_SERVER", "no-such-server", 1);
        return {};
    }
    [[nodiscard]] std::uint32_t sample_rate() const { return JackServer::sample_rate; }
    [[nodiscard]] JackServer& server() { return server_; }

    void connect(DriverOf<PortaudioJackRig>&) {
        if (setting_.wiring != Wiring::through)
            return;
        // PortAudio finds its devices once: they serve for all attempts.
        sender_->be_silent();
        keeper_->begin_anew();
        xruns_before_ = sender_->xruns();
        sender_->send();
    }

    /// PortAudio is before and behind the loop: JACK has what it plays go in last.
    [[nodiscard]] std::uint32_t loop_latency(const io::StreamInfo& info) const { return info.quantum; }
    [[nodiscard]] bool complete() const { return keeper_->complete(); }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return keeper_->kept(channel); }
    [[nodiscard]] std::uint64_t disturbances() const {
        return sender_->xruns() - xruns_before_ + keeper_->out_of_step();
    }

    void follow_changes(DriverOf<PortaudioJackRig>&) {
        const std::size_t phase = setting_.frames / (setting_.quanta.size() + 1);
        for (std::size_t i = 0; i < setting_.quanta.size(); ++i) {
            (void)eventually([&] { return keeper_->frames() >= (i + 1) * phase; });
            jack_set_buffer_size(sender_->client(), setting_.quanta[i]);
        }
    }

    void hang() { server_.send(SIGSTOP); }
    void go_on() { server_.send(SIGCONT); }

private:
    /// Saves a third of a second of probing for every driver that is opened meanwhile.
    struct Initialized {
        Initialized() { Pa_Initialize(); }
        ~Initialized() { Pa_Terminate(); }
        Initialized(const Initialized&) = delete;
        Initialized& operator=(const Initialized&) = delete;
    };

    Setting setting_;
    JackServer server_;
    std::optional<JackSender> sender_;
    std::optional<JackKeeper> keeper_;
    std::uint64_t xruns_before_ = 0; ///< the attempt
    std::optional<JackLoop> loop_;
    std::optional<Initialized> initialized_;
};

} // namespace conformance
