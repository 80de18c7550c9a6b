// SPDX-License-Identifier: MIT
#include <rill_io/default_device_watch.hpp>

#include <test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace io = rill::io;
using Kind = io::StreamEvent::Kind;

namespace {

/// A server with one device, which is the default for playback.
struct World {
    std::string device = "first";
    bool up = true;
    int asked = 0;  ///< for the list
    int opened = 0; ///< connections
    io::Wakeup* wakeup = nullptr;

    void name_default(const char* name) {
        device = name;
        if (wakeup != nullptr)
            wakeup->ring();
    }
};

struct Backend {
    struct Options {
        World* world = nullptr;
    };
    class DeviceWatcher {
    public:
        io::Result<void> open(io::Wakeup&) { return failed(); } // (without options: nobody's server)
        io::Result<void> open(io::Wakeup& wakeup, const Options& options) {
            world_ = options.world;
            ++world_->opened;
            world_->wakeup = &wakeup;
            return world_->up ? io::Result<void>() : failed();
        }
        io::Result<io::DeviceList> list() {
            ++world_->asked;
            if (!world_->up)
                return failed();
            return io::DeviceList{
                {.id = world_->device, .description = {}, .output_channels = 2, .default_playback = true}};
        }
        void close() {
            if (world_ != nullptr)
                world_->wakeup = nullptr;
        }

    private:
        static io::Error failed() {
            return io::Error::make(io::Errc::server_lost, "world", "devices", 0, "it is gone");
        }
        World* world_ = nullptr;
    };
};

struct Watched {
    World world;
    Backend::Options options{&world};
    io::DefaultDeviceWatch<Backend> watch;
    std::vector<std::pair<Kind, std::string>> told;

    void look() {
        watch.look([&](Kind kind, const io::Device& device) { told.emplace_back(kind, device.id); });
    }
};

} // namespace

TEST_CASE("default device watch: a change is told once, and without news nobody is asked") {
    Watched it;
    it.watch.open(it.options);
    const int asked = it.world.asked;
    for (int i = 0; i < 10; ++i)
        it.look();
    CHECK(it.world.asked == asked);
    CHECK(it.told.empty());
    it.world.name_default("second");
    it.look();
    it.look();
    REQUIRE(it.told.size() == 1);
    CHECK(it.told[0] == std::pair(Kind::default_playback_changed, std::string("second")));
    CHECK(it.world.asked == asked + 1);
}

TEST_CASE("default device watch: what changed while it was closed is told afterwards") {
    Watched it;
    it.watch.open(it.options);
    it.watch.close();
    it.world.name_default("second");
    it.look();
    CHECK(it.told.empty());
    it.watch.open(it.options);
    it.look();
    REQUIRE(it.told.size() == 1);
    CHECK(it.told[0].second == "second");
}

TEST_CASE("default device watch: a lost connection is tried again, not at every look") {
    Watched it;
    it.watch.open(it.options);
    it.world.up = false;
    it.world.name_default("second");
    for (int i = 0; i < 20; ++i)
        it.look();
    CHECK(it.world.opened == 1);
    it.world.up = true;
    for (int i = 0; i < 100 && it.told.empty(); ++i)
        it.look();
    CHECK(it.world.opened == 2);
    REQUIRE(it.told.size() == 1);
    CHECK(it.told[0].second == "second");
}
