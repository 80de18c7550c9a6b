/* SPDX-License-Identifier: MIT
 *
 * sdl2 FRAMES: SDL2 over ALSA, playback, interleaved floats, as the PCM has them, so that it converts
 * nothing.
 */
#include <SDL.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { num_channels = 2, most_frames = 1024 };

static float table[num_channels * most_frames];

static void play(void* unused, Uint8* stream, int bytes) {
    (void)unused;
    float* out = (float*)(void*)stream;
    const unsigned samples = (unsigned)bytes / sizeof *out;
    for (unsigned i = 0; i < samples; ++i)
        out[i] = table[i] * 0.5f;
}

int main(int argc, char** argv) {
    if (argc != 2)
        return 64;
    const int frames = atoi(argv[1]);
    for (unsigned i = 0; i < num_channels * most_frames; ++i)
        table[i] = (float)(i / num_channels + 1) / 4096.0f * (i % num_channels ? -1.0f : 1.0f);
    SDL_AudioSpec wanted = {.freq = 192000,
                            .format = AUDIO_F32SYS,
                            .channels = num_channels,
                            .samples = (Uint16)frames,
                            .callback = play};
    SDL_AudioSpec got;
    SDL_SetMainReady();
    if (SDL_AudioInit("alsa") != 0) {
        fprintf(stderr, "SDL2: %s\n", SDL_GetError());
        return 2;
    }
    const SDL_AudioDeviceID device = SDL_OpenAudioDevice(NULL, 0, &wanted, &got, SDL_AUDIO_ALLOW_ANY_CHANGE);
    if (device == 0 || got.freq != wanted.freq || got.format != wanted.format ||
        got.channels != wanted.channels || got.samples != frames) {
        fprintf(stderr, "SDL2: %s\n", device == 0 ? SDL_GetError() : "not what was asked for");
        return 2;
    }
    SDL_PauseAudioDevice(device, 0);
    for (;;)
        pause();
}
