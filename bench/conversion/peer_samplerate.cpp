// SPDX-License-Identifier: MIT

// libsamplerate's conversions; what is interleaved stays so.

#include "peers.hpp"

#include <samplerate.h>

namespace conversion {

void add_samplerate(std::vector<Peer>& peers, std::size_t frames) {
    const auto samples = static_cast<int>(2 * frames);
    std::vector<float> floats(2 * frames, 0.25F);
    std::vector<int> ints(2 * frames);
    std::vector<short> shorts(2 * frames);
    const std::string note = ", 2: libsamplerate (no deinterleaving)";
    peers.push_back({"read S32" + note, ints.size() * 4, [floats, ints, samples]() mutable {
                         src_int_to_float_array(ints.data(), floats.data(), samples);
                     }});
    peers.push_back({"write S32" + note, ints.size() * 4, [floats, ints, samples]() mutable {
                         src_float_to_int_array(floats.data(), ints.data(), samples);
                     }});
    peers.push_back({"read S16" + note, shorts.size() * 2, [floats, shorts, samples]() mutable {
                         src_short_to_float_array(shorts.data(), floats.data(), samples);
                     }});
    peers.push_back({"write S16" + note, shorts.size() * 2, [floats, shorts, samples]() mutable {
                         src_float_to_short_array(floats.data(), shorts.data(), samples);
                     }});
}

} // namespace conversion
