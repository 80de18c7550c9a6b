// SPDX-License-Identifier: MIT
#include "eventually.hpp"
#include <rill_io/any.hpp>
#include <rill_io/choice.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/driver.hpp>
#include <rill_io/host.hpp>
#include <rill_io/null.hpp>
#include <rill_io/selector.hpp>

#include <test.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace io = rill::io;

namespace {

/// The null backend behind other names, which can or can't be used as the test wants.
template <int Number>
struct Mock {
    static inline io::Result<void> availability{};
    static inline io::Result<void> opening{};
    static inline bool has_sink = true;
    static inline int opened = 0;

    struct Session : io::null::Session {
        io::Result<void> open(const io::StreamConfig& config, const Options& options, io::Stream& stream) {
            if (!opening)
                return opening;
            ++opened;
            return io::null::Session::open(config, options, stream);
        }
    };
    static constexpr const char* name = Number == 1 ? "first" : Number == 2 ? "second" : "third";
    static constexpr bool drives_itself = true;
    static io::Result<void> available() { return availability; }
    static io::Result<io::DeviceList> devices() {
        return io::DeviceList{
            {.id = "here", .description = {}, .default_capture = true, .default_playback = has_sink}};
    }
    using Options = io::null::Options;
    using Capture = io::Capture<Mock>;
    using Playback = io::Playback<Mock>;

    static void reset() {
        availability = opening = {};
        has_sink = true;
        opened = 0;
    }
};

struct List : io::BackendList<Mock<1>, io::HostBackend, Mock<2>, Mock<3>> {
    static constexpr std::array<std::string_view, 1> missing{"absent"};
};

io::Error failure(io::Errc code, const char* text = "because") {
    return io::Error::make(code, "mock", "open", 0, "%s; do this", text);
}

struct Fresh {
    Fresh() {
        Mock<1>::reset();
        Mock<2>::reset();
        Mock<3>::reset();
        ::unsetenv("RILL_IO_BACKEND");
    }
    ~Fresh() { ::unsetenv("RILL_IO_BACKEND"); }
    Fresh(const Fresh&) = delete;
    Fresh& operator=(const Fresh&) = delete;
};

bool says(const io::Error& error, std::string_view what) {
    return std::string_view(error.text).find(what) != std::string_view::npos;
}

struct Counter {
    void operator()(const io::ClockTick& tick) noexcept {
        last_backend = tick.backend;
        time_ns = tick.time_ns();
        calls.fetch_add(1);
    }
    std::atomic<int> calls{0};
    std::atomic<const char*> last_backend{""};
    std::atomic<std::uint64_t> time_ns{0};
};

} // namespace

TEST_CASE("selector: auto opens the first backend that can be used, and says why not the others") {
    const Fresh fresh;
    io::Selector<List> selector;
    CHECK(std::string_view(selector.backend()).empty());

    SECTION("the first") {
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "first");
        CHECK(selector.attempts().size() == 1);
        CHECK(Mock<2>::opened == 0);
    }
    SECTION("not one whose server is not running") {
        Mock<1>::availability = failure(io::Errc::no_server);
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "second");
        REQUIRE(selector.attempts().size() == 2);
        CHECK(selector.attempts()[0].result.error().code == io::Errc::no_server);
        CHECK(selector.attempts()[1].result);
        CHECK(std::string_view(selector.attempts().reasons().text()) == "first is not running");
    }
    SECTION("not one that has nothing to play to, unless a target is named or none is wanted") {
        Mock<1>::has_sink = false;
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "second");
        selector.close();
        REQUIRE(selector.open({.autoconnect = io::Autoconnect::off}));
        CHECK(std::string_view(selector.backend()) == "first");
        io::Selector<List, io::Direction::capture> capture_only;
        REQUIRE(capture_only.open());
        CHECK(std::string_view(capture_only.backend()) == "first");
    }
    SECTION("not one that can't be opened") {
        Mock<1>::opening = failure(io::Errc::device_busy);
        Mock<2>::opening = failure(io::Errc::permission_denied);
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "third");
        CHECK(std::string_view(selector.attempts().reasons().text()) == "first: because, second: because");
    }
    SECTION("what was refused for what it is, is not tried elsewhere") {
        Mock<1>::opening = failure(io::Errc::unsupported_rate);
        const auto opened = selector.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::unsupported_rate);
        CHECK_FALSE(selector.is_open());
        CHECK(selector.attempts().size() == 1);
    }
    SECTION("what makes no sense is refused before anything is opened") {
        const auto opened = selector.open({.block = 8193});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
        CHECK(selector.attempts().size() == 0);
    }
    SECTION("a device decides") {
        const auto opened = selector.open({.device = "elsewhere"});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::no_device);
        CHECK(says(opened.error(), "first: it has no device 'elsewhere', second: "));
        CHECK(selector.attempts().size() == 3);
    }
    SECTION("nobody is there") {
        Mock<1>::availability = Mock<2>::availability = Mock<3>::availability = failure(io::Errc::no_server);
        const auto opened = selector.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::no_server);
        CHECK(says(opened.error(), "first is not running, second is not running, third is not running"));
    }
    SECTION("a library that is not installed is passed over as a server that is not running") {
        Mock<1>::availability = failure(io::Errc::not_installed);
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "second");
        selector.close();
        Mock<2>::availability = Mock<3>::availability = failure(io::Errc::no_server);
        const auto opened = selector.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::no_server);
        CHECK(says(opened.error(), "first is not installed, second is not running, third is not running"));
    }
    SECTION("the failure of one that is there tells more than that others are not") {
        Mock<1>::availability = failure(io::Errc::no_server);
        Mock<2>::opening = failure(io::Errc::device_busy, "somebody has it");
        Mock<3>::availability = failure(io::Errc::no_server);
        const auto opened = selector.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::device_busy);
        CHECK(says(opened.error(), "somebody has it"));
    }
}

TEST_CASE("selector: a backend that is asked for is the only one that is tried") {
    const Fresh fresh;
    io::Selector<List> selector;

    SECTION("by name") {
        REQUIRE(selector.open({}, {.backend = "third"}));
        CHECK(std::string_view(selector.backend()) == "third");
        const auto again = selector.open({}, {.backend = "first"});
        REQUIRE_FALSE(again);
        CHECK(again.error().code == io::Errc::invalid_state);
    }
    SECTION("its failure is the answer") {
        Mock<2>::opening = failure(io::Errc::device_busy);
        const auto opened = selector.open({}, {.backend = "second"});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::device_busy);
        CHECK(Mock<1>::opened + Mock<3>::opened == 0);
    }
    SECTION("by the environment, instead of auto only") {
        ::setenv("RILL_IO_BACKEND", "second", 1);
        REQUIRE(selector.open());
        CHECK(std::string_view(selector.backend()) == "second");
        selector.close();
        REQUIRE(selector.open({}, {.backend = "third"}));
        CHECK(std::string_view(selector.backend()) == "third");
        selector.close();
        ::setenv("RILL_IO_BACKEND", "nonsense", 1);
        const auto opened = selector.open();
        REQUIRE_FALSE(opened);
        CHECK(says(opened.error(), "RILL_IO_BACKEND: there is no backend 'nonsense'; use auto, first"));
        ::setenv("RILL_IO_BACKEND", "", 1);
        CHECK(selector.open());
    }
    SECTION("one that is not there is never replaced") {
        for (const auto& [name, what] :
             std::vector<std::pair<const char*, const char*>>{{"absent", "is not part of this build"},
                                                              {"host", "is driven by its host"},
                                                              {"what", "there is no backend 'what'"},
                                                              {"", "there is no backend ''"}}) {
            const auto opened = selector.open({}, {.backend = name});
            REQUIRE_FALSE(opened);
            CHECK(opened.error().code == io::Errc::invalid_config);
            CHECK(says(opened.error(), what));
        }
        CHECK(Mock<1>::opened + Mock<2>::opened + Mock<3>::opened == 0);
    }
    SECTION("an application has its own order") {
        constexpr std::array<std::string_view, 3> order{"absent", "third", "first"};
        REQUIRE(selector.open({}, {.order = order}));
        CHECK(std::string_view(selector.backend()) == "third");
        REQUIRE(selector.attempts().size() == 2);
        CHECK(says(selector.attempts()[0].result.error(), "not part of this build"));
        selector.close();
        constexpr std::array<std::string_view, 1> wrong{"frist"};
        const auto opened = selector.open({}, {.order = wrong});
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == io::Errc::invalid_config);
        CHECK(says(opened.error(), "'frist'"));
    }
}

TEST_CASE("selector: a visit has the driver in its own type, with its own options") {
    const Fresh fresh;
    io::Selector<List, io::Direction::playback> selector;
    const auto nothing = selector.visit([](auto&) { return io::Result<void>(); });
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().code == io::Errc::invalid_state);

    REQUIRE(selector.open({.block = 64}, {.backend = "second"}, [](auto& options, io::StreamConfig& config) {
        options.mode = io::null::Mode::freewheel;
        options.end_after_frames = 6400;
        config.sample_rate = 44'100;
    }));
    Counter counter;
    const auto ended = selector.visit([&]<class Driver>(Driver& driver) -> io::Result<void> {
        if constexpr (std::is_same_v<typename Driver::Backend, Mock<2>>) {
            static_assert(std::is_same_v<Driver, io::Driver<io::NoCapture, Mock<2>::Playback>>);
            CHECK(driver.info().sample_rate == 44'100);
            auto set = driver.set_process_callback(counter);
            return set ? driver.run() : set;
        } else {
            FAIL("another backend is visited");
            return {};
        }
    });
    CHECK(ended);
    CHECK(counter.calls == 100);
}

TEST_CASE("any: the chosen backend behind one type") {
    const Fresh fresh;
    using Driver = io::Driver<io::any::Capture, io::any::Playback>;
    static_assert(io::IoDriver<Driver>);
    Driver driver;
    REQUIRE(driver.open({.block = 64}, {.choice = {.backend = "null"}}));
    CHECK(std::string_view(driver.info().backend) == "null");
    Counter counter;
    REQUIRE(driver.set_process_callback(counter));
    for (int run = 0; run < 2; ++run) {
        const int before = counter.calls;
        REQUIRE(driver.start());
        CHECK(eventually([&] { return counter.calls >= before + 5; }));
        REQUIRE(driver.stop());
        CHECK((driver.stats().lost_frames == 0 || driver.stats().xruns != 0)); // (a busy machine has some)
    }
    CHECK(counter.time_ns != 0);
    driver.close();

    const auto opened = driver.open({}, {.choice = {.backend = "nonsense"}});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == io::Errc::invalid_config);
    REQUIRE(driver.open({}, {.choice = {.backend = "null"}}));
}
