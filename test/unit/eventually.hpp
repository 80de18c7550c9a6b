// SPDX-License-Identifier: MIT
#pragma once

// Waiting for another thread: for a condition, not for a time.

#include <chrono>
#include <thread>

/// True as soon as the condition holds, false if it does not within ten seconds. (A machine that was itself
/// held up for so long gets its looks all the same.)
template <class Condition>
[[nodiscard]] bool eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    constexpr int enough_looks = 100;
    for (int looks = 0; !condition(); ++looks) {
        if (looks >= enough_looks && std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}
