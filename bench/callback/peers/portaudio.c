/* SPDX-License-Identifier: MIT
 *
 * PortAudio over JACK, with planar floats, as JACK has them. FRAMES: paFramesPerBufferUnspecified, which
 * saves PortAudio its block adapter, or `block`, a constant block.
 */
#include "../client.h"

#include <portaudio.h>
#include <stdio.h>
#include <stdlib.h>

static int process(const void* input, void* output, unsigned long frames,
                   const PaStreamCallbackTimeInfo* time, PaStreamCallbackFlags status, void* argument) {
    (void)time;
    (void)status;
    (void)argument;
    const float* const* inputs = input;
    float* const* outputs = output;
    for (int channel = 0; channel < 2; ++channel) {
        const float* in = inputs[channel];
        float* out = outputs[channel];
        for (unsigned long i = 0; i < frames; ++i)
            out[i] = in[i] * 0.5f;
    }
    return paContinue;
}

static void require(PaError error) {
    if (error == paNoError)
        return;
    fprintf(stderr, "PortAudio: %s\n", Pa_GetErrorText(error));
    exit(1);
}

void client_start(unsigned block) {
    (void)block;
    require(Pa_Initialize());
    const PaHostApiIndex jack = Pa_HostApiTypeIdToHostApiIndex(paJACK);
    if (jack < 0) {
        fprintf(stderr, "PortAudio: no host API for JACK\n");
        exit(1);
    }
    const PaHostApiInfo* api = Pa_GetHostApiInfo(jack);
    const PaSampleFormat planar = paFloat32 | paNonInterleaved;
    const PaStreamParameters capture = {api->defaultInputDevice, 2, planar, 0.0, NULL};
    const PaStreamParameters playback = {api->defaultOutputDevice, 2, planar, 0.0, NULL};
    PaStream* stream = NULL;
    require(Pa_OpenStream(&stream, &capture, &playback, 48000.0, FRAMES, paNoFlag, process, NULL));
    require(Pa_StartStream(stream));
}
