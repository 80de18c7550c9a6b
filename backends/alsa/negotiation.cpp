// SPDX-License-Identifier: MIT
#include "negotiation.hpp"

#include "messages.hpp"
#include "pcm.hpp"

#include <alsa/asoundlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rill::io::alsa {

namespace {

constexpr std::uint32_t usual_rate = 48000;
constexpr std::uint32_t usual_period = 256;
/// Two leave no time for anything to be late.
constexpr std::uint32_t usual_periods = 3;
/// Some plugins say 10000.
constexpr std::uint32_t most_channels = 1024;

constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

struct NamedEncoding {
    snd_pcm_format_t format;
    Encoding encoding;
};
/// Best first: what loses nothing of a float, cheapest first; then by bits.
constexpr std::array<NamedEncoding, num_encodings> encodings{{
    {SND_PCM_FORMAT_FLOAT, Encoding::float32},
    {SND_PCM_FORMAT_FLOAT64, Encoding::float64},
    {SND_PCM_FORMAT_S32, Encoding::s32},
    {little_endian ? SND_PCM_FORMAT_FLOAT_BE : SND_PCM_FORMAT_FLOAT_LE, Encoding::float32_swapped},
    {little_endian ? SND_PCM_FORMAT_FLOAT64_BE : SND_PCM_FORMAT_FLOAT64_LE, Encoding::float64_swapped},
    {little_endian ? SND_PCM_FORMAT_S32_BE : SND_PCM_FORMAT_S32_LE, Encoding::s32_swapped},
    {SND_PCM_FORMAT_S24, Encoding::s24},
    {little_endian ? SND_PCM_FORMAT_S24_3LE : SND_PCM_FORMAT_S24_3BE, Encoding::s24_3},
    {little_endian ? SND_PCM_FORMAT_S24_BE : SND_PCM_FORMAT_S24_LE, Encoding::s24_swapped},
    {little_endian ? SND_PCM_FORMAT_S24_3BE : SND_PCM_FORMAT_S24_3LE, Encoding::s24_3_swapped},
    {SND_PCM_FORMAT_S16, Encoding::s16},
    {little_endian ? SND_PCM_FORMAT_S16_BE : SND_PCM_FORMAT_S16_LE, Encoding::s16_swapped},
}};

/// hw_params of alsa-lib, freed.
class Space {
public:
    Space() { snd_pcm_hw_params_malloc(&params_); }
    ~Space() { snd_pcm_hw_params_free(params_); }
    Space(const Space& other) : Space() { snd_pcm_hw_params_copy(params_, other.params_); }
    Space& operator=(const Space&) = delete;
    [[nodiscard]] snd_pcm_hw_params_t* get() const noexcept { return params_; }

private:
    snd_pcm_hw_params_t* params_ = nullptr;
};

/// One direction's part in it.
class Side {
public:
    explicit Side(Pcm& pcm) : pcm_(pcm), handle_(pcm.handle()) {}

    Result<void> begin(std::uint32_t channels, const Options& options);
    [[nodiscard]] bool can_rate(std::uint32_t rate) const {
        return snd_pcm_hw_params_test_rate(handle_, space_.get(), rate, 0) == 0;
    }
    [[nodiscard]] bool can_period(std::uint32_t period) const {
        return snd_pcm_hw_params_test_period_size(handle_, space_.get(), period, 0) == 0;
    }
    [[nodiscard]] std::optional<std::uint32_t> nearest_rate(std::uint32_t rate) const;
    [[nodiscard]] std::optional<std::uint32_t> nearest_period(std::uint32_t period) const;
    Result<void> set_rate(std::uint32_t rate);
    Result<void> set_period(std::uint32_t period);
    /// Settles on a buffer and hands all of it to the device.
    Result<void> finish(std::uint32_t periods, bool dither);

    [[nodiscard]] Error refuse_rate(std::uint32_t rate) const;
    [[nodiscard]] Error refuse_period(std::uint32_t period) const;
    [[nodiscard]] const char* name() const { return pcm_.name(); }

private:
    Result<void> choose_access_and_format(const Options& options);
    [[nodiscard]] bool choose_format(std::span<const NamedEncoding> wanted);
    Result<void> choose_channels(std::uint32_t channels);
    Result<void> set_software_parameters();
    [[nodiscard]] Error failed(int status, const char* what) const {
        return error_of(status, "open", pcm_.name(), what);
    }
    [[nodiscard]] const char* direction() const {
        return pcm_.direction() == Direction::capture ? "captures" : "plays";
    }

    Pcm& pcm_;
    snd_pcm_t* handle_;
    Space space_;
    Layout layout_{};
};

Result<void> Side::begin(std::uint32_t channels, const Options& options) {
    if (const int status = snd_pcm_hw_params_any(handle_, space_.get()); status < 0)
        return failed(status, "it offers no configuration at all");
    // A plugin may convert the rate: the user has named one that does.
    if (auto chosen = choose_access_and_format(options); !chosen)
        return chosen;
    return choose_channels(channels);
}

bool Side::choose_format(std::span<const NamedEncoding> wanted) {
    for (const NamedEncoding& candidate : wanted)
        if (snd_pcm_hw_params_set_format(handle_, space_.get(), candidate.format) == 0) {
            layout_.encoding = candidate.encoding;
            layout_.format = snd_pcm_format_name(candidate.format);
            return true;
        }
    return false;
}

Result<void> Side::choose_access_and_format(const Options& options) {
    std::vector<NamedEncoding> wanted(encodings.begin(), encodings.end());
    if (!options.format.empty()) {
        const snd_pcm_format_t format = snd_pcm_format_value(std::string(options.format).c_str());
        std::erase_if(wanted, [&](const NamedEncoding& named) { return named.format != format; });
        if (wanted.empty())
            return Error::make(
                Errc::invalid_config, "alsa", "open", 0,
                "there is no format '%.*s' here; use S16, S24, S24_3, S32, FLOAT or FLOAT64 with LE "
                "or BE, as in S24_3LE",
                static_cast<int>(options.format.size()), options.format.data());
    }
    const auto set_access = [&](snd_pcm_access_t access) {
        return snd_pcm_hw_params_set_access(handle_, space_.get(), access) == 0;
    };
    const bool map_first =
        options.access == Access::mmap || (options.access == Access::automatic && pcm_.is_hardware());
    if (map_first &&
        wanted.front().encoding == Encoding::float32) { // would make the device's memory the window
        const Space direct(space_);
        if (snd_pcm_hw_params_set_access(handle_, direct.get(), SND_PCM_ACCESS_MMAP_NONINTERLEAVED) == 0 &&
            snd_pcm_hw_params_set_format(handle_, direct.get(), SND_PCM_FORMAT_FLOAT) == 0)
            (void)set_access(SND_PCM_ACCESS_MMAP_NONINTERLEAVED);
    }
    constexpr std::array mapped{SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_MMAP_NONINTERLEAVED};
    constexpr std::array moved{SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_RW_NONINTERLEAVED};
    std::vector<snd_pcm_access_t> accesses;
    if (options.access != Access::read_write)
        accesses.insert(accesses.end(), mapped.begin(), mapped.end());
    if (options.access != Access::mmap)
        accesses.insert(map_first ? accesses.end() : accesses.begin(), moved.begin(), moved.end());
    snd_pcm_access_t access{};
    if (std::none_of(accesses.begin(), accesses.end(), set_access) ||
        snd_pcm_hw_params_get_access(space_.get(), &access) < 0)
        return Error::make(Errc::unsupported_format, "alsa", "open", 0,
                           "%s can't be %s; leave the access to the backend", name(),
                           options.access == Access::mmap ? "mapped" : "read and written");
    layout_.mapped = std::find(mapped.begin(), mapped.end(), access) != mapped.end();
    layout_.interleaved =
        access == SND_PCM_ACCESS_MMAP_INTERLEAVED || access == SND_PCM_ACCESS_RW_INTERLEAVED;
    if (choose_format(wanted))
        return {};
    std::string offered;
    for (const NamedEncoding& named : encodings)
        if (snd_pcm_hw_params_test_format(handle_, space_.get(), named.format) == 0)
            offered += std::string(offered.empty() ? "" : ", ") + snd_pcm_format_name(named.format);
    if (offered.empty())
        return Error::make(Errc::unsupported_format, "alsa", "open", 0,
                           "%s has no format of 16, 24 or 32 bits or floats; try plug%s", name(), name());
    return Error::make(Errc::unsupported_format, "alsa", "open", 0,
                       "%s has %s, not %.*s; ask for one of those", name(), offered.c_str(),
                       static_cast<int>(options.format.size()), options.format.data());
}

Result<void> Side::choose_channels(std::uint32_t channels) {
    unsigned lowest = 0;
    unsigned highest = 0;
    snd_pcm_hw_params_get_channels_min(space_.get(), &lowest);
    snd_pcm_hw_params_get_channels_max(space_.get(), &highest);
    highest = std::min(highest, most_channels);
    unsigned wanted = channels;
    // The smallest count that has room for what is asked; the rest plays silence.
    const int status =
        highest < channels ? -EINVAL : snd_pcm_hw_params_set_channels_min(handle_, space_.get(), &wanted);
    unsigned got = 0;
    if (status < 0 || snd_pcm_hw_params_set_channels_first(handle_, space_.get(), &got) < 0 ||
        got > most_channels)
        return Error::make(Errc::unsupported_channels, "alsa", "open", 0,
                           "%s %s %u to %u channels, not %u; ask for at most %u, or try plug%s", name(),
                           direction(), lowest, highest, channels, highest, name());
    layout_.channels = channels;
    layout_.device_channels = got;
    return {};
}

std::optional<std::uint32_t> Side::nearest_rate(std::uint32_t rate) const {
    const Space space(space_);
    unsigned nearest = rate;
    if (snd_pcm_hw_params_set_rate_near(handle_, space.get(), &nearest, nullptr) < 0)
        return std::nullopt;
    return nearest;
}

std::optional<std::uint32_t> Side::nearest_period(std::uint32_t period) const {
    const Space space(space_);
    snd_pcm_uframes_t longest = max_quantum;
    snd_pcm_uframes_t nearest = period;
    if (snd_pcm_hw_params_set_period_size_max(handle_, space.get(), &longest, nullptr) < 0 ||
        snd_pcm_hw_params_set_period_size_near(handle_, space.get(), &nearest, nullptr) < 0)
        return std::nullopt;
    return static_cast<std::uint32_t>(nearest);
}

Result<void> Side::set_rate(std::uint32_t rate) {
    if (const int status = snd_pcm_hw_params_set_rate(handle_, space_.get(), rate, 0); status < 0)
        return failed(status, "it does not take the rate it has offered");
    layout_.rate = rate;
    return {};
}

Result<void> Side::set_period(std::uint32_t period) {
    if (const int status = snd_pcm_hw_params_set_period_size(handle_, space_.get(), period, 0); status < 0)
        return failed(status, "it does not take the period it has offered");
    layout_.period = period;
    return {};
}

Error Side::refuse_rate(std::uint32_t rate) const {
    unsigned lowest = 0;
    unsigned highest = 0;
    snd_pcm_hw_params_get_rate_min(space_.get(), &lowest, nullptr);
    snd_pcm_hw_params_get_rate_max(space_.get(), &highest, nullptr);
    const std::uint32_t nearest = nearest_rate(rate).value_or(lowest);
    return Error::make(Errc::unsupported_rate, "alsa", "open", 0,
                       "%s %s at %u to %u Hz, not at %u; ask for %u, or set rate_match = adapt", name(),
                       direction(), lowest, highest, rate, nearest);
}

Error Side::refuse_period(std::uint32_t period) const {
    snd_pcm_uframes_t lowest = 0;
    snd_pcm_uframes_t highest = 0;
    snd_pcm_hw_params_get_period_size_min(space_.get(), &lowest, nullptr);
    snd_pcm_hw_params_get_period_size_max(space_.get(), &highest, nullptr);
    // The neighbours on both sides, as far as there are any.
    std::vector<std::uint32_t> offered;
    const Space below(space_);
    const Space above(space_);
    snd_pcm_uframes_t limit = period;
    snd_pcm_uframes_t size = 0;
    if (snd_pcm_hw_params_set_period_size_max(handle_, below.get(), &limit, nullptr) == 0 &&
        snd_pcm_hw_params_set_period_size_last(handle_, below.get(), &size, nullptr) == 0)
        offered.push_back(static_cast<std::uint32_t>(size));
    limit = period;
    if (snd_pcm_hw_params_set_period_size_min(handle_, above.get(), &limit, nullptr) == 0 &&
        snd_pcm_hw_params_set_period_size_first(handle_, above.get(), &size, nullptr) == 0)
        offered.push_back(static_cast<std::uint32_t>(size));
    std::array<char, 64> advice{};
    if (offered.size() == 2)
        std::snprintf(advice.data(), advice.size(), "%u or %u", offered[0], offered[1]);
    else
        std::snprintf(advice.data(), advice.size(), "%u", offered.empty() ? unsigned(lowest) : offered[0]);
    return Error::make(Errc::period_mismatch, "alsa", "open", 0,
                       "%s has periods of %lu to %lu frames at %u Hz, but not of %u; ask for %s, or set "
                       "period_match = adapt",
                       name(), lowest, highest, layout_.rate, period, advice.data());
}

Result<void> Side::finish(std::uint32_t periods, bool dither) {
    snd_pcm_uframes_t buffer = std::uint64_t{layout_.period} * (periods != 0 ? periods : usual_periods);
    // Whole periods if that can be had; never the device's own idea, which may be 15 s.
    snd_pcm_hw_params_set_periods_integer(handle_, space_.get());
    if (const int status = snd_pcm_hw_params_set_buffer_size_near(handle_, space_.get(), &buffer); status < 0)
        return failed(status, "no buffer size fits");
    if (const int status = snd_pcm_hw_params(handle_, space_.get()); status < 0)
        return failed(status, "the device refuses what it has offered");

    unsigned rate = 0;
    snd_pcm_uframes_t period = 0;
    snd_pcm_hw_params_get_rate(space_.get(), &rate, nullptr);
    snd_pcm_hw_params_get_period_size(space_.get(), &period, nullptr);
    snd_pcm_hw_params_get_buffer_size(space_.get(), &buffer);
    if (rate != layout_.rate)
        return refuse_rate(layout_.rate);
    if (period != layout_.period)
        return refuse_period(layout_.period);
    if (buffer < 2 * period)
        return Error::make(
            Errc::period_mismatch, "alsa", "open", 0,
            "the buffer of %s holds %lu frames, less than two periods of %lu; ask for a shorter period",
            name(), buffer, period);
    layout_.buffer = static_cast<std::uint32_t>(buffer);
    if (dither && pcm_.direction() == Direction::playback) {
        constexpr std::uint32_t bits_of_a_float = 24;
        const int significant = snd_pcm_hw_params_get_sbits(space_.get());
        const std::uint32_t bits = bits_of(layout_.encoding);
        const std::uint32_t to =
            significant > 0 ? std::min(bits, static_cast<std::uint32_t>(significant)) : bits;
        layout_.dither_bits = to <= bits_of_a_float ? to : 0;
    }
    if (auto set = set_software_parameters(); !set)
        return set;
    pcm_.set_layout(layout_);
    return {};
}

Result<void> Side::set_software_parameters() {
    snd_pcm_sw_params_t* params = nullptr;
    snd_pcm_sw_params_malloc(&params);
    snd_pcm_uframes_t boundary = 0;
    int status = snd_pcm_sw_params_current(handle_, params);
    if (status >= 0)
        status = snd_pcm_sw_params_get_boundary(params, &boundary);
    if (status >= 0)
        status = snd_pcm_sw_params_set_avail_min(handle_, params, layout_.period);
    if (status >= 0) // never by itself: start() does it
        status = snd_pcm_sw_params_set_start_threshold(handle_, params, boundary);
    if (status >= 0) // else an xrun would go by unseen
        status = snd_pcm_sw_params_set_stop_threshold(handle_, params, layout_.buffer);
    if (status >= 0) {
        // Not every PCM has a time.
        snd_pcm_sw_params_set_tstamp_mode(handle_, params, SND_PCM_TSTAMP_ENABLE);
        snd_pcm_sw_params_set_tstamp_type(handle_, params, SND_PCM_TSTAMP_TYPE_MONOTONIC);
        status = snd_pcm_sw_params(handle_, params);
    }
    snd_pcm_sw_params_free(params);
    if (status < 0)
        return failed(status, "its software parameters can't be set");
    return {};
}

/// The first of the candidates that every side can do.
template <class Can>
std::optional<std::uint32_t> first_common(std::span<Side* const> sides,
                                          std::span<const std::uint32_t> candidates, Can can) {
    for (const std::uint32_t candidate : candidates)
        if (candidate != 0 &&
            std::all_of(sides.begin(), sides.end(), [&](Side* side) { return can(*side, candidate); }))
            return candidate;
    return std::nullopt;
}

template <class Can>
const Side& first_that_cannot(std::span<Side* const> sides, std::uint32_t value, Can can) {
    const auto found =
        std::find_if(sides.begin(), sides.end(), [&](Side* side) { return !can(*side, value); });
    return **(found != sides.end() ? found : sides.begin());
}

Result<void> agree_on_rate(const StreamConfig& config, std::span<Side* const> sides) {
    const auto can = [](const Side& side, std::uint32_t rate) { return side.can_rate(rate); };
    const std::uint32_t wanted = config.sample_rate != 0 ? config.sample_rate : usual_rate;
    std::vector<std::uint32_t> candidates{wanted};
    if (config.sample_rate == 0 || config.rate_match == Match::adapt) {
        for (const Side* side : sides)
            candidates.push_back(side->nearest_rate(wanted).value_or(0));
        candidates.insert(candidates.end(), {48000, 44100, 96000, 88200, 32000, 16000, 8000});
    }
    const auto rate = first_common(sides, candidates, can);
    if (!rate)
        return first_that_cannot(sides, wanted, can).refuse_rate(wanted);
    for (Side* side : sides)
        if (auto set = side->set_rate(*rate); !set)
            return set;
    return {};
}

Result<void> agree_on_period(const StreamConfig& config, std::span<Side* const> sides) {
    const auto can = [](const Side& side, std::uint32_t period) { return side.can_period(period); };
    const std::uint32_t wanted = config.block != 0 ? config.block : usual_period;
    std::vector<std::uint32_t> candidates{wanted};
    if (config.block == 0 || config.period_match == Match::adapt) {
        for (const Side* side : sides)
            candidates.push_back(side->nearest_period(wanted).value_or(0));
        candidates.insert(candidates.end(), {256, 512, 1024, 480, 960, 2048, 4096});
    }
    const auto period = first_common(sides, candidates, can);
    if (!period)
        return first_that_cannot(sides, wanted, can).refuse_period(wanted);
    for (Side* side : sides)
        if (auto set = side->set_period(*period); !set)
            return set;
    return {};
}

} // namespace

Result<void> negotiate(const StreamConfig& config, const Options& options, Pcm& capture, Pcm& playback) {
    std::optional<Side> capture_side;
    std::optional<Side> playback_side;
    std::vector<Side*> sides;
    if (playback.is_open()) {
        sides.push_back(&playback_side.emplace(playback));
        if (auto begun = playback_side->begin(config.output_channels, options); !begun)
            return begun;
    }
    if (capture.is_open()) {
        sides.push_back(&capture_side.emplace(capture));
        if (auto begun = capture_side->begin(config.input_channels, options); !begun)
            return begun;
    }
    if (auto agreed = agree_on_rate(config, sides); !agreed)
        return agreed;
    if (auto agreed = agree_on_period(config, sides); !agreed)
        return agreed;
    for (Side* side : sides)
        if (auto finished = side->finish(config.periods, options.dither); !finished)
            return finished;
    return {};
}

} // namespace rill::io::alsa
