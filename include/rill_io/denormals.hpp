// SPDX-License-Identifier: MIT
#pragma once

// Denormal numbers are a hundred times slower on many processors; a decaying filter makes them by the
// thousand.

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace rill::io {

/// Flushes denormal results and operands to zero on this thread, from now on. Thread: cycle. Realtime-safe:
/// yes.
inline void flush_denormals() noexcept {
#if defined(__SSE__)
    constexpr unsigned flush_to_zero = 0x8000U;
    constexpr unsigned denormals_are_zero = 0x0040U;
    _mm_setcsr(_mm_getcsr() | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
    unsigned long control = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" ::"r"(control | (1UL << 24U)));
#endif
}

} // namespace rill::io
