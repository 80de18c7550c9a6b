// SPDX-License-Identifier: MIT
#pragma once

// PortAudio as a whole: initialised while it has users, one call into it at a time, none that can't be left.
// Control thread only.
//
// It is process-wide and knows no threads: every call that may do more than read goes through call(). What it
// does about JACK: when the server has died, closing a stream and Pa_Terminate end the process by an
// assertion (Debian builds it with assertions), and stopping or closing a running stream first waits ten
// minutes. So nothing is closed or terminated without a proof that the server lives, and a user whose stream
// had to be given up is never counted out.

#include <rill_io/bounded_call.hpp>
#include <rill_io/error.hpp>

#include <atomic>
#include <mutex>
#include <string_view>

namespace rill::io::portaudio {

/// One user more; the first one initialises. `client_name` is what JACK shows, if nobody has initialised
/// PortAudio before. Errors: `timed_out`, `backend_failure`.
Result<void> acquire(std::string_view client_name, bool quiet);

/// One user less; the last one terminates, if that is safe. `jack_answered`: JACK has just shown that it is
/// alive, or will hardly have died since acquire().
void release(bool jack_answered);

/// Under which name PortAudio is a client of JACK.
[[nodiscard]] const char* client_name() noexcept;

/// Does the JACK server still answer? PortAudio tells only when something is done: opening a stream fails
/// harmlessly when it is gone. True if there is no JACK. Only inside a call().
[[nodiscard]] bool jack_answers();

/// The JACK server that PortAudio was connected to has died. Thread: any.
void report_jack_gone() noexcept;
[[nodiscard]] bool is_jack_gone() noexcept;

namespace detail {

/// Sends stderr to nowhere while it lives; one at a time.
class Quiet {
public:
    explicit Quiet(bool wanted) noexcept;
    ~Quiet();
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    int saved_ = -1;
};

std::mutex& turn() noexcept;
std::atomic<int>& calls_left_behind() noexcept;

} // namespace detail

/// Runs `job.run()` bounded and in turn. False: it hangs; should it come back one day, `undo()` is called for
/// a copy of the job that has been run, out of turn: what it does to PortAudio is a call() again.
template <class Job>
[[nodiscard]] bool call(int timeout_ms, bool quiet, Job& job) {
    const std::lock_guard lock(detail::turn());
    const detail::Quiet silence(quiet);
    detail::calls_left_behind().fetch_add(1); // beforehand, for it may come back at any time
    const auto run = [](Job& mine) { mine.run(); };
    const auto undo = [](Job& late) {
        late.undo();
        detail::calls_left_behind().fetch_sub(1);
    };
    if (!bounded_call<Job>(timeout_ms, job, run, undo))
        return false;
    detail::calls_left_behind().fetch_sub(1);
    return true;
}

} // namespace rill::io::portaudio
