// SPDX-License-Identifier: MIT
#include "display.hpp"

#include "standard_streams.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace rill::io::tools {

namespace {

constexpr double lowest_db = -60.0; // the left end of a bar
constexpr double yellow_db = -12.0;
constexpr double red_db = -3.0;
constexpr double decay_db_per_s = 24.0;
constexpr double hold_s = 1.5;

double decibels(float linear) noexcept {
    return linear > 0.0F ? 20.0 * std::log10(static_cast<double>(linear))
                         : -std::numeric_limits<double>::infinity();
}

/// What the locale says without being set: the usual order of the three variables.
bool locale_is_utf8() {
    for (const char* const variable : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const char* const value = std::getenv(variable); value != nullptr && *value != '\0') {
            std::string name(value);
            std::transform(name.begin(), name.end(), name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
        }
    return false;
}

bool is_set(const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

void print(std::string_view text) {
    // Nobody to tell if stdout is gone: the stream itself goes on.
    print_text(text);
    (void)std::fflush(stdout);
}

} // namespace

Display::Display(bool json)
    : json_(json), plain_(!locale_is_utf8()), colours_(!is_set("NO_COLOR")) { // no-color.org
    const char* const terminal = std::getenv("TERM");
    const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
    live_ = !json && ::isatty(STDOUT_FILENO) == 1 && !dumb;
}

std::size_t Display::width() const noexcept {
    constexpr std::size_t usual = 80;
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

void Display::note(std::string_view line) {
    if (live_)
        result(line);
}

void Display::result(std::string_view line) {
    if (json_)
        return;
    clear_status();
    print(fmt::format("{}\n", line));
}

void Display::status(std::string_view line) {
    if (!live_)
        return;
    print(fmt::format("\r{}\x1b[K", line));
    status_shown_ = true;
}

void Display::clear_status() {
    if (status_shown_)
        print("\r\x1b[K");
    status_shown_ = false;
}

Levels::Levels(Meter& meter, std::size_t num_channels) noexcept
    : meter_(&meter), num_channels_(std::min(num_channels, Meter::max_meter_channels)) {}

void Levels::update(double seconds) noexcept {
    const auto decay = static_cast<float>(std::pow(10.0, -decay_db_per_s * seconds / 20.0));
    for (std::size_t i = 0; i < num_channels_; ++i) {
        Channel& channel = channels_[i];
        const float peak = meter_->take_peak(i);
        channel.level = std::max(peak, channel.level * decay);
        channel.age += seconds;
        if (peak >= channel.held || channel.age > hold_s) {
            channel.held = peak;
            channel.age = 0.0;
        }
    }
}

std::string Levels::bar(const Channel& channel, const Display& display, std::size_t columns) const {
    const auto place = [&](double db) {
        return static_cast<std::size_t>(
            std::clamp(std::ceil((db - lowest_db) / -lowest_db * static_cast<double>(columns)), 0.0,
                       static_cast<double>(columns)));
    };
    const std::size_t filled = place(decibels(channel.level));
    const std::size_t held = place(decibels(channel.held));
    std::string text;
    std::string_view colour;
    for (std::size_t column = 0; column < columns; ++column) {
        if (display.has_colours()) {
            const std::string_view wanted = column + 1 >= place(red_db)      ? "\x1b[31m"
                                            : column + 1 >= place(yellow_db) ? "\x1b[33m"
                                                                             : "\x1b[32m";
            if (wanted != colour)
                text += colour = wanted;
        }
        if (column < filled)
            text += display.is_plain() ? "=" : "█";
        else if (column + 1 == held)
            text += display.is_plain() ? "|" : "▏";
        else
            text += display.is_plain() ? " " : "·";
    }
    return display.has_colours() ? text + "\x1b[0m" : text;
}

std::string Levels::text(const Display& display, std::size_t width) const {
    constexpr std::size_t frame_columns = 2; // brackets
    constexpr std::size_t peak_columns = 9;  // " -12.3 dB"
    if (width < peak_columns)
        return {};
    constexpr std::size_t narrowest = 4;
    float highest = 0.0F;
    for (std::size_t i = 0; i < num_channels_; ++i)
        highest = std::max(highest, channels_[i].held);
    std::string text;
    const std::size_t bars = std::min(num_channels_, most_bars);
    const std::size_t columns = bars == 0 ? 0 : (width - peak_columns) / bars;
    if (columns >= narrowest + frame_columns)
        for (std::size_t i = 0; i < bars; ++i)
            text += fmt::format(
                "[{}]", bar(channels_[i], display, std::min<std::size_t>(columns - frame_columns, 30)));
    const double peak = decibels(highest);
    return text + (peak >= lowest_db ? fmt::format(" {:5.1f} dB", peak) : "  -inf dB");
}

std::string clock_text(double seconds) {
    const auto tenths = static_cast<std::uint64_t>(std::max(0.0, seconds) * 10.0);
    const std::uint64_t hours = tenths / 36000;
    const std::uint64_t minutes = tenths / 600 % 60;
    const std::string rest = fmt::format("{:02}.{}", tenths / 10 % 60, tenths % 10);
    return hours != 0 ? fmt::format("{}:{:02}:{}", hours, minutes, rest)
                      : fmt::format("{}:{}", minutes, rest);
}

} // namespace rill::io::tools
