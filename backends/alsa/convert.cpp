// SPDX-License-Identifier: MIT
#include "convert.hpp"

#include "convert_x86.hpp"
#include "kernels.hpp"

#include <algorithm>

namespace rill::io::alsa {

namespace {

constinit const Codecs portable_codecs = make_codecs<Portable>();

#if defined(__x86_64__)
constinit const Codecs sse2_codecs = make_codecs<Sse2>();
constinit const std::array<const Codecs*, 4> all_sets{&avx512_codecs, &avx2_codecs, &sse2_codecs,
                                                      &portable_codecs};

std::size_t num_sets_left_out() noexcept {
    return __builtin_cpu_supports("avx512f") ? 0 : __builtin_cpu_supports("avx2") ? 1 : 2;
}
#else
constinit const std::array<const Codecs*, 1> all_sets{&portable_codecs};

std::size_t num_sets_left_out() noexcept {
    return 0;
}
#endif

struct Shape {
    std::size_t bytes;
    std::uint32_t bits;
};
/// Of the first half of `Encoding`; the swapped ones are the same.
constexpr std::array<Shape, num_encodings / 2> shapes{{{4, 0}, {8, 0}, {4, 32}, {4, 24}, {3, 24}, {2, 16}}};

constexpr Shape shape_of(Encoding encoding) noexcept {
    return shapes[static_cast<std::size_t>(encoding) % shapes.size()];
}

} // namespace

std::size_t bytes_of(Encoding encoding) noexcept {
    return shape_of(encoding).bytes;
}

std::uint32_t bits_of(Encoding encoding) noexcept {
    return shape_of(encoding).bits;
}

std::span<const Codecs* const> codec_sets() noexcept {
    return std::span(all_sets).subspan(num_sets_left_out());
}

Converter::Converter(Encoding encoding, std::uint32_t dither_bits) noexcept
    : codec_(&(*codec_sets().front())[static_cast<std::size_t>(encoding)]),
      bytes_(bytes_of(encoding)),
      dither_bits_(std::min(dither_bits, bits_of(encoding))) {}

bool Converter::are_interleaved(std::span<const Area> areas) const noexcept {
    for (std::size_t channel = 1; channel < areas.size(); ++channel)
        if (areas[channel].step != areas[0].step || areas[channel].first != areas[0].first + channel * bytes_)
            return false;
    return areas.size() > 1;
}

void Converter::read(std::span<const Area> areas, float* const* windows, std::size_t frames) const noexcept {
    if (!are_interleaved(areas))
        for (std::size_t channel = 0; channel < areas.size(); ++channel)
            codec_->read(areas[channel].first, areas[channel].step, windows[channel], frames);
    else if (areas[0].step == 2 * bytes_)
        codec_->read_stereo(areas[0].first, windows[0], windows[1], frames);
    else
        codec_->read_frames(areas[0].first, areas[0].step, windows, areas.size(), frames);
}

void Converter::write(const float* const* windows, std::span<const Area> areas, std::size_t frames) noexcept {
    if (dither_bits_ != 0)
        for (std::size_t channel = 0; channel < areas.size(); ++channel)
            codec_->write_dithered(windows[channel], areas[channel].first, areas[channel].step, frames,
                                   dither_bits_, noise_);
    else if (!are_interleaved(areas))
        for (std::size_t channel = 0; channel < areas.size(); ++channel)
            codec_->write(windows[channel], areas[channel].first, areas[channel].step, frames);
    else if (areas[0].step == 2 * bytes_)
        codec_->write_stereo(windows[0], windows[1], areas[0].first, frames);
    else
        codec_->write_frames(windows, areas[0].first, areas[0].step, areas.size(), frames);
}

} // namespace rill::io::alsa
