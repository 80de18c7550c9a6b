/* SPDX-License-Identifier: MIT
 *
 * What the stand-in for a server's client library has beyond that library. Every API's stand-in has the same.
 */
#pragma once

enum {
    /** Bytes between channels, modulo a page: where blocks of up to 256 frames of 2 + 2 channels have the
     * same place within their pages, a processor takes a load for one of what was just stored, and whoever
     * happens to load in that order is slower by half. No client is to be favoured by that. */
    stub_stagger = 1024,
    stub_page = 4096,
    /** In addition, from each eight ports of JACK's to the next: many clients' ports are to lie everywhere in
     * their pages, as jackd's do, or they would all compete for a quarter of the first cache. */
    stub_stagger_of_many = 256,
};

#ifdef __cplusplus
extern "C" {
#endif

/** Frames of every later cycle; 64 at first. */
void stub_set_quantum(unsigned frames);
/** Calls the activated client's process callback this many times, back to back, on the calling thread. */
void stub_run(unsigned long cycles);
/** The buffer of the index-th input or output port in order of registration; NULL if there is none. */
float* stub_input_memory(unsigned index);
float* stub_output_memory(unsigned index);

#ifdef __cplusplus
}
#endif
