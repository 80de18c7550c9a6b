// SPDX-License-Identifier: MIT
#pragma once

// The signal that exactness is proved with, and how it is found again in what came back.
//
// Pseudo-random, another one in each channel, every sample an odd multiple of 2^-23: exact in 24 bits, never
// silence, and any few samples in a row say which channel and which frame they are.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>

namespace conformance {

/// The sample of a channel at a frame.
[[nodiscard]] inline float signal(std::uint32_t channel, std::uint64_t frame) noexcept {
    std::uint64_t x = frame * 0x9E3779B97F4A7C15ULL + (std::uint64_t{channel} + 1) * 0xD1B54A32D192ED03ULL;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL; // splitmix64's finalizer
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    const auto odd = static_cast<std::int32_t>(x >> 40U | 1U) - (std::int32_t{1} << 23U);
    return static_cast<float>(odd) * 0x1p-23F;
}

/// What of a channel's signal was found in a recording.
struct Passage {
    bool found = false;
    std::uint32_t channel = 0;    ///< whose signal it is
    std::uint64_t frame = 0;      ///< of the signal, at `first`
    std::size_t first = 0;        ///< sample of the recording at which it begins; silence before
    std::size_t exact = 0;        ///< samples that are the signal's, in order
    std::size_t silent = 0;       ///< samples of silence, before and within
    std::size_t breaks = 0;       ///< places where the signal does not go on as it should
    std::size_t break_sample = 0; ///< of the recording, the first such place
    std::int64_t jump = 0; ///< there: frames lost (positive) or repeated; 0 if it is not the signal any more
};

inline std::ostream& operator<<(std::ostream& out, const Passage& passage) {
    if (!passage.found)
        return out << "no signal, " << passage.silent << " samples of silence";
    out << "channel " << passage.channel << " from frame " << passage.frame << " at sample " << passage.first
        << ": " << passage.exact << " exact, " << passage.silent << " silent, " << passage.breaks
        << " breaks";
    if (passage.breaks != 0)
        out << ", the first at sample " << passage.break_sample << " (jump " << passage.jump << ")";
    return out;
}

namespace detail {

/// So many samples in a row identify a place in the signal.
inline constexpr std::size_t fingerprint = 4;

[[nodiscard]] inline bool begins_with(std::span<const float> samples, std::uint32_t channel,
                                      std::uint64_t frame) {
    const std::size_t count = std::min(samples.size(), fingerprint);
    for (std::size_t i = 0; i < count; ++i)
        if (samples[i] != signal(channel, frame + i))
            return false;
    return true;
}

} // namespace detail

/// Follows the signal of any of `num_channels` channels through a recording: which channel, from which frame
/// on (below `frames`), and whether it goes on without a lost, repeated or changed sample. Silence in between
/// is counted, not a break.
[[nodiscard]] inline Passage follow_signal(std::span<const float> recording, std::uint32_t num_channels,
                                           std::uint64_t frames) {
    Passage passage;
    const auto is_sound = [](float sample) { return sample != 0.0F; };
    const auto begin = std::find_if(recording.begin(), recording.end(), is_sound);
    passage.first = passage.silent = static_cast<std::size_t>(begin - recording.begin());
    if (recording.size() - passage.first < detail::fingerprint)
        return passage;
    for (std::uint32_t channel = 0; channel < num_channels && !passage.found; ++channel)
        for (std::uint64_t frame = 0; frame < frames && !passage.found; ++frame)
            if (detail::begins_with(recording.subspan(passage.first), channel, frame)) {
                passage.found = true;
                passage.channel = channel;
                passage.frame = frame;
            }
    if (!passage.found)
        return passage;

    std::uint64_t next = passage.frame;
    for (std::size_t i = passage.first; i < recording.size(); ++i) {
        if (recording[i] == signal(passage.channel, next)) {
            ++next;
            ++passage.exact;
        } else if (recording[i] == 0.0F) {
            ++passage.silent;
        } else {
            // Where does it go on? Looked for as far as the largest quantum can make it jump.
            constexpr std::uint64_t reach = 3 * 8192;
            std::uint64_t frame = next < reach ? 0 : next - reach;
            while (frame < next + reach && !detail::begins_with(recording.subspan(i), passage.channel, frame))
                ++frame;
            const bool goes_on = frame < next + reach;
            if (passage.breaks++ == 0) {
                passage.break_sample = i;
                passage.jump = goes_on ? static_cast<std::int64_t>(frame - next) : 0;
            }
            if (!goes_on)
                return passage;
            next = frame + 1;
            ++passage.exact;
        }
    }
    return passage;
}

} // namespace conformance
