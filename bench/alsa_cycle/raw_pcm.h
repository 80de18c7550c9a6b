/* SPDX-License-Identifier: MIT
 *
 * How the clients that are written by hand open a PCM: two channels, three periods, nothing is started.
 */
#pragma once

#include <alsa/asoundlib.h>
#include <unistd.h>

enum { num_channels = 2, num_periods = 3 };

static void need(int status, const char* what) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, snd_strerror(status));
        _exit(1);
    }
}

static snd_pcm_t* open_pcm(snd_pcm_stream_t stream, snd_pcm_access_t access, snd_pcm_format_t format,
                           snd_pcm_uframes_t period) {
    snd_pcm_t* pcm;
    snd_pcm_hw_params_t* hardware;
    snd_pcm_sw_params_t* software;
    snd_pcm_uframes_t buffer = num_periods * period;
    snd_pcm_uframes_t boundary = 0;
    snd_pcm_hw_params_alloca(&hardware);
    snd_pcm_sw_params_alloca(&software);
    need(snd_pcm_open(&pcm, "ready", stream, SND_PCM_NONBLOCK), "open");
    need(snd_pcm_hw_params_any(pcm, hardware), "any");
    need(snd_pcm_hw_params_set_access(pcm, hardware, access), "access");
    need(snd_pcm_hw_params_set_format(pcm, hardware, format), "format");
    need(snd_pcm_hw_params_set_channels(pcm, hardware, num_channels), "channels");
    need(snd_pcm_hw_params_set_period_size(pcm, hardware, period, 0), "period");
    need(snd_pcm_hw_params_set_buffer_size_near(pcm, hardware, &buffer), "buffer");
    need(snd_pcm_hw_params(pcm, hardware), "hw_params");
    need(snd_pcm_sw_params_current(pcm, software), "current");
    snd_pcm_sw_params_get_boundary(software, &boundary);
    need(snd_pcm_sw_params_set_avail_min(pcm, software, period), "avail_min");
    need(snd_pcm_sw_params_set_start_threshold(pcm, software, boundary), "start_threshold");
    need(snd_pcm_sw_params(pcm, software), "sw_params");
    return pcm;
}
