/* SPDX-License-Identifier: MIT
 *
 * The filter that everybody writes in C for PipeWire, as libpipewire's own example does: zero-copy, a port
 * that is not linked is left out. BLOCK is `frames`, the run-time value, or a number: the same filter
 * specialised by hand.
 */
#include "client.h"

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

enum { num_channels = 2 };

static void* inputs[num_channels];
static void* outputs[num_channels];
static float gain = 0.5f;

static void process(void* data, struct spa_io_position* position) {
    (void)data;
    const uint32_t frames = (uint32_t)position->clock.duration;
    const uint32_t block = BLOCK;
    if (frames != block)
        return;
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* in = pw_filter_get_dsp_buffer(inputs[channel], block);
        float* out = pw_filter_get_dsp_buffer(outputs[channel], block);
        if (in == NULL || out == NULL)
            continue;
        for (uint32_t i = 0; i < block; ++i)
            out[i] = in[i] * gain;
    }
}

static const struct pw_filter_events events = {.version = PW_VERSION_FILTER_EVENTS, .process = process};

static void* add_port(struct pw_filter* filter, enum pw_direction direction, const char* name) {
    struct pw_properties* properties =
        pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio", PW_KEY_PORT_NAME, name, NULL);
    return pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, sizeof(int), properties,
                              NULL, 0);
}

void client_start(unsigned frames) {
    (void)frames;
    pw_init(NULL, NULL);
    struct pw_thread_loop* loop = pw_thread_loop_new("raw", NULL);
    struct pw_properties* properties = pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", NULL);
    struct pw_filter* filter =
        pw_filter_new_simple(pw_thread_loop_get_loop(loop), "raw", properties, &events, NULL);
    for (int channel = 0; channel < num_channels; ++channel)
        inputs[channel] = add_port(filter, PW_DIRECTION_INPUT, "in");
    for (int channel = 0; channel < num_channels; ++channel)
        outputs[channel] = add_port(filter, PW_DIRECTION_OUTPUT, "out");
    pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0);
    pw_thread_loop_start(loop);
}
