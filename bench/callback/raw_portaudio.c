/* SPDX-License-Identifier: MIT
 *
 * The client that a careful programmer writes in C for PortAudio: non-interleaved floats, so that PortAudio's
 * own buffers are worked on. BLOCK is `frames`, the run-time value, or a number: the same client specialised
 * by hand.
 */
#include "client.h"

#include <portaudio.h>
#include <stdlib.h>

enum { num_channels = 2 };

static float gain = 0.5f;

static int process(const void* input, void* output, unsigned long frames,
                   const PaStreamCallbackTimeInfo* time, PaStreamCallbackFlags status, void* argument) {
    (void)time;
    (void)status;
    (void)argument;
    const float* const* inputs = input;
    float* const* outputs = output;
    const unsigned long block = BLOCK;
    if (frames != block)
        return paContinue;
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* in = inputs[channel];
        float* out = outputs[channel];
        for (unsigned long i = 0; i < block; ++i)
            out[i] = in[i] * gain;
    }
    return paContinue;
}

void client_start(unsigned frames) {
    const PaSampleFormat planar = paFloat32 | paNonInterleaved;
    PaStream* stream = NULL;
    Pa_Initialize();
    const PaStreamParameters capture = {Pa_GetDefaultInputDevice(), num_channels, planar, 0.0, NULL};
    const PaStreamParameters playback = {Pa_GetDefaultOutputDevice(), num_channels, planar, 0.0, NULL};
    if (Pa_OpenStream(&stream, &capture, &playback, 48000.0, frames, paNoFlag, process, NULL) != paNoError ||
        Pa_StartStream(stream) != paNoError)
        exit(1);
}
