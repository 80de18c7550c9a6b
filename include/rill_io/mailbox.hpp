// SPDX-License-Identifier: MIT
#pragma once

// The mailbox: commands for a running graph.

#include <rill_io/queue.hpp>

#include <cstddef>
#include <cstdint>

namespace rill::io {

/// Sets one parameter of one node, on exactly one frame.
struct SetParameter {
    std::uint16_t node = 0;      ///< the node's place in its chain, the source is 0
    std::uint16_t parameter = 0; ///< the node's own number for it: `Gain::gain`, `Tone::frequency`, ...
    float value = 0.0F;          ///< in the parameter's unit
    std::uint64_t frame =
        0; ///< stream position it takes effect on; a past one (0) means the next block's start
};

/// Bounded, many senders, one graph; a full one refuses and the sender is told.
template <std::size_t Capacity = 256>
using Mailbox = BoundedQueue<SetParameter, Capacity>;

} // namespace rill::io
