// SPDX-License-Identifier: MIT

// An ALSA PCM that has a period as soon as it has been polled: for counting what a cycle costs whoever uses
// it. READY_CYCLES=N ends the program when so many periods were captured, or played if nobody captures.
// (Polling the capture, or a playback alone, takes some of a period's time, so that nobody takes it for a
// device without a clock. A playback alone is held up while it is silent, and once after a few periods: time
// for the program's other threads to finish what they do at the start, which may be to tell the one that
// plays to play.)
//
// Of the first periods the samples count: what is played must be what was captured, half as loud, whole
// periods later, or the program ends with status 1. Later ones are not looked at, so that nothing of this is
// in what is counted: the difference between two numbers of cycles.

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <type_traits>

namespace {

struct ReadyDevice {
    snd_pcm_ioplug_t io{};
    snd_pcm_uframes_t position = 0; ///< frames that the device is through with
    bool running = false;
    long cycles = -1;
    bool held_up = false;
};
int num_captures = 0; ///< open ones

ReadyDevice& of(snd_pcm_ioplug_t* io) {
    return *static_cast<ReadyDevice*>(io->private_data);
}

const snd_pcm_ioplug_callback_t* callbacks(bool playback_alone);

int start(snd_pcm_ioplug_t* io) {
    of(io).running = true;
    if (num_captures == 0)
        io->callback = callbacks(true);
    return 0;
}

int stop(snd_pcm_ioplug_t* io) {
    of(io).running = false;
    return 0;
}

int prepare(snd_pcm_ioplug_t* io) {
    of(io).position = 0;
    return 0;
}

snd_pcm_sframes_t pointer(snd_pcm_ioplug_t* io) {
    return static_cast<snd_pcm_sframes_t>(of(io).position % io->buffer_size);
}

constexpr snd_pcm_uframes_t checked_periods = 64;

/// What is known of the samples that were played.
struct Playback {
    unsigned long right = 0;
    unsigned long wrong = 0;
};
Playback played;

float captured_sample(snd_pcm_uframes_t frame, unsigned channel) {
    const float value = static_cast<float>(frame + 1) / 4096.0F;
    return channel == 0 ? value : -value;
}

void check(float sample, float expected) {
    const bool before_the_first = played.right == 0 && sample == 0.0F;
    if (std::fabs(sample - expected) < 1e-6F)
        ++played.right;
    else if (!before_the_first)
        ++played.wrong;
}

template <class Sample>
void exchange(const snd_pcm_ioplug_t& io, void* at, snd_pcm_uframes_t frame, unsigned channel) {
    constexpr float full_scale = std::is_same_v<Sample, float> ? 1.0F : 2147483648.0F;
    const float value = captured_sample(frame, channel);
    Sample sample{};
    if (io.stream == SND_PCM_STREAM_CAPTURE) {
        sample = static_cast<Sample>(value * full_scale);
        std::memcpy(at, &sample, sizeof sample);
    } else {
        std::memcpy(&sample, at, sizeof sample);
        check(static_cast<float>(sample) / full_scale, 0.5F * value);
    }
}

snd_pcm_sframes_t transfer(snd_pcm_ioplug_t* io, const snd_pcm_channel_area_t* areas,
                           snd_pcm_uframes_t offset, snd_pcm_uframes_t frames) {
    if (io->appl_ptr > checked_periods * io->period_size)
        return static_cast<snd_pcm_sframes_t>(frames);
    // Mapped areas are the ring itself, others the caller's memory.
    const bool mapped =
        io->access == SND_PCM_ACCESS_MMAP_INTERLEAVED || io->access == SND_PCM_ACCESS_MMAP_NONINTERLEAVED;
    for (snd_pcm_uframes_t i = 0; i < frames; ++i)
        for (unsigned channel = 0; channel < io->channels; ++channel) {
            const snd_pcm_channel_area_t& area = areas[channel];
            void* const at = static_cast<char*>(area.addr) + (area.first + (offset + i) * area.step) / 8;
            const snd_pcm_uframes_t frame = ((mapped ? offset : io->appl_ptr) + i) % io->period_size;
            if (io->format == SND_PCM_FORMAT_FLOAT)
                exchange<float>(*io, at, frame, channel);
            else
                exchange<std::int32_t>(*io, at, frame, channel);
        }
    return static_cast<snd_pcm_sframes_t>(frames);
}

/// The program's end, with its verdict.
[[noreturn]] void end() {
    if (played.right == 0 || played.wrong != 0) {
        std::fprintf(stderr, "the output is wrong: %lu samples right, %lu wrong\n", played.right,
                     played.wrong);
        ::_exit(1);
    }
    ::_exit(0);
}

/// Some of a period's, see above.
void take_time(const snd_pcm_ioplug_t* io) {
    const timespec most_of_a_period{0, static_cast<long>(io->period_size * 600'000'000 / io->rate)};
    ::nanosleep(&most_of_a_period, nullptr);
}

int poll_revents(snd_pcm_ioplug_t* io, pollfd*, unsigned, unsigned short* events) {
    const bool plays = io->stream == SND_PCM_STREAM_PLAYBACK;
    *events = static_cast<unsigned short>(plays ? POLLOUT : POLLIN);
    if (!of(io).running)
        return 0;
    of(io).position = io->appl_ptr + io->period_size - (plays ? io->buffer_size : 0);
    if (!plays) {
        if (of(io).cycles >= 0 &&
            io->appl_ptr >= static_cast<snd_pcm_uframes_t>(of(io).cycles) * io->period_size)
            end();
        take_time(io);
    }
    return 0;
}

int poll_revents_of_playback_alone(snd_pcm_ioplug_t* io, pollfd* descriptors, unsigned count,
                                   unsigned short* events) {
    if (of(io).cycles >= 0 && io->appl_ptr >= static_cast<snd_pcm_uframes_t>(of(io).cycles) * io->period_size)
        end();
    if (played.right == 0 && played.wrong == 0) {
        const timespec for_sound{0, 30'000'000};
        ::nanosleep(&for_sound, nullptr);
    }
    constexpr snd_pcm_uframes_t few_periods = 20;
    if (!of(io).held_up && io->appl_ptr >= few_periods * io->period_size) {
        of(io).held_up = true;
        const timespec a_while{0, 300'000'000};
        ::nanosleep(&a_while, nullptr);
    }
    take_time(io);
    return poll_revents(io, descriptors, count, events);
}

int close_device(snd_pcm_ioplug_t* io) {
    num_captures -= io->stream == SND_PCM_STREAM_CAPTURE ? 1 : 0;
    ::close(io->poll_fd);
    delete &of(io);
    return 0;
}

const snd_pcm_ioplug_callback_t* callbacks(bool playback_alone) {
    static const std::array<snd_pcm_ioplug_callback_t, 2> tables = [] {
        snd_pcm_ioplug_callback_t functions{};
        functions.start = &start;
        functions.stop = &stop;
        functions.pointer = &pointer;
        functions.transfer = &transfer;
        functions.close = &close_device;
        functions.prepare = &prepare;
        functions.poll_revents = &poll_revents;
        snd_pcm_ioplug_callback_t alone = functions;
        alone.poll_revents = &poll_revents_of_playback_alone;
        return std::array{functions, alone};
    }();
    return &tables[playback_alone ? 1 : 0];
}

} // namespace

extern "C" {

SND_PCM_PLUGIN_DEFINE_FUNC(ready) {
    (void)root;
    (void)conf;
    auto* const device = new ReadyDevice;
    const char* const cycles = std::getenv("READY_CYCLES");
    device->cycles = cycles != nullptr ? std::atol(cycles) : -1;
    snd_pcm_ioplug_t& io = device->io;
    io.version = SND_PCM_IOPLUG_VERSION;
    io.name = "always ready";
    io.callback = callbacks(false);
    io.private_data = device;
    io.poll_fd = ::eventfd(1, EFD_CLOEXEC);
    io.poll_events = POLLIN;
    if (const int status = snd_pcm_ioplug_create(&io, name, stream, mode); status < 0) {
        ::close(io.poll_fd);
        delete device;
        return status;
    }
    num_captures += stream == SND_PCM_STREAM_CAPTURE ? 1 : 0;
    constexpr unsigned accesses[] = {SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED,
                                     SND_PCM_ACCESS_MMAP_NONINTERLEAVED};
    constexpr unsigned formats[] = {SND_PCM_FORMAT_S32, SND_PCM_FORMAT_FLOAT};
    snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_ACCESS, 3, accesses);
    snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_FORMAT, 2, formats);
    snd_pcm_ioplug_set_param_minmax(&io, SND_PCM_IOPLUG_HW_CHANNELS, 2, 2);
    snd_pcm_ioplug_set_param_minmax(&io, SND_PCM_IOPLUG_HW_RATE, 192000, 192000);
    snd_pcm_ioplug_set_param_minmax(&io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 65536);
    snd_pcm_ioplug_set_param_minmax(&io, SND_PCM_IOPLUG_HW_PERIODS, 2, 16);
    *pcmp = io.pcm;
    return 0;
}

SND_PCM_PLUGIN_SYMBOL(ready)
}
