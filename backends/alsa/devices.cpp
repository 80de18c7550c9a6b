// SPDX-License-Identifier: MIT
#include "alsa_library.hpp"
#include "messages.hpp"
#include "pcm.hpp"
#include <rill_io/alsa.hpp>

#include <alsa/asoundlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace rill::io::alsa {

namespace {

constexpr std::string_view default_device = "default";

/// What alsa-lib returns as text of its own, freed.
std::string take_text(char* text) {
    const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
    return text != nullptr ? text : "";
}

/// Descriptions have several lines.
std::string on_one_line(std::string text) {
    std::size_t at = 0;
    while ((at = text.find('\n', at)) != std::string::npos)
        text.replace(at, 1, ", ");
    return text;
}

/// The kernel's devices of one card, by its control device; the PCMs stay closed.
void list_card(int card, DeviceList& devices) {
    snd_ctl_t* control = nullptr;
    if (snd_ctl_open(&control, ("hw:" + std::to_string(card)).c_str(), SND_CTL_NONBLOCK) < 0)
        return;
    snd_ctl_card_info_t* card_info = nullptr;
    snd_pcm_info_t* info = nullptr;
    snd_ctl_card_info_malloc(&card_info);
    snd_pcm_info_malloc(&info);
    if (snd_ctl_card_info(control, card_info) == 0) {
        const std::string id = snd_ctl_card_info_get_id(card_info);
        const std::string card_name = snd_ctl_card_info_get_name(card_info);
        for (int device = -1; snd_ctl_pcm_next_device(control, &device) == 0 && device >= 0;) {
            Device row{.id = "hw:CARD=" + id + ",DEV=" + std::to_string(device), .description = card_name};
            for (const bool captures : {true, false}) {
                snd_pcm_info_set_device(info, static_cast<unsigned>(device));
                snd_pcm_info_set_subdevice(info, 0);
                snd_pcm_info_set_stream(info, captures ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK);
                if (snd_ctl_pcm_info(control, info) < 0)
                    continue;
                (captures ? row.input_channels : row.output_channels) = unknown_channels;
                row.description = card_name + ", " + snd_pcm_info_get_name(info);
            }
            devices.push_back(std::move(row));
        }
    }
    snd_pcm_info_free(info);
    snd_ctl_card_info_free(card_info);
    snd_ctl_close(control);
}

/// PCMs that the configuration names.
void list_configured(DeviceList& devices) {
    void** hints = nullptr;
    if (snd_device_name_hint(-1, "pcm", &hints) < 0)
        return;
    for (void** hint = hints; *hint != nullptr; ++hint) {
        Device row{.id = take_text(snd_device_name_get_hint(*hint, "NAME")),
                   .description = on_one_line(take_text(snd_device_name_get_hint(*hint, "DESC")))};
        const std::string direction = take_text(snd_device_name_get_hint(*hint, "IOID")); // empty: both
        if (row.id.empty() || row.id.starts_with("hw:"))
            continue;
        row.input_channels = direction == "Output" ? 0 : unknown_channels;
        row.output_channels = direction == "Input" ? 0 : unknown_channels;
        devices.push_back(std::move(row));
    }
    snd_device_name_free_hint(hints);
}

/// Marks what an empty StreamConfig::device opens: "default", which is in every configuration. Where it isn't
/// listed it is the first card.
void mark_default(DeviceList& devices) {
    const auto mark = [&](auto is_it) {
        const auto found = std::find_if(devices.begin(), devices.end(), is_it);
        if (found == devices.end())
            return false;
        found->default_capture = found->input_channels != 0;
        found->default_playback = found->output_channels != 0;
        return true;
    };
    if (!mark([](const Device& row) { return row.id == default_device; }))
        (void)mark([](const Device& row) { return row.id.starts_with("hw:"); });
}

/// Adds what one direction can do; false if it does not exist.
Result<bool> probe_direction(const std::string& id, Direction direction, Device& row) {
    Pcm pcm(direction);
    if (auto opened = pcm.open(id); !opened) {
        if (opened.error().code == Errc::no_device)
            return false;
        return opened.error();
    }
    snd_pcm_hw_params_t* params = nullptr;
    snd_pcm_hw_params_malloc(&params);
    unsigned channels = 0;
    unsigned rate = 48000;
    if (snd_pcm_hw_params_any(pcm.handle(), params) >= 0) {
        snd_pcm_hw_params_get_channels_max(params, &channels);
        if (snd_pcm_hw_params_set_rate_near(pcm.handle(), params, &rate, nullptr) == 0)
            row.default_rate = rate;
    }
    snd_pcm_hw_params_free(params);
    (direction == Direction::capture ? row.input_channels : row.output_channels) =
        std::min(channels, max_channels);
    return true;
}

} // namespace

Result<void> Backend::available() {
    if (auto loaded = load_library(); !loaded)
        return loaded;
    const Quiet quiet;
    int card = -1;
    if (snd_card_next(&card) == 0 && card >= 0)
        return {};
    DeviceList configured;
    list_configured(configured);
    const bool any =
        std::any_of(configured.begin(), configured.end(), [](const Device& row) { return row.id != "null"; });
    if (any)
        return {};
    return Error::make(Errc::no_device, name, "open", 0,
                       "there is no sound card, and the configuration has no PCM that needs none");
}

Result<DeviceList> Backend::devices() {
    if (auto loaded = load_library(); !loaded)
        return loaded.error();
    const Quiet quiet;
    DeviceList devices;
    for (int card = -1; snd_card_next(&card) == 0 && card >= 0;)
        list_card(card, devices);
    list_configured(devices);
    mark_default(devices);
    return devices;
}

Result<Device> Backend::probe(std::string_view device) {
    if (auto loaded = load_library(); !loaded)
        return loaded.error();
    const Quiet quiet;
    Device row;
    row.id = std::string(device);
    const auto captures = probe_direction(row.id, Direction::capture, row);
    if (!captures)
        return captures.error();
    const auto plays = probe_direction(row.id, Direction::playback, row);
    if (!plays)
        return plays.error();
    if (!*captures && !*plays)
        return error_of(-ENOENT, "probe", row.id.c_str(), "neither for capture nor for playback");
    if (auto listed = devices())
        for (const Device& other : *listed)
            if (other.id == row.id) {
                row.description = other.description;
                row.default_capture = other.default_capture;
                row.default_playback = other.default_playback;
            }
    return row;
}

} // namespace rill::io::alsa
