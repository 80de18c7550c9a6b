// SPDX-License-Identifier: MIT

// An ALSA PCM that has a period as soon as it has been polled: for counting what a cycle costs whoever uses
// it. It moves no samples. READY_CYCLES=N ends the program when capture is polled once more than so often.
// (Polling it takes some of a period's time, so that nobody takes it for a device without a clock.)

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

struct ReadyDevice {
    snd_pcm_ioplug_t io{};
    snd_pcm_uframes_t position = 0; ///< frames that the device is through with
    bool running = false;
    long cycles_left = 0;
};

ReadyDevice& of(snd_pcm_ioplug_t* io) {
    return *static_cast<ReadyDevice*>(io->private_data);
}

int start(snd_pcm_ioplug_t* io) {
    of(io).running = true;
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

snd_pcm_sframes_t transfer(snd_pcm_ioplug_t*, const snd_pcm_channel_area_t*, snd_pcm_uframes_t,
                           snd_pcm_uframes_t frames) {
    return static_cast<snd_pcm_sframes_t>(frames);
}

int poll_revents(snd_pcm_ioplug_t* io, pollfd*, unsigned, unsigned short* events) {
    const bool plays = io->stream == SND_PCM_STREAM_PLAYBACK;
    *events = static_cast<unsigned short>(plays ? POLLOUT : POLLIN);
    if (!of(io).running)
        return 0;
    of(io).position = io->appl_ptr + io->period_size - (plays ? io->buffer_size : 0);
    if (!plays) {
        if (of(io).cycles_left-- == 0)
            ::_exit(0);
        const timespec most_of_a_period{0, static_cast<long>(io->period_size * 600'000'000 / io->rate)};
        ::nanosleep(&most_of_a_period, nullptr);
    }
    return 0;
}

int close_device(snd_pcm_ioplug_t* io) {
    ::close(io->poll_fd);
    delete &of(io);
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
        functions.poll_revents = &poll_revents;
        return functions;
    }();
    return &table;
}

} // namespace

extern "C" {

SND_PCM_PLUGIN_DEFINE_FUNC(ready) {
    (void)root;
    (void)conf;
    auto* const device = new ReadyDevice;
    const char* const cycles = std::getenv("READY_CYCLES");
    device->cycles_left = cycles != nullptr ? std::atol(cycles) : -1;
    snd_pcm_ioplug_t& io = device->io;
    io.version = SND_PCM_IOPLUG_VERSION;
    io.name = "always ready";
    io.callback = callbacks();
    io.private_data = device;
    io.poll_fd = ::eventfd(1, EFD_CLOEXEC);
    io.poll_events = POLLIN;
    if (const int status = snd_pcm_ioplug_create(&io, name, stream, mode); status < 0) {
        ::close(io.poll_fd);
        delete device;
        return status;
    }
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
