/* SPDX-License-Identifier: MIT
 *
 * A stand-in for libjack.so.0: the same functions, no server. jack_activate() remembers the process callback
 * and stub_run() calls it back to back, so that what is counted or timed is the client's own work. Port
 * buffers are plain memory that stays where it is, as in jackd.
 */
#include "stub.h"

#include <jack/jack.h>
#include <stdlib.h>
#include <string.h>

enum { max_ports = 512, max_frames = 8192 };

struct _jack_port {
    float* buffer;
    char name[64];
};
struct _jack_client {
    int unused;
};

static struct _jack_client the_client;
static struct _jack_port ports[max_ports];
static unsigned num_ports;
static JackProcessCallback process;
static void* process_argument;
static jack_nframes_t quantum = 64;
static jack_nframes_t frame_time;

void stub_set_quantum(unsigned frames) {
    quantum = frames;
}

float* stub_port_memory(unsigned index) {
    return index < num_ports ? ports[index].buffer : NULL;
}

__attribute__((noinline)) void stub_run(unsigned long cycles) {
    for (unsigned long i = 0; i < cycles; ++i) {
        process(quantum, process_argument);
        frame_time += quantum;
    }
}

jack_client_t* jack_client_open(const char* name, jack_options_t options, jack_status_t* status, ...) {
    (void)name;
    (void)options;
    if (status)
        *status = 0;
    num_ports = 0;
    return &the_client;
}
int jack_client_close(jack_client_t* client) {
    (void)client;
    for (unsigned i = 0; i < num_ports; ++i)
        free(ports[i].buffer);
    num_ports = 0;
    return 0;
}
jack_port_t* jack_port_register(jack_client_t* client, const char* name, const char* type,
                                unsigned long flags, unsigned long size) {
    (void)client;
    (void)type;
    (void)flags;
    (void)size;
    if (num_ports == max_ports)
        return NULL;
    struct _jack_port* port = &ports[num_ports++];
    strncpy(port->name, name, sizeof port->name - 1);
    /* Cache-line aligned as jackd's are. */
    port->buffer = aligned_alloc(64, max_frames * sizeof(float));
    memset(port->buffer, 0, max_frames * sizeof(float));
    return port;
}
void* jack_port_get_buffer(jack_port_t* port, jack_nframes_t frames) {
    (void)frames;
    return port->buffer;
}
int jack_set_process_callback(jack_client_t* client, JackProcessCallback callback, void* argument) {
    (void)client;
    process = callback;
    process_argument = argument;
    return 0;
}
jack_nframes_t jack_get_sample_rate(jack_client_t* client) {
    (void)client;
    return 48000;
}
jack_nframes_t jack_get_buffer_size(jack_client_t* client) {
    (void)client;
    return quantum;
}
jack_nframes_t jack_last_frame_time(const jack_client_t* client) {
    (void)client;
    return frame_time;
}
char* jack_get_client_name(jack_client_t* client) {
    (void)client;
    return (char*)"stub";
}
const char* jack_port_name(const jack_port_t* port) {
    return port->name;
}
int jack_client_name_size(void) {
    return 64;
}
void jack_free(void* memory) {
    free(memory);
}

/* Nothing of this happens here. */
int jack_activate(jack_client_t* client) {
    (void)client;
    return 0;
}
int jack_deactivate(jack_client_t* client) {
    (void)client;
    return 0;
}
int jack_port_unregister(jack_client_t* client, jack_port_t* port) {
    (void)client;
    (void)port;
    return 0;
}
void jack_on_info_shutdown(jack_client_t* client, JackInfoShutdownCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
}
int jack_set_xrun_callback(jack_client_t* client, JackXRunCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_set_buffer_size_callback(jack_client_t* client, JackBufferSizeCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_set_sample_rate_callback(jack_client_t* client, JackSampleRateCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_set_freewheel_callback(jack_client_t* client, JackFreewheelCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_set_latency_callback(jack_client_t* client, JackLatencyCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
const char** jack_get_ports(jack_client_t* client, const char* name, const char* type, unsigned long flags) {
    (void)client;
    (void)name;
    (void)type;
    (void)flags;
    return NULL;
}
const char** jack_port_get_all_connections(const jack_client_t* client, const jack_port_t* port) {
    (void)client;
    (void)port;
    return NULL;
}
int jack_connect(jack_client_t* client, const char* source, const char* destination) {
    (void)client;
    (void)source;
    (void)destination;
    return 0;
}
void jack_port_get_latency_range(jack_port_t* port, jack_latency_callback_mode_t mode,
                                 jack_latency_range_t* range) {
    (void)port;
    (void)mode;
    range->min = range->max = 0;
}
void jack_port_set_latency_range(jack_port_t* port, jack_latency_callback_mode_t mode,
                                 jack_latency_range_t* range) {
    (void)port;
    (void)mode;
    (void)range;
}
int jack_get_cycle_times(const jack_client_t* client, jack_nframes_t* frames, jack_time_t* now,
                         jack_time_t* next, float* period) {
    (void)client;
    (void)frames;
    (void)now;
    (void)next;
    (void)period;
    return -1;
}
jack_transport_state_t jack_transport_query(const jack_client_t* client, jack_position_t* position) {
    (void)client;
    position->valid = 0;
    return JackTransportStopped;
}
jack_port_t* jack_port_by_name(jack_client_t* client, const char* name) {
    (void)client;
    (void)name;
    return NULL;
}
const char** jack_port_get_connections(const jack_port_t* port) {
    (void)port;
    return NULL;
}
int jack_port_is_mine(const jack_client_t* client, const jack_port_t* port) {
    (void)client;
    (void)port;
    return 0;
}
int jack_recompute_total_latencies(jack_client_t* client) {
    (void)client;
    return 0;
}
void jack_set_error_function(void (*function)(const char*)) {
    (void)function;
}
void jack_set_info_function(void (*function)(const char*)) {
    (void)function;
}
int jack_set_port_registration_callback(jack_client_t* client, JackPortRegistrationCallback callback,
                                        void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
jack_time_t jack_get_time(void) {
    return 0;
}
