// SPDX-License-Identifier: MIT
#pragma once

// Pcm: one direction of a device. What is negotiated is in negotiation.hpp; here is what every cycle does.

#include "aligned_vector.hpp"
#include "convert.hpp"
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

struct _snd_pcm; // snd_pcm_t
struct _snd_pcm_channel_area;
struct pollfd;

namespace rill::io::alsa {

enum class Direction : std::uint8_t { capture, playback };

/// What was negotiated.
struct Layout {
    Encoding encoding = Encoding::float32;
    const char* format = ""; ///< static string: ALSA's name of it
    bool mapped = false;     ///< else read or written
    bool interleaved = true;
    std::uint32_t channels = 0;        ///< that the graph sees
    std::uint32_t device_channels = 0; ///< that the device has open; the surplus is silent
    std::uint32_t rate = 0;            ///< Hz
    std::uint32_t period = 0;          ///< frames
    std::uint32_t buffer = 0;          ///< frames
    std::uint32_t dither_bits = 0;     ///< 0: no dither

    /// The device's memory is the window.
    [[nodiscard]] bool is_direct() const noexcept {
        return mapped && !interleaved && encoding == Encoding::float32;
    }
};

/// All functions that return int return 0 or a negative errno, as alsa-lib does.
class Pcm {
public:
    explicit Pcm(Direction direction) noexcept : direction_(direction) {}
    ~Pcm();
    Pcm(const Pcm&) = delete;
    Pcm& operator=(const Pcm&) = delete;

    /// Never waits for a device that is busy. Thread: control. Bounded in time.
    Result<void> open(std::string name);
    /// Takes over what was negotiated and allocates. Thread: control.
    void set_layout(const Layout& layout);
    /// False if it hangs; it is then left behind. Thread: control. Bounded in time.
    bool close();

    [[nodiscard]] bool is_open() const noexcept { return pcm_ != nullptr; }
    [[nodiscard]] _snd_pcm* handle() const noexcept { return pcm_; }
    [[nodiscard]] const char* name() const noexcept { return name_.c_str(); }
    [[nodiscard]] Direction direction() const noexcept { return direction_; }
    [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
    /// A device of the kernel's, without a plugin before it.
    [[nodiscard]] bool is_hardware() const noexcept;
    /// Nothing in it waits on its own or talks to a server: a real-time thread is safe in it.
    [[nodiscard]] bool is_safe_in_real_time() const noexcept;
    [[nodiscard]] bool is_null() const noexcept;

    [[nodiscard]] std::size_t num_descriptors() const noexcept;
    void get_descriptors(std::span<pollfd> descriptors) const noexcept;
    /// What a poll() says of this PCM: 1 something may be ready, 0 not, negative: it failed.
    [[nodiscard]] int read_events(std::span<pollfd> descriptors) const noexcept;

    // --- Thread: one at a time. Realtime-safe: they don't block.

    [[nodiscard]] int prepare() noexcept;
    /// Fills the whole buffer of a prepared playback. Nothing to do for capture.
    [[nodiscard]] int fill_with_silence() noexcept;
    [[nodiscard]] int start() noexcept;
    void drop() noexcept;
    [[nodiscard]] int resume() noexcept;

    /// Frames that can be read or written now, or why none can be.
    [[nodiscard]] long avail() noexcept;
    /// Capture: shows a period in `windows`, which has been taken from the device or lies in it until
    /// end_period(). Playback: shows where a period is to be written. Only if avail() has just told of a
    /// period.
    [[nodiscard]] int begin_period(std::span<float*> windows) noexcept;
    [[nodiscard]] int end_period(std::span<float* const> windows) noexcept;

    [[nodiscard]] bool is_suspended() const noexcept;
    [[nodiscard]] bool is_gone() const noexcept;
    /// CLOCK_MONOTONIC time at which the current period was complete (or free); 0 if the device has no time.
    [[nodiscard]] std::uint64_t period_time_ns() const noexcept;

private:
    [[nodiscard]] int read_period() noexcept;
    [[nodiscard]] int write_period() noexcept;
    [[nodiscard]] int read_mapped() noexcept;
    [[nodiscard]] int write_mapped() noexcept;
    [[nodiscard]] int show_mapped(std::span<float*> windows) noexcept;
    [[nodiscard]] int transfer(long (Pcm::*move)(std::uint32_t done, std::uint32_t frames) noexcept) noexcept;
    long move_in(std::uint32_t done, std::uint32_t frames) noexcept;
    long move_out(std::uint32_t done, std::uint32_t frames) noexcept;
    [[nodiscard]] int wait_a_little() noexcept;
    /// Mapped memory stays where it is as long as alsa-lib names it by the same array.
    void look_at_areas(const _snd_pcm_channel_area* areas) noexcept;
    /// The graph's channels of mapped memory, from frame `offset` on.
    [[nodiscard]] std::span<const Area> areas_at(const _snd_pcm_channel_area* areas,
                                                 std::size_t offset) noexcept;
    [[nodiscard]] std::span<float*> window_at(std::uint32_t frame) noexcept;
    void point_at_transfer_buffer() noexcept;

    _snd_pcm* pcm_ = nullptr;
    std::string name_;
    Direction direction_;
    Layout layout_{};
    Converter converter_;
    AlignedVector<float> window_;          ///< planar, a period for each channel
    AlignedVector<std::byte> transfer_;    ///< a period in the device's format, where it is not mapped
    std::vector<void*> transfer_channels_; ///< of a device that is not interleaved
    std::array<Area, max_channels> areas_{};
    std::array<Area, max_channels> transfer_areas_{};
    std::array<float*, max_channels> window_pointers_{};
    const _snd_pcm_channel_area* direct_areas_ = nullptr; ///< that the next two are of
    std::array<float*, max_channels> direct_{};           ///< frame 0 of each channel
    bool is_contiguous_ = false;
    bool shown_mapped_ = false; ///< this period lies in the device's memory
    std::size_t mapped_offset_ = 0;
};

} // namespace rill::io::alsa
