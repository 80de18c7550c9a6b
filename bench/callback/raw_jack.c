/* SPDX-License-Identifier: MIT
 *
 * The client that everybody writes in C for JACK: zero-copy, no state beyond what the work needs. BLOCK is
 * `frames`, the run-time value, or a number: the same client specialised by hand.
 */
#include "client.h"

#include <jack/jack.h>
#include <stdlib.h>

enum { num_channels = 2 };

static jack_port_t* inputs[num_channels];
static jack_port_t* outputs[num_channels];
static float gain = 0.5f;

static int process(jack_nframes_t frames, void* argument) {
    (void)argument;
    const jack_nframes_t block = BLOCK;
    if (frames != block)
        return 0;
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* in = jack_port_get_buffer(inputs[channel], block);
        float* out = jack_port_get_buffer(outputs[channel], block);
        for (jack_nframes_t i = 0; i < block; ++i)
            out[i] = in[i] * gain;
    }
    return 0;
}

void client_start(unsigned frames) {
    (void)frames;
    jack_client_t* client = jack_client_open("raw", JackNoStartServer, NULL);
    for (int channel = 0; channel < num_channels; ++channel)
        inputs[channel] = jack_port_register(client, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
    for (int channel = 0; channel < num_channels; ++channel)
        outputs[channel] = jack_port_register(client, "out", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
    jack_set_process_callback(client, process, NULL);
    jack_activate(client);
}
