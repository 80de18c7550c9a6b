// SPDX-License-Identifier: MIT
#pragma once

// A JACK server of the test's own: jackd with the dummy driver, under a private name, gone with the test.
//
// The program that uses it is started by test/servers/with-jack, whose private /dev/shm they share.

#include <jack/jack.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace conformance {

class JackServer {
public:
    /// Returns when the server answers. `ports`: of the dummy device, in each direction. `priority`: its own;
    /// its clients get five less.
    explicit JackServer(std::uint32_t quantum, std::uint32_t ports = 2, std::uint32_t rate = sample_rate,
                        int priority = 10)
        : name_("conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++number_)),
          quantum_(quantum),
          ports_(ports),
          rate_(rate),
          priority_(priority) {
        start();
    }
    ~JackServer() { stop(); }
    JackServer(const JackServer&) = delete;
    JackServer& operator=(const JackServer&) = delete;

    /// The right to SCHED_FIFO, for the server and its clients.
    [[nodiscard]] static bool realtime_is_permitted() {
        static const bool permitted = [] {
            sched_param parameters{};
            ::sched_getparam(0, &parameters);
            const sched_param before = parameters;
            parameters.sched_priority = 10;
            return ::sched_setscheduler(0, SCHED_FIFO, &parameters) == 0 &&
                   ::sched_setscheduler(0, SCHED_OTHER, &before) == 0;
        }();
        return permitted;
    }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    static constexpr std::uint32_t sample_rate = 48000;

    /// Again, after it has been killed.
    void start() {
        const std::vector<std::string> words = command_line();
        std::vector<char*> arguments;
        for (const std::string& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        jack_set_error_function([](const char*) {}); // "cannot connect" is what an outage looks like
        log_ = ::memfd_create("jackd", MFD_CLOEXEC);
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(log_, STDOUT_FILENO);
            ::dup2(log_, STDERR_FILENO);
            ::setenv("JACK_NO_AUDIO_RESERVATION", "1", 1);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        wait_until_it_answers();
    }

    /// Ends it, however it is, and waits until it has gone. Leaves nothing of it.
    void stop() noexcept {
        if (process_ <= 0)
            return;
        send(SIGTERM);
        send(SIGCONT); // a stopped server sleeps through TERM
        if (!has_ended_within(std::chrono::seconds(5))) {
            send(SIGKILL);
            (void)has_ended_within(std::chrono::seconds(5));
        }
        remove_traces();
    }

    /// Kills it and waits until it has gone.
    void kill(int signal) noexcept {
        send(signal);
        (void)has_ended_within(std::chrono::seconds(5));
    }
    void send(int signal) const noexcept {
        if (process_ > 0)
            ::kill(process_, signal);
    }

private:
    [[nodiscard]] std::vector<std::string> command_line() const {
        std::vector<std::string> words{"jackd", "-n", name_, "-p", "128"};
        if (realtime_is_permitted())
            words.insert(
                words.end(),
                {"-R", "-P", std::to_string(priority_)}); // what else the machine does is not what is tested
        else
            words.emplace_back("-r");
        words.insert(words.end(), {"-d", "dummy", "-r", std::to_string(rate_), "-p", std::to_string(quantum_),
                                   "-C", std::to_string(ports_), "-P", std::to_string(ports_)});
        return words;
    }

    void wait_until_it_answers() {
        using namespace std::chrono_literals;
        for (int i = 0; i < 1000; ++i) {
            if (has_ended_within(0s))
                throw std::runtime_error("jackd ended: " + take_log());
            if (answers()) {
                ::close(std::exchange(log_, -1));
                return;
            }
            std::this_thread::sleep_for(10ms);
        }
        stop();
        throw std::runtime_error("jackd did not answer within 10 s: " + take_log());
    }

    /// Whether it takes clients. Asked without being one: in this process that would be libjack's first
    /// client of a new server, which may be what a test is about; and the data base that many processes'
    /// libjacks share (libdb, for metadata) breaks when servers are killed beside them.
    [[nodiscard]] bool answers() const {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        std::snprintf(address.sun_path, sizeof address.sun_path, "/dev/shm/jack_%s_%u_0", name_.c_str(),
                      ::getuid());
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool connected =
            ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(socket);
        return connected;
    }

    [[nodiscard]] bool has_ended_within(std::chrono::milliseconds limit) noexcept {
        for (auto waited = std::chrono::milliseconds(0);; waited += std::chrono::milliseconds(5)) {
            if (process_ <= 0)
                return true;
            int status = 0;
            if (::waitpid(process_, &status, WNOHANG) == process_) {
                process_ = 0;
                return true;
            }
            if (waited >= limit)
                return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    std::string take_log() {
        std::string text(4096, '\0');
        const auto count = ::pread(log_, text.data(), text.size(), 0);
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        ::close(std::exchange(log_, -1));
        return text;
    }

    /// What a killed server leaves in /dev/shm under its name.
    void remove_traces() const noexcept {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored))
            if (entry.path().filename().string().find("_" + name_ + "_") != std::string::npos)
                std::filesystem::remove(entry.path(), ignored);
    }

    static inline int number_ = 0;
    std::string name_;
    std::uint32_t quantum_;
    std::uint32_t ports_;
    std::uint32_t rate_;
    int priority_;
    pid_t process_ = 0;
    int log_ = -1;
};

} // namespace conformance
