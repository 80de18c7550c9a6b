/* SPDX-License-Identifier: MIT
 *
 * raw_playback FRAMES: from a table of a period, changed by a gain, to two channels out, as it is written by
 * hand for alsa-lib; floats. MAPPED: into mapped memory that is not interleaved, else interleaved and
 * written.
 */
#include "raw_pcm.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { most_frames = 1024, most_descriptors = 8 };

static snd_pcm_t* pcm;
static snd_pcm_uframes_t period;
static float gain = 0.5f;
static float table[num_channels * most_frames]; /* as the PCM wants it */
static float interleaved[num_channels * most_frames];

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
    pcm = open_pcm(SND_PCM_STREAM_PLAYBACK,
                   MAPPED ? SND_PCM_ACCESS_MMAP_NONINTERLEAVED : SND_PCM_ACCESS_RW_INTERLEAVED,
                   SND_PCM_FORMAT_FLOAT, period);
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
