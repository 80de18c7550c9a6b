/* SPDX-License-Identifier: MIT
 *
 * portaudio FRAMES: PortAudio over ALSA, interleaved floats, as the PCM has them, so that it converts
 * nothing.
 */
#include <portaudio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int process(const void* input, void* output, unsigned long frames,
                   const PaStreamCallbackTimeInfo* time, PaStreamCallbackFlags status, void* argument) {
    (void)time;
    (void)status;
    (void)argument;
    const float* in = input;
    float* out = output;
    for (unsigned long i = 0; i < 2 * frames; ++i)
        out[i] = in[i] * 0.5f;
    return paContinue;
}

static void require(PaError error) {
    if (error == paNoError)
        return;
    fprintf(stderr, "PortAudio: %s\n", Pa_GetErrorText(error));
    exit(2);
}

int main(int argc, char** argv) {
    const double rate = 192000.0;
    if (argc != 2)
        return 64;
    const unsigned long frames = (unsigned long)atoi(argv[1]);
    require(Pa_Initialize());
    const PaHostApiInfo* api = Pa_GetHostApiInfo(Pa_HostApiTypeIdToHostApiIndex(paALSA));
    if (!api || api->defaultInputDevice == paNoDevice) {
        fprintf(stderr, "PortAudio: no ALSA device\n");
        return 2;
    }
    const double latency = 3.0 * (double)frames / rate;
    const PaStreamParameters capture = {api->defaultInputDevice, 2, paFloat32, latency, NULL};
    const PaStreamParameters playback = {api->defaultOutputDevice, 2, paFloat32, latency, NULL};
    PaStream* stream = NULL;
    require(Pa_OpenStream(&stream, &capture, &playback, rate, frames, paNoFlag, process, NULL));
    require(Pa_StartStream(stream));
    for (;;)
        pause();
}
