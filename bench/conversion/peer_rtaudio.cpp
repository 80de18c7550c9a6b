// SPDX-License-Identifier: MIT

// RtAudio's conversion between a device and planar floats. It is what every API's class has from its base.

#include "peers.hpp"

#include <RtAudio.h>

#include <memory>

namespace conversion {

namespace {

class Converter : public RtApi {
public:
    Converter(Direction direction, RtAudioFormat format, std::size_t channels, std::size_t frames)
        : reads_(direction == Direction::read) {
        stream_.bufferSize = static_cast<unsigned>(frames);
        stream_.mode = reads_ ? INPUT : OUTPUT;
        const auto count = static_cast<int>(channels);
        info_.channels = count;
        (reads_ ? info_.inFormat : info_.outFormat) = format;
        (reads_ ? info_.outFormat : info_.inFormat) = RTAUDIO_FLOAT32;
        (reads_ ? info_.inJump : info_.outJump) = count;
        (reads_ ? info_.outJump : info_.inJump) = 1;
        for (int channel = 0; channel < count; ++channel) {
            (reads_ ? info_.inOffset : info_.outOffset).push_back(channel);
            (reads_ ? info_.outOffset : info_.inOffset).push_back(channel * static_cast<int>(frames));
        }
    }
    void convert(Place& place) {
        auto* const device = reinterpret_cast<char*>(place.device.data());
        auto* const window = reinterpret_cast<char*>(place.window.data());
        convertBuffer(reads_ ? window : device, reads_ ? device : window, info_);
    }

    RtAudio::Api getCurrentApi() override { return RtAudio::RTAUDIO_DUMMY; }
    unsigned getDeviceCount() override { return 0; }
    RtAudio::DeviceInfo getDeviceInfo(unsigned) override { return {}; }
    void startStream() override {}
    void stopStream() override {}
    void abortStream() override {}

private:
    bool reads_;
    ConvertInfo info_{};
};

} // namespace

void add_rtaudio(std::vector<Peer>& peers, std::size_t channels, std::size_t frames) {
    struct Format {
        Encoding encoding;
        RtAudioFormat format;
    };
    for (const Format& format :
         {Format{Encoding::float32, RTAUDIO_FLOAT32}, Format{Encoding::float64, RTAUDIO_FLOAT64},
          Format{Encoding::s32, RTAUDIO_SINT32}, Format{Encoding::s24_3, RTAUDIO_SINT24},
          Format{Encoding::s16, RTAUDIO_SINT16}})
        for (const Direction direction : {Direction::read, Direction::write}) {
            auto converter = std::make_shared<Converter>(direction, format.format, channels, frames);
            peers.push_back({"RtAudio", direction, format.encoding, channels, Layout::planar,
                             [converter](Place& place) { converter->convert(place); }});
        }
}

} // namespace conversion
