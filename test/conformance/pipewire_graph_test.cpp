// SPDX-License-Identifier: MIT

// What only PipeWire has: a graph that others look at and change, a default device, a host's connection.

#include "attempts.hpp"
#include "eventually.hpp"
#include "pipewire_outside.hpp"
#include "pipewire_server.hpp"
#include "probes.hpp"
#include "resources.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/pipewire.hpp>

#include <pipewire/pipewire.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace conformance {
namespace {

using Driver = io::Driver<io::pipewire::Capture, io::pipewire::Playback>;
using Player = io::Driver<io::NoCapture, io::pipewire::Playback>;

/// What jq makes of the node of this name, with the whole graph in $all.
std::string of_node(const std::string& name, const std::string& filter) {
    return dump(". as $all | .[] | select(.info.props[\"node.name\"] == \"" + name + "\") | " + filter);
}

/// The nodes that a node plays to, one per link, as a JSON array.
std::string plays_to(const std::string& name) {
    return of_node(name, ".id as $id | [$all[] | select(.info[\"output-node-id\"]? == $id) | "
                         ".info[\"input-node-id\"] as $other | $all[] | select(.id == $other) | "
                         ".info.props[\"node.name\"]]");
}

bool soon_plays_to(const std::string& name, const std::string& expected) {
    std::string found;
    const bool right = eventually([&] { return (found = plays_to(name)) == expected; });
    UNSCOPED_INFO(name << " plays to " << found << ", not to " << expected);
    return right;
}

/// The latency in frames that the server knows of a port: of what lies before it ("Output") or behind
/// ("Input").
std::string latency_of_port(const std::string& node, const std::string& port, const std::string& direction) {
    return of_node(node, ".id as $id | $all[] | select(.info.props[\"node.id\"]? == $id and "
                         ".info.props[\"port.name\"]? == \"" +
                             port + "\") | .info.params.Latency[] | select(.direction == \"" + direction +
                             "\") | .maxRate");
}

/// A program that has a PipeWire connection already.
class Host {
public:
    Host() {
        pw_init(nullptr, nullptr);
        loop_ = pw_thread_loop_new("host", nullptr);
        context_ = pw_context_new(pw_thread_loop_get_loop(loop_), nullptr, 0);
        core_ = context_ != nullptr ? pw_context_connect(context_, nullptr, 0) : nullptr;
        if (core_ == nullptr || pw_thread_loop_start(loop_) != 0)
            throw std::runtime_error("no PipeWire connection for the host");
        events_.version = PW_VERSION_CORE_EVENTS;
        events_.done = [](void* self, std::uint32_t, int sequence) {
            static_cast<Host*>(self)->done_ = sequence;
            pw_thread_loop_signal(static_cast<Host*>(self)->loop_, false);
        };
        pw_thread_loop_lock(loop_);
        pw_core_add_listener(core_, &hook_, &events_, this);
        pw_thread_loop_unlock(loop_);
    }
    ~Host() {
        pw_thread_loop_stop(loop_);
        spa_hook_remove(&hook_);
        pw_core_disconnect(core_);
        pw_context_destroy(context_);
        pw_thread_loop_destroy(loop_);
        pw_deinit();
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    [[nodiscard]] io::pipewire::Options options() const { return {.loop = loop_, .core = core_}; }
    /// Do loop and connection still work?
    [[nodiscard]] bool is_answered() {
        pw_thread_loop_lock(loop_);
        const int sequence = pw_core_sync(core_, PW_ID_CORE, 0);
        timespec deadline{};
        pw_thread_loop_get_time(loop_, &deadline, 3'000'000'000);
        while (done_ != sequence && pw_thread_loop_timed_wait_full(loop_, &deadline) >= 0) {
        }
        const bool answered = done_ == sequence;
        pw_thread_loop_unlock(loop_);
        return answered;
    }

private:
    pw_thread_loop* loop_ = nullptr;
    pw_context* context_ = nullptr;
    pw_core* core_ = nullptr;
    pw_core_events events_{};
    spa_hook hook_{};
    int done_ = -1;
};

constexpr const char* sinks = R"(["test-sink","test-sink"])";
constexpr const char* duplexes = R"(["test-duplex","test-duplex"])";

TEST_CASE("a host's loop and connection are used, and stay the host's", "[pipewire]") {
    const PipewireServer server(256);
    Host host;
    REQUIRE(host.is_answered());
    const std::string clients = "[.[] | select(.type == \"PipeWire:Interface:Client\")] | length";
    const std::string clients_before = dump(clients);
    Resources before = Resources::now();
    for (int round = 0; round < 3; ++round) {
        Counter counter;
        Driver driver;
        const io::StreamConfig config{.client_name = "guest", .autoconnect = io::Autoconnect::loopback};
        REQUIRE(driver.open(config, host.options()));
        CHECK(dump(clients) == clients_before); // no connection of its own
        REQUIRE(driver.set_process_callback(counter));
        REQUIRE(driver.start());
        CHECK(eventually([&] { return counter.calls() > 3; }));
        CHECK(host.is_answered());
        REQUIRE(driver.stop());
        driver.close();
        CHECK(host.is_answered());
        CHECK(eventually([&] { return of_node("guest", ".id").empty(); }));
        if (round == 0) // (libpipewire keeps what it has loaded once)
            before = Resources::now();
    }
    CHECK(eventually([&] { return Resources::now().threads <= before.threads; }));
    CHECK(Resources::now().descriptors <= before.descriptors);

    Driver driver;
    const auto half = driver.open({}, {.loop = host.options().loop});
    REQUIRE_FALSE(half);
    CHECK(half.error().code == io::Errc::invalid_config);
}

/// Counts cycles, and those that say that time does not just go on.
class BreakCounter {
public:
    void operator()(const io::ClockTick& tick) noexcept {
        if (has(tick.flags, io::TickFlags::discontinuity))
            breaks_.fetch_add(1, std::memory_order_relaxed);
        cycles_.fetch_add(1, std::memory_order_release);
    }
    [[nodiscard]] std::uint64_t breaks() const noexcept { return breaks_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t cycles() const noexcept { return cycles_.load(std::memory_order_acquire); }

private:
    std::atomic<std::uint64_t> breaks_{0};
    std::atomic<std::uint64_t> cycles_{0};
};

/// Opens a player to the default device and watches it change: another device drives it then, with a clock of
/// its own.
void check_follows(const std::string& first, const std::string& second, bool (*change)(),
                   bool (*change_back)()) {
    BreakCounter counter;
    Player player;
    REQUIRE(player.open({.client_name = "follower"}));
    REQUIRE(player.set_process_callback(counter));
    REQUIRE(player.start());
    Player stayer;
    REQUIRE(stayer.open({.client_name = "stayer", .device = "test-sink"}));
    CHECK(soon_plays_to("follower", first));
    const auto goes_on = [&] {
        return eventually([&, goal = counter.cycles() + 10] { return counter.cycles() >= goal; });
    };
    CHECK(goes_on());
    std::uint64_t breaks = counter.breaks();
    REQUIRE(change());
    CHECK(soon_plays_to("follower", second));
    CHECK(goes_on());
    CHECK(counter.breaks() > breaks);
    breaks = counter.breaks();
    CHECK(soon_plays_to("stayer", sinks)); // it was told where to play
    REQUIRE(change_back());
    CHECK(soon_plays_to("follower", first));
    CHECK(goes_on());
    CHECK(counter.breaks() > breaks);
    CHECK(player.is_running());
}

TEST_CASE("without a session manager the default is the device of the highest priority", "[pipewire]") {
    const PipewireServer server(256);
    check_follows(
        sinks, R"(["hot","hot"])", [] { return add_sink("hot", 5000); }, [] { return remove_node("hot"); });
}

TEST_CASE("the default device is followed as metadata names it", "[pipewire]") {
    const PipewireServer server(256, "{ factory = metadata args = { metadata.name = default } }");
    const auto name_default = [](const char* name) {
        return run({"pw-metadata", "0", "default.audio.sink", std::string("{ \"name\": \"") + name + "\" }",
                    "Spa:String:JSON"});
    };
    static const auto change = name_default;
    check_follows(sinks, duplexes, [] { return change("test-duplex"); }, [] { return change("test-sink"); });
}

TEST_CASE("the default device is followed as a session manager decides", "[.session_manager]") {
    static const auto configure = [](const char* name) {
        return run({"pw-metadata", "0", "default.configured.audio.sink",
                    std::string("{ \"name\": \"") + name + "\" }", "Spa:String:JSON"});
    };
    check_follows(
        sinks, duplexes, [] { return configure("test-duplex"); }, [] { return configure("test-sink"); });
}

TEST_CASE("latencies are told to us, and ours to the server", "[pipewire]") {
    constexpr std::uint32_t before = 480;
    constexpr std::uint32_t behind = 200;
    const PipewireServer server(384);
    PipewireSender sender(1);
    PipewireKeeper keeper(sender, 1, 1);
    sender.tell_latency(before);
    keeper.tell_latency(behind);
    Counter counter;
    Driver driver;
    REQUIRE(driver.open({.client_name = "late",
                         .block = 384,
                         .input_channels = 1,
                         .output_channels = 1,
                         .period_match = io::Match::adapt,
                         .autoconnect = io::Autoconnect::off}));
    REQUIRE(driver.set_process_callback(counter));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return server.link(sender.port_name(0), "late:in_1"); }));
    CHECK(eventually([&] { return server.link("late:out_1", keeper.port_name(0)); }));
    CHECK(eventually([&] { return driver.info().capture_latency == before; }));
    CHECK(eventually([&] { return driver.info().playback_latency == behind; }));

    const auto soon_tells = [&](std::uint32_t adapter) {
        const auto is = [](const std::string& found, std::uint32_t frames) {
            UNSCOPED_INFO("the server has " << found << ", not " << frames);
            return found == std::to_string(frames);
        };
        CHECK(eventually([&] {
            return of_node("late", ".info.params.ProcessLatency[0].rate") == std::to_string(adapter);
        }));
        CHECK(eventually(
            [&] { return latency_of_port("late", "out_1", "Output") == std::to_string(before + adapter); }));
        CHECK(eventually(
            [&] { return latency_of_port("late", "in_1", "Input") == std::to_string(behind + adapter); }));
        CHECK(is(latency_of_port("outside-keeper", "port_1", "Output"), before + adapter));
        CHECK(is(latency_of_port("outside-sender", "port_1", "Input"), behind + adapter));
    };
    CHECK(driver.info().adapter_latency == 0);
    soon_tells(0);
    REQUIRE(server.set_quantum(256)); // now a block of 384 needs the adapter
    CHECK(eventually([&] { return driver.info().adapter_latency == 256; }));
    soon_tells(256);
    sender.tell_latency(static_cast<std::uint32_t>(-1000)); // as an offset can make it
    CHECK(eventually([&] { return driver.info().capture_latency == 0; }));
}

TEST_CASE("what open() tells of the clock is what the first cycles have", "[pipewire]") {
    const PipewireServer server(256);
    REQUIRE(server.set_quantum(0)); // whoever asks, decides
    const bool with_neighbour = GENERATE(false, true);
    Counter neighbours;
    Player neighbour;
    if (with_neighbour) {
        REQUIRE(neighbour.open({.client_name = "neighbour", .block = 512}));
        REQUIRE(neighbour.set_process_callback(neighbours));
        REQUIRE(neighbour.start());
        REQUIRE(eventually([&] { return neighbours.calls() > 3; }));
    }
    for (const io::Autoconnect autoconnect : {io::Autoconnect::off, io::Autoconnect::standard})
        for (const std::uint32_t asked : {0U, 100U, 2000U}) {
            Counter counter;
            Driver driver;
            REQUIRE(driver.open({.client_name = "asker",
                                 .block = asked,
                                 .period_match = io::Match::adapt,
                                 .autoconnect = autoconnect}));
            const io::StreamInfo told = driver.info();
            REQUIRE(driver.set_process_callback(counter));
            REQUIRE(driver.start());
            REQUIRE(eventually([&] { return counter.calls() > 3; }));
            const io::StreamInfo found = driver.info();
            INFO("asked for " << asked << (autoconnect == io::Autoconnect::off ? ", not linked" : ", linked")
                              << (with_neighbour ? ", beside another" : ""));
            CHECK(told.quantum == found.quantum);
            CHECK(told.sample_rate == found.sample_rate);
            if (asked == 100)
                CHECK(found.quantum == asked); // nobody asks for less
        }
}

TEST_CASE("start() tells the graph of the quantum that the server has by then", "[pipewire]") {
    struct Prepared : Counter {
        io::Result<void> prepare(const io::StreamInfo& info) {
            told_quantum = info.quantum;
            told_block = info.block;
            return {};
        }
        std::uint32_t told_quantum = 0;
        std::uint32_t told_block = 0;
    };
    const PipewireServer server(1024);
    Prepared graph;
    Driver driver;
    REQUIRE(driver.open({.client_name = "told",
                         .input_channels = 1,
                         .output_channels = 1,
                         .autoconnect = io::Autoconnect::off}));
    REQUIRE(driver.set_process_callback(graph));
    for (const std::uint32_t quantum : {256U, 512U, 128U}) { // first between open() and start()
        INFO(quantum);
        REQUIRE(server.set_quantum(quantum));
        CHECK(eventually([&] { return driver.info().quantum == quantum; }));
        REQUIRE(driver.start());
        CHECK(graph.told_quantum == quantum);
        CHECK(graph.told_block == quantum);
        CHECK(driver.stop());
    }
}

TEST_CASE("a server that accepts but does not answer is not available", "[pipewire]") {
    const PipewireServer server(256);
    CHECK(io::pipewire::Backend::available());
    server.send(SIGSTOP);
    const auto available = io::pipewire::Backend::available();
    const auto devices = io::pipewire::Backend::devices();
    server.send(SIGCONT);
    REQUIRE_FALSE(available);
    CHECK(available.error().code == io::Errc::timed_out);
    REQUIRE_FALSE(devices);
    CHECK(devices.error().code == io::Errc::timed_out);
}

TEST_CASE("others see the node as it was asked for", "[pipewire]") {
    constexpr std::uint32_t quantum = 1024;
    const PipewireServer server(0); // clients ask for the quantum; nobody else does
    Counter counter;
    Driver driver;
    REQUIRE(driver.open({.client_name = "asked-for",
                         .block = quantum,
                         .capture_target = "test-source",
                         .playback_target = "test-sink"},
                        {.description = "Asked for", .media_role = "Music"}));
    CHECK(driver.info().quantum == quantum);
    REQUIRE(driver.set_process_callback(counter));
    (void)until_undisturbed("five seconds without an xrun", [&] {
        REQUIRE(driver.start());
        std::this_thread::sleep_for(std::chrono::seconds(5));
        CHECK(of_node("asked-for", ".info.state") == "\"running\"");
        REQUIRE(driver.stop());
        CHECK(driver.status());
        CHECK(driver.stats().cycles * quantum == driver.stats().frames);
        return driver.stats().xruns;
    });
    CHECK(driver.info().quantum == quantum);
    CHECK(plays_to("asked-for") == sinks);
    CHECK(plays_to("test-source") == R"(["asked-for","asked-for"])");
    const auto property = [](const std::string& key) {
        return of_node("asked-for", ".info.props[\"" + key + "\"]");
    };
    CHECK(property("node.description") == "\"Asked for\"");
    CHECK(property("application.name") == "\"Asked for\"");
    CHECK(property("media.role") == "\"Music\"");
    CHECK(property("media.category") == "\"Duplex\"");
    CHECK(property("node.latency") == "\"1024/48000\"");
    CHECK(property("node.async") == "null"); // it would add a cycle
    CHECK(of_node("asked-for", ".info.error") == "null");
}

} // namespace
} // namespace conformance
