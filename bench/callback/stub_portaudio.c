/* SPDX-License-Identifier: MIT
 *
 * A stand-in for libportaudio.so.2: the same functions, no host API but one with a single duplex device.
 * Pa_StartStream() remembers the callback and stub_run() calls it back to back, so that what is counted or
 * timed is the client's own work. The buffers are plain memory that stays where it is.
 */
#include "stub.h"

#include <portaudio.h>
#include <stddef.h>

enum { max_stub_channels = 2, max_frames = 8192 };

static float memory[2 * max_stub_channels][max_frames + stub_stagger / sizeof(float)]
    __attribute__((aligned(stub_page)));
static const float* const inputs[max_stub_channels] = {memory[0], memory[1]};
static float* const outputs[max_stub_channels] = {memory[2], memory[3]};
static const PaStreamCallbackTimeInfo time_info;
static unsigned long quantum = 64;

static PaStreamCallback* opened;
static void* opened_argument;
static PaStreamCallback* process;

void stub_set_quantum(unsigned frames) {
    quantum = frames;
}

float* stub_input_memory(unsigned index) {
    return index < max_stub_channels ? memory[index] : NULL;
}
float* stub_output_memory(unsigned index) {
    return index < max_stub_channels ? memory[max_stub_channels + index] : NULL;
}

__attribute__((noinline)) void stub_run(unsigned long cycles) {
    for (unsigned long i = 0; i < cycles; ++i)
        process(inputs, (void*)outputs, quantum, &time_info, 0, opened_argument);
}

PaError Pa_OpenStream(PaStream** stream, const PaStreamParameters* capture,
                      const PaStreamParameters* playback, double rate, unsigned long frames,
                      PaStreamFlags flags, PaStreamCallback* callback, void* argument) {
    (void)rate;
    (void)flags;
    if (capture == NULL || playback == NULL || capture->sampleFormat != (paFloat32 | paNonInterleaved) ||
        playback->sampleFormat != (paFloat32 | paNonInterleaved))
        return paSampleFormatNotSupported;
    if (frames != paFramesPerBufferUnspecified && frames != quantum)
        return paBufferTooBig;
    opened = callback;
    opened_argument = argument;
    *stream = &opened;
    return paNoError;
}
PaError Pa_StartStream(PaStream* stream) {
    (void)stream;
    process = opened;
    return paNoError;
}
PaError Pa_StopStream(PaStream* stream) {
    (void)stream;
    process = NULL;
    return paNoError;
}
PaError Pa_AbortStream(PaStream* stream) {
    return Pa_StopStream(stream);
}
PaError Pa_CloseStream(PaStream* stream) {
    return Pa_StopStream(stream);
}
PaError Pa_IsStreamActive(PaStream* stream) {
    (void)stream;
    return process != NULL;
}

const PaDeviceInfo* Pa_GetDeviceInfo(PaDeviceIndex device) {
    static const PaDeviceInfo info = {.structVersion = 2,
                                      .name = "stub",
                                      .maxInputChannels = max_stub_channels,
                                      .maxOutputChannels = max_stub_channels,
                                      .defaultSampleRate = 48000.0};
    (void)device;
    return &info;
}
const PaHostApiInfo* Pa_GetHostApiInfo(PaHostApiIndex api) {
    static const PaHostApiInfo info = {
        .structVersion = 1, .type = paInDevelopment, .name = "stub", .deviceCount = 1};
    (void)api;
    return &info;
}
const PaStreamInfo* Pa_GetStreamInfo(PaStream* stream) {
    static const PaStreamInfo info = {.structVersion = 1, .sampleRate = 48000.0};
    (void)stream;
    return &info;
}

/* Nothing of this happens here. */
PaError Pa_Initialize(void) {
    return paNoError;
}
PaError Pa_Terminate(void) {
    return paNoError;
}
PaError Pa_SetStreamFinishedCallback(PaStream* stream, PaStreamFinishedCallback* callback) {
    (void)stream;
    (void)callback;
    return paNoError;
}
PaDeviceIndex Pa_GetDeviceCount(void) {
    return 1;
}
PaDeviceIndex Pa_GetDefaultInputDevice(void) {
    return 0;
}
PaDeviceIndex Pa_GetDefaultOutputDevice(void) {
    return 0;
}
PaHostApiIndex Pa_GetHostApiCount(void) {
    return 1;
}
PaHostApiIndex Pa_HostApiTypeIdToHostApiIndex(PaHostApiTypeId type) {
    return type == paInDevelopment ? 0 : paHostApiNotFound;
}
PaDeviceIndex Pa_HostApiDeviceIndexToDeviceIndex(PaHostApiIndex api, int device) {
    (void)api;
    return device;
}
const char* Pa_GetErrorText(PaError code) {
    (void)code;
    return "stub";
}
const PaHostErrorInfo* Pa_GetLastHostErrorInfo(void) {
    static const PaHostErrorInfo info = {.errorText = "stub"};
    return &info;
}
