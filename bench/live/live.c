/* SPDX-License-Identifier: MIT
 *
 * live latency|jitter|start_up COUNT: prints how many frames an impulse took to come back, COUNT times; or
 * the nanoseconds between COUNT callbacks and those before them; or those from before it connects to the
 * server to its first callback (COUNT 1). One number in a line. Ends when it has them, or with status 1 after
 * 20 s. Says "ready" first: now its ports can be connected.
 */
#include "live.h"

#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_numbers = 100000, longest_latency = 8192, warm_up_cycles = 50, patience_s = 20 };

static enum { latency, jitter, start_up } what;
static unsigned wanted;
static sem_t complete;

/* The callback's own. */
static uint64_t numbers[most_numbers];
static unsigned count;
static uint64_t now;  /* frames since the start */
static uint64_t sent; /* when the last impulse was */
static bool on_its_way;
static uint64_t last_ns;
static unsigned cycles;

static void add(uint64_t number) {
    if (count == wanted)
        return;
    numbers[count++] = number;
    if (count == wanted)
        sem_post(&complete);
}

static void note_impulse(const float* in, float* out, uint32_t frames) {
    for (uint32_t i = 0; in && i < frames; ++i)
        if (in[i] > 0.5f && on_its_way) {
            add(now + i - sent);
            on_its_way = false;
        }
    if (!out)
        return;
    memset(out, 0, frames * sizeof *out);
    if (now < sent + longest_latency)
        return;
    /* (somewhere within the block, and one that is lost is sent again) */
    const uint32_t where = (uint32_t)(now / frames) % frames;
    out[where] = 1.0f;
    sent = now + where;
    on_its_way = true;
}

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void note_time(float* out, uint32_t frames) {
    const uint64_t ns = now_ns();
    if (what == start_up || cycles++ > warm_up_cycles)
        add(ns - last_ns);
    last_ns = ns;
    if (out)
        memset(out, 0, frames * sizeof *out);
}

void live_cycle(const float* in, float* out, uint32_t frames) {
    if (what == latency)
        note_impulse(in, out, frames);
    else
        note_time(out, frames);
    now += frames;
}

int main(int argc, char** argv) {
    if (argc != 3 || atoi(argv[2]) < 1 || atoi(argv[2]) > most_numbers)
        return 64;
    what = strcmp(argv[1], "latency") == 0 ? latency : strcmp(argv[1], "jitter") == 0 ? jitter : start_up;
    wanted = (unsigned)atoi(argv[2]);
    sem_init(&complete, 0, 0);
    last_ns = now_ns();
    live_start();
    puts("ready");
    fflush(stdout);
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += patience_s;
    while (sem_timedwait(&complete, &end) != 0)
        if (errno != EINTR) {
            fprintf(stderr, "%s: %u of %u after %d s\n", argv[0], count, wanted, patience_s);
            _Exit(1);
        }
    for (unsigned i = 0; i < wanted; ++i)
        printf("%llu\n", (unsigned long long)numbers[i]);
    fflush(stdout);
    /* (the server sees us go) */
    _Exit(0);
}
