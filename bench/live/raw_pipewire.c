/* SPDX-License-Identifier: MIT */
#include "live.h"

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <stdlib.h>

static void* input;
static void* output;

static void process(void* data, struct spa_io_position* position) {
    (void)data;
    const uint32_t frames = (uint32_t)position->clock.duration;
    live_cycle(pw_filter_get_dsp_buffer(input, frames), pw_filter_get_dsp_buffer(output, frames), frames);
}

static const struct pw_filter_events events = {.version = PW_VERSION_FILTER_EVENTS, .process = process};

static void* add_port(struct pw_filter* filter, enum pw_direction direction, const char* name) {
    struct pw_properties* properties =
        pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio", PW_KEY_PORT_NAME, name, NULL);
    return pw_filter_add_port(filter, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS, sizeof(int), properties,
                              NULL, 0);
}

void live_start(void) {
    pw_init(NULL, NULL);
    struct pw_thread_loop* loop = pw_thread_loop_new("live", NULL);
    pw_thread_loop_lock(loop);
    struct pw_properties* properties =
        pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Filter", PW_KEY_MEDIA_ROLE,
                          "DSP", PW_KEY_NODE_ALWAYS_PROCESS, "true", NULL);
    struct pw_filter* filter =
        pw_filter_new_simple(pw_thread_loop_get_loop(loop), "live", properties, &events, NULL);
    input = add_port(filter, PW_DIRECTION_INPUT, "in");
    output = add_port(filter, PW_DIRECTION_OUTPUT, "out");
    if (pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0) < 0)
        exit(1);
    pw_thread_loop_unlock(loop);
    pw_thread_loop_start(loop);
}
