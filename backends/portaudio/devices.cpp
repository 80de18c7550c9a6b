// SPDX-License-Identifier: MIT
#include "devices.hpp"

#include "library.hpp"
#include <rill_io/portaudio.hpp>

#include <cmath>
#include <cstdlib>

namespace rill::io::portaudio {

namespace {

constexpr const char* name = Backend::name;
constexpr std::string_view jack_host = "JACK Audio Connection Kit";

std::string_view host_name(PaDeviceIndex device) {
    return Pa_GetHostApiInfo(Pa_GetDeviceInfo(device)->hostApi)->name;
}

std::string_view full_name(PaDeviceIndex device) {
    return Pa_GetDeviceInfo(device)->name;
}

std::string_view short_name(PaDeviceIndex device) {
    const std::string_view whole = full_name(device);
    const std::size_t cut = whole.ends_with(')') ? whole.rfind(" (hw:") : std::string_view::npos;
    return whole.substr(0, cut);
}

int channels_of(PaDeviceIndex device, bool capture) {
    const PaDeviceInfo& info = *Pa_GetDeviceInfo(device);
    return capture ? info.maxInputChannels : info.maxOutputChannels;
}

bool is_called(PaDeviceIndex device, std::string_view id) {
    const std::string_view host = host_name(device);
    if (id.starts_with(host) && id.substr(host.size()).starts_with(": ")) {
        const std::string_view rest = id.substr(host.size() + 2);
        if (rest == full_name(device) || rest == short_name(device))
            return true;
    }
    return id == full_name(device) || id == short_name(device);
}

/// Devices of a JACK connection that has died are there no more.
bool is_there(PaDeviceIndex device) {
    return host_of(device) != paJACK || !is_jack_gone();
}

Result<PaDeviceIndex> default_device(bool capture) {
    const PaDeviceIndex device = capture ? Pa_GetDefaultInputDevice() : Pa_GetDefaultOutputDevice();
    if (device >= 0 && is_there(device))
        return device;
    return Error::make(
        Errc::no_device, name, "open", 0,
        "PortAudio has no default %s device among the %d that it knows; name one of `rill-io devices`, plug "
        "one in, or start a JACK server",
        capture ? "capture" : "playback", Pa_GetDeviceCount());
}

} // namespace

std::string device_id(PaDeviceIndex device) {
    std::string_view shown = short_name(device);
    for (PaDeviceIndex other = 0; other < Pa_GetDeviceCount(); ++other)
        if (other != device && short_name(other) == shown && host_name(other) == host_name(device)) {
            shown = full_name(device);
            break;
        }
    return std::string(host_name(device)).append(": ").append(shown);
}

PaHostApiTypeId host_of(PaDeviceIndex device) {
    return Pa_GetHostApiInfo(Pa_GetDeviceInfo(device)->hostApi)->type;
}

Result<PaDeviceIndex> find_device(std::string_view id, bool capture) {
    if (id.empty())
        return default_device(capture);
    const char* const direction = capture ? "capture" : "playback";
    const int length = static_cast<int>(id.size());
    if (id.starts_with(jack_host) && is_jack_gone())
        return Error::make(
            Errc::no_server, name, "open", 0,
            "the JACK server that PortAudio was connected to has died or shut it out, and it can't "
            "connect to another in the same process; restart the program, or use the jack "
            "backend");
    for (PaHostApiIndex host = 0; host < Pa_GetHostApiCount(); ++host) {
        const PaHostApiInfo& info = *Pa_GetHostApiInfo(host);
        const PaDeviceIndex device = capture ? info.defaultInputDevice : info.defaultOutputDevice;
        if (id == info.name && device >= 0)
            return device;
    }
    bool other_direction_only = false;
    for (PaDeviceIndex device = 0; device < Pa_GetDeviceCount(); ++device) {
        if (!is_called(device, id) || !is_there(device))
            continue;
        if (channels_of(device, capture) > 0)
            return device;
        other_direction_only = true;
    }
    if (other_direction_only)
        return Error::make(
            Errc::no_device, name, "open", 0,
            "'%.*s' has no %s channels; leave that direction out, or name another device for it", length,
            id.data(), direction);
    if (id.starts_with(jack_host) && Pa_HostApiTypeIdToHostApiIndex(paJACK) < 0) {
        const char* const server = std::getenv("JACK_DEFAULT_SERVER");
        return Error::make(Errc::no_server, name, "open", 0,
                           "no JACK server%s%s answers; start one, or choose another host API",
                           server != nullptr ? " named " : "", server != nullptr ? server : "");
    }
    return Error::make(
        Errc::no_device, name, "open", 0,
        "PortAudio knows no device '%.*s' to %s; `rill-io devices` lists them (\"host API: device name\"; "
        "new ones are seen once no PortAudio driver is open)",
        length, id.data(), capture ? "capture from" : "play to");
}

DeviceList list_devices() {
    DeviceList devices;
    for (PaDeviceIndex index = 0; index < Pa_GetDeviceCount(); ++index) {
        if (!is_there(index))
            continue;
        const PaDeviceInfo& info = *Pa_GetDeviceInfo(index);
        Device device;
        device.id = device_id(index);
        device.description = info.name;
        device.input_channels = static_cast<std::uint32_t>(info.maxInputChannels);
        device.output_channels = static_cast<std::uint32_t>(info.maxOutputChannels);
        device.default_rate = static_cast<std::uint32_t>(std::lround(info.defaultSampleRate));
        device.default_capture = index == Pa_GetDefaultInputDevice();
        device.default_playback = index == Pa_GetDefaultOutputDevice();
        devices.push_back(std::move(device));
    }
    return devices;
}

Error error_of(PaError code, const Attempt& attempt) {
    const auto make = [&](Errc kind, const std::string& text) {
        return Error::make(kind, name, attempt.operation, code, "%s", text.c_str());
    };
    const std::string device = "'" + attempt.device + "'";
    const auto number = [](std::uint32_t value) { return std::to_string(value); };
    switch (code) {
    case paInvalidSampleRate:
        return make(Errc::unsupported_rate, device + " does not run at " + number(attempt.rate) +
                                                " Hz; ask for " + number(attempt.own_rate) +
                                                " or 0, or set rate_match = adapt");
    case paInvalidChannelCount:
        return make(Errc::unsupported_channels, device + " does not take " + number(attempt.input_channels) +
                                                    " capture and " + number(attempt.output_channels) +
                                                    " playback channels together; ask for others");
    case paDeviceUnavailable:
        return make(Errc::device_busy,
                    device + " is in use or has gone; close what uses it, or choose another device");
    case paInvalidDevice:
    case paBadIODeviceCombination: // (PortAudio's ALSA says so of any device that it can't open)
        return make(Errc::no_device, device + " can't be opened; is it still there, and may you use it?");
    case paSampleFormatNotSupported:
        return make(Errc::unsupported_format,
                    device + " has no sample format that PortAudio can convert; choose another device");
    case paBufferTooBig:
    case paBufferTooSmall:
        return make(Errc::period_mismatch, device + " can't do blocks of " + number(attempt.block) +
                                               " frames; ask for others or 0, or set period_match = adapt");
    case paTimedOut:
        return make(Errc::timed_out,
                    device + " does not start, with a larger buffer neither; try larger blocks");
    case paInsufficientMemory:
        if (attempt.over_jack)
            return make(Errc::server_lost,
                        "the JACK server refuses ports; it has died (restart this program too), or has "
                        "no ports left: ask for fewer channels");
        return make(Errc::backend_failure, device + ": no memory; ask for fewer channels");
    case paUnanticipatedHostError:
        return make(Errc::backend_failure, device + ": " + Pa_GetLastHostErrorInfo()->errorText +
                                               "; choose another device or host API");
    default:
        return make(Errc::backend_failure,
                    device + ": " + Pa_GetErrorText(code) + "; choose another device or host API");
    }
}

} // namespace rill::io::portaudio
