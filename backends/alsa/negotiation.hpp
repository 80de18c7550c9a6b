// SPDX-License-Identifier: MIT
#pragma once

// What a device can do, what is asked, and what both directions of a stream can agree on.

#include <rill_io/alsa.hpp>
#include <rill_io/config.hpp>
#include <rill_io/error.hpp>

#include <cstdint>

namespace rill::io::alsa {

class Pcm;

/// Sets up the PCMs that are open (at least one is): the same rate and period for both, and for each the best
/// format and access. Their layouts say what came out. Thread: control. Realtime-safe: no.
Result<void> negotiate(const StreamConfig& config, const Options& options, Pcm& capture, Pcm& playback);

} // namespace rill::io::alsa
