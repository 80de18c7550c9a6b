// SPDX-License-Identifier: MIT
#pragma once

// BackendOf: the backend whose session a driver of these two halves opens.

#include <rill_io/window.hpp>

#include <type_traits>

namespace rill::io {

/// Theirs, which must be the same one; <rill_io/bridge.hpp> knows what to do with two.
template <class CaptureHalf, class PlaybackHalf>
struct BackendOf {
    static constexpr bool captures = !std::is_same_v<CaptureHalf, NoCapture>;
    static constexpr bool plays = !std::is_same_v<PlaybackHalf, NoPlayback>;
    static_assert(!captures || !plays ||
                      std::is_same_v<typename CaptureHalf::Backend, typename PlaybackHalf::Backend>,
                  "capture and playback of one driver belong to one backend; to use two, include "
                  "<rill_io/bridge.hpp> (and link rill-io-bridge)");
    using type = std::conditional_t<captures, typename CaptureHalf::Backend, typename PlaybackHalf::Backend>;
};

} // namespace rill::io
