/* SPDX-License-Identifier: MIT
 *
 * raw_playback FRAMES: from a table of a period, changed by a gain, to two channels out, as it is written by
 * hand for alsa-lib; floats. MAPPED: into mapped memory that is not interleaved, else interleaved and
 * written.
 */
#include <alsa/asoundlib.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { num_channels = 2, num_periods = 3, most_frames = 1024, most_descriptors = 8 };

static snd_pcm_t* pcm;
static snd_pcm_uframes_t period;
static float gain = 0.5f;
static float table[num_channels * most_frames]; /* as the PCM wants it */
static float interleaved[num_channels * most_frames];

static void need(int status, const char* what) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, snd_strerror(status));
        _exit(1);
    }
}

static void open_pcm(void) {
    snd_pcm_hw_params_t* hardware;
    snd_pcm_sw_params_t* software;
    snd_pcm_uframes_t buffer = num_periods * period;
    snd_pcm_uframes_t boundary = 0;
    snd_pcm_hw_params_alloca(&hardware);
    snd_pcm_sw_params_alloca(&software);
    need(snd_pcm_open(&pcm, "ready", SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK), "open");
    need(snd_pcm_hw_params_any(pcm, hardware), "any");
    need(snd_pcm_hw_params_set_access(
             pcm, hardware, MAPPED ? SND_PCM_ACCESS_MMAP_NONINTERLEAVED : SND_PCM_ACCESS_RW_INTERLEAVED),
         "access");
    need(snd_pcm_hw_params_set_format(pcm, hardware, SND_PCM_FORMAT_FLOAT), "format");
    need(snd_pcm_hw_params_set_channels(pcm, hardware, num_channels), "channels");
    need(snd_pcm_hw_params_set_period_size(pcm, hardware, period, 0), "period");
    need(snd_pcm_hw_params_set_buffer_size_near(pcm, hardware, &buffer), "buffer");
    need(snd_pcm_hw_params(pcm, hardware), "hw_params");
    need(snd_pcm_sw_params_current(pcm, software), "current");
    snd_pcm_sw_params_get_boundary(software, &boundary);
    need(snd_pcm_sw_params_set_avail_min(pcm, software, period), "avail_min");
    need(snd_pcm_sw_params_set_start_threshold(pcm, software, boundary), "start_threshold");
    need(snd_pcm_sw_params(pcm, software), "sw_params");
}

static void wait_for_period(struct pollfd* descriptors, int count) {
    for (;;) {
        unsigned short events = 0;
        const snd_pcm_sframes_t room = snd_pcm_avail_update(pcm);
        need((int)room, "playback");
        if (room >= (snd_pcm_sframes_t)period)
            return;
        need(poll(descriptors, (nfds_t)count, 1000), "poll");
        need(snd_pcm_poll_descriptors_revents(pcm, descriptors, (unsigned)count, &events), "revents");
    }
}

static void cycle_mapped(void) {
    const snd_pcm_channel_area_t* areas;
    snd_pcm_uframes_t offset;
    snd_pcm_uframes_t frames = period; /* (the buffer holds whole periods: one is never in two pieces) */
    need(snd_pcm_mmap_begin(pcm, &areas, &offset, &frames), "begin");
    for (int channel = 0; channel < num_channels; ++channel) {
        const snd_pcm_channel_area_t* area = &areas[channel];
        float* to = (float*)(void*)((char*)area->addr + (area->first + offset * area->step) / 8);
        const float* from = table + (unsigned)channel * period;
        for (snd_pcm_uframes_t i = 0; i < period; ++i)
            to[i] = from[i] * gain;
    }
    need((int)snd_pcm_mmap_commit(pcm, offset, period), "commit");
}

static void cycle_written(void) {
    for (snd_pcm_uframes_t i = 0; i < period * num_channels; ++i)
        interleaved[i] = table[i] * gain;
    need((int)snd_pcm_writei(pcm, interleaved, period), "write");
}

static void cycle(void) {
    if (MAPPED)
        cycle_mapped();
    else
        cycle_written();
}

int main(int argc, char** argv) {
    struct pollfd descriptors[most_descriptors];
    if (argc != 2)
        return 64;
    period = (snd_pcm_uframes_t)atoi(argv[1]);
    for (unsigned channel = 0; channel < num_channels; ++channel)
        for (unsigned i = 0; i < period; ++i)
            table[MAPPED ? channel * period + i : i * num_channels + channel] =
                (float)(i + 1) / 4096.0f * (channel ? -1.0f : 1.0f);
    open_pcm();
    const int count = snd_pcm_poll_descriptors(pcm, descriptors, most_descriptors);
    need(snd_pcm_prepare(pcm), "prepare");
    for (int i = 0; i < num_periods; ++i)
        cycle();
    need(snd_pcm_start(pcm), "start");
    for (;;) {
        wait_for_period(descriptors, count);
        cycle();
    }
}
