/* SPDX-License-Identifier: MIT
 *
 * What the stand-in for a server's client library has beyond that library. Every API's stand-in has the same.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/** Frames of every later cycle; 64 at first. */
void stub_set_quantum(unsigned frames);
/** Calls the activated client's process callback this many times, back to back, on the calling thread. */
void stub_run(unsigned long cycles);
/** The buffer of the index-th port in order of registration; NULL if there is none. */
float* stub_port_memory(unsigned index);

#ifdef __cplusplus
}
#endif
