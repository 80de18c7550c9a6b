// SPDX-License-Identifier: MIT
#pragma once

// bounded_call: for C functions that may hang for ever on a dead or stopped server.

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <new>

namespace rill::io {

/// Runs `work(state)` on a thread of its own and waits at most `timeout_ms`. True: it has returned, and
/// `state` holds its result. False: it hangs (or no thread could be made); the thread is left behind with a
/// copy of the state, and when it does come back `discard(copy)` is called there to undo what it got. `State`
/// is copyable. Thread: control. Realtime-safe: no.
template <class State>
[[nodiscard]] bool bounded_call(int timeout_ms, State& state, void (*work)(State&), void (*discard)(State&)) {
    enum : int { running, done, abandoned };
    struct Call {
        State state;
        void (*work)(State&);
        void (*discard)(State&);
        sem_t finished;
        std::atomic<int> phase{running};
        ~Call() { ::sem_destroy(&finished); }
    };
    auto* const call = new (std::nothrow) Call{state, work, discard, {}, {}};
    if (call == nullptr)
        return false;
    ::sem_init(&call->finished, 0, 0);
    const auto body = [](void* argument) -> void* {
        auto* const shared = static_cast<Call*>(argument);
        shared->work(shared->state);
        // Acquire-release: the state crosses with it, and whoever comes second owns the call.
        if (shared->phase.exchange(done, std::memory_order_acq_rel) == abandoned) {
            shared->discard(shared->state);
            delete shared;
        } else {
            ::sem_post(&shared->finished);
        }
        return nullptr;
    };
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, body, call) != 0) {
        delete call;
        return false;
    }
    ::pthread_detach(thread);

    timespec deadline{};
    ::clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += static_cast<long>(timeout_ms % 1000) * 1'000'000L;
    if (deadline.tv_nsec >= 1'000'000'000L) {
        deadline.tv_nsec -= 1'000'000'000L;
        ++deadline.tv_sec;
    }
    int status = 0;
    do
        status = ::sem_clockwait(&call->finished, CLOCK_MONOTONIC, &deadline);
    while (status != 0 && errno == EINTR);
    if (status != 0) {
        if (call->phase.exchange(abandoned, std::memory_order_acq_rel) == running)
            return false;
        while (::sem_wait(&call->finished) !=
               0) { // it came back just after the deadline and is about to post
        }
    }
    // The semaphore has ordered this already, but ThreadSanitizer does not know sem_clockwait: the atomic
    // tells it too.
    (void)call->phase.load(std::memory_order_acquire);
    state = call->state;
    delete call;
    return true;
}

} // namespace rill::io
