// SPDX-License-Identifier: MIT

// FFmpeg's libswresample: conversion and (de)interleaving in one pass, as ours.

#include "peers.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>
#include <libswresample/swresample.h>
}

#include <array>
#include <cstdint>
#include <memory>

namespace conversion {

namespace {

struct Converter {
    Converter(AVSampleFormat from, AVSampleFormat to, std::size_t num_frames)
        : frames(num_frames), context(swr_alloc()), device(frames * 8), window(frames * 2, 0.25F) {
        AVChannelLayout stereo{};
        av_channel_layout_default(&stereo, 2);
        swr_alloc_set_opts2(&context, &stereo, to, 48000, &stereo, from, 48000, 0, nullptr);
        swr_init(context);
    }
    ~Converter() { swr_free(&context); }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;

    void read() {
        const std::uint8_t* in[] = {device.data()};
        std::uint8_t* out[] = {channel(0), channel(1)};
        swr_convert(context, out, static_cast<int>(frames), in, static_cast<int>(frames));
    }
    void write() {
        const std::uint8_t* in[] = {channel(0), channel(1)};
        std::uint8_t* out[] = {device.data()};
        swr_convert(context, out, static_cast<int>(frames), in, static_cast<int>(frames));
    }
    std::uint8_t* channel(std::size_t i) {
        return reinterpret_cast<std::uint8_t*>(window.data() + i * frames);
    }

    std::size_t frames;
    SwrContext* context;
    std::vector<std::uint8_t> device;
    std::vector<float> window;
};

} // namespace

void add_swresample(std::vector<Peer>& peers, std::size_t frames) {
    struct Format {
        const char* name;
        AVSampleFormat format;
        std::size_t bytes;
    };
    for (const Format& format : {Format{"FLOAT", AV_SAMPLE_FMT_FLT, 4}, Format{"S32", AV_SAMPLE_FMT_S32, 4},
                                 Format{"S16", AV_SAMPLE_FMT_S16, 2}}) {
        const auto reader = std::make_shared<Converter>(format.format, AV_SAMPLE_FMT_FLTP, frames);
        const auto writer = std::make_shared<Converter>(AV_SAMPLE_FMT_FLTP, format.format, frames);
        const std::string what = std::string(format.name) + ", 2: libswresample";
        const std::size_t bytes = 2 * frames * format.bytes;
        peers.push_back({"read " + what, bytes, [reader] { reader->read(); }});
        peers.push_back({"write " + what, bytes, [writer] { writer->write(); }});
    }
}

} // namespace conversion
