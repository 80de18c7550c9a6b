// SPDX-License-Identifier: MIT
//
// The same scenarios for RealtimeSanitizer, which knows many more functions that may wait. With ALLOCATE the
// callback allocates, and the sanitizer must end the program.

#include "scenarios.hpp"

#include <cstdio>
#include <vector>

namespace {

template <class Step>
void as_cycle(const Step& step) noexcept [[clang::nonblocking]] {
    step();
}

} // namespace

int main() {
    const auto cycle = [](const auto& step) { as_cycle(step); };
    const auto extra = [](const scenarios::io::ClockTick&) noexcept {
#ifdef ALLOCATE
        const std::vector<int> memory(1000);
        __asm__ volatile("" : : "r"(memory.data()) : "memory");
#endif
    };
    const int cycles = scenarios::run_null(256, 0, cycle, extra) +
                       scenarios::run_null(256, 64, cycle, extra) +
                       scenarios::run_null(256, 100, cycle, extra) + scenarios::run_host(cycle);
    const auto around = [&](const scenarios::io::ClockTick&, const auto& graph) { as_cycle(graph); };
    const bool ended = scenarios::run_freewheel(25'600, around);
    std::printf("%d cycles\n", cycles);
    return cycles == 3 * 150 + 9 && ended ? 0 : 2;
}
