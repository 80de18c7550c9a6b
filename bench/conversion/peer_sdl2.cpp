// SPDX-License-Identifier: MIT

// SDL2's conversions. They work in place and leave interleaved what is: a case here is there and back again,
// two passes.

#include "peers.hpp"

#include <SDL_audio.h>

#include <cstdint>

namespace conversion {

void add_sdl2(std::vector<Peer>& peers, std::size_t frames) {
    struct Format {
        const char* name;
        SDL_AudioFormat format;
        std::size_t bytes;
    };
    for (const Format& format : {Format{"S32", AUDIO_S32SYS, 4}, Format{"S16", AUDIO_S16SYS, 2}}) {
        SDL_AudioCVT read{};
        SDL_AudioCVT write{};
        SDL_BuildAudioCVT(&read, format.format, 2, 48000, AUDIO_F32SYS, 2, 48000);
        SDL_BuildAudioCVT(&write, AUDIO_F32SYS, 2, 48000, format.format, 2, 48000);
        const std::size_t bytes = 2 * frames * format.bytes;
        peers.push_back({std::string("read and write ") + format.name + ", 2: SDL2 (no deinterleaving)",
                         bytes,
                         [read, write, bytes, memory = std::vector<std::uint8_t>(frames * 8)]() mutable {
                             read.buf = write.buf = memory.data();
                             read.len = static_cast<int>(bytes);
                             SDL_ConvertAudio(&read);
                             write.len = read.len_cvt;
                             SDL_ConvertAudio(&write);
                         }});
    }
}

} // namespace conversion
