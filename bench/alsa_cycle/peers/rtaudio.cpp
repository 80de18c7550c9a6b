// SPDX-License-Identifier: MIT
//
// rtaudio FRAMES: RtAudio over ALSA. FLAGS: RTAUDIO_NONINTERLEAVED, planar as in a graph, or 0, its default.

#include <RtAudio.h>
#include <unistd.h>

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

int main(int argc, char** argv) {
    if (argc != 2)
        return 64;
    auto frames = static_cast<unsigned>(std::atoi(argv[1]));
    RtAudio audio(RtAudio::LINUX_ALSA);
    RtAudio::StreamParameters parameters;
    parameters.nChannels = 2;
    RtAudio::StreamOptions options;
    options.flags = RTAUDIO_ALSA_USE_DEFAULT | FLAGS;
    options.numberOfBuffers = 3;
    try {
        audio.openStream(&parameters, &parameters, RTAUDIO_FLOAT32, 192000, &frames, &process, nullptr,
                         &options);
        audio.startStream();
    } catch (const RtAudioError& error) {
        std::fprintf(stderr, "RtAudio: %s\n", error.getMessage().c_str());
        return 2;
    }
    for (;;)
        ::pause();
}
