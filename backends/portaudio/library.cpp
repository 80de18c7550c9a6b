// SPDX-License-Identifier: MIT
#include "library.hpp"

#include "portaudio_library.hpp"
#include <rill_io/portaudio.hpp>

#include <fcntl.h>
#include <portaudio.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

// In PortAudio only if it was built with JACK.
extern "C" [[gnu::weak]] PaError PaJack_SetClientName(const char* name);

namespace rill::io::portaudio {

namespace {

constexpr const char* name = Backend::name;
constexpr int initialize_timeout_ms = 5000;
constexpr int terminate_timeout_ms = 2000;
/// What PortAudio, and every JACK server, takes.
constexpr std::size_t longest_client_name = 32;

struct Process {
    std::mutex turn;
    std::mutex users_mutex;
    int users = 0;
    std::string client_name = "PortAudio"; // PortAudio refers to it
    std::atomic<int> calls_left_behind{0};
    std::atomic<bool> jack_gone{false};
};

/// Never destroyed: a thread that was left behind may come back after main().
Process& process() noexcept {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without memory for this nothing goes on
    static Process& only = *new Process;
    return only;
}

struct Initialize {
    PaError result = paNoError;

    void run() { result = Pa_Initialize(); }
    void undo() const {
        if (result == paNoError)
            Pa_Terminate();
    }
};

struct Terminate {
    bool jack_answered = false;
    bool done = false;

    void run() {
        if (is_jack_gone())
            return;
        if (!jack_answered && !jack_answers())
            return report_jack_gone();
        Pa_Terminate();
        done = true;
    }
    void undo() const {}
};

} // namespace

bool jack_answers() {
    const PaHostApiIndex host = Pa_HostApiTypeIdToHostApiIndex(paJACK);
    const PaHostApiInfo* const info = host < 0 ? nullptr : Pa_GetHostApiInfo(host);
    if (info == nullptr || info->deviceCount == 0)
        return true;
    const PaDeviceIndex device = Pa_HostApiDeviceIndexToDeviceIndex(host, 0);
    const PaDeviceInfo& details = *Pa_GetDeviceInfo(device);
    const PaStreamParameters parameters{device, 1, paFloat32 | paNonInterleaved, 0.0, nullptr};
    const bool captures = details.maxInputChannels > 0;
    const auto ignore = [](const void*, void*, unsigned long, const PaStreamCallbackTimeInfo*,
                           PaStreamCallbackFlags, void*) -> int { return paContinue; };
    PaStream* stream = nullptr;
    if (Pa_OpenStream(&stream, captures ? &parameters : nullptr, captures ? nullptr : &parameters,
                      details.defaultSampleRate, paFramesPerBufferUnspecified, paNoFlag, ignore,
                      nullptr) != paNoError)
        return false;
    Pa_CloseStream(stream);
    return true;
}

Result<void> acquire(std::string_view wanted_name, bool quiet) {
    if (auto loaded = load_library(); !loaded)
        return loaded;
    Process& all = process();
    const std::lock_guard lock(all.users_mutex);
    if (all.calls_left_behind.load() != 0)
        return Error::make(
            Errc::timed_out, name, "open", 0,
            "an earlier call into PortAudio has not come back, so a server or device hangs; restart it, or "
            "choose another backend");
    if (all.users == 0) {
        if (PaJack_SetClientName != nullptr) {
            all.client_name.assign(wanted_name.substr(0, longest_client_name));
            PaJack_SetClientName(all.client_name.c_str());
        }
        Initialize job;
        if (!call(initialize_timeout_ms, quiet, job))
            return Error::make(
                Errc::timed_out, name, "open", 0,
                "PortAudio has not initialised for %d ms; a server or device that it probes hangs: restart "
                "that, or choose another backend",
                initialize_timeout_ms);
        if (job.result != paNoError)
            return Error::make(Errc::backend_failure, name, "open", job.result,
                               "PortAudio could not initialise: %s; choose another backend",
                               Pa_GetErrorText(job.result));
    }
    ++all.users;
    return {};
}

void release(bool jack_answered) {
    Process& all = process();
    const std::lock_guard lock(all.users_mutex);
    if (all.users > 1) {
        --all.users;
        return;
    }
    Terminate job{jack_answered, false};
    const bool back = call(terminate_timeout_ms, true, job);
    // Otherwise it stays initialised; while it hangs, calls_left_behind keeps everybody out.
    if (job.done || !back)
        all.users = 0;
}

const char* client_name() noexcept {
    return process().client_name.c_str();
}

void report_jack_gone() noexcept {
    process().jack_gone.store(true);
}

bool is_jack_gone() noexcept {
    return process().jack_gone.load();
}

namespace detail {

Quiet::Quiet(bool wanted) noexcept {
    if (!wanted)
        return;
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    saved_ = nowhere < 0 ? -1 : ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (saved_ >= 0)
        ::dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0)
        ::close(nowhere);
}

Quiet::~Quiet() {
    if (saved_ < 0)
        return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
}

std::mutex& turn() noexcept {
    return process().turn;
}

std::atomic<int>& calls_left_behind() noexcept {
    return process().calls_left_behind;
}

} // namespace detail

} // namespace rill::io::portaudio
