// SPDX-License-Identifier: MIT

// The suite over PortAudio's JACK host, and what PortAudio does and no other backend. Each test tagged
// [alone] needs a process of its own: it ends a server, after which PortAudio can't reach JACK in that
// process any more.

#include "attempts.hpp"
#include "eventually.hpp"
#include "portaudio_rig.hpp"
#include "probes.hpp"
#include "show.hpp"
#include <rill_io/driver.hpp>
#include <rill_io/portaudio.hpp>

#include <fcntl.h>
#include <portaudio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

using Rigs = std::tuple<conformance::PortaudioJackRig>;

#include "suite.hpp"

namespace {

using namespace conformance;
using Driver = DriverOf<PortaudioJackRig>;

/// What is written to stderr while it lives.
class StderrCapture {
public:
    StderrCapture() : saved_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", MFD_CLOEXEC)) {
        ::dup2(file_, STDERR_FILENO);
    }
    ~StderrCapture() {
        ::dup2(saved_, STDERR_FILENO);
        ::close(saved_);
        ::close(file_);
    }
    StderrCapture(const StderrCapture&) = delete;
    StderrCapture& operator=(const StderrCapture&) = delete;

    [[nodiscard]] std::string text() const {
        std::string all(100'000, '\0');
        const auto count = ::pread(file_, all.data(), all.size(), 0);
        all.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return all;
    }

private:
    int saved_;
    int file_;
};

/// Frames from our playback to our capture, as captured and compared; 0 if an xrun came in between.
std::uint32_t measured_latency(Driver& driver, std::uint32_t channels) {
    LoopProbe<Driver> probe(driver, channels, 8192);
    REQUIRE(driver.set_process_callback(probe));
    REQUIRE(driver.start());
    probe.listen();
    REQUIRE(eventually([&] { return probe.complete(); }));
    REQUIRE(driver.stop());
    if (driver.stats().xruns != 0)
        return 0;
    std::uint64_t latency = 0;
    for (std::uint32_t channel = 0; channel < channels; ++channel) {
        const Passage passage = follow_signal(probe.recording(channel), channels, probe.position() + 8192);
        INFO("channel " << channel << ": " << passage);
        REQUIRE(passage.found);
        CHECK(passage.channel == channel);
        CHECK(passage.breaks == 0);
        CHECK(passage.exact > 4096);
        latency = probe.position() + passage.first - passage.frame;
    }
    return static_cast<std::uint32_t>(latency);
}

struct Lost {
    Setting setting{};
    PortaudioJackRig rig{setting};
    Counter counter;
    Driver driver;

    Lost() {
        REQUIRE(driver.open(rig.config(), rig.options()));
        REQUIRE(driver.set_process_callback(counter));
    }
    [[nodiscard]] bool is_called() const {
        return eventually([&, goal = counter.calls() + 3] { return counter.calls() >= goal; });
    }
};

void check_says_server_lost(const io::Result<void>& result) {
    REQUIRE_FALSE(result);
    INFO(show(result.error()));
    CHECK(result.error().code == io::Errc::server_lost);
    CHECK(std::string_view(result.error().text).find("restart the program") != std::string_view::npos);
}

} // namespace

TEST_CASE("PortAudio adds latency only where it must make the blocks itself", "[jack]") {
    struct Row {
        std::uint32_t block;
        io::Match match;
        std::uint32_t quantum;   ///< that it is to report
        std::uint32_t adapter;   ///< latency, ours
        std::uint32_t portaudio; ///< latency, its own
        bool direct;
    };
    constexpr auto exact = io::Match::exact;
    constexpr auto adapt = io::Match::adapt;
    const auto row = GENERATE(Row{0, exact, 256, 0, 0, true}, Row{256, exact, 256, 0, 0, true},
                              Row{64, exact, 256, 0, 0, true}, Row{100, exact, 100, 0, 100, false},
                              Row{100, adapt, 256, 96, 0, true}, Row{1024, exact, 1024, 0, 1024, false},
                              Row{1024, adapt, 256, 768, 0, true});
    constexpr std::uint32_t channels = 2;
    INFO("block " << row.block << (row.match == exact ? " exact" : " adapt"));
    const Setting setting{.quantum = 256, .channels = channels, .wiring = Wiring::loop};
    PortaudioJackRig rig(setting);
    io::StreamConfig config = rig.config();
    config.block = row.block;
    config.period_match = row.match;
    until_undisturbed("latency", [&]() -> std::uint64_t {
        Driver driver;
        REQUIRE(driver.open(config, rig.options()));
        const io::StreamInfo before = driver.info();
        CHECK(before.quantum == row.quantum);
        CHECK(before.block == (row.block != 0 ? row.block : row.quantum));
        CHECK(before.adapter_latency == row.adapter);
        CHECK(before.direct == row.direct);
        const std::uint32_t latency = measured_latency(driver, channels);
        if (latency == 0)
            return driver.stats().xruns;
        CHECK(latency == 256 + row.adapter + row.portaudio);
        // JACK tells no latency of a client like the loop; what remains is PortAudio's own.
        CHECK(driver.info().playback_latency >= row.portaudio);
        CHECK(driver.info().adapter_latency == row.adapter);
        return 0;
    });
}

TEST_CASE("a late callback is an xrun that is told", "[jack]") {
    struct Late : Counter {
        void operator()(const io::ClockTick& tick) noexcept {
            if (calls() == 5)
                std::this_thread::sleep_for(std::chrono::milliseconds(50)); // some ten quanta
            told = std::max(told.load(), tick.xruns);
            discontinuities += has(tick.flags, io::TickFlags::discontinuity) ? 1 : 0;
            Counter::operator()(tick);
        }
        std::atomic<std::uint32_t> told{0};
        std::atomic<std::uint32_t> discontinuities{0};
    };
    Ready<PortaudioJackRig, Late> ready;
    REQUIRE(ready.driver.start());
    CHECK(eventually([&] { return ready.callback.told.load() != 0; }));
    CHECK(ready.callback.discontinuities > 0);
    CHECK(ready.driver.stats().xruns > 0);
}

TEST_CASE("the stream keeps its connections between stop and start", "[jack]") {
    PortaudioJackRig rig{Setting{}};
    Driver driver;
    io::StreamConfig config = rig.config();
    config.client_name = "kept";
    REQUIRE(driver.open(config, rig.options()));
    CHECK(std::string_view(driver.info().client_name) == "kept");
    Counter counter;
    REQUIRE(driver.set_process_callback(counter));
    REQUIRE(driver.start());
    REQUIRE(driver.stop());
    JackLoop witness(rig.server().name(), "witness", 1);
    const auto connections = [&] {
        jack_client_t* const client =
            jack_client_open("asking", static_cast<jack_options_t>(JackNoStartServer | JackServerName),
                             nullptr, rig.server().name().c_str());
        REQUIRE(client != nullptr);
        const char** const list =
            jack_port_get_all_connections(client, jack_port_by_name(client, "system:playback_1"));
        std::vector<std::string> names;
        for (const char** name = list; name != nullptr && *name != nullptr; ++name)
            names.emplace_back(*name);
        jack_free(list);
        jack_client_close(client);
        return names;
    };
    const auto stopped = connections();
    REQUIRE(stopped.size() == 1);
    CHECK(stopped[0].starts_with("kept:"));
    REQUIRE(driver.start());
    CHECK(connections() == stopped);
}

TEST_CASE("devices are JACK clients by name", "[jack]") {
    PortaudioJackRig rig{Setting{.channels = 3, .wiring = Wiring::loop}};
    (void)rig.options();
    REQUIRE(io::PortaudioBackend::available());
    const auto devices = io::PortaudioBackend::devices();
    REQUIRE(devices);
    const auto find = [&](std::string_view id) {
        const auto found = std::find_if(devices->begin(), devices->end(),
                                        [&](const io::Device& device) { return device.id == id; });
        REQUIRE(found != devices->end());
        return *found;
    };
    const io::Device loop = find("JACK Audio Connection Kit: loop");
    CHECK(loop.input_channels == 3);
    CHECK(loop.output_channels == 3);
    CHECK(loop.default_rate == JackServer::sample_rate);
    CHECK(find("JACK Audio Connection Kit: system").input_channels == 3);
    CHECK(std::count_if(devices->begin(), devices->end(),
                        [](const auto& device) { return device.default_capture; }) == 1);

    for (const char* id : {"loop", "JACK Audio Connection Kit", "JACK Audio Connection Kit: loop"}) {
        INFO(id);
        Driver driver;
        CHECK(driver.open({.device = id}, {}));
    }
    for (const io::Autoconnect autoconnect : {io::Autoconnect::off, io::Autoconnect::loopback}) {
        Driver driver;
        const auto opened = driver.open({.device = "loop", .autoconnect = autoconnect}, {});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
    }
    Driver driver;
    const auto opened = driver.open({.device = "loop", .input_channels = 4}, {});
    REQUIRE_FALSE(opened);
    INFO(show(opened.error()));
    CHECK(opened.error().code == io::Errc::unsupported_channels);
    CHECK(std::string_view(opened.error().text).find("has 3 capture channels, 4 were asked") !=
          std::string_view::npos);
}

TEST_CASE("stderr is left alone but for the probing", "[jack]") {
    PortaudioJackRig rig{Setting{}};
    std::string quiet;
    {
        const StderrCapture capture;
        REQUIRE(io::PortaudioBackend::devices());
        Driver driver;
        REQUIRE(driver.open(rig.config(), rig.options()));
        driver.close();
        ::dprintf(STDERR_FILENO, "heard");
        quiet = capture.text();
    }
    CHECK(quiet == "heard");
    std::string loud;
    {
        const StderrCapture capture;
        Driver driver;
        (void)rig.options();
        REQUIRE(driver.open(rig.config(), {.quiet = false}));
        loud = capture.text();
    }
    CHECK(loud.find("ALSA") != std::string::npos); // so there was something to silence
}

TEST_CASE("a killed server ends run() and the process goes on without JACK", "[.][alone][kill]") {
    std::optional<Lost> lost;
    lost.emplace();
    Clock::time_point when;
    std::jthread helper([&] {
        (void)lost->is_called();
        when = Clock::now();
        lost->rig.server().kill(SIGKILL);
    });
    const auto result = lost->driver.run();
    const auto ended = Clock::now();
    helper.join();
    CHECK(ended - when < std::chrono::seconds(1));
    check_says_server_lost(result);
    check_says_server_lost(lost->driver.status());
    CHECK_FALSE(lost->driver.is_running());
    CHECK(calls_after([] {}, lost->counter) == 0);
    CHECK(lost->driver.stop());
    const auto again = lost->driver.start();
    REQUIRE_FALSE(again);
    CHECK(again.error().code == io::Errc::invalid_state);
    auto begin = Clock::now();
    lost->driver.close();
    CHECK(Clock::now() - begin < std::chrono::seconds(3));

    // A new server does not help PortAudio, and that is what it says.
    lost->rig.server().start();
    Driver driver;
    begin = Clock::now();
    const auto reopened = driver.open(lost->rig.config(), lost->rig.options());
    CHECK(Clock::now() - begin < std::chrono::seconds(1));
    REQUIRE_FALSE(reopened);
    INFO(show(reopened.error()));
    CHECK(reopened.error().code == io::Errc::no_server);
    CHECK(std::string_view(reopened.error().text).find("jack backend") != std::string_view::npos);
    const auto devices = io::PortaudioBackend::devices();
    REQUIRE(devices);
    for (const io::Device& device : *devices)
        CHECK_FALSE(device.id.starts_with("JACK"));
}

TEST_CASE("a server that says good-bye is lost likewise", "[.][alone][terminate]") {
    Lost lost;
    REQUIRE(lost.driver.start());
    REQUIRE(lost.is_called());
    lost.rig.server().kill(SIGTERM);
    CHECK(eventually([&] { return !lost.driver.status(); })); // without run()
    check_says_server_lost(lost.driver.status());
    CHECK_FALSE(lost.driver.is_running());
}

TEST_CASE("a server that goes before start() is missed", "[.][alone][before_start]") {
    Lost lost;
    lost.rig.server().kill(SIGKILL);
    const auto begin = Clock::now();
    const auto result = lost.driver.run();
    CHECK(Clock::now() - begin < std::chrono::seconds(2));
    REQUIRE_FALSE(result);
    INFO(show(result.error()));
    CHECK((result.error().code == io::Errc::server_lost || result.error().code == io::Errc::invalid_state));
}

TEST_CASE("a server may go while the driver is being closed", "[.][alone][while_closing]") {
    std::optional<Lost> lost;
    lost.emplace();
    REQUIRE(lost->driver.start());
    REQUIRE(lost->is_called());
    lost->rig.server().send(SIGKILL);
    const auto begin = Clock::now();
    lost->driver.close(); // at once: PortAudio has not noticed yet
    CHECK(Clock::now() - begin < std::chrono::seconds(3));
}

TEST_CASE("a server that nobody uses may go", "[.][alone][unused]") {
    // PortAudio is its client all the same, and would end the process when it is terminated.
    const Setting setting{};
    PortaudioJackRig rig(setting);
    {
        Driver driver;
        REQUIRE(driver.open({.device = "ALSA: test_null"}, rig.options()));
        Counter counter;
        REQUIRE(driver.set_process_callback(counter));
        REQUIRE(driver.start());
        REQUIRE(eventually([&] { return counter.calls() > 3; }));
        rig.server().kill(SIGKILL);
        REQUIRE(driver.stop());
        const auto begin = Clock::now();
        driver.close();
        CHECK(Clock::now() - begin < std::chrono::seconds(3));
        CHECK(driver.open({.device = "ALSA: test_null"}, {})); // and the rest of PortAudio still works
    }
}
