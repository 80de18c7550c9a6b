/* SPDX-License-Identifier: MIT
 *
 * raw FRAMES: two channels in, a gain, two channels out, as it is written by hand for alsa-lib.
 * MAPPED: through mapped memory, else read and written. PLANAR: not interleaved, floats. INTEGERS: S32, else
 * floats. IN_PLACE: the gain works on what is interleaved, else on planar floats, which is what a graph is
 * given. PERIOD, if it is there: the same client specialised by hand for so many frames.
 */
#include "raw_pcm.h"

#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { most_frames = 1024, most_descriptors = 8 };

#if INTEGERS
typedef int32_t sample_t;
static inline float decode(sample_t sample) {
    return (float)sample * 0x1p-31f;
}
static inline sample_t encode(float value) {
    value *= 0x1p31f;
    if (value >= 0x1.fffffep30f)
        return 0x7fffff80;
    return value <= -0x1p31f ? INT32_MIN : (sample_t)lrintf(value);
}
#else
typedef float sample_t;
static inline float decode(sample_t sample) {
    return sample;
}
static inline sample_t encode(float value) {
    return value;
}
#endif

static snd_pcm_t* pcms[2]; /* capture, playback */
#ifdef PERIOD
static const snd_pcm_uframes_t period = PERIOD;
#else
static snd_pcm_uframes_t period;
#endif
static float gain = 0.5f;
static float planar[num_channels][most_frames];
static sample_t interleaved[num_channels * most_frames];

static void wait_for_periods(struct pollfd* descriptors, const int* counts) {
    for (;;) {
        unsigned short events = 0;
        const snd_pcm_sframes_t captured = snd_pcm_avail_update(pcms[0]);
        const snd_pcm_sframes_t room = snd_pcm_avail_update(pcms[1]);
        need((int)captured, "capture");
        need((int)room, "playback");
        if (captured >= (snd_pcm_sframes_t)period && room >= (snd_pcm_sframes_t)period)
            return;
        need(poll(descriptors, (nfds_t)(counts[0] + counts[1]), 1000), "poll");
        need(snd_pcm_poll_descriptors_revents(pcms[0], descriptors, (unsigned)counts[0], &events), "revents");
        need(snd_pcm_poll_descriptors_revents(pcms[1], descriptors + counts[0], (unsigned)counts[1], &events),
             "revents");
    }
}

static void amplify_planar(void) {
    for (int channel = 0; channel < num_channels; ++channel)
        for (snd_pcm_uframes_t i = 0; i < period; ++i)
            planar[channel][i] *= gain;
}

static void deinterleave(const sample_t* from) {
    for (snd_pcm_uframes_t i = 0; i < period; ++i)
        for (int channel = 0; channel < num_channels; ++channel)
            planar[channel][i] = decode(from[i * num_channels + (unsigned)channel]);
}

static void interleave(sample_t* to) {
    for (snd_pcm_uframes_t i = 0; i < period; ++i)
        for (int channel = 0; channel < num_channels; ++channel)
            to[i * num_channels + (unsigned)channel] = encode(planar[channel][i]);
}

static const snd_pcm_channel_area_t* areas[2];
static snd_pcm_uframes_t offsets[2];

/* The buffer holds whole periods: one is never in two pieces. */
static void map_period(int i) {
    snd_pcm_uframes_t frames = period;
    need(snd_pcm_mmap_begin(pcms[i], &areas[i], &offsets[i], &frames), "begin");
}

static void* mapped_at(int i, int channel) {
    const snd_pcm_channel_area_t* area = &areas[i][channel];
    return (char*)area->addr + (area->first + offsets[i] * area->step) / 8;
}

static void commit(int i) {
    need((int)snd_pcm_mmap_commit(pcms[i], offsets[i], period), "commit");
}

static void cycle_planar(void) {
    map_period(0);
    map_period(1);
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* from = mapped_at(0, channel);
        float* to = mapped_at(1, channel);
        for (snd_pcm_uframes_t i = 0; i < period; ++i)
            to[i] = from[i] * gain;
    }
    commit(1);
    commit(0);
}

static void cycle_mapped(void) {
    map_period(0);
    deinterleave(mapped_at(0, 0));
    commit(0);
    amplify_planar();
    map_period(1);
    interleave(mapped_at(1, 0));
    commit(1);
}

static void cycle_read_and_written(void) {
    need((int)snd_pcm_readi(pcms[0], interleaved, period), "read");
    if (IN_PLACE) {
        for (snd_pcm_uframes_t i = 0; i < period * num_channels; ++i)
            interleaved[i] = encode(decode(interleaved[i]) * gain);
    } else {
        deinterleave(interleaved);
        amplify_planar();
        interleave(interleaved);
    }
    need((int)snd_pcm_writei(pcms[1], interleaved, period), "write");
}

static void cycle(void) {
    if (PLANAR)
        cycle_planar();
    else if (MAPPED)
        cycle_mapped();
    else
        cycle_read_and_written();
}

int main(int argc, char** argv) {
    struct pollfd descriptors[most_descriptors];
    int counts[2];
    if (argc != 2)
        return 64;
#ifdef PERIOD
    if (atoi(argv[1]) != PERIOD)
        return 64;
#else
    period = (snd_pcm_uframes_t)atoi(argv[1]);
#endif
    const snd_pcm_access_t access = PLANAR   ? SND_PCM_ACCESS_MMAP_NONINTERLEAVED
                                    : MAPPED ? SND_PCM_ACCESS_MMAP_INTERLEAVED
                                             : SND_PCM_ACCESS_RW_INTERLEAVED;
    const snd_pcm_format_t format = INTEGERS ? SND_PCM_FORMAT_S32 : SND_PCM_FORMAT_FLOAT;
    pcms[0] = open_pcm(SND_PCM_STREAM_CAPTURE, access, format, period);
    pcms[1] = open_pcm(SND_PCM_STREAM_PLAYBACK, access, format, period);
    counts[0] = snd_pcm_poll_descriptors(pcms[0], descriptors, most_descriptors);
    counts[1] =
        snd_pcm_poll_descriptors(pcms[1], descriptors + counts[0], (unsigned)(most_descriptors - counts[0]));
    need(snd_pcm_prepare(pcms[0]), "prepare");
    need(snd_pcm_prepare(pcms[1]), "prepare");
    for (int i = 0; i < 3; ++i) {
        if (MAPPED || PLANAR) {
            map_period(1);
            need(snd_pcm_areas_silence(areas[1], offsets[1], num_channels, period,
                                       INTEGERS ? SND_PCM_FORMAT_S32 : SND_PCM_FORMAT_FLOAT),
                 "silence");
            commit(1);
        } else {
            need((int)snd_pcm_writei(pcms[1], interleaved, period), "prefill");
        }
    }
    need(snd_pcm_start(pcms[1]), "start");
    need(snd_pcm_start(pcms[0]), "start");
    for (;;) {
        wait_for_periods(descriptors, counts);
        cycle();
    }
}
