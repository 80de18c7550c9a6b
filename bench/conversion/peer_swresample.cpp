// SPDX-License-Identifier: MIT

// FFmpeg's libswresample: conversion and (de)interleaving in one pass, as ours.

#include "peers.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>
#include <libswresample/swresample.h>
}

#include <cstdint>
#include <memory>

namespace conversion {

namespace {

using Context = std::shared_ptr<SwrContext>;

Context converter(AVSampleFormat from, AVSampleFormat to, std::size_t channels) {
    AVChannelLayout layout{};
    layout.order = AV_CHANNEL_ORDER_UNSPEC;
    layout.nb_channels = static_cast<int>(channels);
    SwrContext* context = nullptr;
    if (swr_alloc_set_opts2(&context, &layout, to, 48000, &layout, from, 48000, 0, nullptr) < 0 ||
        swr_init(context) < 0)
        return nullptr;
    return {context, [](SwrContext* one) { swr_free(&one); }};
}

} // namespace

void add_swresample(std::vector<Peer>& peers, std::size_t channels, std::size_t frames) {
    struct Format {
        Encoding encoding;
        AVSampleFormat format;
    };
    const auto count = static_cast<int>(frames);
    for (const Format& format :
         {Format{Encoding::float32, AV_SAMPLE_FMT_FLT}, Format{Encoding::float64, AV_SAMPLE_FMT_DBL},
          Format{Encoding::s32, AV_SAMPLE_FMT_S32}, Format{Encoding::s16, AV_SAMPLE_FMT_S16}}) {
        const Context reader = converter(format.format, AV_SAMPLE_FMT_FLTP, channels);
        const Context writer = converter(AV_SAMPLE_FMT_FLTP, format.format, channels);
        if (!reader || !writer)
            continue;
        peers.push_back({"libswresample", Direction::read, format.encoding, channels, Layout::planar,
                         [reader, count](Place& place) {
                             const auto* in = reinterpret_cast<const std::uint8_t*>(place.device.data());
                             swr_convert(reader.get(), reinterpret_cast<std::uint8_t**>(place.windows.data()),
                                         count, &in, count);
                         }});
        peers.push_back({"libswresample", Direction::write, format.encoding, channels, Layout::planar,
                         [writer, count](Place& place) {
                             auto* out = reinterpret_cast<std::uint8_t*>(place.device.data());
                             auto** const in = reinterpret_cast<std::uint8_t**>(place.windows.data());
                             swr_convert(writer.get(), &out, count, const_cast<const std::uint8_t**>(in),
                                         count);
                         }});
    }
}

} // namespace conversion
