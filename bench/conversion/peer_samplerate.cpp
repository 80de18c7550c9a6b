// SPDX-License-Identifier: MIT

// libsamplerate's conversions; what is interleaved stays so.

#include "peers.hpp"

#include <samplerate.h>

namespace conversion {

void add_samplerate(std::vector<Peer>& peers, std::size_t channels, std::size_t frames) {
    const auto samples = static_cast<int>(channels * frames);
    const auto add = [&](Direction direction, Encoding encoding, std::function<void(Place&)> work) {
        peers.push_back(
            {"libsamplerate", direction, encoding, channels, Layout::interleaved, std::move(work)});
    };
    add(Direction::read, Encoding::s32, [samples](Place& place) {
        src_int_to_float_array(reinterpret_cast<const int*>(place.device.data()), place.window.data(),
                               samples);
    });
    add(Direction::write, Encoding::s32, [samples](Place& place) {
        src_float_to_int_array(place.window.data(), reinterpret_cast<int*>(place.device.data()), samples);
    });
    add(Direction::read, Encoding::s16, [samples](Place& place) {
        src_short_to_float_array(reinterpret_cast<const short*>(place.device.data()), place.window.data(),
                                 samples);
    });
    add(Direction::write, Encoding::s16, [samples](Place& place) {
        src_float_to_short_array(place.window.data(), reinterpret_cast<short*>(place.device.data()), samples);
    });
}

} // namespace conversion
