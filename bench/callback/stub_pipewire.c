/* SPDX-License-Identifier: MIT
 *
 * A stand-in for libpipewire-0.3.so.0: the same functions and interfaces, no server. A connected filter's
 * process function is called by stub_run(), back to back, through the listener's events as libpipewire does,
 * so that what is counted or timed is the client's own work. Port buffers are plain memory that stays where
 * it is: the real pw_filter_get_dsp_buffer() takes longer, and equally long for every client. Whoever waits
 * for the loop lets one cycle pass.
 */
#include "stub.h"

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_ports = 64, max_frames = 8192, rate = 48000, node_id = 100, first_port_id = 200 };

struct port {
    char* memory;
    float* buffer;
    enum pw_direction direction;
    void* user_data;
};
/* What pw_filter_add_port() gives to the client begins here, as libpipewire's port does before it. */
struct port_data {
    struct port* port;
    char user_data[];
};
struct pw_core {
    struct spa_interface interface;
    struct spa_hook_list listeners;
};
struct pw_registry {
    struct spa_interface interface;
    struct spa_hook_list listeners;
};
struct pw_filter {
    const struct pw_filter_events* events;
    void* data;
};

static struct pw_core the_core;
static struct pw_registry the_registry;
static struct pw_filter the_filter;
static struct port ports[max_ports];
static unsigned num_ports;
static bool connected;
static struct spa_io_position position = {.clock = {.id = 1, .rate = {1, rate}, .duration = 64}};
/* A loop that makes no event sources. */
static const struct spa_loop_utils_methods no_utils = {.version = SPA_VERSION_LOOP_UTILS_METHODS};
static struct spa_interface utils = {.cb = {.funcs = &no_utils}};
static struct pw_loop the_loop = {.utils = (struct spa_loop_utils*)&utils};
/* Nothing looks into these. */
static char thread_loop_memory, context_memory, properties_memory;

void stub_set_quantum(unsigned frames) {
    position.clock.duration = frames;
}

static float* port_memory(unsigned index, enum pw_direction direction) {
    for (unsigned i = 0; i < num_ports; ++i)
        if (ports[i].direction == direction && index-- == 0)
            return ports[i].buffer;
    return NULL;
}
float* stub_input_memory(unsigned index) {
    return port_memory(index, PW_DIRECTION_INPUT);
}
float* stub_output_memory(unsigned index) {
    return port_memory(index, PW_DIRECTION_OUTPUT);
}

__attribute__((noinline)) void stub_run(unsigned long cycles) {
    for (unsigned long i = 0; i < cycles; ++i) {
        the_filter.events->process(the_filter.data, &position);
        position.clock.position += position.clock.duration;
    }
}

void* pw_filter_get_dsp_buffer(void* port_data, uint32_t frames) {
    (void)frames;
    const struct port_data* data =
        SPA_PTROFF(port_data, -(ptrdiff_t)offsetof(struct port_data, user_data), void);
    return data->port->buffer;
}

/* The core and its registry, which shows the ports of a connected filter. */

static void show_ports(void) {
    for (unsigned i = 0; connected && i < num_ports; ++i) {
        char node[16], index[16];
        snprintf(node, sizeof node, "%d", node_id);
        snprintf(index, sizeof index, "%u", i);
        const struct spa_dict_item items[] = {
            {PW_KEY_NODE_ID, node},
            {PW_KEY_PORT_ID, index},
            {PW_KEY_FORMAT_DSP, "32 bit float mono audio"},
            {PW_KEY_PORT_DIRECTION, ports[i].direction == PW_DIRECTION_INPUT ? "in" : "out"},
        };
        const struct spa_dict dict = SPA_DICT_INIT_ARRAY(items);
        spa_hook_list_call(&the_registry.listeners, struct pw_registry_events, global, 0, first_port_id + i,
                           PW_PERM_ALL, PW_TYPE_INTERFACE_Port, PW_VERSION_PORT, &dict);
    }
}
static int registry_add_listener(void* object, struct spa_hook* hook, const struct pw_registry_events* events,
                                 void* data) {
    (void)object;
    spa_hook_list_append(&the_registry.listeners, hook, events, data);
    return 0;
}
static const struct pw_registry_methods registry_methods = {
    .version = PW_VERSION_REGISTRY_METHODS,
    .add_listener = registry_add_listener,
};

static int core_add_listener(void* object, struct spa_hook* hook, const struct pw_core_events* events,
                             void* data) {
    (void)object;
    spa_hook_list_append(&the_core.listeners, hook, events, data);
    return 0;
}
static int core_sync(void* object, uint32_t id, int sequence) {
    (void)object;
    spa_hook_list_call(&the_core.listeners, struct pw_core_events, done, 0, id, sequence);
    return sequence;
}
static struct pw_registry* core_get_registry(void* object, uint32_t version, size_t user_data_size) {
    (void)object;
    (void)version;
    (void)user_data_size;
    the_registry.interface =
        SPA_INTERFACE_INIT(PW_TYPE_INTERFACE_Registry, PW_VERSION_REGISTRY, &registry_methods, &the_registry);
    spa_hook_list_init(&the_registry.listeners);
    return &the_registry;
}
static const struct pw_core_methods core_methods = {
    .version = PW_VERSION_CORE_METHODS,
    .add_listener = core_add_listener,
    .sync = core_sync,
    .get_registry = core_get_registry,
};

struct pw_core* pw_context_connect(struct pw_context* context, struct pw_properties* properties,
                                   size_t user_data_size) {
    (void)context;
    (void)properties;
    (void)user_data_size;
    the_core.interface =
        SPA_INTERFACE_INIT(PW_TYPE_INTERFACE_Core, PW_VERSION_CORE, &core_methods, &the_core);
    spa_hook_list_init(&the_core.listeners);
    return &the_core;
}

/* The filter. */

struct pw_filter* pw_filter_new(struct pw_core* core, const char* name, struct pw_properties* properties) {
    (void)core;
    (void)name;
    (void)properties;
    num_ports = 0;
    return &the_filter;
}
struct pw_filter* pw_filter_new_simple(struct pw_loop* loop, const char* name,
                                       struct pw_properties* properties,
                                       const struct pw_filter_events* events, void* data) {
    (void)loop;
    the_filter.events = events;
    the_filter.data = data;
    return pw_filter_new(NULL, name, properties);
}
void pw_filter_add_listener(struct pw_filter* filter, struct spa_hook* hook,
                            const struct pw_filter_events* events, void* data) {
    (void)hook;
    filter->events = events;
    filter->data = data;
}
void* pw_filter_add_port(struct pw_filter* filter, enum pw_direction direction,
                         enum pw_filter_port_flags flags, size_t user_data_size,
                         struct pw_properties* properties, const struct spa_pod** params,
                         uint32_t num_params) {
    (void)filter;
    (void)flags;
    (void)properties;
    (void)params;
    (void)num_params;
    struct port_data* data = calloc(1, sizeof *data + user_data_size);
    char* memory = aligned_alloc(stub_page, max_frames * sizeof(float) + stub_page);
    if (num_ports == max_ports || !data || !memory)
        abort();
    memset(memory, 0, max_frames * sizeof(float) + stub_page);
    float* buffer = (float*)(void*)(memory + (size_t)num_ports * stub_stagger % stub_page);
    struct port* port = &ports[num_ports++];
    *port = (struct port){.memory = memory, .buffer = buffer, .direction = direction, .user_data = data};
    data->port = port;
    return data->user_data;
}
int pw_filter_connect(struct pw_filter* filter, enum pw_filter_flags flags, const struct spa_pod** params,
                      uint32_t num_params) {
    (void)filter;
    (void)flags;
    (void)params;
    (void)num_params;
    connected = true;
    if (the_registry.interface.type)
        show_ports();
    if (the_filter.events->io_changed) /* the server has given the node to a driver */
        the_filter.events->io_changed(the_filter.data, NULL, SPA_IO_Position, &position, sizeof position);
    return 0;
}
void pw_filter_destroy(struct pw_filter* filter) {
    (void)filter;
    for (unsigned i = 0; i < num_ports; ++i) {
        free(ports[i].memory);
        free(ports[i].user_data);
    }
    num_ports = 0;
    connected = false;
}
int pw_filter_update_params(struct pw_filter* filter, void* port_data, const struct spa_pod** params,
                            uint32_t num_params) {
    (void)filter;
    (void)port_data;
    (void)params;
    (void)num_params;
    return 0;
}
uint32_t pw_filter_get_node_id(struct pw_filter* filter) {
    (void)filter;
    return node_id;
}

int pw_thread_loop_timed_wait_full(struct pw_thread_loop* loop, struct timespec* deadline) {
    (void)loop;
    (void)deadline;
    if (connected)
        stub_run(1);
    return -ETIMEDOUT;
}

/* Nothing of this happens here. */
void pw_init(int* argc, char** argv[]) {
    (void)argc;
    (void)argv;
}
void pw_deinit(void) {}
struct pw_properties* pw_properties_new(const char* key, ...) {
    (void)key;
    return (struct pw_properties*)&properties_memory;
}
int pw_properties_setf(struct pw_properties* properties, const char* key, const char* format, ...) {
    (void)properties;
    (void)key;
    (void)format;
    return 0;
}
void pw_properties_free(struct pw_properties* properties) {
    (void)properties;
}
struct pw_thread_loop* pw_thread_loop_new(const char* name, const struct spa_dict* properties) {
    (void)name;
    (void)properties;
    return (struct pw_thread_loop*)&thread_loop_memory;
}
struct pw_loop* pw_thread_loop_get_loop(struct pw_thread_loop* loop) {
    (void)loop;
    return &the_loop;
}
int pw_thread_loop_start(struct pw_thread_loop* loop) {
    (void)loop;
    return 0;
}
void pw_thread_loop_stop(struct pw_thread_loop* loop) {
    (void)loop;
}
void pw_thread_loop_destroy(struct pw_thread_loop* loop) {
    (void)loop;
}
void pw_thread_loop_lock(struct pw_thread_loop* loop) {
    (void)loop;
}
void pw_thread_loop_unlock(struct pw_thread_loop* loop) {
    (void)loop;
}
void pw_thread_loop_signal(struct pw_thread_loop* loop, bool wait_for_accept) {
    (void)loop;
    (void)wait_for_accept;
}
int pw_thread_loop_get_time(struct pw_thread_loop* loop, struct timespec* deadline, int64_t timeout) {
    (void)loop;
    (void)timeout;
    *deadline = (struct timespec){0};
    return 0;
}
struct pw_context* pw_context_new(struct pw_loop* loop, struct pw_properties* properties,
                                  size_t user_data_size) {
    (void)loop;
    (void)properties;
    (void)user_data_size;
    return (struct pw_context*)&context_memory;
}
void pw_context_destroy(struct pw_context* context) {
    (void)context;
}
int pw_core_disconnect(struct pw_core* core) {
    (void)core;
    return 0;
}
void pw_proxy_destroy(struct pw_proxy* proxy) {
    (void)proxy;
}
void pw_proxy_add_listener(struct pw_proxy* proxy, struct spa_hook* hook,
                           const struct pw_proxy_events* events, void* data) {
    (void)proxy;
    (void)hook;
    (void)events;
    (void)data;
}
void pw_proxy_add_object_listener(struct pw_proxy* proxy, struct spa_hook* hook, const void* events,
                                  void* data) {
    (void)proxy;
    (void)hook;
    (void)events;
    (void)data;
}
