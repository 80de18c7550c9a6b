/* SPDX-License-Identifier: MIT
 *
 * cubeb over JACK, duplex. It gives and takes interleaved samples only.
 */
#include "../client.h"

#include <cubeb/cubeb.h>
#include <stdio.h>
#include <stdlib.h>

static long process(cubeb_stream* stream, void* argument, const void* input, void* output, long frames) {
    (void)stream;
    (void)argument;
    const float* in = input;
    float* out = output;
    for (long i = 0; i < 2 * frames; ++i)
        out[i] = in[i] * 0.5f;
    return frames;
}

static void changed(cubeb_stream* stream, void* argument, cubeb_state state) {
    (void)stream;
    (void)argument;
    (void)state;
}

static void require(int error, const char* what) {
    if (error == CUBEB_OK)
        return;
    fprintf(stderr, "cubeb: %s failed (%d)\n", what, error);
    exit(1);
}

void client_start(unsigned block) {
    cubeb* context;
    cubeb_stream* stream;
    cubeb_stream_params params = {
        .format = CUBEB_SAMPLE_FLOAT32NE, .rate = 48000, .channels = 2, .layout = CUBEB_LAYOUT_STEREO};
    require(cubeb_init(&context, "cubeb", "jack"), "init");
    require(cubeb_stream_init(context, &stream, "cubeb", NULL, &params, NULL, &params, block, process,
                              changed, NULL),
            "stream_init");
    require(cubeb_stream_start(stream), "start");
}
