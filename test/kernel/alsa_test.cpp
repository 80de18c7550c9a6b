// SPDX-License-Identifier: MIT

// The ALSA backend on devices of the kernel: snd-aloop, whose device 0 plays into device 1, and snd-dummy.
// Runs in the virtual machine only (see run-alsa).

#include "alsa_fixture.hpp"
#include "eventually.hpp"
#include <rill_io/device_monitor.hpp>

#include <alsa/asoundlib.h>
#include <sys/wait.h>
#include <test.hpp>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace alsa_test;
namespace alsa = rill::io::alsa;

namespace {

constexpr const char* playback_side = "hw:CARD=Loopback,DEV=0";
constexpr const char* capture_side = "hw:CARD=Loopback,DEV=1";

[[nodiscard]] io::StreamConfig loop_config(std::uint32_t block, std::uint32_t periods) {
    return {.sample_rate = 48000,
            .block = block,
            .periods = periods,
            .capture_target = capture_side,
            .playback_target = playback_side};
}

/// Where the signal was found in what was captured, and that it goes on to the end without a wrong sample.
[[nodiscard]] bool is_exact(const Loopback& graph, Loopback::Signal signal, std::size_t from = 0) {
    const std::vector<float>& first = graph.kept(0);
    const auto begin = std::find_if(first.begin() + static_cast<std::ptrdiff_t>(from), first.end(),
                                    [](float sample) { return sample != 0.0F; });
    const auto start = static_cast<std::size_t>(begin - first.begin());
    if (first.size() - start < first.size() / 4)
        return false;
    // Its place in the signal, by the first four samples.
    for (std::size_t place = 0; place <= start; ++place) {
        bool is_it = true;
        for (std::size_t i = 0; i < 4 && is_it; ++i)
            is_it = first[start + i] == signal(0, place + i);
        if (!is_it)
            continue;
        for (std::uint32_t channel = 0; channel < 2; ++channel)
            for (std::size_t i = start; i < first.size(); ++i)
                if (graph.kept(channel)[i] != signal(channel, place + i - start))
                    return false;
        return true;
    }
    return false;
}

bool write_to(const char* path, const char* text) {
    std::ofstream file(path);
    file << text << std::flush;
    return static_cast<bool>(file);
}

/// A control of the loopback card, by its name, device 1.
void set_rate_shift(long value) {
    snd_ctl_t* control = nullptr;
    REQUIRE(snd_ctl_open(&control, "hw:CARD=Loopback", 0) == 0);
    snd_ctl_elem_value_t* element = nullptr;
    snd_ctl_elem_value_malloc(&element);
    snd_ctl_elem_value_set_interface(element, SND_CTL_ELEM_IFACE_PCM);
    snd_ctl_elem_value_set_name(element, "PCM Rate Shift 100000");
    snd_ctl_elem_value_set_device(element, 1);
    snd_ctl_elem_value_set_subdevice(element, 0);
    snd_ctl_elem_value_set_integer(element, 0, value);
    CHECK(snd_ctl_elem_write(control, element) >= 0);
    snd_ctl_elem_value_free(element);
    snd_ctl_close(control);
}

} // namespace

TEST_CASE("kernel: loopback is exact, linked, mapped or not, in every format and period", "[kernel]") {
    const std::string format = GENERATE("S16_LE", "S32_LE", "FLOAT_LE");
    const auto access = GENERATE(alsa::Access::mmap, alsa::Access::read_write);
    const std::uint32_t period = GENERATE(48U, 64U, 128U, 256U, 480U, 1024U);
    CAPTURE(format, access == alsa::Access::mmap, period);
    Duplex driver;
    // The loopback moves what 4 ms bring at once, 192 frames: that must fit several times.
    const auto open = [&] {
        return driver.open(loop_config(period, std::max(4U, 1024U / period)),
                           {.access = access, .format = format});
    };
    auto opened = open();
    if (!opened &&
        opened.error().code == io::Errc::timed_out) // a guest's clock leaps while code is being loaded
        opened = open();
    INFO((opened ? "" : opened.error().text));
    REQUIRE(opened);
    CHECK(driver.session().is_linked());
    CHECK(driver.info().quantum == period);
    CHECK(driver.info().hardware_format == format);
    const Loopback::Signal signal = format == "S16_LE" ? &in_16_bits : &conformance::signal;
    Loopback graph(driver, 2, 12000, signal);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return graph.complete() || !driver.is_running(); }));
    REQUIRE(driver.stop());
    CHECK(driver.status());
    CHECK(driver.stats().xruns == 0);
    CHECK(is_exact(graph, signal));
    CHECK_FALSE(graph.time_went_back);
    CHECK_FALSE(driver.session().is_paced());
}

TEST_CASE("kernel: without a link both directions start all the same", "[kernel]") {
    Duplex driver;
    io::StreamConfig config = loop_config(256, 4);
    if (GENERATE(false, true)) // the other way round
        std::swap(config.capture_target, config.playback_target);
    REQUIRE(driver.open(config, {.link = false}));
    CHECK_FALSE(driver.session().is_linked());
    Loopback graph(driver, 2, 12000);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return graph.complete() || !driver.is_running(); }));
    REQUIRE(driver.stop());
    CHECK(driver.stats().xruns == 0);
    CHECK(is_exact(graph, &conformance::signal));
}

TEST_CASE("kernel: an xrun is counted with its duration, and both directions go on", "[kernel]") {
    const auto access = GENERATE(alsa::Access::mmap, alsa::Access::read_write);
    Duplex driver;
    REQUIRE(driver.open(loop_config(256, 4), {.access = access}));
    struct Late {
        Loopback loop;
        int calls = 0;
        void operator()(const io::ClockTick& tick) noexcept {
            if (++calls == 20)
                std::this_thread::sleep_for(std::chrono::milliseconds(200));
            loop(tick);
        }
    } graph{Loopback(driver, 2, 40000)};
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    CHECK(eventually([&] { return graph.loop.complete() || !driver.is_running(); }));
    REQUIRE(driver.stop());
    CHECK(driver.status());
    CHECK(driver.stats().xruns == 1);
    CHECK(graph.loop.lost_frames > 9000); // 200 ms are 9600 frames, of which a period was in time
    CHECK(graph.loop.lost_frames < 10500);
    CHECK(graph.loop.discontinuities == 1);
    // The signal goes on after it: the last quarter has no break.
    const std::vector<float>& kept = graph.loop.kept(0);
    std::size_t place = 0;
    while (place < kept.size() && kept[30000] != conformance::signal(0, place))
        ++place;
    std::size_t wrong = 0;
    for (std::size_t i = 30000; i < kept.size(); ++i)
        wrong += kept[i] != conformance::signal(0, place + i - 30000) ? 1 : 0;
    CHECK(wrong == 0);
}

TEST_CASE("kernel: an unplugged device ends run(), and can be used again when it is back", "[kernel]") {
    struct Plug {
        const char* device;
        const char* driver;
        const char* name;
        bool captures;
    };
    const Plug plug =
        GENERATE(Plug{"hw:CARD=Dummy,DEV=0", "/sys/bus/platform/drivers/snd_dummy/", "snd_dummy.0", false},
                 Plug{playback_side, "/sys/bus/platform/drivers/snd_aloop/", "snd_aloop.0", true});
    CAPTURE(plug.name);
    const auto use = [&](auto& driver, bool until_unplugged) {
        const auto opened = driver.open({.sample_rate = 48000,
                                         .block = 256,
                                         .capture_target = capture_side,
                                         .playback_target = plug.device});
        INFO((opened ? "" : opened.error().text));
        REQUIRE(opened);
        std::atomic<int> calls{0};
        auto graph = [&](const io::ClockTick&) noexcept { calls.fetch_add(1); };
        REQUIRE(driver.set_process_callback(graph));
        REQUIRE(driver.start());
        REQUIRE(eventually([&] { return calls >= 10; }));
        if (until_unplugged) {
            // It waits until nobody has the device open any more.
            std::thread unplug(
                [&] { CHECK(write_to((std::string(plug.driver) + "unbind").c_str(), plug.name)); });
            CHECK(eventually([&] { return !driver.is_running(); }));
            CHECK_FALSE(driver.status());
            CHECK(driver.status().error().code == io::Errc::device_lost);
            CHECK(driver.stop());
            driver.close();
            unplug.join();
        }
        driver.close();
    };
    Duplex duplex;
    Player player;
    if (plug.captures)
        use(duplex, true);
    else
        use(player, true);
    Player absent;
    const auto gone = absent.open({.device = plug.device});
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == io::Errc::no_device);
    REQUIRE(write_to((std::string(plug.driver) + "bind").c_str(), plug.name));
    REQUIRE(eventually([&] { return static_cast<bool>(alsa::Backend::probe(plug.device)); }));
    if (plug.captures)
        use(duplex, false);
    else
        use(player, false);
}

TEST_CASE("kernel: cards that come and go are events, and so is the default", "[kernel]") {
    using Kind = io::DeviceEvent::Kind;
    const auto card = GENERATE(std::pair{"/sys/bus/platform/drivers/snd_dummy/", "snd_dummy.0"},
                               std::pair{"/sys/bus/platform/drivers/snd_aloop/", "snd_aloop.0"});
    const std::string device =
        std::string_view(card.second) == "snd_dummy.0" ? "hw:CARD=Dummy,DEV=0" : playback_side;
    CAPTURE(device);
    io::DeviceMonitor<alsa::Backend> monitor;
    REQUIRE(monitor.open());
    CHECK(monitor.wait(0)->empty());
    std::vector<io::DeviceEvent> events;
    const auto seen = [&](Kind kind) {
        const auto more = monitor.wait(100);
        REQUIRE(more);
        events.insert(events.end(), more->begin(), more->end());
        return std::any_of(events.begin(), events.end(), [&](const io::DeviceEvent& event) {
            return event.kind == kind && event.device.id == device;
        });
    };
    REQUIRE(write_to((std::string(card.first) + "unbind").c_str(), card.second));
    CHECK(eventually([&] { return seen(Kind::disappeared); }));
    events.clear();
    REQUIRE(write_to((std::string(card.first) + "bind").c_str(), card.second));
    CHECK(eventually([&] { return seen(Kind::appeared); }));
}

TEST_CASE("kernel: a drifting clock does not stop the stream", "[kernel]") {
    Duplex driver;
    REQUIRE(driver.open(loop_config(480, 4)));
    Loopback graph(driver, 2, 96000);
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return graph.frames() > 24000; }));
    set_rate_shift(101000);
    CHECK(eventually([&] { return graph.frames() > 60000 || !driver.is_running(); }));
    set_rate_shift(99000);
    CHECK(eventually([&] { return graph.complete() || !driver.is_running(); }));
    set_rate_shift(100000);
    REQUIRE(driver.stop());
    CHECK(driver.status());
    CHECK(graph.complete());
}

TEST_CASE("kernel: cards are listed by their ids, and nothing is opened for it", "[kernel]") {
    Player holder;
    REQUIRE(holder.open({.device = "hw:CARD=Dummy,DEV=0"}));
    Player second;
    const auto busy = second.open({.device = "hw:CARD=Dummy,DEV=0"});
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code == io::Errc::device_busy);
    REQUIRE(alsa::Backend::available());
    const auto devices = alsa::Backend::devices();
    REQUIRE(devices);
    for (const char* id : {"hw:CARD=Dummy,DEV=0", playback_side, capture_side}) {
        CAPTURE(id);
        const auto row = std::find_if(devices->begin(), devices->end(),
                                      [&](const io::Device& device) { return device.id == id; });
        REQUIRE(row != devices->end());
        CHECK(row->input_channels == io::unknown_channels);
        CHECK(row->output_channels == io::unknown_channels);
    }
    holder.close();
    const auto dummy = alsa::Backend::probe("hw:CARD=Dummy,DEV=0");
    REQUIRE(dummy);
    CHECK(dummy->output_channels == 2);
    CHECK(dummy->default_rate == 48000);
}

TEST_CASE("kernel: the thread gets the priority that is asked for", "[kernel]") {
    Player driver;
    REQUIRE(driver.open({.device = "hw:CARD=Dummy,DEV=0", .block = 256, .realtime_priority = 20}));
    std::atomic<int> calls{0};
    auto graph = [&](const io::ClockTick&) noexcept { calls.fetch_add(1); };
    REQUIRE(driver.set_process_callback(graph));
    REQUIRE(driver.start());
    REQUIRE(eventually([&] { return calls >= 10; }));
    CHECK(driver.info().scheduling == io::Scheduling::fifo);
    CHECK(driver.info().realtime_priority == 20);
    REQUIRE(driver.stop());
}

TEST_CASE("kernel: a user without the right to it is told so", "[kernel]") {
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr unsigned nobody = 65534;
        if (::setgid(nobody) != 0 || ::setuid(nobody) != 0)
            ::_exit(99);
        Player driver;
        const auto opened = driver.open({.device = "hw:CARD=Dummy,DEV=0"});
        ::_exit(opened ? 98 : static_cast<int>(opened.error().code));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == static_cast<int>(io::Errc::permission_denied));
}
