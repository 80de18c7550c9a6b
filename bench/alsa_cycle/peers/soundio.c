/* SPDX-License-Identifier: MIT
 *
 * soundio FRAMES: libsoundio over ALSA, playback, straight into mapped memory. (It leaves the period to
 * alsa-lib, which takes the shortest; this PCM has at most 16 of them, so with 16 in the buffer it is
 * FRAMES.)
 */
#include <soundio/soundio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { num_channels = 2, most_frames = 1024, num_periods = 16, rate = 192000 };

static float table[num_channels][most_frames];
static int period;

/* libsoundio needs /dev/snd for watching it, which a machine without sound hardware does not have. */
int inotify_add_watch(int descriptor, const char* path, uint32_t events) {
    return (int)syscall(SYS_inotify_add_watch, descriptor, strcmp(path, "/dev/snd") == 0 ? "/dev" : path,
                        events);
}

static void require(int error, const char* what) {
    if (error == SoundIoErrorNone)
        return;
    fprintf(stderr, "libsoundio, %s: %s\n", what, soundio_strerror(error));
    _exit(2);
}

static void play(struct SoundIoOutStream* stream, int fewest, int most) {
    (void)fewest;
    /* (a period, but for the first call, which fills the buffer) */
    while (most > 0) {
        struct SoundIoChannelArea* areas;
        int frames = most < period ? most : period;
        require(soundio_outstream_begin_write(stream, &areas, &frames), "begin");
        for (int channel = 0; channel < num_channels; ++channel) {
            char* out = areas[channel].ptr;
            const int step = areas[channel].step;
            for (int i = 0; i < frames; ++i, out += step)
                *(float*)(void*)out = table[channel][i] * 0.5f;
        }
        require(soundio_outstream_end_write(stream), "end");
        most -= frames;
    }
}

int main(int argc, char** argv) {
    if (argc != 2)
        return 64;
    period = atoi(argv[1]);
    for (unsigned channel = 0; channel < num_channels; ++channel)
        for (unsigned i = 0; i < most_frames; ++i)
            table[channel][i] = (float)(i + 1) / 4096.0f * (channel ? -1.0f : 1.0f);
    struct SoundIo* soundio = soundio_create();
    require(soundio_connect_backend(soundio, SoundIoBackendAlsa), "connect");
    soundio_flush_events(soundio);
    struct SoundIoDevice* device =
        soundio_get_output_device(soundio, soundio_default_output_device_index(soundio));
    if (!device) {
        fprintf(stderr, "libsoundio: no device\n");
        return 2;
    }
    require(device->probe_error, "probe");
    struct SoundIoOutStream* stream = soundio_outstream_create(device);
    stream->format = SoundIoFormatFloat32NE;
    stream->sample_rate = rate;
    stream->layout = *soundio_channel_layout_get_default(num_channels);
    stream->software_latency = (double)(num_periods * period) / (double)rate;
    stream->write_callback = play;
    require(soundio_outstream_open(stream), "open");
    require(soundio_outstream_start(stream), "start");
    for (;;)
        pause();
}
