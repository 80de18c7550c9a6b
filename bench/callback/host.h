/* SPDX-License-Identifier: MIT
 *
 * The API of a host that calls its plugin, as LV2's run(): an instance, and where its channels are.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*host_process)(void* instance, const float* const* inputs, float* const* outputs,
                             uint32_t frames);

/** From now on the host calls this. */
void host_set_process(host_process process, void* instance);

#ifdef __cplusplus
}
#endif
