// SPDX-License-Identifier: MIT
#pragma once

// A PipeWire daemon of the test's own: a private runtime directory and a fixed quantum, gone with the test.
// And what a person would ask any daemon with its own tools.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace conformance {

/// Runs one program; its process id.
inline pid_t spawn(const std::vector<std::string>& words) {
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

/// Runs a command to its end; true if it succeeded. Bounded. (Not by a guest's clock, which leaps while it
/// loads a program: there test/servers/virtual is the bound.)
inline bool run(const std::vector<std::string>& words) {
    std::vector<std::string> bounded{"timeout", std::getenv("RILL_IO_VIRTUAL_TIME") != nullptr ? "0" : "3"};
    bounded.insert(bounded.end(), words.begin(), words.end());
    int status = 0;
    return ::waitpid(spawn(bounded), &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// What jq makes of the server's graph, on one line; empty if one of the two fails.
inline std::string dump(const std::string& filter) {
    const std::string command =
        "timeout 5 pw-dump 2>/dev/null | timeout 5 jq -c '" + filter + "' 2>/dev/null";
    std::string text;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    for (int byte = 0; pipe != nullptr && (byte = std::fgetc(pipe)) != EOF;)
        text += static_cast<char>(byte);
    if (pipe != nullptr)
        ::pclose(pipe);
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

/// A further null sink, which lives as long as the server or until remove_node(). `priority`: among the
/// defaults.
inline bool add_sink(const std::string& name, int priority) {
    return run(
        {"pw-cli", "create-node", "adapter",
         "{ factory.name=support.null-audio-sink node.name=" + name +
             " media.class=Audio/Sink audio.position=[ FL FR ] object.linger=true node.pause-on-idle=false"
             " priority.driver=500 priority.session=" +
             std::to_string(priority) +
             " adapter.auto-port-config={ mode=dsp monitor=true position=preserve } }"});
}
inline bool remove_node(const std::string& name) {
    return run(
        {"pw-cli", "destroy", dump(".[] | select(.info.props[\"node.name\"] == \"" + name + "\") | .id")});
}

class PipewireServer {
public:
    static constexpr std::uint32_t sample_rate = 48000;

    /// Returns when the server answers and runs with this quantum (0: with the one that clients ask for).
    /// Points the process's environment at it. `objects`: lines for its configuration, of what it makes when
    /// it starts.
    explicit PipewireServer(std::uint32_t quantum, const std::string& objects = "",
                            std::uint32_t rate = sample_rate)
        : quantum_(quantum), rate_(rate) {
        char pattern[] = "/tmp/rill-io-pipewire.XXXXXX";
        if (::mkdtemp(pattern) == nullptr)
            throw std::runtime_error("no temporary directory");
        directory_ = pattern;
        ::setenv("PIPEWIRE_RUNTIME_DIR", directory_.c_str(), 1);
        ::setenv("XDG_RUNTIME_DIR", directory_.c_str(), 1);
        try {
            write_configuration(objects);
            start();
        } catch (...) {
            remove_directory();
            throw;
        }
    }
    ~PipewireServer() {
        stop();
        remove_directory();
    }
    PipewireServer(const PipewireServer&) = delete;
    PipewireServer& operator=(const PipewireServer&) = delete;

    /// Again, after it has been killed.
    void start() {
        process_ = spawn({"pipewire", "-c", configuration()});
        for (int i = 0; i < 300; ++i) {
            if (run({"pw-metadata", "-n", "settings", "0", "clock.allowed-rates",
                     "[ " + std::to_string(rate_) + " ]"}) &&
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
    void remove_directory() noexcept {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string configuration() const { return directory_ + "/pipewire.conf"; }
    void write_configuration(const std::string& objects) const {
        const char* const common =
            std::getenv("RILL_IO_PIPEWIRE_CONFIG"); // test/servers/pipewire.conf, by meson
        std::ifstream from(common != nullptr ? common : "");
        std::ofstream to(configuration());
        for (std::string line; std::getline(from, line);) {
            if (line.find("default.clock.rate =") != std::string::npos)
                line = "default.clock.rate = " + std::to_string(rate_);
            to << line << '\n' << (line == "context.objects = [" ? objects + "\n" : "");
        }
        if (!from.eof() || !to.flush())
            throw std::runtime_error("RILL_IO_PIPEWIRE_CONFIG does not name a configuration");
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
    std::uint32_t rate_;
    std::string directory_;
    pid_t process_ = 0;
};

} // namespace conformance
