// SPDX-License-Identifier: MIT
//
// backends/loading, with a library of the tests' own. Each case is a process of its own: a library is loaded
// once.

#include "sample.hpp"
#include "sample_library.hpp"

#include <sys/wait.h>
#include <test.hpp>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace io = rill::io;
namespace fs = std::filesystem;

namespace {

/// The wait status of a child that runs `body`, and what it wrote on stderr. `body` returns true if all is
/// well.
struct Ended {
    int status = 0;
    std::string said;

    [[nodiscard]] bool well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
};

Ended in_a_child(const std::function<bool()>& body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL); // Catch2 would report it
        ::_exit(body() ? 0 : 1);
    }
    ::close(ends[1]);
    Ended ended;
    char buffer[256];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        ended.said.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    REQUIRE(::waitpid(child, &ended.status, 0) == child);
    return ended;
}

bool says(const io::Result<void>& result, std::string_view part) {
    return !result && std::string_view(result.error().text).find(part) != std::string_view::npos;
}

/// What the loader is told to load: a link to one of the versions, or nothing.
class Installed {
public:
    explicit Installed(const char* version) {
        fs::remove(path());
        if (version != nullptr)
            fs::create_symlink(version, path());
    }
    ~Installed() { fs::remove(path()); }
    Installed(const Installed&) = delete;
    Installed& operator=(const Installed&) = delete;

private:
    static fs::path path() { return SAMPLE_SONAME; }
};

bool all_calls_are_right() {
    const double weighed = sample_weigh(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
    double squares = 0.0;
    for (int i = 1; i <= 18; ++i)
        squares += i * i;
    const SampleLarge large = sample_fill(7.0);
    return sample_add(20, 22) == 42 && weighed == squares &&
           sample_sum(9, 1., 2., 3., 4., 5., 6., 7., 8., 9.) == 45.0 && large.values[0] == 7.0 &&
           large.values[5] == 12.0;
}

} // namespace

TEST_CASE("loading: every kind of call reaches the library") {
    const Installed installed(SAMPLE_VERSION);
    CHECK(in_a_child([] { return bool(io::sample::load_library()) && all_calls_are_right(); }).well());
}

TEST_CASE("loading: a call that nobody has announced loads the library first, its arguments unharmed") {
    const Installed installed(SAMPLE_VERSION);
    CHECK(in_a_child([] {
              return sample_weigh(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18) == 2109.0;
          }).well());
    CHECK(in_a_child([] { return sample_sum(9, 1., 2., 3., 4., 5., 6., 7., 8., 9.) == 45.0; }).well());
    CHECK(in_a_child([] { return sample_fill(7.0).values[5] == 12.0; }).well());
}

TEST_CASE("loading: an optional function that the library lacks does nothing") {
    const Installed installed(SAMPLE_VERSION);
    CHECK(in_a_child([] { return io::sample::load_library() && sample_newer(5) == 0; }).well());
}

TEST_CASE("loading: an absent library is an error until it is installed") {
    const Installed nothing(nullptr);
    const Ended ended = in_a_child([] {
        for (int i = 0; i < 2; ++i) {
            const auto loaded = io::sample::load_library();
            if (!says(loaded, SAMPLE_SONAME) || !says(loaded, "No such file") ||
                !says(loaded, "libsample0") || loaded.error().code != io::Errc::not_installed ||
                std::string_view(loaded.error().backend) != "sample")
                return false;
        }
        const Installed installed(SAMPLE_VERSION);
        return io::sample::load_library() && all_calls_are_right();
    });
    CHECK(ended.well());
}

TEST_CASE("loading: a library that lacks a function is an error that names it, and none of it is used") {
    const Installed installed(SAMPLE_OLD_VERSION);
    CHECK(in_a_child([] {
              const auto loaded = io::sample::load_library();
              return says(loaded, "too old") && says(loaded, "sample_fill") &&
                     loaded.error().code == io::Errc::not_installed;
          }).well());
}

TEST_CASE("loading: a call without a library ends the process, and says why") {
    const Installed nothing(nullptr);
    const Ended ended = in_a_child([] { return sample_add(20, 22) == 42; });
    CHECK(WIFSIGNALED(ended.status));
    CHECK(ended.said.find("sample_add") != std::string::npos);
    CHECK(ended.said.find("No such file") != std::string::npos);
}

TEST_CASE("loading: many threads may ask and call at once") {
    const Installed installed(SAMPLE_VERSION);
    const auto many_threads = [] {
        constexpr std::size_t num_threads = 8;
        std::vector<char> right(num_threads, 0);
        std::vector<std::thread> threads;
        threads.reserve(num_threads);
        for (std::size_t i = 0; i < num_threads; ++i)
            threads.emplace_back([&right, i] {
                const bool announced = i % 2 != 0;
                right[i] =
                    static_cast<char>((!announced || io::sample::load_library()) && all_calls_are_right());
            });
        for (std::thread& thread : threads)
            thread.join();
        return right == std::vector<char>(num_threads, 1);
    };
    CHECK(in_a_child(many_threads).well());
}
