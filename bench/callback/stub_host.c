/* SPDX-License-Identifier: MIT
 *
 * A plugin's host: stub_run() calls the plugin back to back. The channels are plain memory that stays where
 * it is.
 */
#include "host.h"
#include "stub.h"

#include <stddef.h>

enum { num_channels = 2, max_frames = 8192 };

static float memory[2 * num_channels][max_frames + stub_stagger / sizeof(float)]
    __attribute__((aligned(stub_page)));
static const float* const inputs[num_channels] = {memory[0], memory[1]};
static float* const outputs[num_channels] = {memory[2], memory[3]};
static uint32_t quantum = 64;
static host_process plugin_process;
static void* plugin;

void host_set_process(host_process process, void* instance) {
    plugin_process = process;
    plugin = instance;
}

void stub_set_quantum(unsigned frames) {
    quantum = frames;
}

float* stub_input_memory(unsigned index) {
    return index < num_channels ? memory[index] : NULL;
}
float* stub_output_memory(unsigned index) {
    return index < num_channels ? memory[num_channels + index] : NULL;
}

__attribute__((noinline)) void stub_run(unsigned long cycles) {
    for (unsigned long i = 0; i < cycles; ++i)
        plugin_process(plugin, inputs, outputs, quantum);
}
