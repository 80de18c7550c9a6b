/* SPDX-License-Identifier: MIT
 *
 * The plugin that everybody writes in C. BLOCK is `frames`, the run-time value, or a number: the same plugin
 * specialised by hand.
 */
#include "client.h"
#include "host.h"

#include <stddef.h>

enum { num_channels = 2 };

static float gain = 0.5f;

static void process(void* instance, const float* const* inputs, float* const* outputs, uint32_t frames) {
    (void)instance;
    const uint32_t block = BLOCK;
    if (frames != block)
        return;
    for (int channel = 0; channel < num_channels; ++channel) {
        const float* in = inputs[channel];
        float* out = outputs[channel];
        for (uint32_t i = 0; i < block; ++i)
            out[i] = in[i] * gain;
    }
}

void client_start(unsigned frames) {
    (void)frames;
    host_set_process(process, NULL);
}
