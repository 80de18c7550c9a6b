// SPDX-License-Identifier: MIT
#pragma once

// JACK clients that are written without the library: what stands before and behind the one that is tested.

#include "eventually.hpp"
#include "signal.hpp"

#include <jack/jack.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

/// A plain client with ports in one direction. What it does per cycle is its heir's.
class JackClient {
public:
    JackClient(const std::string& server, const char* client_name, std::uint32_t channels,
               unsigned long direction)
        : client_(jack_client_open(client_name,
                                   static_cast<jack_options_t>(JackNoStartServer | JackServerName), nullptr,
                                   server.c_str())) {
        if (client_ == nullptr)
            throw std::runtime_error("no JACK client for the outside");
        for (std::uint32_t channel = 0; channel < channels; ++channel)
            ports_.push_back(jack_port_register(client_, ("port_" + std::to_string(channel + 1)).c_str(),
                                                JACK_DEFAULT_AUDIO_TYPE, direction, 0));
    }
    ~JackClient() {
        if (client_ != nullptr)
            jack_client_close(client_);
    }
    JackClient(const JackClient&) = delete;
    JackClient& operator=(const JackClient&) = delete;

    [[nodiscard]] jack_client_t* client() const noexcept { return client_; }
    [[nodiscard]] jack_port_t* port(std::size_t channel) const { return ports_[channel]; }
    [[nodiscard]] std::string port_name(std::size_t channel) const { return jack_port_name(ports_[channel]); }
    [[nodiscard]] std::uint32_t num_channels() const { return static_cast<std::uint32_t>(ports_.size()); }
    [[nodiscard]] float* samples(std::size_t channel, jack_nframes_t frames) const {
        return static_cast<float*>(jack_port_get_buffer(ports_[channel], frames));
    }

protected:
    template <class Heir>
    void activate() {
        jack_set_process_callback(
            client_,
            [](jack_nframes_t frames, void* self) {
                static_cast<Heir*>(self)->cycle(frames);
                return 0;
            },
            static_cast<Heir*>(this));
        if (jack_activate(client_) != 0)
            throw std::runtime_error("the outside's JACK client is not activated");
    }
    /// Before anything of the heir's goes away.
    void leave() {
        jack_client_close(client_);
        client_ = nullptr;
    }

private:
    jack_client_t* client_;
    std::vector<jack_port_t*> ports_;
};

/// Sends signal() from frame 0 on once it is told to, silence before.
class JackSender : public JackClient {
public:
    /// Which frame of the signal a cycle begins with.
    enum class Count {
        sent,   ///< the one after the last that was sent
        server, ///< by the server's frame counter: what nobody was there for is missing
    };

    JackSender(const std::string& server, std::uint32_t channels, const char* name = "sender",
               Count count = Count::sent)
        : JackClient(server, name, channels, JackPortIsOutput), count_(count) {
        jack_set_xrun_callback(
            client(),
            [](void* self) {
                static_cast<JackSender*>(self)->xruns_.fetch_add(1);
                return 0;
            },
            this);
        activate<JackSender>();
    }
    ~JackSender() { leave(); }

    void send() noexcept { sending_.store(true); }
    /// Silence again, until it is told to send from frame 0 on.
    void be_silent() {
        sending_.store(false);
        await_cycles();
        sent_.store(0);
        await_cycles();
    }
    /// So many that whatever was told before is in force everywhere.
    void await_cycles() const {
        (void)eventually([this, goal = cycles() + 4] { return cycles() >= goal; });
    }
    [[nodiscard]] std::uint64_t cycles() const noexcept { return cycles_.load(); }
    [[nodiscard]] std::uint64_t xruns() const noexcept { return xruns_.load(); }
    /// Frames.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.load(); }
    /// The server's frame counter in its latest cycle.
    [[nodiscard]] std::uint32_t latest_cycle() const noexcept { return latest_cycle_.load(); }

    void cycle(jack_nframes_t frames) noexcept {
        const std::uint32_t counter = jack_last_frame_time(client());
        latest_cycle_.store(counter);
        const bool sending = sending_.load();
        const std::uint64_t sent = sent_.load();
        if (sent == 0)
            first_counter_ = counter;
        const std::uint64_t from = count_ == Count::sent ? sent : counter - first_counter_;
        for (std::uint32_t channel = 0; channel < num_channels(); ++channel) {
            float* const out = samples(channel, frames);
            for (jack_nframes_t i = 0; i < frames; ++i)
                out[i] = sending ? signal(channel, from + i) : 0.0F;
        }
        if (sending)
            sent_.store(sent + frames);
        cycles_.fetch_add(1);
    }

private:
    Count count_;
    std::uint32_t first_counter_ = 0;
    std::atomic<bool> sending_{false};
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> cycles_{0};
    std::atomic<std::uint64_t> xruns_{0};
    std::atomic<std::uint32_t> latest_cycle_{0};
};

/// Keeps what it gets, from the cycle on in which the sender begins.
class JackKeeper : public JackClient {
public:
    JackKeeper(const std::string& server, const JackSender& sender, std::uint32_t channels,
               std::size_t frames, const char* name = "keeper")
        : JackClient(server, name, channels, JackPortIsInput),
          sender_(sender),
          kept_(channels, std::vector<float>(frames)) {
        activate<JackKeeper>();
    }
    ~JackKeeper() { leave(); }

    /// While the sender is silent: keeps what comes next instead.
    void begin_anew() noexcept {
        frames_.store(0);
        out_of_step_.store(0);
    }
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.load(std::memory_order_acquire); }
    [[nodiscard]] bool complete() const noexcept { return frames() == kept_[0].size(); }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return kept_[channel]; }
    /// Cycles in which it was not in step with the sender.
    [[nodiscard]] std::uint64_t out_of_step() const noexcept { return out_of_step_.load(); }

    void cycle(jack_nframes_t frames) noexcept {
        if (sender_.sent() == 0)
            return;
        const std::size_t done = frames_.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(frames, kept_[0].size() - done);
        if (count != 0 && jack_last_frame_time(client()) != sender_.latest_cycle())
            out_of_step_.fetch_add(1);
        for (std::uint32_t channel = 0; channel < kept_.size(); ++channel)
            std::copy_n(samples(channel, frames), count,
                        kept_[channel].begin() + static_cast<std::ptrdiff_t>(done));
        frames_.store(done + count, std::memory_order_release);
    }

private:
    const JackSender& sender_;
    std::vector<std::vector<float>> kept_;
    std::atomic<std::size_t> frames_{0};
    std::atomic<std::uint64_t> out_of_step_{0};
};

} // namespace conformance
