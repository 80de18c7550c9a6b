// SPDX-License-Identifier: MIT
#pragma once

// What only some backends have, told by the shape of their types. The one place in the program for it.

#include <rill_io/concepts.hpp>
#include <rill_io/config.hpp>

#include <cstdint>
#include <string_view>

namespace rill::io::tools {

inline constexpr const char* default_render_path = "rill-io-demo.wav";

/// It can list what there is to play to or record from. One that can't (null, file) has no device.
template <class B>
inline constexpr bool has_devices = requires { B::devices(); };

/// Its devices are files, and it ends where it is told to.
template <class B>
inline constexpr bool renders_files = requires(typename B::Options options) {
    options.capture_path;
    options.playback_path;
    options.end_after_frames;
};

/// The backend's own options. Where devices are files, `--device` and PORTS are paths: they move there from
/// the config, and the stream ends after `end_after_frames` (0 = by itself). Text is borrowed. Thread:
/// control.
template <class B>
typename B::Options backend_options([[maybe_unused]] StreamConfig& config,
                                    [[maybe_unused]] std::uint64_t end_after_frames) {
    typename B::Options options{};
    if constexpr (renders_files<B>) {
        const auto path = [&](std::string_view target, std::string_view otherwise) {
            return !target.empty() ? target : !config.device.empty() ? config.device : otherwise;
        };
        options.playback_path = path(config.playback_target, default_render_path);
        options.capture_path = path(config.capture_target, {});
        options.end_after_frames = end_after_frames;
        config.device = config.playback_target = config.capture_target = {};
    }
    return options;
}

} // namespace rill::io::tools
