/* SPDX-License-Identifier: MIT
 *
 * libsoundio over JACK. It has no duplex: an input and an output stream are two JACK clients with a callback
 * each, and the program hands the samples over.
 */
#include "../client.h"

#include <soundio/soundio.h>
#include <stdio.h>
#include <stdlib.h>

enum { num_channels = 2, max_frames = 8192 };

static float handed_over[num_channels][max_frames];

static void capture(struct SoundIoInStream* stream, int fewest, int frames) {
    struct SoundIoChannelArea* areas;
    (void)fewest;
    if (soundio_instream_begin_read(stream, &areas, &frames) || !areas)
        return;
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* in = (const float*)areas[channel].ptr;
        for (int i = 0; i < frames; ++i)
            handed_over[channel][i] = in[i] * 0.5f;
    }
    soundio_instream_end_read(stream);
}

static void playback(struct SoundIoOutStream* stream, int fewest, int frames) {
    struct SoundIoChannelArea* areas;
    (void)fewest;
    if (soundio_outstream_begin_write(stream, &areas, &frames))
        return;
    for (int channel = 0; channel < num_channels; ++channel) {
        float* out = (float*)areas[channel].ptr;
        for (int i = 0; i < frames; ++i)
            out[i] = handed_over[channel][i];
    }
    soundio_outstream_end_write(stream);
}

static void require(int error) {
    if (error == SoundIoErrorNone)
        return;
    fprintf(stderr, "libsoundio: %s\n", soundio_strerror(error));
    exit(1);
}

void client_start(unsigned block) {
    (void)block;
    struct SoundIo* soundio = soundio_create();
    require(soundio_connect_backend(soundio, SoundIoBackendJack));
    soundio_flush_events(soundio);
    struct SoundIoDevice* microphone =
        soundio_get_input_device(soundio, soundio_default_input_device_index(soundio));
    struct SoundIoDevice* speaker =
        soundio_get_output_device(soundio, soundio_default_output_device_index(soundio));
    if (!microphone || !speaker) {
        fprintf(stderr, "libsoundio: no device\n");
        exit(1);
    }
    struct SoundIoInStream* input = soundio_instream_create(microphone);
    input->format = SoundIoFormatFloat32NE;
    input->sample_rate = 48000;
    input->layout = *soundio_channel_layout_get_default(num_channels);
    input->read_callback = capture;
    require(soundio_instream_open(input));
    require(soundio_instream_start(input));
    struct SoundIoOutStream* output = soundio_outstream_create(speaker);
    output->format = SoundIoFormatFloat32NE;
    output->sample_rate = 48000;
    output->layout = *soundio_channel_layout_get_default(num_channels);
    output->write_callback = playback;
    require(soundio_outstream_open(output));
    require(soundio_outstream_start(output));
}
