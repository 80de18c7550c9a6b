// SPDX-License-Identifier: MIT
#pragma once

// What is done to a stream, as jobs for call(): each can be left behind and then cleans up after itself.
// Control thread only.

#include <portaudio.h>

#include <atomic>
#include <cstdint>
#include <optional>

namespace rill::io::portaudio {

/// Called back by a stream before a driver first starts: part of what is left behind with a stream that is
/// given up.
struct Standby {
    std::uint32_t num_outputs = 0;
    std::atomic<std::uint32_t> frames{0}; ///< of the last cycle; 0 before the first
    std::atomic<bool> finished{false};    ///< PortAudio has called back for the last time

    /// Plays silence.
    static int process(const void*, void* output, unsigned long frames, const PaStreamCallbackTimeInfo*,
                       PaStreamCallbackFlags, void* standby) noexcept;
    static void on_finished(void* standby) noexcept { static_cast<Standby*>(standby)->finished.store(true); }
};

struct OpenStream {
    std::optional<PaStreamParameters> capture;
    std::optional<PaStreamParameters> playback;
    double rate = 0.0;
    unsigned long frames = paFramesPerBufferUnspecified;
    PaStreamFlags flags = paNoFlag;
    bool realtime = false;
    PaStreamCallback* callback = nullptr;
    PaStreamFinishedCallback* on_finished = nullptr;
    void* user_data = nullptr;
    PaStream* stream = nullptr;
    PaError result = paNoError;

    void run();
    void undo() const;
};

struct EndStream {
    PaStream* stream = nullptr;
    bool over_jack = false;
    const std::atomic<bool>* finished = nullptr; ///< set by the stream's last callback
    const std::atomic<bool>* given_up = nullptr; ///< set if nobody waits any more
    bool running = true;                         ///< to be stopped first
    bool closing = true;                         ///< stop and close, not only stop
    bool stuck = false;                          ///< the device calls no more
    bool closed = false;

    void run();
    void undo();

private:
    [[nodiscard]] bool jack_lives() const;
};

struct StartStream {
    EndStream opposite;
    PaError result = paNoError;

    void run() { result = Pa_StartStream(opposite.stream); }
    void undo();
};

} // namespace rill::io::portaudio
