/* SPDX-License-Identifier: MIT
 *
 * What every client under comparison offers to the program around it.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/** Opens and activates a client with 2 inputs and 2 outputs that multiplies by 0.5, in blocks of `block`
 * frames. */
void client_start(unsigned block);

#ifdef __cplusplus
}
#endif
