// SPDX-License-Identifier: MIT
//
// RtAudio over JACK. FLAGS: RTAUDIO_NONINTERLEAVED, which saves it a pass, or 0, its default. The work is the
// same loop either way.

#include "../client.h"

#include <RtAudio.h>

#include <cstdio>
#include <cstdlib>

namespace {

int process(void* output, void* input, unsigned frames, double, RtAudioStreamStatus, void*) {
    const float* const in = static_cast<const float*>(input);
    float* const out = static_cast<float*>(output);
    for (unsigned i = 0; i < 2 * frames; ++i)
        out[i] = in[i] * 0.5F;
    return 0;
}

} // namespace

extern "C" void client_start(unsigned block) {
    static RtAudio audio(RtAudio::UNIX_JACK);
    RtAudio::StreamParameters capture;
    RtAudio::StreamParameters playback;
    capture.nChannels = 2;
    playback.nChannels = 2;
    RtAudio::StreamOptions options;
    options.flags = FLAGS;
    try {
        audio.openStream(&playback, &capture, RTAUDIO_FLOAT32, 48000, &block, &process, nullptr, &options);
        audio.startStream();
    } catch (const RtAudioError& error) {
        std::fprintf(stderr, "RtAudio: %s\n", error.getMessage().c_str());
        std::exit(1);
    }
}
