// SPDX-License-Identifier: MIT

// What only JACK has: ports, connections, clients of others.

#include "eventually.hpp"
#include "jack_outside.hpp"
#include "jack_server.hpp"
#include "probes.hpp"
#include "rig.hpp"
#include "show.hpp"
#include <rill_io/jack.hpp>

#include <dlfcn.h>
#include <jack/jack.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {
namespace {

using Driver = io::Driver<io::jack::Capture, io::jack::Playback>;
using Names = std::vector<std::string>;

Names take_names(const char** names) {
    Names taken;
    for (const char** name = names; name != nullptr && *name != nullptr; ++name)
        taken.emplace_back(*name);
    if (names != nullptr)
        jack_free(names);
    return taken;
}

/// Whether a port, by full name, is soon connected to just these: the server makes connections between two
/// cycles.
bool is_connected(Driver& driver, const std::string& port, const Names& expected) {
    jack_client_t* const client = driver.session().client();
    Names found;
    const bool right = eventually([&] {
        found = take_names(jack_port_get_all_connections(client, jack_port_by_name(client, port.c_str())));
        return found == expected;
    });
    for (const std::string& other : found)
        UNSCOPED_INFO(port << " is connected to " << other);
    return right;
}

Names ports_of(jack_client_t* client, const std::string& owner) {
    return take_names(jack_get_ports(client, ("^" + owner + ":").c_str(), nullptr, 0));
}

/// A client with one port that has a latency of its own.
class LatentClient : public JackClient {
public:
    LatentClient(const JackServer& server, const char* name, unsigned long direction,
                 jack_latency_range_t latency)
        : JackClient(server.name(), name, 1, direction),
          mode_(direction == JackPortIsOutput ? JackCaptureLatency : JackPlaybackLatency),
          latency_(latency) {
        jack_set_latency_callback(
            client(),
            [](jack_latency_callback_mode_t mode, void* self) {
                auto& latent = *static_cast<LatentClient*>(self);
                if (mode == latent.mode_)
                    jack_port_set_latency_range(latent.port(0), mode, &latent.latency_);
            },
            this);
        activate<LatentClient>();
    }
    ~LatentClient() { leave(); }
    void cycle(jack_nframes_t) noexcept {}
    /// What the rest of the graph adds behind (or before) our port.
    [[nodiscard]] jack_latency_range_t seen() const {
        jack_latency_range_t range{};
        jack_port_get_latency_range(
            port(0), mode_ == JackCaptureLatency ? JackPlaybackLatency : JackCaptureLatency, &range);
        return range;
    }

private:
    jack_latency_callback_mode_t mode_;
    jack_latency_range_t latency_;
};

/// A server, and a driver with a counter.
struct World {
    explicit World(std::uint32_t quantum = 256) : server(quantum) {}
    [[nodiscard]] io::Result<void> open(io::StreamConfig config, io::jack::Options options = {}) {
        options.server = server.name();
        if (auto opened = driver.open(config, options); !opened)
            return opened;
        return driver.set_process_callback(counter);
    }
    [[nodiscard]] bool is_called(const Counter& callback) const {
        return eventually([&, goal = callback.calls() + 3] { return callback.calls() >= goal; });
    }
    [[nodiscard]] std::string ours() { return jack_get_client_name(driver.session().client()); }
    [[nodiscard]] bool connect(const std::string& from, const std::string& to) {
        return jack_connect(driver.session().client(), from.c_str(), to.c_str()) == 0;
    }

    JackServer server;
    Counter counter;
    Driver driver;
};

/// What a copy of libjack is loaded with ends such a process: a second server is refused.
bool is_sanitized() {
    return ::dlsym(RTLD_DEFAULT, "__asan_init") != nullptr;
}

} // namespace
} // namespace conformance

using namespace conformance;

TEST_CASE("two JACK servers at once, each as it is") {
    const JackServer other(256, 2, 44100);
    World world;
    REQUIRE(world.open({.client_name = "ours", .autoconnect = io::Autoconnect::off}));
    REQUIRE(world.driver.start());
    Driver second;
    Counter second_counter;
    const auto opened =
        second.open({.client_name = "second", .autoconnect = io::Autoconnect::off}, {.server = other.name()});
    if (is_sanitized()) {
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
        CHECK(std::string_view(opened.error().text).find("sanitizer") != std::string_view::npos);
        CHECK(world.is_called(world.counter));
        return;
    }
    REQUIRE(opened);
    REQUIRE(second.set_process_callback(second_counter));
    REQUIRE(second.start());
    CHECK(second.info().sample_rate == 44100);
    CHECK(world.driver.info().sample_rate == JackServer::sample_rate);
    CHECK(world.is_called(second_counter));
    CHECK(world.is_called(world.counter)); // the first one has not noticed
    CHECK(jack_port_by_name(world.driver.session().client(), (world.ours() + ":out_1").c_str()) != nullptr);
    CHECK(jack_port_by_name(world.driver.session().client(), "second:out_1") == nullptr);
    CHECK(second.session().client() == nullptr); // not of the libjack that we call here
    Driver beside;                               // on the first server
    CHECK(beside.open({.autoconnect = io::Autoconnect::off}, {.server = world.server.name()}));
    CHECK(beside.session().client() != nullptr);

    beside.close();
    world.driver.close();
    CHECK(world.is_called(second_counter));
    CHECK(world.open({.client_name = "ours", .autoconnect = io::Autoconnect::off}));
    CHECK(world.driver.session().client() != nullptr); // the first copy again
}

TEST_CASE("two JACK servers at once: one is killed and comes back") {
    if (is_sanitized()) {
        WARN("a second JACK server: not under a sanitizer");
        return;
    }
    JackServer mortal(256);
    World world;
    Driver driver;
    Counter counter;
    REQUIRE(driver.open({.autoconnect = io::Autoconnect::off}, {.server = mortal.name()}));
    REQUIRE(driver.set_process_callback(counter));
    REQUIRE(driver.start());
    REQUIRE(world.open({.autoconnect = io::Autoconnect::off}));
    REQUIRE(world.driver.start());
    REQUIRE(world.is_called(counter));
    mortal.kill(SIGKILL);
    CHECK(eventually([&] { return !driver.status(); }));
    CHECK(driver.status().error().code == io::Errc::server_lost);
    CHECK(world.is_called(world.counter));
    driver.close();
    mortal.start();
    REQUIRE(driver.open({.autoconnect = io::Autoconnect::off}, {.server = mortal.name()}));
    REQUIRE(driver.set_process_callback(counter));
    REQUIRE(driver.start());
    CHECK(world.is_called(counter));
    CHECK(world.is_called(world.counter));
    CHECK(world.driver.status());
}

TEST_CASE("a lost JACK client is closed after another has found the server again") {
    World world;
    const io::StreamConfig config{.autoconnect = io::Autoconnect::off};
    Driver late;
    Counter counter;
    REQUIRE(world.open(config));
    REQUIRE(world.driver.start());
    REQUIRE(late.open(config, {.server = world.server.name()}));
    REQUIRE(late.set_process_callback(counter));
    REQUIRE(late.start());
    REQUIRE(world.is_called(counter));
    world.server.kill(SIGKILL);
    REQUIRE(eventually([&] { return !late.status() && !world.driver.status(); }));
    world.driver.close();
    world.server.start();
    if (is_sanitized()) {
        const auto refused = world.open(config);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == io::Errc::no_server); // a supervisor tries again
        CHECK(std::string_view(refused.error().text).find("close it first") != std::string_view::npos);
        late.close();
        CHECK(world.open(config));
        return;
    }
    REQUIRE(world.open(config));
    REQUIRE(world.driver.start());
    REQUIRE(world.is_called(world.counter));
    late.close();
    CHECK(world.is_called(world.counter));
    REQUIRE(late.open(config, {.server = world.server.name()}));
    REQUIRE(late.set_process_callback(counter));
    REQUIRE(late.start());
    CHECK(world.is_called(counter));
    CHECK(world.is_called(world.counter));
}

TEST_CASE("two JACK servers at once: the host's client is of the other") {
    if (is_sanitized()) {
        WARN("a second JACK server: not under a sanitizer");
        return;
    }
    const JackServer other(256);
    World world;
    jack_client_t* const lent =
        jack_client_open("lent", static_cast<jack_options_t>(JackServerName | JackNoStartServer), nullptr,
                         other.name().c_str());
    REQUIRE(lent != nullptr);
    Driver adopted;
    Counter counter;
    REQUIRE(adopted.open({.autoconnect = io::Autoconnect::off}, {.client = lent}));
    REQUIRE(adopted.set_process_callback(counter));
    REQUIRE(adopted.start());
    CHECK(adopted.session().client() == lent);
    CHECK(world.open({.client_name = "ours", .autoconnect = io::Autoconnect::off}));
    CHECK(world.driver.start());
    CHECK(world.is_called(world.counter));
    CHECK(world.is_called(counter));
    adopted.close();
    world.driver.close();
    jack_client_close(lent);
}

TEST_CASE("autoconnect connects the physical ports, what is named, or nothing", "[jack]") {
    World world;
    io::StreamConfig config{.client_name = "ours"};

    SECTION("standard: the physical ones, in order") {
        REQUIRE(world.open(config));
        REQUIRE(world.driver.start());
        CHECK(is_connected(world.driver, "ours:in_1", {"system:capture_1"}));
        CHECK(is_connected(world.driver, "ours:in_2", {"system:capture_2"}));
        CHECK(is_connected(world.driver, "ours:out_1", {"system:playback_1"}));
        CHECK(is_connected(world.driver, "ours:out_2", {"system:playback_2"}));
    }
    SECTION("off: none") {
        config.autoconnect = io::Autoconnect::off;
        config.capture_target = "not looked at";
        REQUIRE(world.open(config));
        REQUIRE(world.driver.start());
        for (const char* const port : {"ours:in_1", "ours:in_2", "ours:out_1", "ours:out_2"})
            CHECK(is_connected(world.driver, port, {}));
    }
    SECTION("loopback: to oneself") {
        config.autoconnect = io::Autoconnect::loopback;
        REQUIRE(world.open(config));
        REQUIRE(world.driver.start());
        CHECK(is_connected(world.driver, "ours:in_1", {"ours:out_1"}));
        CHECK(is_connected(world.driver, "ours:in_2", {"ours:out_2"}));
    }
    SECTION("ports by name, in the order given, also where a name is full of special characters") {
        const JackSender sender(world.server.name(), 1, "a.b (c) [d] $^*+?|\\{}");
        const JackKeeper keeper(world.server.name(), sender, 1, 16, "aXb (c) [d]");
        const std::string capture = "system:capture_2," + sender.port_name(0);
        config.capture_target = capture;
        config.playback_target = "system:playback_2,system:playback_1";
        REQUIRE(world.open(config));
        REQUIRE(world.driver.start());
        CHECK(is_connected(world.driver, "ours:in_1", {"system:capture_2"}));
        CHECK(is_connected(world.driver, "ours:in_2", {sender.port_name(0)}));
        CHECK(is_connected(world.driver, "ours:out_1", {"system:playback_2"}));
        CHECK(is_connected(world.driver, "ours:out_2", {"system:playback_1"}));
    }
    SECTION("a client by name, as target and as device") {
        const JackSender sender(world.server.name(), 2, "other");
        config.device = "system";
        config.capture_target = "other";
        REQUIRE(world.open(config));
        REQUIRE(world.driver.start());
        CHECK(is_connected(world.driver, "ours:in_1", {sender.port_name(0)}));
        CHECK(is_connected(world.driver, "ours:in_2", {sender.port_name(1)}));
        CHECK(is_connected(world.driver, "ours:out_1", {"system:playback_1"}));
    }
    SECTION("refused: a name that nothing has, and more channels than the default device") {
        const auto refused = [&](io::Errc code, std::string_view needle) {
            const auto opened = world.open(config);
            REQUIRE_FALSE(opened);
            INFO(show(opened.error()));
            CHECK(opened.error().code == code);
            CHECK(std::string_view(opened.error().text).find(needle) != std::string_view::npos);
        };
        for (const char* const missing :
             {"system:capture_9", "system:capture_1,nobody", "system:capture_", "sys", ","}) {
            config.capture_target = missing;
            refused(io::Errc::no_device, "jack_lsp");
        }
        config.capture_target = {};
        config.output_channels = 3;
        refused(io::Errc::unsupported_channels, "3 channels");
        config.output_channels = 2;
        REQUIRE(world.open(config)); // none of the refused ones is left in the way
        REQUIRE(world.driver.start());
        CHECK(ports_of(world.driver.session().client(), "ours").size() == 4);
    }
    CHECK((!world.driver.is_running() || world.is_called(world.counter)));
}

TEST_CASE("a target that has gone since open() leaves a port unconnected", "[jack]") {
    World world;
    std::optional<JackSender> sender(std::in_place, world.server.name(), 2U, "other");
    REQUIRE(world.open({.client_name = "ours", .capture_target = "other"}));
    sender.reset();
    REQUIRE(world.driver.start());
    CHECK(is_connected(world.driver, "ours:in_1", {}));
    CHECK(world.is_called(world.counter));
}

TEST_CASE("connections outlast stop, and a callback of another type", "[jack]") {
    World world;
    REQUIRE(world.open({.client_name = "ours", .autoconnect = io::Autoconnect::off}));
    REQUIRE(world.driver.start());
    REQUIRE(world.connect("ours:out_1", "ours:in_2"));
    REQUIRE(world.connect("system:capture_1", "ours:in_1"));
    REQUIRE(world.connect("ours:out_2", "system:playback_1"));
    const auto check = [&] {
        CHECK(is_connected(world.driver, "ours:in_1", {"system:capture_1"}));
        CHECK(is_connected(world.driver, "ours:in_2", {"ours:out_1"}));
        CHECK(is_connected(world.driver, "ours:out_2", {"system:playback_1"}));
    };
    REQUIRE(world.driver.stop());
    check();
    REQUIRE(world.driver.start());
    check();
    REQUIRE(world.driver.stop());

    std::atomic<int> calls{0};
    auto other = [&](const io::ClockTick&) noexcept { ++calls; };
    REQUIRE(world.driver.set_process_callback(other));
    const std::uint64_t before = world.counter.calls();
    REQUIRE(world.driver.start());
    check();
    CHECK(eventually([&] { return calls > 3; }));
    CHECK(world.counter.calls() == before);

    // What somebody has disconnected stays so.
    REQUIRE(world.driver.stop());
    REQUIRE(jack_disconnect(world.driver.session().client(), "ours:out_1", "ours:in_2") == 0);
    REQUIRE(is_connected(world.driver, "ours:in_2", {}));
    REQUIRE(world.driver.set_process_callback(world.counter));
    REQUIRE(world.driver.start());
    CHECK(is_connected(world.driver, "ours:in_2", {}));
    CHECK(is_connected(world.driver, "ours:in_1", {"system:capture_1"}));
}

TEST_CASE("client names are made unique, and fit", "[jack]") {
    World world;
    const JackSender first(world.server.name(), 1, "same");
    REQUIRE(world.open({.client_name = "same", .autoconnect = io::Autoconnect::off}));
    const std::string name = world.driver.info().client_name;
    CHECK(name != "same");
    CHECK(name.starts_with("same"));
    CHECK(name == world.ours());
    world.driver.close();

    const std::string endless(500, 'x');
    REQUIRE(world.open({.client_name = endless, .autoconnect = io::Autoconnect::off}));
    CHECK(std::string_view(world.driver.info().client_name) ==
          endless.substr(0, 63)); // as much as JACK takes
    world.driver.close();
    REQUIRE(world.open({.client_name = "", .autoconnect = io::Autoconnect::off}));
    CHECK(std::string_view(world.driver.info().client_name) == "rill-io");
    world.driver.close();

    io::jack::Options options;
    options.input_prefix = "left in ";
    options.output_prefix = "right out ";
    REQUIRE(world.open({.client_name = "named", .autoconnect = io::Autoconnect::off}, options));
    CHECK(ports_of(world.driver.session().client(), "named") ==
          Names{"named:left in 1", "named:left in 2", "named:right out 1", "named:right out 2"});
}

TEST_CASE("an empty server name means JACK_DEFAULT_SERVER", "[jack]") {
    World world;
    const char* const before = std::getenv("JACK_DEFAULT_SERVER");
    const std::string kept = before != nullptr ? before : "";
    ::setenv("JACK_DEFAULT_SERVER", world.server.name().c_str(), 1);
    CHECK(io::jack::Backend::available());
    Driver driver;
    CHECK(driver.open());
    driver.close();
    ::setenv("JACK_DEFAULT_SERVER", "rill-io-nobody", 1);
    const auto available = io::jack::Backend::available();
    REQUIRE_FALSE(available);
    CHECK(std::string_view(available.error().text).find("rill-io-nobody") != std::string_view::npos);
    ::setenv("JACK_DEFAULT_SERVER", kept.c_str(), 1);
}

TEST_CASE("a server without a free port is a refusal", "[jack]") {
    World world;
    const auto opened = world.open({.client_name = "greedy",
                                    .input_channels = 256,
                                    .output_channels = 2,
                                    .autoconnect = io::Autoconnect::off});
    REQUIRE_FALSE(opened);
    INFO(show(opened.error()));
    CHECK(opened.error().code == io::Errc::unsupported_channels);
    CHECK(std::string_view(opened.error().text).find("of 256") != std::string_view::npos);
    REQUIRE(world.open({.autoconnect = io::Autoconnect::off}));
}

TEST_CASE("a host's client is worked in and given back", "[jack]") {
    World world;
    JackClient host(world.server.name(), "host", 1, JackPortIsOutput);
    const io::StreamConfig config{.autoconnect = io::Autoconnect::off};
    io::jack::Options options;
    options.client = host.client();
    for (int round = 0; round < 3; ++round) {
        {
            Counter counter;
            Driver driver;
            REQUIRE(driver.open(config, options));
            CHECK(std::string_view(driver.info().client_name) == "host");
            CHECK(ports_of(host.client(), "host").size() == 5);
            REQUIRE(driver.set_process_callback(counter));
            REQUIRE(driver.start());
            CHECK(world.is_called(counter));
            if (round == 1) {
                REQUIRE(driver.stop());
                REQUIRE(driver.start());
            }
        }
        // The host's own port is left, ours have gone, and nothing of ours is called any more.
        CHECK(ports_of(host.client(), "host") == Names{"host:port_1"});
    }
    // The client goes on under its owner: what the server tells it must not reach the driver that has gone.
    struct Late {
        std::atomic<int> cycles{0};
    } late;
    REQUIRE(jack_set_process_callback(
                host.client(),
                [](jack_nframes_t, void* self) {
                    ++static_cast<Late*>(self)->cycles;
                    return 0;
                },
                &late) == 0);
    REQUIRE(jack_activate(host.client()) == 0);
    CHECK(eventually([&] { return late.cycles > 3; }));
    CHECK(jack_set_buffer_size(host.client(), 512) == 0);
    CHECK(jack_set_freewheel(host.client(), 1) == 0);
    CHECK(jack_set_freewheel(host.client(), 0) == 0);

    SECTION("an active one is refused") {
        Driver driver;
        REQUIRE(driver.open(config, options));
        REQUIRE(driver.set_process_callback(world.counter));
        const auto started = driver.start();
        REQUIRE_FALSE(started);
        CHECK(started.error().code == io::Errc::invalid_state);
        CHECK(std::string_view(started.error().text).find("active") != std::string_view::npos);
        driver.close();
        CHECK(eventually([&, goal = late.cycles + 3] { return late.cycles > goal; }));
    }
    SECTION("and outlives the server") {
        world.server.kill(SIGKILL);
        CHECK(jack_deactivate(host.client()) != 0);
    }
}

TEST_CASE("latency is learned from JACK, and told to it, with the adapter's", "[jack]") {
    World world;
    const LatentClient source(world.server, "source", JackPortIsOutput, {300, 400});
    const LatentClient target(world.server, "target", JackPortIsInput, {500, 700});
    REQUIRE(world.open({.client_name = "ours",
                        .block = 100,
                        .input_channels = 1,
                        .output_channels = 1,
                        .period_match = io::Match::adapt,
                        .capture_target = "source",
                        .playback_target = "target"}));
    const auto settles = [&](std::uint32_t adapter) {
        return eventually([&] {
            const io::StreamInfo info = world.driver.info();
            const jack_latency_range_t behind = source.seen();
            const jack_latency_range_t before = target.seen();
            return info.adapter_latency == adapter && info.capture_latency == 400 &&
                   info.playback_latency == 700 && behind.min == 500 + adapter &&
                   behind.max == 700 + adapter && before.min == 300 + adapter && before.max == 400 + adapter;
        });
    };
    const auto told = [&] {
        const io::StreamInfo info = world.driver.info();
        return "adapter " + std::to_string(info.adapter_latency) + ", capture " +
               std::to_string(info.capture_latency) + ", playback " + std::to_string(info.playback_latency) +
               "; told: " + std::to_string(source.seen().min) + ".." + std::to_string(source.seen().max) +
               " behind, " + std::to_string(target.seen().min) + ".." + std::to_string(target.seen().max) +
               " before";
    };
    REQUIRE(world.driver.start());
    if (!settles(100 - 4))
        FAIL_CHECK("quantum 256: " << told());
    // The adapter never takes back what it has added while it runs ...
    jack_set_buffer_size(world.driver.session().client(), 300);
    if (!settles(100 - 4))
        FAIL_CHECK("quantum 300: " << told());
    // ... but a new run needs none.
    REQUIRE(world.driver.stop());
    REQUIRE(world.driver.start());
    if (!settles(0))
        FAIL_CHECK("started anew: " << told());
    // Of a changed quantum jackd says nothing to anybody's latency callback, until the graph changes too.
    jack_set_buffer_size(world.driver.session().client(), 250);
    REQUIRE(eventually([&] { return world.driver.info().adapter_latency == 50; }));
    REQUIRE(world.connect("ours:out_1", "system:playback_1"));
    if (!settles(50))
        FAIL_CHECK("quantum 250: " << told());
}

TEST_CASE("a connection to oneself does not add up latency", "[jack]") {
    World world;
    REQUIRE(world.open({.client_name = "ours",
                        .block = 100,
                        .input_channels = 1,
                        .output_channels = 1,
                        .period_match = io::Match::adapt,
                        .autoconnect = io::Autoconnect::loopback}));
    REQUIRE(world.driver.start());
    for (int i = 0; i < 20; ++i) {
        REQUIRE(world.connect("ours:out_1", "system:playback_1"));
        REQUIRE(jack_disconnect(world.driver.session().client(), "ours:out_1", "system:playback_1") == 0);
    }
    const io::StreamInfo info = world.driver.info();
    CHECK(info.capture_latency <= 512);
    CHECK(info.playback_latency <= 512);
}
