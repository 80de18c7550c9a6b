/* SPDX-License-Identifier: MIT
 *
 * run_client BLOCK CYCLES: runs one client on the stand-in. Checks its output first; the counted part is
 * measured_cycles() alone, after a few cycles of warming up. Prints nanoseconds of processor time per cycle
 * (other programs count only for what they do to the caches), and how many cycles later than it came in the
 * input goes out.
 */
#include "client.h"
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { num_channels = 2, most_cycles_late = 4 };

static float sample(unsigned channel, unsigned frame) {
    return (float)(frame + 1) * (channel ? -1.0f : 1.0f);
}

static int output_is_right(unsigned block) {
    for (unsigned channel = 0; channel < num_channels; ++channel)
        for (unsigned i = 0; i < block; ++i)
            if (stub_output_memory(channel)[i] != 0.5f * sample(channel, i))
                return 0;
    return 1;
}

/* How many cycles late the output is right; more than most_cycles_late if it never is. */
static unsigned cycles_late(unsigned block) {
    unsigned late = 0;
    for (unsigned channel = 0; channel < num_channels; ++channel)
        for (unsigned i = 0; i < block; ++i)
            stub_input_memory(channel)[i] = sample(channel, i);
    for (; late <= most_cycles_late; ++late) {
        stub_run(1);
        if (output_is_right(block))
            break;
    }
    return late;
}

__attribute__((noinline)) static void measured_cycles(unsigned long cycles) {
    stub_run(cycles);
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
    for (unsigned channel = 0; channel < num_channels; ++channel)
        if (!stub_input_memory(channel) || !stub_output_memory(channel)) {
            fprintf(stderr, "%s: the client does not have %d channels each way\n", argv[0], num_channels);
            return 1;
        }
    const unsigned late = cycles_late(block);
    if (late > most_cycles_late) {
        fprintf(stderr, "%s: the output is wrong\n", argv[0]);
        return 1;
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    measured_cycles(cycles);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    const double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
    if (!output_is_right(block)) {
        fprintf(stderr, "%s: the output is wrong after %lu cycles\n", argv[0], cycles);
        return 1;
    }
    printf("%.2f %u\n", ns / (double)cycles, late);
    fflush(stdout);
    /* (What a library does at the end is not of interest, nor whether it copes without a server.) */
    _Exit(0);
}
