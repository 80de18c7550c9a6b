// SPDX-License-Identifier: MIT
#pragma once

// LoopThread: the cycle thread of a backend that has to bring its own.

#include <rill_io/error.hpp>

#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace rill::io {

class LoopThread {
public:
    LoopThread() = default;
    ~LoopThread() { (void)join(-1); }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    /// Runs `body(argument)` on a new thread. `priority` > 0 asks for SCHED_FIFO; where that is not permitted
    /// the thread runs with the ordinary class (StreamInfo tells which). `name`: at most 15 characters.
    /// Thread: control. Realtime-safe: no.
    Result<void> start(const char* backend, const char* name, int priority, void (*body)(void*),
                       void* argument) noexcept {
        body_ = body;
        argument_ = argument;
        const int status = create(priority);
        if (status != 0)
            return Error::make(
                Errc::backend_failure, backend, "start", status,
                "the cycle thread could not be made: %s; too many threads, or too little memory",
                std::strerror(status));
        ::pthread_setname_np(thread_, name);
        started_ = true;
        return {};
    }

    /// Waits for the body to return. False if it has not within `timeout_ms` (-1: waits for ever).
    /// Idempotent. Thread: control, never the loop itself. Realtime-safe: no.
    [[nodiscard]] bool join(int timeout_ms) noexcept {
        if (!started_)
            return true;
        if (timeout_ms < 0) {
            ::pthread_join(thread_, nullptr);
        } else {
            timespec deadline{};
            ::clock_gettime(CLOCK_REALTIME, &deadline); // what pthread_timedjoin_np counts in
            deadline.tv_sec += timeout_ms / 1000;
            deadline.tv_nsec += static_cast<long>(timeout_ms % 1000) * 1'000'000L;
            if (deadline.tv_nsec >= 1'000'000'000L) {
                deadline.tv_nsec -= 1'000'000'000L;
                ++deadline.tv_sec;
            }
            if (::pthread_timedjoin_np(thread_, nullptr, &deadline) != 0)
                return false;
        }
        started_ = false;
        return true;
    }

    /// Leaves the thread to itself: it hangs, and what it uses must live for ever.
    void abandon() noexcept {
        if (started_)
            ::pthread_detach(thread_);
        started_ = false;
    }

private:
    int create(int priority) noexcept {
        if (priority > 0) {
            pthread_attr_t attributes;
            sched_param parameters{};
            parameters.sched_priority = priority;
            ::pthread_attr_init(&attributes);
            ::pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
            ::pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
            ::pthread_attr_setschedparam(&attributes, &parameters);
            const int status = ::pthread_create(&thread_, &attributes, &LoopThread::enter, this);
            ::pthread_attr_destroy(&attributes);
            if (status != EPERM && status != EINVAL)
                return status;
        }
        return ::pthread_create(&thread_, nullptr, &LoopThread::enter, this);
    }

    static void* enter(void* self) noexcept {
        auto& thread = *static_cast<LoopThread*>(self);
        thread.body_(thread.argument_);
        return nullptr;
    }

    void (*body_)(void*) = nullptr;
    void* argument_ = nullptr;
    pthread_t thread_{};
    bool started_ = false;
};

} // namespace rill::io
