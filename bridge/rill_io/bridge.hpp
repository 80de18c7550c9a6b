// SPDX-License-Identifier: MIT
#pragma once

// bridge: Driver<alsa::Capture, jack::Playback>, capture and playback on different backends. With this header
// included, such a driver is one like any other: the playback side's cycle runs the graph, in the playback
// side's own memory, and the window of the capture side shows what was captured by the other clock,
// resampled.
//
//     Driver<alsa::Capture, jack::Playback> driver;
//     driver.open({.client_name = "monitor"}, {.capture = {}, .playback = {}, .bridge = {.capture_device =
//     "hw:1"}});
//
// Two devices of one backend: Driver<Bridged<alsa::Capture>, alsa::Playback>. `StreamConfig` speaks to the
// playback side; `input_channels`, `capture_target`, `client_name`, `periods` and `realtime_priority` to the
// capture side too. The capture side runs in a driver of its own (its cycles only copy into a ring) at the
// same nominal rate if it can, else at its own. Rate, quantum and cycle thread are the playback side's. What
// both clocks have to do with each other: drift_bridge.hpp. A side that is lost ends the stream with its
// reason. A file, or another side whose time is not real, has no clock and cannot be bridged.

#include <rill_io/bridge_options.hpp>
#include <rill_io/bridge_session.hpp>
#include <rill_io/concepts.hpp>
#include <rill_io/window.hpp>

#include <type_traits>

namespace rill::io {

namespace bridge {

/// The door to two backends.
template <class A, class B>
struct Backend {
    static constexpr const char* name = Name<A, B>::text.data();
    static constexpr bool drives_itself = B::drives_itself;
    static Result<void> available() {
        if (auto capture = A::available(); !capture)
            return capture;
        return B::available();
    }
    using Session = bridge::Session<A, B>;
    using Options = bridge::Options<A, B>;
    using Capture = io::Capture<A>;
    using Playback = io::Playback<B>;
};

/// Marks the capture half of a backend as bridged even to the same backend.
template <class A>
struct Apart {
    using Backend = A;
};
template <class T>
struct BackendIn {
    using type = T;
};
template <class A>
struct BackendIn<Apart<A>> {
    using type = A;
};

} // namespace bridge

/// The capture half of another device of the playback's own backend: Driver<Bridged<alsa::Capture>,
/// alsa::Playback>.
template <class CaptureHalf>
class Bridged : public CaptureWindow {
public:
    using Backend = bridge::Apart<typename CaptureHalf::Backend>;
};

template <class CaptureHalf, class PlaybackHalf>
requires(!std::is_same_v<CaptureHalf, NoCapture> && !std::is_same_v<PlaybackHalf, NoPlayback> &&
         !std::is_same_v<typename CaptureHalf::Backend, typename PlaybackHalf::Backend>)
struct BackendOf<CaptureHalf, PlaybackHalf> {
    using type = bridge::Backend<typename bridge::BackendIn<typename CaptureHalf::Backend>::type,
                                 typename PlaybackHalf::Backend>;
};

} // namespace rill::io
