// SPDX-License-Identifier: MIT

// SDL2's conversions. They work in place and leave interleaved what is; at most 8 channels.

#include "peers.hpp"

#include <SDL_audio.h>

#include <cstdint>

namespace conversion {

void add_sdl2(std::vector<Peer>& peers, std::size_t channels, std::size_t frames) {
    struct Format {
        Encoding encoding;
        SDL_AudioFormat format;
    };
    constexpr bool little = SDL_BYTEORDER == SDL_LIL_ENDIAN;
    for (const Format& format : {Format{Encoding::s32, AUDIO_S32SYS}, Format{Encoding::s16, AUDIO_S16SYS},
                                 Format{Encoding::s32_swapped, little ? AUDIO_S32MSB : AUDIO_S32LSB},
                                 Format{Encoding::s16_swapped, little ? AUDIO_S16MSB : AUDIO_S16LSB},
                                 Format{Encoding::float32_swapped, little ? AUDIO_F32MSB : AUDIO_F32LSB}}) {
        const auto count = static_cast<Uint8>(channels);
        const auto samples = static_cast<int>(channels * frames);
        for (const Direction direction : {Direction::read, Direction::write}) {
            const bool reads = direction == Direction::read;
            SDL_AudioCVT converter{};
            const SDL_AudioFormat from = reads ? format.format : SDL_AudioFormat{AUDIO_F32SYS};
            const SDL_AudioFormat to = reads ? SDL_AudioFormat{AUDIO_F32SYS} : format.format;
            if (SDL_BuildAudioCVT(&converter, from, count, 48000, to, count, 48000) < 0)
                return;
            converter.len = samples * static_cast<int>(SDL_AUDIO_BITSIZE(from)) / 8;
            peers.push_back({"SDL2", direction, format.encoding, channels, Layout::in_place,
                             [converter](Place& place) mutable {
                                 converter.buf = reinterpret_cast<Uint8*>(place.window.data());
                                 SDL_ConvertAudio(&converter);
                             }});
        }
    }
}

} // namespace conversion
