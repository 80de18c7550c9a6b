// SPDX-License-Identifier: MIT
#pragma once

// PortAudio's devices by name, and its errors in words. Control thread, while PortAudio is initialised.

#include <rill_io/device.hpp>
#include <rill_io/error.hpp>

#include <portaudio.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace rill::io::portaudio {

/// "host API: device name", without the "(hw:0,0)" that PortAudio appends to an ALSA card's name (card
/// numbers change from one start of the machine to the next), unless two devices would then be called the
/// same.
std::string device_id(PaDeviceIndex device);

PaHostApiTypeId host_of(PaDeviceIndex device);

/// The device that `id` means: an id, a device name, or a host API's name for its default device; empty =
/// PortAudio's default. Errors: `no_device`, `no_server` for JACK's when no JACK server answers.
Result<PaDeviceIndex> find_device(std::string_view id, bool capture);

DeviceList list_devices();

/// What was tried when PortAudio refused.
struct Attempt {
    const char* operation = "open";
    std::string device; ///< ids, for a person
    bool over_jack = false;
    std::uint32_t rate = 0;
    std::uint32_t own_rate = 0; ///< the device's default
    std::uint32_t block = 0;
    std::uint32_t input_channels = 0;
    std::uint32_t output_channels = 0;
};
Error error_of(PaError code, const Attempt& attempt);

} // namespace rill::io::portaudio
