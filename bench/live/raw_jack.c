/* SPDX-License-Identifier: MIT */
#include "live.h"

#include <jack/jack.h>
#include <stdio.h>
#include <stdlib.h>

static jack_port_t* input;
static jack_port_t* output;

static int process(jack_nframes_t frames, void* argument) {
    (void)argument;
    live_cycle(jack_port_get_buffer(input, frames), jack_port_get_buffer(output, frames), frames);
    return 0;
}

void live_start(void) {
    jack_client_t* client = jack_client_open("live", JackNoStartServer, NULL);
    if (!client) {
        fprintf(stderr, "no JACK server\n");
        exit(1);
    }
    input = jack_port_register(client, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
    output = jack_port_register(client, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
    jack_set_process_callback(client, process, NULL);
    if (!input || !output || jack_activate(client) != 0)
        exit(1);
}
