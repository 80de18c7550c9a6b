// SPDX-License-Identifier: MIT
//
// compare_wav SENT RECORDED: is the sound of SENT in RECORDED, sample for sample, and nothing but silence
// around it? A mono file may have been played on several channels. Prints what it finds; status 0 = yes, 1 =
// no, 2 = no such files.

#include <sndfile.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace {

struct Sound {
    std::size_t channels = 0;
    std::size_t frames = 0;
    std::vector<float> samples; ///< interleaved

    [[nodiscard]] float at(std::size_t frame, std::size_t channel) const {
        return samples[frame * channels + channel];
    }
};

bool load(const char* path, Sound& sound) {
    SF_INFO info{};
    SNDFILE* const file = sf_open(path, SFM_READ, &info);
    if (file == nullptr)
        return false;
    sound.channels = static_cast<std::size_t>(info.channels);
    sound.frames = static_cast<std::size_t>(info.frames);
    sound.samples.resize(sound.frames * sound.channels);
    const sf_count_t frames = sf_readf_float(file, sound.samples.data(), info.frames);
    sf_close(file);
    return frames == info.frames;
}

/// Where SENT's frame 0 lies in RECORDED, by the first stretch that is not silent. False if that is nowhere.
bool find(const Sound& sent, const Sound& recorded, std::size_t& offset) {
    constexpr std::size_t stretch = 512;
    std::size_t first = 0;
    while (first < sent.frames && sent.at(first, 0) == 0.0F)
        ++first;
    const std::size_t length = std::min(stretch, sent.frames - first);
    for (offset = 0; offset + first + length <= recorded.frames; ++offset) {
        std::size_t equal = 0;
        while (equal < length && recorded.at(offset + first + equal, 0) == sent.at(first + equal, 0))
            ++equal;
        if (equal == length && length != 0)
            return true;
    }
    return false;
}

} // namespace

int main(int argc, char** argv) {
    Sound sent;
    Sound recorded;
    if (argc != 3 || !load(argv[1], sent) || !load(argv[2], recorded)) {
        std::fprintf(stderr, "usage: compare_wav SENT RECORDED (two sound files)\n");
        return 2;
    }
    std::size_t offset = 0;
    if (!find(sent, recorded, offset)) {
        std::printf("the sound is not in the recording\n");
        return 1;
    }
    std::size_t differing = 0;
    std::size_t stray = 0;
    for (std::size_t channel = 0; channel < recorded.channels; ++channel)
        for (std::size_t frame = 0; frame < std::max(recorded.frames, offset + sent.frames); ++frame) {
            const bool within = frame >= offset && frame - offset < sent.frames;
            const float wanted =
                within ? sent.at(frame - offset, std::min(channel, sent.channels - 1)) : 0.0F;
            const bool same = frame < recorded.frames && recorded.at(frame, channel) == wanted;
            (within ? differing : stray) += same ? 0U : 1U;
        }
    std::printf("offset %zu, %zu frames in %zu channels compared: %zu samples differ, %zu beside them are "
                "not silent\n",
                offset, sent.frames, recorded.channels, differing, stray);
    return differing == 0 && stray == 0 ? 0 : 1;
}
