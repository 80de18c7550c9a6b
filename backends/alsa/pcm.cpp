// SPDX-License-Identifier: MIT
#include "pcm.hpp"

#include "messages.hpp"
#include <rill_io/bounded_call.hpp>

#include <alsa/asoundlib.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace rill::io::alsa {

namespace {

/// Never blocks. And alsa-lib then takes no lock in any call on this PCM, for it supposes that one thread at
/// a time uses it, which is so here; no signal comes, for nobody adds a handler. (Otherwise every PCM but
/// `hw` locks a mutex several times in each cycle.)
constexpr int open_mode = SND_PCM_NONBLOCK | SND_PCM_ASYNC;

constexpr int open_timeout_ms = 3000;
constexpr int close_timeout_ms = 2000;
constexpr int max_short_transfers = 16;

snd_pcm_stream_t stream_of(Direction direction) noexcept {
    return direction == Direction::capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK;
}

} // namespace

Pcm::~Pcm() {
    (void)close();
}

Result<void> Pcm::open(std::string name) {
    struct Opening {
        std::string name;
        snd_pcm_stream_t stream;
        snd_pcm_t* pcm = nullptr;
        int status = 0;
    } opening{name, stream_of(direction_)};
    name_ = std::move(name);
    // A plugin may talk to a server that hangs.
    const bool returned = bounded_call<Opening>(
        open_timeout_ms, opening,
        [](Opening& job) {
            const Quiet quiet;
            job.status = snd_pcm_open(&job.pcm, job.name.c_str(), job.stream, open_mode);
        },
        [](Opening& job) {
            if (job.pcm != nullptr)
                snd_pcm_close(job.pcm);
        });
    if (!returned)
        return Error::make(Errc::timed_out, "alsa", "open", 0,
                           "%s has not opened within %d ms; does the server behind it hang?", name_.c_str(),
                           open_timeout_ms);
    if (opening.status < 0)
        return error_of(opening.status, "open", name_.c_str(),
                        direction_ == Direction::capture ? "for capture" : "for playback");
    pcm_ = opening.pcm;
    return {};
}

void Pcm::set_layout(const Layout& layout) {
    layout_ = layout;
    direct_areas_ = nullptr;
    converter_ = Converter(layout.encoding, layout.dither_bits);
    window_.assign(std::size_t{layout.channels} * layout.period, 0.0F);
    for (std::uint32_t channel = 0; channel < layout.channels; ++channel)
        window_pointers_[channel] = window_.data() + std::size_t{channel} * layout.period;
    if (layout.mapped)
        return;
    // All zero, and what the graph has no channel for stays so: that is silence in every format that is used
    // here.
    transfer_.assign(bytes_of(layout.encoding) * layout.device_channels * layout.period, std::byte{});
    transfer_channels_.assign(layout.device_channels, nullptr);
    point_at_transfer_buffer();
}

void Pcm::point_at_transfer_buffer() noexcept {
    const std::size_t bytes = bytes_of(layout_.encoding);
    const std::size_t step = layout_.interleaved ? bytes * layout_.device_channels : bytes;
    const std::size_t distance = layout_.interleaved ? bytes : bytes * layout_.period;
    for (std::uint32_t channel = 0; channel < layout_.channels; ++channel)
        transfer_areas_[channel] = {transfer_.data() + channel * distance, step};
}

bool Pcm::close() {
    snd_pcm_t* pcm = std::exchange(pcm_, nullptr);
    if (pcm == nullptr)
        return true;
    return bounded_call<snd_pcm_t*>(
        close_timeout_ms, pcm,
        [](snd_pcm_t*& handle) {
            const Quiet quiet;
            snd_pcm_close(handle);
        },
        [](snd_pcm_t*&) {});
}

bool Pcm::is_hardware() const noexcept {
    return snd_pcm_type(pcm_) == SND_PCM_TYPE_HW;
}

bool Pcm::is_null() const noexcept {
    return snd_pcm_type(pcm_) == SND_PCM_TYPE_NULL;
}

bool Pcm::is_safe_in_real_time() const noexcept {
    switch (snd_pcm_type(pcm_)) {
    case SND_PCM_TYPE_HW:
    case SND_PCM_TYPE_COPY:
    case SND_PCM_TYPE_LINEAR:
    case SND_PCM_TYPE_LINEAR_FLOAT:
    case SND_PCM_TYPE_ROUTE:
        return true;
    default: // may spin (null), or wait for another process (ioplug), or hide one of those (plug)
        return false;
    }
}

std::size_t Pcm::num_descriptors() const noexcept {
    return static_cast<std::size_t>(std::max(0, snd_pcm_poll_descriptors_count(pcm_)));
}

void Pcm::get_descriptors(std::span<pollfd> descriptors) const noexcept {
    snd_pcm_poll_descriptors(pcm_, descriptors.data(), static_cast<unsigned>(descriptors.size()));
}

int Pcm::read_events(std::span<pollfd> descriptors) const noexcept {
    unsigned short events = 0;
    const int status = snd_pcm_poll_descriptors_revents(pcm_, descriptors.data(),
                                                        static_cast<unsigned>(descriptors.size()), &events);
    if (status < 0)
        return status;
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) == 0)
        return (events & (POLLIN | POLLOUT)) != 0 ? 1 : 0;
    switch (snd_pcm_state(pcm_)) {
    case SND_PCM_STATE_XRUN:
        return -EPIPE;
    case SND_PCM_STATE_SUSPENDED:
        return -ESTRPIPE;
    case SND_PCM_STATE_DISCONNECTED:
        return -ENODEV;
    case SND_PCM_STATE_RUNNING:
        return 1; // avail() says what is the matter, if anything is
    default:
        return -EBADFD;
    }
}

int Pcm::prepare() noexcept {
    return snd_pcm_prepare(pcm_);
}

int Pcm::start() noexcept {
    return snd_pcm_state(pcm_) == SND_PCM_STATE_RUNNING ? 0 : snd_pcm_start(pcm_);
}

void Pcm::drop() noexcept {
    snd_pcm_drop(pcm_);
}

int Pcm::resume() noexcept {
    return snd_pcm_resume(pcm_);
}

bool Pcm::is_suspended() const noexcept {
    return snd_pcm_state(pcm_) == SND_PCM_STATE_SUSPENDED;
}

bool Pcm::is_gone() const noexcept {
    return snd_pcm_state(pcm_) == SND_PCM_STATE_DISCONNECTED;
}

long Pcm::avail() noexcept {
    return snd_pcm_avail_update(pcm_);
}

int Pcm::fill_with_silence() noexcept {
    if (direction_ == Direction::capture)
        return 0;
    if (!layout_.mapped)
        std::fill(transfer_.begin(), transfer_.end(), std::byte{});
    for (std::uint32_t filled = 0; filled < layout_.buffer;) {
        const long room = avail();
        if (room <= 0)
            return room < 0 ? static_cast<int>(room) : 0;
        const auto wanted = std::min(layout_.buffer - filled, static_cast<std::uint32_t>(room));
        if (!layout_.mapped) {
            const long moved = move_out(0, std::min(wanted, layout_.period));
            if (moved < 0)
                return moved == -EAGAIN ? 0 : static_cast<int>(moved);
            filled += static_cast<std::uint32_t>(moved);
            continue;
        }
        const snd_pcm_channel_area_t* areas = nullptr;
        snd_pcm_uframes_t offset = 0;
        snd_pcm_uframes_t frames = wanted;
        if (const int status = snd_pcm_mmap_begin(pcm_, &areas, &offset, &frames); status < 0)
            return status;
        snd_pcm_areas_silence(areas, offset, layout_.device_channels, frames,
                              snd_pcm_format_value(layout_.format));
        const snd_pcm_sframes_t committed = snd_pcm_mmap_commit(pcm_, offset, frames);
        if (committed <= 0)
            return committed < 0 ? static_cast<int>(committed) : -EIO;
        filled += static_cast<std::uint32_t>(committed);
    }
    return 0;
}

int Pcm::begin_period(std::span<float*> windows) noexcept {
    shown_mapped_ = false;
    if (layout_.is_direct()) {
        if (const int status = show_mapped(windows); status != 0 || shown_mapped_)
            return status;
    }
    std::copy_n(window_pointers_.begin(), windows.size(), windows.begin());
    return direction_ == Direction::capture ? read_period() : 0;
}

int Pcm::end_period(std::span<float* const>) noexcept {
    if (!shown_mapped_)
        return direction_ == Direction::playback ? write_period() : 0;
    const snd_pcm_sframes_t committed = snd_pcm_mmap_commit(pcm_, mapped_offset_, layout_.period);
    if (committed < 0)
        return static_cast<int>(committed);
    return committed == static_cast<snd_pcm_sframes_t>(layout_.period) ? 0 : -EPIPE;
}

int Pcm::show_mapped(std::span<float*> windows) noexcept {
    const snd_pcm_channel_area_t* areas = nullptr;
    snd_pcm_uframes_t offset = 0;
    snd_pcm_uframes_t frames = layout_.period;
    if (const int status = snd_pcm_mmap_begin(pcm_, &areas, &offset, &frames); status < 0)
        return status;
    if (frames < layout_.period)
        return 0; // the period wraps round the end of the buffer: by copy, this time
    if (areas != direct_areas_)
        look_at_areas(areas);
    if (!is_contiguous_)
        return 0;
    for (std::size_t channel = 0; channel < windows.size(); ++channel)
        windows[channel] = direct_[channel] + offset;
    mapped_offset_ = offset;
    shown_mapped_ = true;
    return 0;
}

void Pcm::look_at_areas(const snd_pcm_channel_area_t* areas) noexcept {
    direct_areas_ = areas;
    const std::span<const Area> channels = areas_at(areas, 0);
    is_contiguous_ = std::all_of(channels.begin(), channels.end(),
                                 [](const Area& area) { return area.step == sizeof(float); });
    for (std::size_t channel = 0; channel < channels.size(); ++channel)
        direct_[channel] = reinterpret_cast<float*>(channels[channel].first);
}

std::span<const Area> Pcm::areas_at(const snd_pcm_channel_area_t* areas, std::size_t offset) noexcept {
    constexpr unsigned bits_per_byte = 8;
    for (std::uint32_t channel = 0; channel < layout_.channels; ++channel) {
        const std::size_t step = areas[channel].step / bits_per_byte;
        areas_[channel] = {static_cast<std::byte*>(areas[channel].addr) +
                               areas[channel].first / bits_per_byte + offset * step,
                           step};
    }
    return std::span(areas_).first(layout_.channels);
}

std::span<float*> Pcm::window_at(std::uint32_t frame) noexcept {
    for (std::uint32_t channel = 0; channel < layout_.channels; ++channel)
        window_pointers_[channel] = window_.data() + std::size_t{channel} * layout_.period + frame;
    return std::span(window_pointers_).first(layout_.channels);
}

int Pcm::read_period() noexcept {
    if (layout_.mapped)
        return read_mapped();
    if (const int status = transfer(&Pcm::move_in); status < 0)
        return status;
    converter_.read(std::span(transfer_areas_).first(layout_.channels), window_pointers_.data(),
                    layout_.period);
    return 0;
}

int Pcm::write_period() noexcept {
    if (layout_.mapped)
        return write_mapped();
    converter_.write(window_pointers_.data(), std::span(transfer_areas_).first(layout_.channels),
                     layout_.period);
    return transfer(&Pcm::move_out);
}

int Pcm::read_mapped() noexcept {
    for (std::uint32_t done = 0; done < layout_.period;) {
        const snd_pcm_channel_area_t* areas = nullptr;
        snd_pcm_uframes_t offset = 0;
        snd_pcm_uframes_t frames = layout_.period - done;
        if (const int status = snd_pcm_mmap_begin(pcm_, &areas, &offset, &frames); status < 0)
            return status;
        converter_.read(areas_at(areas, offset), window_at(done).data(), frames);
        const snd_pcm_sframes_t committed = snd_pcm_mmap_commit(pcm_, offset, frames);
        if (committed <= 0)
            return committed < 0 ? static_cast<int>(committed) : -EPIPE;
        done += static_cast<std::uint32_t>(committed);
    }
    (void)window_at(0);
    return 0;
}

int Pcm::write_mapped() noexcept {
    for (std::uint32_t done = 0; done < layout_.period;) {
        const snd_pcm_channel_area_t* areas = nullptr;
        snd_pcm_uframes_t offset = 0;
        snd_pcm_uframes_t frames = layout_.period - done;
        if (const int status = snd_pcm_mmap_begin(pcm_, &areas, &offset, &frames); status < 0)
            return status;
        converter_.write(window_at(done).data(), areas_at(areas, offset), frames);
        const snd_pcm_sframes_t committed = snd_pcm_mmap_commit(pcm_, offset, frames);
        if (committed <= 0)
            return committed < 0 ? static_cast<int>(committed) : -EPIPE;
        done += static_cast<std::uint32_t>(committed);
    }
    (void)window_at(0);
    return 0;
}

int Pcm::transfer(long (Pcm::*move)(std::uint32_t, std::uint32_t) noexcept) noexcept {
    int tries = 0;
    for (std::uint32_t done = 0; done < layout_.period;) {
        const long moved = (this->*move)(done, layout_.period - done);
        if (moved > 0) {
            done += static_cast<std::uint32_t>(moved);
            continue;
        }
        // avail() has promised a whole period, but a plugin's word is not always good.
        if (moved != 0 && moved != -EAGAIN && moved != -EINTR)
            return static_cast<int>(moved);
        if (++tries > max_short_transfers)
            return -EPIPE;
        if (const int status = wait_a_little(); status < 0)
            return status;
    }
    return 0;
}

int Pcm::wait_a_little() noexcept {
    std::array<pollfd, 16> descriptors{};
    const std::span used = std::span(descriptors).first(std::min(num_descriptors(), descriptors.size()));
    get_descriptors(used);
    constexpr int wait_ms = 5;
    if (::poll(used.data(), static_cast<nfds_t>(used.size()), wait_ms) <= 0)
        return 0;
    const int status = read_events(used);
    return std::min(status, 0);
}

long Pcm::move_in(std::uint32_t done, std::uint32_t frames) noexcept {
    const std::size_t bytes = bytes_of(layout_.encoding);
    if (layout_.interleaved)
        return snd_pcm_readi(pcm_, transfer_.data() + done * bytes * layout_.device_channels, frames);
    for (std::uint32_t channel = 0; channel < layout_.device_channels; ++channel)
        transfer_channels_[channel] =
            transfer_.data() + (std::size_t{channel} * layout_.period + done) * bytes;
    return snd_pcm_readn(pcm_, transfer_channels_.data(), frames);
}

long Pcm::move_out(std::uint32_t done, std::uint32_t frames) noexcept {
    const std::size_t bytes = bytes_of(layout_.encoding);
    if (layout_.interleaved)
        return snd_pcm_writei(pcm_, transfer_.data() + done * bytes * layout_.device_channels, frames);
    for (std::uint32_t channel = 0; channel < layout_.device_channels; ++channel)
        transfer_channels_[channel] =
            transfer_.data() + (std::size_t{channel} * layout_.period + done) * bytes;
    return snd_pcm_writen(pcm_, transfer_channels_.data(), frames);
}

std::uint64_t Pcm::period_time_ns() const noexcept {
    snd_pcm_uframes_t frames = 0;
    snd_htimestamp_t time{};
    if (snd_pcm_htimestamp(pcm_, &frames, &time) < 0 || (time.tv_sec == 0 && time.tv_nsec == 0))
        return 0;
    // What has come since the period was complete (a direct period is still among what is counted).
    const std::uint64_t later = shown_mapped_ || direction_ == Direction::playback
                                    ? frames - std::min<snd_pcm_uframes_t>(frames, layout_.period)
                                    : frames;
    constexpr std::uint64_t ns_per_s = 1'000'000'000;
    const std::uint64_t now =
        static_cast<std::uint64_t>(time.tv_sec) * ns_per_s + static_cast<std::uint64_t>(time.tv_nsec);
    return now - later * ns_per_s / layout_.rate;
}

} // namespace rill::io::alsa
