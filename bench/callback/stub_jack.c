/* SPDX-License-Identifier: MIT
 *
 * A stand-in for libjack.so.0: the same functions, no server. stub_run() calls the process callbacks of the
 * activated clients back to back, in the order of activation, so that what is counted or timed is the
 * clients' own work. Port buffers are plain memory that stays where it is, as in jackd. There is one device,
 * "system", with two ports each way. Until stub_run() is called first, a thread of the library runs a cycle
 * now and then: some clients wait for one while they start.
 */
#include "stub.h"

#include <jack/jack.h>
#include <pthread.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { max_clients = 64, max_ports = 512, max_frames = 8192, max_name = 128 };

struct _jack_port {
    char* memory;
    float* buffer;
    struct _jack_client* client; /* NULL: of the device */
    unsigned long flags;
    char name[max_name];
};
struct _jack_client {
    bool open;
    char name[max_name];
    JackProcessCallback process;
    void* argument;
};

static struct _jack_client clients[max_clients];
static struct _jack_client* active[max_clients];
static unsigned num_active;
static struct _jack_port ports[max_ports] = {
    {.name = "system:capture_1", .flags = JackPortIsOutput | JackPortIsPhysical | JackPortIsTerminal},
    {.name = "system:capture_2", .flags = JackPortIsOutput | JackPortIsPhysical | JackPortIsTerminal},
    {.name = "system:playback_1", .flags = JackPortIsInput | JackPortIsPhysical | JackPortIsTerminal},
    {.name = "system:playback_2", .flags = JackPortIsInput | JackPortIsPhysical | JackPortIsTerminal},
};
static jack_nframes_t quantum = 64;
static jack_nframes_t frame_time;

/* Held by the starting thread during a cycle, and by whoever changes what a cycle sees. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static pthread_t starting;
static bool is_starting;
static bool has_started;

void stub_set_quantum(unsigned frames) {
    quantum = frames;
}

static float* port_memory(unsigned index, unsigned long direction) {
    for (unsigned i = 0; i < max_ports; ++i)
        if (ports[i].client && ports[i].flags & direction && index-- == 0)
            return ports[i].buffer;
    return NULL;
}
float* stub_input_memory(unsigned index) {
    return port_memory(index, JackPortIsInput);
}
float* stub_output_memory(unsigned index) {
    return port_memory(index, JackPortIsOutput);
}

static void* run_while_starting(void* unused) {
    const struct timespec pause = {.tv_nsec = 200000};
    for (;;) {
        pthread_mutex_lock(&changing);
        const bool done = has_started;
        for (unsigned i = 0; !done && i < num_active; ++i)
            active[i]->process(quantum, active[i]->argument);
        frame_time += quantum;
        pthread_mutex_unlock(&changing);
        if (done)
            return unused;
        nanosleep(&pause, NULL);
    }
}

__attribute__((noinline)) static void end_start(void) {
    pthread_mutex_lock(&changing);
    has_started = true;
    pthread_mutex_unlock(&changing);
    if (is_starting)
        pthread_join(starting, NULL);
    is_starting = false;
}

__attribute__((noinline)) void stub_run(unsigned long cycles) {
    if (!has_started)
        end_start();
    for (unsigned long i = 0; i < cycles; ++i) {
        for (unsigned client = 0; client < num_active; ++client)
            active[client]->process(quantum, active[client]->argument);
        frame_time += quantum;
    }
}

jack_client_t* jack_client_open(const char* name, jack_options_t options, jack_status_t* status, ...) {
    (void)options;
    if (status)
        *status = 0;
    for (unsigned i = 0; i < max_clients; ++i)
        if (!clients[i].open) {
            clients[i] = (struct _jack_client){.open = true};
            snprintf(clients[i].name, sizeof clients[i].name, "%s", name);
            return &clients[i];
        }
    return NULL;
}
int jack_activate(jack_client_t* client) {
    pthread_mutex_lock(&changing);
    if (client->process && num_active < max_clients)
        active[num_active++] = client;
    if (!is_starting && !has_started)
        is_starting = pthread_create(&starting, NULL, run_while_starting, NULL) == 0;
    pthread_mutex_unlock(&changing);
    return 0;
}
int jack_deactivate(jack_client_t* client) {
    pthread_mutex_lock(&changing);
    for (unsigned i = 0; i < num_active; ++i)
        if (active[i] == client) {
            --num_active;
            memmove(&active[i], &active[i + 1], (num_active - i) * sizeof *active);
        }
    pthread_mutex_unlock(&changing);
    return 0;
}
int jack_port_unregister(jack_client_t* client, jack_port_t* port) {
    (void)client;
    pthread_mutex_lock(&changing);
    free(port->memory);
    *port = (struct _jack_port){0};
    pthread_mutex_unlock(&changing);
    return 0;
}
int jack_client_close(jack_client_t* client) {
    jack_deactivate(client);
    for (unsigned i = 0; i < max_ports; ++i)
        if (ports[i].client == client)
            jack_port_unregister(client, &ports[i]);
    client->open = false;
    return 0;
}
jack_port_t* jack_port_register(jack_client_t* client, const char* name, const char* type,
                                unsigned long flags, unsigned long size) {
    (void)type;
    (void)size;
    pthread_mutex_lock(&changing);
    struct _jack_port* port = ports;
    while (port != ports + max_ports && port->name[0])
        ++port;
    if (port == ports + max_ports) {
        port = NULL;
    } else {
        char* memory = aligned_alloc(stub_page, max_frames * sizeof(float) + stub_page);
        memset(memory, 0, max_frames * sizeof(float) + stub_page);
        const size_t index = (size_t)(port - ports);
        const size_t stagger = index * stub_stagger + index / 8 * stub_stagger_of_many;
        float* buffer = (float*)(void*)(memory + stagger % stub_page);
        *port = (struct _jack_port){.client = client, .flags = flags, .memory = memory, .buffer = buffer};
        snprintf(port->name, sizeof port->name, "%.60s:%.60s", client->name, name);
    }
    pthread_mutex_unlock(&changing);
    return port;
}
void* jack_port_get_buffer(jack_port_t* port, jack_nframes_t frames) {
    (void)frames;
    return port->buffer;
}
int jack_set_process_callback(jack_client_t* client, JackProcessCallback callback, void* argument) {
    client->process = callback;
    client->argument = argument;
    return 0;
}
const char** jack_get_ports(jack_client_t* client, const char* name, const char* type, unsigned long flags) {
    (void)client;
    regex_t wanted_name, wanted_type;
    if (regcomp(&wanted_name, name ? name : "", REG_EXTENDED | REG_NOSUB) ||
        regcomp(&wanted_type, type ? type : "", REG_EXTENDED | REG_NOSUB))
        abort();
    const char** found = calloc(max_ports + 1, sizeof *found);
    unsigned num_found = 0;
    for (unsigned i = 0; i < max_ports; ++i)
        if (ports[i].name[0] && (ports[i].flags & flags) == flags &&
            !regexec(&wanted_name, ports[i].name, 0, NULL, 0) &&
            !regexec(&wanted_type, JACK_DEFAULT_AUDIO_TYPE, 0, NULL, 0))
            found[num_found++] = ports[i].name;
    regfree(&wanted_name);
    regfree(&wanted_type);
    if (num_found != 0)
        return found;
    free(found);
    return NULL;
}
jack_port_t* jack_port_by_name(jack_client_t* client, const char* name) {
    (void)client;
    for (unsigned i = 0; i < max_ports; ++i)
        if (strcmp(ports[i].name, name) == 0)
            return &ports[i];
    return NULL;
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
jack_nframes_t jack_frame_time(const jack_client_t* client) {
    (void)client;
    return frame_time;
}
char* jack_get_client_name(jack_client_t* client) {
    return client->name;
}
const char* jack_port_name(const jack_port_t* port) {
    return port->name;
}
int jack_port_flags(const jack_port_t* port) {
    return (int)port->flags;
}
const char* jack_port_type(const jack_port_t* port) {
    (void)port;
    return JACK_DEFAULT_AUDIO_TYPE;
}
int jack_client_name_size(void) {
    return max_name / 2;
}
int jack_port_name_size(void) {
    return max_name;
}
void jack_free(void* memory) {
    free(memory);
}

/* Nothing of this happens here. */
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
void jack_on_shutdown(jack_client_t* client, JackShutdownCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
}
int jack_set_port_rename_callback(jack_client_t* client, JackPortRenameCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_set_graph_order_callback(jack_client_t* client, JackGraphOrderCallback callback, void* argument) {
    (void)client;
    (void)callback;
    (void)argument;
    return 0;
}
int jack_port_connected(const jack_port_t* port) {
    (void)port;
    return 0;
}
int jack_port_disconnect(jack_client_t* client, jack_port_t* port) {
    (void)client;
    (void)port;
    return 0;
}
jack_nframes_t jack_port_get_latency(jack_port_t* port) {
    (void)port;
    return 0;
}
float jack_get_xrun_delayed_usecs(jack_client_t* client) {
    (void)client;
    return 0.0f;
}
