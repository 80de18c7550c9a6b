// SPDX-License-Identifier: MIT
#pragma once

// PipeWire filters that are written without the library: what stands before and behind the one that is
// tested.

#include "signal.hpp"

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <spa/param/latency-utils.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

/// A filter with ports in one direction. What it does per cycle is its heir's.
class PipewireFilter {
public:
    PipewireFilter(const char* name, std::uint32_t channels, pw_direction direction)
        : name_(name), direction_(direction) {
        pw_init(nullptr, nullptr);
        loop_ = pw_thread_loop_new("outside", nullptr);
        context_ = pw_context_new(pw_thread_loop_get_loop(loop_),
                                  pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf", nullptr), 0);
        core_ = context_ != nullptr ? pw_context_connect(context_, nullptr, 0) : nullptr;
        if (core_ == nullptr)
            throw std::runtime_error("no PipeWire connection for the outside");
        filter_ = pw_filter_new(
            core_, name,
            pw_properties_new(PW_KEY_NODE_NAME, name, PW_KEY_NODE_ALWAYS_PROCESS, "true", nullptr));
        events_.version = PW_VERSION_FILTER_EVENTS;
        for (std::uint32_t channel = 0; channel < channels; ++channel)
            ports_.push_back(pw_filter_add_port(
                filter_, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, sizeof(int),
                pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio", PW_KEY_PORT_NAME,
                                  ("port_" + std::to_string(channel + 1)).c_str(), nullptr),
                nullptr, 0));
    }
    ~PipewireFilter() {
        leave();
        pw_core_disconnect(core_);
        pw_context_destroy(context_);
        pw_thread_loop_destroy(loop_);
        pw_deinit();
    }
    PipewireFilter(const PipewireFilter&) = delete;
    PipewireFilter& operator=(const PipewireFilter&) = delete;

    [[nodiscard]] std::string port_name(std::uint32_t channel) const {
        return name_ + ":port_" + std::to_string(channel + 1);
    }
    [[nodiscard]] std::uint32_t num_channels() const { return static_cast<std::uint32_t>(ports_.size()); }
    [[nodiscard]] std::uint64_t cycles() const { return cycles_.load(std::memory_order_acquire); }
    /// Says that what comes out of it (goes into it) is so many frames late (later).
    void tell_latency(std::uint32_t frames) {
        pw_thread_loop_lock(loop_);
        std::uint8_t memory[512];
        spa_pod_builder builder{};
        spa_pod_builder_init(&builder, memory, sizeof memory);
        spa_latency_info latency{};
        latency.direction = static_cast<spa_direction>(direction_);
        latency.min_rate = latency.max_rate = frames;
        const spa_pod* parameter = spa_latency_build(&builder, SPA_PARAM_Latency, &latency);
        for (void* const port : ports_)
            pw_filter_update_params(filter_, port, &parameter, 1);
        pw_thread_loop_unlock(loop_);
    }
    /// The server's frame counter in the latest cycle.
    [[nodiscard]] std::uint64_t position() const { return position_.load(); }
    /// Cycles that the server has left out.
    [[nodiscard]] std::uint64_t skipped() const { return skipped_.load(std::memory_order_acquire); }

protected:
    /// Before anything of the heir's goes away.
    void leave() {
        if (filter_ == nullptr)
            return;
        pw_thread_loop_stop(loop_);
        pw_filter_destroy(filter_);
        filter_ = nullptr;
    }
    template <class Heir>
    void activate() {
        events_.process = [](void* self, spa_io_position* position) {
            auto& heir = *static_cast<Heir*>(self);
            static_cast<PipewireFilter&>(heir).count(*position);
            heir.cycle(static_cast<std::uint32_t>(position->clock.duration));
        };
        pw_filter_add_listener(filter_, &hook_, &events_, static_cast<Heir*>(this));
        if (pw_filter_connect(filter_, PW_FILTER_FLAG_RT_PROCESS, nullptr, 0) < 0 ||
            pw_thread_loop_start(loop_) != 0)
            throw std::runtime_error("the outside's PipeWire filter does not run");
    }
    [[nodiscard]] float* samples(std::uint32_t channel, std::uint32_t frames) const {
        return static_cast<float*>(pw_filter_get_dsp_buffer(ports_[channel], frames));
    }

private:
    void count(const spa_io_position& position) {
        if (expected_ != 0 && position.clock.position != expected_)
            skipped_.fetch_add(1, std::memory_order_release);
        position_.store(position.clock.position);
        expected_ = position.clock.position + position.clock.duration;
        cycles_.fetch_add(1, std::memory_order_release);
    }

    std::string name_;
    pw_direction direction_;
    pw_thread_loop* loop_ = nullptr;
    pw_context* context_ = nullptr;
    pw_core* core_ = nullptr;
    pw_filter* filter_ = nullptr;
    pw_filter_events events_{};
    spa_hook hook_{};
    std::vector<void*> ports_;
    std::uint64_t expected_ = 0;
    std::atomic<std::uint64_t> position_{0};
    std::atomic<std::uint64_t> cycles_{0};
    std::atomic<std::uint64_t> skipped_{0};
};

/// Sends signal() from frame 0 on once it is told to, silence before.
class PipewireSender : public PipewireFilter {
public:
    explicit PipewireSender(std::uint32_t channels)
        : PipewireFilter("outside-sender", channels, PW_DIRECTION_OUTPUT) {
        activate<PipewireSender>();
    }
    ~PipewireSender() { leave(); }
    void send() noexcept { sending_.store(true); }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.load(); }

    void cycle(std::uint32_t frames) noexcept {
        const bool sending = sending_.load();
        const std::uint64_t sent = sent_.load();
        for (std::uint32_t channel = 0; channel < num_channels(); ++channel) {
            float* const out = samples(channel, frames);
            for (std::uint32_t i = 0; out != nullptr && i < frames; ++i)
                out[i] = sending ? signal(channel, sent + i) : 0.0F;
        }
        if (sending)
            sent_.store(sent + frames);
    }

private:
    std::atomic<bool> sending_{false};
    std::atomic<std::uint64_t> sent_{0};
};

/// Keeps what it gets, from the cycle on in which the sender begins.
class PipewireKeeper : public PipewireFilter {
public:
    PipewireKeeper(const PipewireSender& sender, std::uint32_t channels, std::size_t frames)
        : PipewireFilter("outside-keeper", channels, PW_DIRECTION_INPUT),
          sender_(sender),
          kept_(channels, std::vector<float>(frames)),
          in_(channels) {
        activate<PipewireKeeper>();
    }
    ~PipewireKeeper() { leave(); }
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.load(std::memory_order_acquire); }
    [[nodiscard]] bool complete() const noexcept { return frames() == kept_[0].size(); }
    [[nodiscard]] std::span<const float> kept(std::uint32_t channel) const { return kept_[channel]; }
    /// Cycles in which it was not in step with the sender.
    [[nodiscard]] std::uint64_t out_of_step() const noexcept { return out_of_step_.load(); }

    void cycle(std::uint32_t frames) noexcept {
        for (std::uint32_t channel = 0; channel < num_channels(); ++channel)
            in_[channel] =
                samples(channel, frames); // in every cycle: a buffer that is not taken is not given back
        if (sender_.sent() == 0)
            return;
        const std::size_t done = frames_.load(std::memory_order_relaxed);
        const std::size_t count = std::min<std::size_t>(frames, kept_[0].size() - done);
        if (count != 0 && position() != sender_.position())
            out_of_step_.fetch_add(1);
        for (std::uint32_t channel = 0; channel < num_channels(); ++channel)
            if (in_[channel] != nullptr)
                std::copy_n(in_[channel], count, kept_[channel].begin() + static_cast<std::ptrdiff_t>(done));
        frames_.store(done + count, std::memory_order_release);
    }

private:
    const PipewireSender& sender_;
    std::vector<std::vector<float>> kept_;
    std::vector<const float*> in_;
    std::atomic<std::size_t> frames_{0};
    std::atomic<std::uint64_t> out_of_step_{0};
};

} // namespace conformance
