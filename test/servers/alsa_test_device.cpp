// SPDX-License-Identifier: MIT

// An ALSA PCM in user space whose time is CLOCK_MONOTONIC: no kernel device, no server. It is a plugin that
// alsa-lib loads (see alsa.conf); capture gets, frame by frame, what playback of the same process has played
// at that frame. Poll works, and whoever is late gets -EPIPE.
//
//     pcm_type.test_device { lib "/folder/libasound_module_pcm_test_device.so" }
//     pcm.some_name { type test_device
//       period 256  periods 4          # the only sizes there are, if given
//       channels 2  max_channels 8     # likewise; up to 32 else
//       rate 44100                     # likewise; 8000 to 192000 else
//       format S16_LE                  # likewise; every linear and float format of 16 to 64 bits else
//       exclusive true                 # busy while this process has it open
//       loop 1 }                       # plays to, or captures from, another store than 0 (there are 4)
//
// RILL_IO_TEST_DEVICE_FAULT=[capture:|playback:]KIND@N, read when a PCM is opened: something goes wrong when
// its stream first reaches frame N. xrun; suspend (can be resumed); unplug (gone for good); broken (an xrun
// now and at once after each restart); silent (its clock stands still). RILL_IO_TEST_DEVICE_PPM=1000: its
// clock is 0.1 % fast. A test may also look at the stores and unplug by hand: see the functions at the end.

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t loop_frames = std::size_t{1} << 17U;
constexpr std::size_t max_device_channels = 32;
constexpr std::size_t max_bytes = 8;
constexpr unsigned bits_per_byte = 8;
constexpr long long ns_per_s = 1'000'000'000;

/// What has been played: a sample of any format at [frame][channel].
struct Played {
    std::vector<unsigned char> samples =
        std::vector<unsigned char>(loop_frames * max_device_channels * max_bytes);
    std::mutex mutex;                           ///< several streams of a process may use it
    std::atomic<unsigned long long> frames = 0; ///< that have been written
    unsigned char* at(unsigned long long frame, unsigned channel) {
        return samples.data() + (frame % loop_frames * max_device_channels + channel) * max_bytes;
    }
};
/// Never destroyed: a thread that a test has left behind may still play when the process ends.
std::array<Played*, 4> loops{};
std::mutex loops_mutex;
std::atomic<bool> is_unplugged = false;
int num_open_exclusively = 0;

Played& loop_of(long number) {
    const std::lock_guard lock(loops_mutex);
    Played*& loop = loops[static_cast<std::size_t>(number) % loops.size()];
    if (loop == nullptr)
        loop = new Played;
    return *loop;
}

struct Limits {
    long period = 0;
    long periods = 0;
    long channels = 0;
    long max_channels = max_device_channels;
    long rate = 0;
    long loop = 0;
    std::string format;
    bool exclusive = false;
};

enum class Fault { none, xrun, suspend, unplug, broken, silent };

long long now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * ns_per_s + now.tv_nsec;
}

struct TestDevice {
    snd_pcm_ioplug_t io{};
    Played* loop = nullptr;
    int timer = -1;
    double speed = 1.0;
    bool exclusive = false;
    Fault fault = Fault::none;
    unsigned long long fault_frame = 0;
    bool broken = false;
    bool gone = false;
    long long start_ns = 0;          ///< 0: not running
    unsigned long long written = 0;  ///< or read: where the application is
    unsigned long long position = 0; ///< where the device is

    [[nodiscard]] bool plays() const { return io.stream == SND_PCM_STREAM_PLAYBACK; }
    [[nodiscard]] double frames_per_ns() const { return io.rate * speed / static_cast<double>(ns_per_s); }
    /// What goes wrong now.
    Fault due() {
        if (broken)
            return Fault::broken;
        if (fault == Fault::none || position < fault_frame)
            return Fault::none;
        return std::exchange(fault, Fault::none);
    }
    void arm(bool on) const {
        const auto period_ns =
            on ? static_cast<long long>(static_cast<double>(io.period_size) / frames_per_ns()) : 0;
        itimerspec every{};
        every.it_interval = {static_cast<std::time_t>(period_ns / ns_per_s),
                             static_cast<long>(period_ns % ns_per_s)};
        every.it_value = every.it_interval;
        ::timerfd_settime(timer, 0, &every, nullptr);
    }
};

TestDevice& of(snd_pcm_ioplug_t* io) {
    return *static_cast<TestDevice*>(io->private_data);
}

int start(snd_pcm_ioplug_t* io) {
    TestDevice& device = of(io);
    if (device.gone)
        return -ENODEV;
    device.start_ns = now_ns();
    device.arm(true);
    return 0;
}

int stop(snd_pcm_ioplug_t* io) {
    of(io).start_ns = 0;
    of(io).arm(false);
    return 0;
}

int prepare(snd_pcm_ioplug_t* io) {
    TestDevice& device = of(io);
    if (device.gone)
        return -ENODEV;
    device.written = device.position = 0;
    device.start_ns = 0;
    if (device.plays())
        device.loop->frames = 0;
    return 0;
}

int resume(snd_pcm_ioplug_t* io) {
    TestDevice& device = of(io);
    device.start_ns =
        now_ns() - static_cast<long long>(static_cast<double>(device.position) / device.frames_per_ns());
    device.arm(true);
    return snd_pcm_ioplug_set_state(io, SND_PCM_STATE_RUNNING);
}

/// alsa-lib makes an XRUN of every negative answer; other states have to be set.
snd_pcm_sframes_t pointer(snd_pcm_ioplug_t* io) {
    TestDevice& device = of(io);
    const auto answer = [&] { return static_cast<snd_pcm_sframes_t>(device.position % io->buffer_size); };
    if (is_unplugged && !device.gone) {
        device.gone = true;
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
    }
    if (device.gone || device.start_ns == 0)
        return answer();
    device.position = static_cast<unsigned long long>(static_cast<double>(now_ns() - device.start_ns) *
                                                      device.frames_per_ns());
    switch (device.due()) {
    case Fault::none:
        break;
    case Fault::broken:
        device.broken = true;
        return -EPIPE;
    case Fault::xrun:
        return -EPIPE;
    case Fault::suspend:
        device.start_ns = 0;
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_SUSPENDED);
        return answer();
    case Fault::unplug:
        device.gone = true;
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        return answer();
    case Fault::silent:
        device.start_ns = 0;
        device.arm(false);
        return answer();
    }
    if (device.plays() && device.position > device.written && io->state == SND_PCM_STATE_DRAINING)
        device.position = device.written;
    const unsigned long long limit = device.plays() ? device.written : device.written + io->buffer_size;
    return device.position > limit ? -EPIPE : answer();
}

snd_pcm_sframes_t transfer(snd_pcm_ioplug_t* io, const snd_pcm_channel_area_t* areas,
                           snd_pcm_uframes_t offset, snd_pcm_uframes_t frames) {
    TestDevice& device = of(io);
    if (device.gone)
        return -ENODEV;
    Played& played = *device.loop;
    const std::lock_guard lock(played.mutex);
    const auto bytes = static_cast<std::size_t>(snd_pcm_format_physical_width(io->format)) / bits_per_byte;
    for (unsigned channel = 0; channel < io->channels; ++channel) {
        const snd_pcm_channel_area_t& area = areas[channel];
        auto* sample =
            static_cast<unsigned char*>(area.addr) + (area.first + offset * area.step) / bits_per_byte;
        for (snd_pcm_uframes_t i = 0; i < frames; ++i, sample += area.step / bits_per_byte) {
            const unsigned long long frame = device.written + i;
            if (device.plays())
                std::memcpy(played.at(frame, channel), sample, bytes);
            else if (frame < played.frames)
                std::memcpy(sample, played.at(frame, channel), bytes);
            else
                std::memset(sample, 0, bytes);
        }
    }
    device.written += frames;
    if (device.plays())
        played.frames = device.written;
    return static_cast<snd_pcm_sframes_t>(frames);
}

int poll_revents(snd_pcm_ioplug_t* io, pollfd* descriptors, unsigned, unsigned short* events) {
    std::uint64_t expired = 0;
    if ((descriptors[0].revents & POLLIN) != 0 && ::read(of(io).timer, &expired, sizeof expired) < 0)
        expired = 0;
    const auto ready = static_cast<unsigned short>(of(io).plays() ? POLLOUT : POLLIN);
    const snd_pcm_sframes_t avail = snd_pcm_avail_update(io->pcm);
    if (avail < 0 || snd_pcm_state(io->pcm) != SND_PCM_STATE_RUNNING)
        *events = static_cast<unsigned short>(POLLERR | ready);
    else
        *events = avail >= static_cast<snd_pcm_sframes_t>(io->period_size) ? ready : 0;
    return 0;
}

int delay(snd_pcm_ioplug_t* io, snd_pcm_sframes_t* frames) {
    pointer(io);
    const auto ahead = static_cast<snd_pcm_sframes_t>(of(io).written - of(io).position);
    *frames = of(io).plays() ? ahead : -ahead;
    return 0;
}

int close_device(snd_pcm_ioplug_t* io) {
    TestDevice* const device = &of(io);
    num_open_exclusively -= device->exclusive ? 1 : 0;
    ::close(device->timer);
    delete device;
    return 0;
}

const snd_pcm_ioplug_callback_t* callbacks() {
    static const snd_pcm_ioplug_callback_t table = [] {
        snd_pcm_ioplug_callback_t functions{};
        functions.start = &start;
        functions.stop = &stop;
        functions.pointer = &pointer;
        functions.transfer = &transfer;
        functions.close = &close_device;
        functions.prepare = &prepare;
        functions.resume = &resume;
        functions.poll_revents = &poll_revents;
        functions.delay = &delay;
        return functions;
    }();
    return &table;
}

Limits read_limits(snd_config_t* configuration) {
    Limits limits;
    snd_config_iterator_t it{};
    snd_config_iterator_t next{};
    snd_config_for_each(it, next, configuration) {
        snd_config_t* const entry = snd_config_iterator_entry(it);
        const char* id = "";
        const char* text = "";
        snd_config_get_id(entry, &id);
        const std::string_view key(id);
        if (key == "period")
            snd_config_get_integer(entry, &limits.period);
        else if (key == "periods")
            snd_config_get_integer(entry, &limits.periods);
        else if (key == "channels")
            snd_config_get_integer(entry, &limits.channels);
        else if (key == "max_channels")
            snd_config_get_integer(entry, &limits.max_channels);
        else if (key == "rate")
            snd_config_get_integer(entry, &limits.rate);
        else if (key == "loop")
            snd_config_get_integer(entry, &limits.loop);
        else if (key == "exclusive")
            limits.exclusive = snd_config_get_bool(entry) == 1;
        else if (key == "format" && snd_config_get_string(entry, &text) == 0)
            limits.format = text;
    }
    return limits;
}

void read_fault(TestDevice& device, bool plays) {
    const char* const asked = std::getenv("RILL_IO_TEST_DEVICE_FAULT");
    std::string_view fault = asked != nullptr ? asked : "";
    if (const std::size_t colon = fault.find(':'); colon != std::string_view::npos) {
        if (fault.starts_with("playback") != plays)
            return;
        fault.remove_prefix(colon + 1);
    }
    const std::size_t at = fault.find('@');
    if (at == std::string_view::npos)
        return;
    constexpr std::array<std::string_view, 6> kinds{"", "xrun", "suspend", "unplug", "broken", "silent"};
    const auto kind = std::find(kinds.begin(), kinds.end(), fault.substr(0, at));
    device.fault = kind == kinds.end() ? Fault::none : static_cast<Fault>(kind - kinds.begin());
    device.fault_frame = std::strtoull(fault.data() + at + 1, nullptr, 10);
}

int set_limits(snd_pcm_ioplug_t& io, const Limits& limits) {
    constexpr std::array<unsigned, 4> accesses{
        SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_RW_NONINTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED,
        SND_PCM_ACCESS_MMAP_NONINTERLEAVED};
    std::vector<unsigned> formats{
        SND_PCM_FORMAT_S16_LE,   SND_PCM_FORMAT_S16_BE,     SND_PCM_FORMAT_S24_LE,
        SND_PCM_FORMAT_S24_BE,   SND_PCM_FORMAT_S24_3LE,    SND_PCM_FORMAT_S24_3BE,
        SND_PCM_FORMAT_S32_LE,   SND_PCM_FORMAT_S32_BE,     SND_PCM_FORMAT_FLOAT_LE,
        SND_PCM_FORMAT_FLOAT_BE, SND_PCM_FORMAT_FLOAT64_LE, SND_PCM_FORMAT_FLOAT64_BE};
    if (!limits.format.empty())
        formats = {static_cast<unsigned>(snd_pcm_format_value(limits.format.c_str()))};
    const auto channels = static_cast<unsigned>(limits.channels);
    const auto rate = static_cast<unsigned>(limits.rate);
    const auto periods = static_cast<unsigned>(limits.periods);
    const auto longest = static_cast<unsigned>(limits.max_channels * static_cast<long>(max_bytes));
    // In bytes: alsa-lib works out the frames once format and channels are known, so a fixed period fixes
    // those.
    const auto period_bytes =
        static_cast<unsigned>(limits.period) * channels *
        static_cast<unsigned>(snd_pcm_format_physical_width(static_cast<snd_pcm_format_t>(formats[0]))) /
        bits_per_byte;
    int status =
        snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_ACCESS, accesses.size(), accesses.data());
    const auto set_range = [&](int what, unsigned low, unsigned high) {
        if (status >= 0)
            status = snd_pcm_ioplug_set_param_minmax(&io, what, low, high);
    };
    if (status >= 0)
        status = snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_FORMAT,
                                               static_cast<unsigned>(formats.size()), formats.data());
    set_range(SND_PCM_IOPLUG_HW_CHANNELS, channels != 0 ? channels : 1,
              channels != 0 ? channels : static_cast<unsigned>(limits.max_channels));
    set_range(SND_PCM_IOPLUG_HW_RATE, rate != 0 ? rate : 8000, rate != 0 ? rate : 192000);
    set_range(SND_PCM_IOPLUG_HW_PERIOD_BYTES, period_bytes != 0 ? period_bytes : 16,
              period_bytes != 0 ? period_bytes : 16384 * longest);
    set_range(SND_PCM_IOPLUG_HW_PERIODS, periods != 0 ? periods : 2, periods != 0 ? periods : 32);
    return status;
}

} // namespace

extern "C" {

// For a test that has loaded this file too (dlopen gives it the one that alsa-lib uses).

/// Where a store keeps a sample: eight bytes.
void* test_device_sample(int loop, unsigned long long frame, unsigned channel) {
    return loop_of(loop).at(frame, channel);
}
/// So many frames are in it, played or put there.
void test_device_set_frames(int loop, unsigned long long frames) {
    loop_of(loop).frames = frames;
}
unsigned long long test_device_frames(int loop) {
    return loop_of(loop).frames;
}
/// All there are, and none can be opened; or they are back.
void test_device_unplug(int unplugged) {
    is_unplugged = unplugged != 0;
}

SND_PCM_PLUGIN_DEFINE_FUNC(test_device) {
    (void)root;
    const Limits limits = read_limits(conf);
    if (limits.exclusive && num_open_exclusively != 0)
        return -EBUSY;
    if (is_unplugged)
        return -ENODEV;
    auto* const device = new TestDevice;
    device->loop = &loop_of(limits.loop);
    device->timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const char* const ppm = std::getenv("RILL_IO_TEST_DEVICE_PPM");
    device->speed = 1.0 + (ppm != nullptr ? std::atof(ppm) * 1e-6 : 0.0);
    read_fault(*device, stream == SND_PCM_STREAM_PLAYBACK);
    snd_pcm_ioplug_t& io = device->io;
    io.version = SND_PCM_IOPLUG_VERSION;
    io.name = "test device";
    io.callback = callbacks();
    io.private_data = device;
    io.poll_fd = device->timer;
    io.poll_events = POLLIN;
    io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC;
    int status = snd_pcm_ioplug_create(&io, name, stream, mode);
    if (status < 0) {
        ::close(device->timer);
        delete device;
        return status;
    }
    if (limits.exclusive) {
        device->exclusive = true;
        ++num_open_exclusively;
    }
    status = set_limits(io, limits);
    if (status < 0) {
        snd_pcm_ioplug_delete(&io);
        return status;
    }
    *pcmp = io.pcm;
    return 0;
}

SND_PCM_PLUGIN_SYMBOL(test_device)
}
