// SPDX-License-Identifier: MIT
#include "stream_calls.hpp"

#include "library.hpp"

#include <chrono>
#include <cstring>
#include <thread>

// In PortAudio only if it was built with ALSA.
extern "C" [[gnu::weak]] void PaAlsa_EnableRealtimeScheduling(PaStream* stream, int enable);

namespace rill::io::portaudio {

namespace {
/// After a server has hung, before it is trusted again.
constexpr auto settling_time = std::chrono::milliseconds(300);
constexpr int clean_up_timeout_ms = 2000;

/// What a late call undoes is a call like any other: in turn, and left behind in its turn if it hangs.
void end_late(EndStream end) {
    if (call(clean_up_timeout_ms, false, end) && end.closed)
        release(end.over_jack);
}

} // namespace

int Standby::process(const void*, void* output, unsigned long frames, const PaStreamCallbackTimeInfo*,
                     PaStreamCallbackFlags, void* standby) noexcept {
    auto& self = *static_cast<Standby*>(standby);
    for (std::uint32_t channel = 0; channel < self.num_outputs; ++channel)
        std::memset(static_cast<float* const*>(output)[channel], 0, frames * sizeof(float));
    self.frames.store(static_cast<std::uint32_t>(frames), std::memory_order_relaxed);
    return paContinue;
}

void OpenStream::run() {
    stream = nullptr;
    result = Pa_OpenStream(&stream, capture ? &*capture : nullptr, playback ? &*playback : nullptr, rate,
                           frames, flags, callback, user_data);
    if (result != paNoError)
        return;
    Pa_SetStreamFinishedCallback(stream, on_finished);
    if (realtime && PaAlsa_EnableRealtimeScheduling != nullptr)
        PaAlsa_EnableRealtimeScheduling(stream, 1);
}

void OpenStream::undo() const {
    if (result == paNoError) // just opened, so whoever had to answer lives
        end_late({.stream = stream, .running = false});
    else
        release(false);
}

void EndStream::run() {
    // A stuck device is never done with stopping. Aborting cancels PortAudio's thread: not while it may be in
    // a callback.
    if (running)
        (void)(stuck ? Pa_AbortStream(stream) : Pa_StopStream(stream));
    if (!closing)
        return;
    if (over_jack && !jack_lives())
        return report_jack_gone();
    Pa_CloseStream(stream);
    closed = true;
}

void EndStream::undo() {
    if (closed)
        return release(over_jack);
    if (closing) // the server has died: it is left as it is
        return;
    EndStream rest = *this; // nobody else will close it
    rest.closing = true;
    rest.running = false;
    end_late(rest);
}

/// A stream that stopped without a last callback was let go by a dying server: it must not be touched again.
bool EndStream::jack_lives() const {
    if (!running)
        return jack_answers();
    if (!finished->load())
        return false;
    if (!given_up->load())
        return true;
    // The server has hung and goes on: perhaps only to be ended.
    std::this_thread::sleep_for(settling_time);
    return jack_answers();
}

void StartStream::undo() {
    opposite.running = result == paNoError;
    end_late(opposite);
}

} // namespace rill::io::portaudio
