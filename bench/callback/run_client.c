/* SPDX-License-Identifier: MIT
 *
 * Runs one client on the stand-in: run_client BLOCK CYCLES. Checks its output first; the counted part is
 * stub_run() alone, after a few cycles of warming up.
 */
#include "client.h"
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int output_is_right(unsigned block) {
    for (unsigned channel = 0; channel < 2; ++channel)
        for (unsigned i = 0; i < block; ++i)
            stub_port_memory(channel)[i] = (float)(i + 1) * (channel ? -1.0f : 1.0f);
    stub_run(1);
    for (unsigned channel = 0; channel < 2; ++channel)
        for (unsigned i = 0; i < block; ++i)
            if (stub_port_memory(2 + channel)[i] != 0.5f * (float)(i + 1) * (channel ? -1.0f : 1.0f))
                return 0;
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s BLOCK CYCLES\n", argv[0]);
        return 2;
    }
    const unsigned block = (unsigned)atoi(argv[1]);
    const unsigned long cycles = strtoul(argv[2], NULL, 10);
    stub_set_quantum(block);
    client_start(block);
    stub_run(10);
    if (!output_is_right(block)) {
        fprintf(stderr, "%s: the output is wrong\n", argv[0]);
        return 1;
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    stub_run(cycles);
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    printf("%.2f\n", ns / (double)cycles);
    return 0;
}
