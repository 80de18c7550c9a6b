// SPDX-License-Identifier: MIT

// PortAudio's conversions, from its static library: the shared one keeps them to itself. What its buffer
// processor does between a device and planar floats: a call for each channel. Clipped, without dither, as
// ours.

#include "peers.hpp"

#include <portaudio.h>

// (as in its src/common/pa_converters.h, which is not installed)
extern "C" {
using PaUtilConverter = void(void* to, int to_stride, void* from, int from_stride, unsigned count,
                             void* dither);
// NOLINTNEXTLINE(readability-identifier-naming): its name
PaUtilConverter* PaUtil_SelectConverter(PaSampleFormat from, PaSampleFormat to, PaStreamFlags flags);
}

namespace conversion {

void add_portaudio(std::vector<Peer>& peers, std::size_t channels, std::size_t frames) {
    struct Format {
        Encoding encoding;
        PaSampleFormat format;
    };
    const auto stride = static_cast<int>(channels);
    const auto count = static_cast<unsigned>(frames);
    for (const Format& format : {Format{Encoding::float32, paFloat32}, Format{Encoding::s32, paInt32},
                                 Format{Encoding::s24_3, paInt24}, Format{Encoding::s16, paInt16}}) {
        PaUtilConverter* const reader = PaUtil_SelectConverter(format.format, paFloat32, paDitherOff);
        PaUtilConverter* const writer = PaUtil_SelectConverter(paFloat32, format.format, paDitherOff);
        if (reader == nullptr || writer == nullptr)
            continue;
        peers.push_back(
            {"PortAudio", Direction::read, format.encoding, channels, Layout::planar, [=](Place& place) {
                 for (std::size_t channel = 0; channel < place.channels; ++channel)
                     reader(place.windows[channel], 1, place.device.data() + channel * place.sample, stride,
                            count, nullptr);
             }});
        peers.push_back(
            {"PortAudio", Direction::write, format.encoding, channels, Layout::planar, [=](Place& place) {
                 for (std::size_t channel = 0; channel < place.channels; ++channel)
                     writer(place.device.data() + channel * place.sample, stride, place.windows[channel], 1,
                            count, nullptr);
             }});
    }
}

} // namespace conversion
