// SPDX-License-Identifier: MIT
#pragma once

// A PipeWire daemon of the test's own: a private runtime directory and a fixed quantum, gone with the test.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace conformance {

class PipewireServer {
public:
    static constexpr std::uint32_t sample_rate = 48000;

    /// Returns when the server answers and runs with this quantum. Points the process's environment at it.
    explicit PipewireServer(std::uint32_t quantum) : quantum_(quantum) {
        char pattern[] = "/tmp/rill-io-pipewire.XXXXXX";
        if (::mkdtemp(pattern) == nullptr)
            throw std::runtime_error("no temporary directory");
        directory_ = pattern;
        ::setenv("PIPEWIRE_RUNTIME_DIR", directory_.c_str(), 1);
        ::setenv("XDG_RUNTIME_DIR", directory_.c_str(), 1);
        start();
    }
    ~PipewireServer() {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    PipewireServer(const PipewireServer&) = delete;
    PipewireServer& operator=(const PipewireServer&) = delete;

    /// Again, after it has been killed.
    void start() {
        const char* const config =
            std::getenv("RILL_IO_PIPEWIRE_CONFIG"); // test/servers/pipewire.conf, by meson
        if (config == nullptr)
            throw std::runtime_error("RILL_IO_PIPEWIRE_CONFIG is not set");
        process_ = spawn({"pipewire", "-c", config});
        for (int i = 0; i < 300; ++i) {
            if (run({"pw-metadata", "-n", "settings", "0", "clock.allowed-rates", "[ 48000 ]"}) &&
                set_quantum(quantum_))
                return;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        stop();
        throw std::runtime_error("pipewire did not answer");
    }

    bool set_quantum(std::uint32_t frames) const {
        return run({"pw-metadata", "-n", "settings", "0", "clock.force-quantum", std::to_string(frames)});
    }
    /// Links port to port, both as node:port.
    bool link(const std::string& output, const std::string& input) const {
        return run({"pw-link", output, input});
    }

    void stop() noexcept {
        send(SIGTERM);
        send(SIGCONT); // a stopped server sleeps through TERM
        if (!ended_within(5000)) {
            send(SIGKILL);
            (void)ended_within(5000);
        }
    }
    /// Kills it and waits until it has gone.
    void kill(int signal) noexcept {
        send(signal);
        (void)ended_within(5000);
    }
    void send(int signal) const noexcept {
        if (process_ > 0)
            ::kill(process_, signal);
    }

private:
    static pid_t spawn(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const std::string& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const pid_t process = ::fork();
        if (process == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int nowhere = ::open("/dev/null", O_WRONLY);
            ::dup2(nowhere, STDOUT_FILENO);
            ::dup2(nowhere, STDERR_FILENO);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        return process;
    }
    /// Runs a command to its end; true if it succeeded.
    static bool run(const std::vector<std::string>& words) {
        std::vector<std::string> bounded{"timeout", "3"};
        bounded.insert(bounded.end(), words.begin(), words.end());
        int status = 0;
        return ::waitpid(spawn(bounded), &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    bool ended_within(int limit_ms) noexcept {
        for (int waited_ms = 0; process_ > 0; waited_ms += 5) {
            int status = 0;
            if (::waitpid(process_, &status, WNOHANG) == process_)
                process_ = 0;
            else if (waited_ms >= limit_ms)
                return false;
            else
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }

    std::uint32_t quantum_;
    std::string directory_;
    pid_t process_ = 0;
};

} // namespace conformance
