// SPDX-License-Identifier: MIT
#include "alsa_fixture.hpp"
#include "eventually.hpp"
#include "messages.hpp"
#include "realtime.hpp"
#include <rill_io/wakeup.hpp>

#include <alsa/asoundlib.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <test.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

using namespace alsa_test;
namespace alsa = rill::io::alsa;

namespace {

/// What a function prints on stderr.
template <class F>
std::string printed_by(F&& function) {
    std::array<int, 2> pipe_ends{};
    REQUIRE(::pipe(pipe_ends.data()) == 0);
    const int original = ::dup(STDERR_FILENO);
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::close(pipe_ends[1]);
    function();
    ::dup2(original, STDERR_FILENO); // the last writing end
    ::close(original);
    std::string text;
    std::array<char, 512> piece{};
    for (ssize_t got = 0; (got = ::read(pipe_ends[0], piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(got));
    ::close(pipe_ends[0]);
    return text;
}

void open_nonsense() {
    snd_pcm_t* pcm = nullptr;
    snd_pcm_open(&pcm, "no_such_pcm", SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
}

/// A folder of its own, in place of /dev.
struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "alsa-devices-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path path;
};

} // namespace

TEST_CASE("alsa: device files that come and go ring", "[alsa]") {
    namespace fs = std::filesystem;
    const Folder folder;
    const fs::path devices = folder.path / "snd";
    const bool there_before = GENERATE(true, false);
    CAPTURE(there_before);
    if (there_before)
        fs::create_directory(devices);
    io::Wakeup wakeup;
    alsa::DeviceWatcher watcher(folder.path.string(), "snd");
    REQUIRE(watcher.open(wakeup));
    const auto rings = [&] { return wakeup.wait(2000); };
    const auto settle = [&] {
        while (wakeup.wait(30)) {
        }
    };
    const auto create = [](const fs::path& path) { std::ofstream{path}; };
    create(folder.path / "something else");
    CHECK_FALSE(wakeup.wait(100));
    if (!there_before) {
        fs::create_directory(devices);
        CHECK(rings());
    }
    settle();
    create(devices / "controlC0");
    CHECK(rings());
    settle();
    fs::permissions(devices / "controlC0", fs::perms::owner_all);
    CHECK(rings());
    settle();
    fs::remove(devices / "controlC0");
    CHECK(rings());
    settle();
    fs::remove(devices); // with its last card
    CHECK(rings());
    settle();
    fs::create_directory(devices);
    CHECK(rings());
    settle();
    create(devices / "controlC1");
    CHECK(rings());

    watcher.close();
    watcher.close();
    settle();
    create(devices / "controlC2");
    CHECK_FALSE(wakeup.wait(100));
    REQUIRE(watcher.open(wakeup)); // again
    create(devices / "controlC3");
    CHECK(rings());
    CHECK(watcher.list());
}

TEST_CASE("alsa: where devices can't be watched, why is said", "[alsa]") {
    io::Wakeup wakeup;
    alsa::DeviceWatcher watcher("/no such folder", "snd");
    const auto opened = watcher.open(wakeup);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().native_code == ENOENT);
    CHECK(std::string_view(opened.error().text).find("/no such folder") != std::string_view::npos);
}

TEST_CASE("alsa: configured devices are listed, with the default marked", "[alsa]") {
    REQUIRE(alsa::Backend::available());
    Player holder;
    REQUIRE(holder.open({.device = "test_exclusive"})); // a listing that opened it would not show it
    const auto devices = alsa::Backend::devices();
    REQUIRE(devices);
    const auto row = [&](std::string_view id) {
        return std::find_if(devices->begin(), devices->end(),
                            [&](const io::Device& device) { return device.id == id; });
    };
    REQUIRE(row("test_device") != devices->end());
    CHECK(row("test_device")->description == "timed test device");
    CHECK(row("test_device")->input_channels == io::unknown_channels);
    CHECK(row("test_device")->output_channels == io::unknown_channels);
    CHECK(row("test_exclusive") != devices->end());
    CHECK(std::count_if(devices->begin(), devices->end(),
                        [](const io::Device& device) { return device.default_playback; }) <= 1);

    const auto busy = alsa::Backend::probe("test_exclusive");
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code == io::Errc::device_busy);
    const auto mono = alsa::Backend::probe("test_mono");
    REQUIRE(mono);
    CHECK(mono->input_channels == 1);
    CHECK(mono->output_channels == 1);
    const auto rate = alsa::Backend::probe("test_rate");
    REQUIRE(rate);
    CHECK(rate->default_rate == 44100);
    const auto nothing = alsa::Backend::probe("no_such_pcm");
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().code == io::Errc::no_device);
}

TEST_CASE("alsa: alsa-lib is quiet while it works for us, and only then", "[alsa]") {
    CHECK(printed_by([] { open_nonsense(); }).find("no_such_pcm") != std::string::npos);
    CHECK(printed_by([] {
              Duplex driver;
              CHECK_FALSE(driver.open({.device = "no_such_pcm"}));
              CHECK_FALSE(driver.open({.device = "hw:CARD=Nowhere"}));
              (void)alsa::Backend::devices();
              (void)alsa::Backend::probe("no_such_pcm");
          }) == "");
    CHECK(printed_by([] { open_nonsense(); }).find("no_such_pcm") != std::string::npos);
    // Another thread's messages are its own.
    CHECK(printed_by([] {
              const alsa::Quiet quiet;
              std::thread(&open_nonsense).join();
          }).find("no_such_pcm") != std::string::npos);
}

namespace {

/// The system's bus and RealtimeKit in one: answers the way they do, and keeps what it was asked for.
class RealtimeKit {
public:
    enum class Manner { grants, refuses, is_silent };

    explicit RealtimeKit(Manner manner) : manner_(manner) {
        std::string folder = "/tmp/rill-io-bus.XXXXXX";
        folder_ = ::mkdtemp(folder.data());
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        const std::string path = folder_ + "/bus";
        std::copy(path.begin(), path.end(), name.sun_path);
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
        REQUIRE(::listen(socket_, 1) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~RealtimeKit() {
        ::shutdown(socket_, SHUT_RDWR);
        thread_.join();
        ::close(socket_);
        ::unlink((folder_ + "/bus").c_str());
        ::rmdir(folder_.c_str());
    }
    RealtimeKit(const RealtimeKit&) = delete;
    RealtimeKit& operator=(const RealtimeKit&) = delete;
    [[nodiscard]] std::string address() const { return "unix:path=" + folder_ + "/bus,guid=0123"; }

    std::atomic<std::uint64_t> thread{0};
    std::atomic<std::uint32_t> priority{0};

private:
    void serve() {
        const int client = ::accept(socket_, nullptr, nullptr);
        if (client < 0)
            return;
        std::string line;
        for (char next = 0; line.find("BEGIN\r\n") == std::string::npos && ::read(client, &next, 1) == 1;) {
            line += next;
            if (line.ends_with("\r\n") && line.find("AUTH") != std::string::npos &&
                line.find("BEGIN") == std::string::npos)
                (void)::send(client, "OK 0123456789abcdef\r\n", 21, MSG_NOSIGNAL);
        }
        for (std::array<std::uint32_t, 4> header{}; ::read(client, header.data(), 16) == 16;) {
            std::string fields((header[3] + 7) / 8 * 8, '\0');
            std::string body(header[1], '\0');
            if (::read(client, fields.data(), fields.size()) < 0 ||
                (!body.empty() && ::read(client, body.data(), body.size()) < 0))
                break;
            if (manner_ == Manner::is_silent)
                continue;
            const auto has = [&](const char* text) {
                return (fields + body).find(text) != std::string::npos;
            };
            std::string answer;
            bool granted = true;
            if (has("MaxRealtimePriority"))
                answer = std::string("\1i\0\0\x14\0\0\0", 8); // 20
            else if (has("RTTimeUSecMax"))
                answer = std::string("\1x\0\0\0\0\0\0\x40\x0d\3\0\0\0\0\0", 16); // 200000
            else if (has("MakeThreadRealtime")) {
                std::uint32_t asked_priority = 0;
                std::uint64_t asked_thread = 0;
                std::memcpy(&asked_thread, body.data(), sizeof asked_thread);
                std::memcpy(&asked_priority, body.data() + sizeof asked_thread, sizeof asked_priority);
                priority = asked_priority;
                thread = asked_thread;
                granted = manner_ == Manner::grants;
            }
            const std::array<std::uint32_t, 6> reply{granted ? 0x01000000U | 'l' | 2U << 8U
                                                             : 0x01000000U | 'l' | 3U << 8U,
                                                     static_cast<std::uint32_t>(answer.size()),
                                                     77,
                                                     8,
                                                     5U | 1U << 8U | 'u' << 16U,
                                                     header[2]};
            (void)::send(client, reply.data(), sizeof reply, MSG_NOSIGNAL);
            (void)::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        ::close(client);
    }

    Manner manner_;
    std::string folder_;
    int socket_ = -1;
    std::thread thread_;
};

/// In a process of its own: a limit on real-time threads can't be taken back.
template <class F>
int status_in_child(F&& function) {
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(function());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

} // namespace

TEST_CASE("alsa: RealtimeKit is asked for the thread, with a limit set, and never waited for long",
          "[alsa]") {
    using Manner = RealtimeKit::Manner;
    const auto [manner, expected] =
        GENERATE(std::pair{Manner::grants, true}, std::pair{Manner::refuses, false},
                 std::pair{Manner::is_silent, false});
    RealtimeKit kit(manner);
    const Variable address("DBUS_SYSTEM_BUS_ADDRESS", kit.address());
    const auto begin = std::chrono::steady_clock::now();
    const int status = status_in_child([] {
        const bool granted = alsa::ask_realtime_kit(4711, 88);
        rlimit limit{};
        ::getrlimit(RLIMIT_RTTIME, &limit);
        return (granted ? 1 : 0) + (limit.rlim_max == 200000 ? 2 : 0);
    });
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
    CHECK((status & 1) == (expected ? 1 : 0));
    if (manner != Manner::is_silent) {
        CHECK((status & 2) != 0);
        CHECK(eventually([&] { return kit.thread == 4711; }));
        CHECK(kit.priority == 20); // no more than it grants
    }
}

TEST_CASE("alsa: no RealtimeKit, no harm", "[alsa]") {
    const Variable address("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus");
    CHECK_FALSE(alsa::ask_realtime_kit(4711, 10));
}
