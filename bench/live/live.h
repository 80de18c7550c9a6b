/* SPDX-License-Identifier: MIT
 *
 * What every client on a live server does in its callback, one channel each way: notes when it was called,
 * and sends an impulse and waits for its return.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Connects a client called "live" to the server and starts it; ends the program with a reason if it can't.
 */
void live_start(void);
/** The client's callback; out and in may be NULL in a cycle that has no buffer. */
void live_cycle(const float* in, float* out, uint32_t frames);

#ifdef __cplusplus
}
#endif
