// SPDX-License-Identifier: MIT
#pragma once

// Display: what a person sees. On a terminal there is a line that changes while the stream runs; elsewhere,
// and with
// --json, there is nothing but the result.

#include <rill_io/meter.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rill::io::tools {

class Display {
public:
    explicit Display(bool json);

    /// True on a terminal.
    [[nodiscard]] bool is_live() const noexcept { return live_; }
    /// True where a plain terminal would show garbage instead of block characters.
    [[nodiscard]] bool is_plain() const noexcept { return plain_; }
    [[nodiscard]] bool has_colours() const noexcept { return colours_; }
    [[nodiscard]] std::size_t width() const noexcept;

    /// A line that stays, on a terminal only.
    void note(std::string_view line);
    /// A line that stays, everywhere but with --json.
    void result(std::string_view line);
    /// The line that changes, on a terminal only. It must fit the width.
    void status(std::string_view line);
    void clear_status();

private:
    bool json_;
    bool live_;
    bool plain_;
    bool colours_;
    bool status_shown_ = false;
};

/// Draws what a Meter reads, with a peak that is held long enough to be seen.
class Levels {
public:
    Levels(Meter& meter, std::size_t num_channels) noexcept;

    /// Reads the meter, `seconds` after the last time. Thread: control.
    void update(double seconds) noexcept;
    /// A bar per channel and the highest peak in dB, `width` columns at most.
    [[nodiscard]] std::string text(const Display& display, std::size_t width) const;

private:
    struct Channel {
        float level = 0.0F; ///< follows the peak up at once and down slowly, linear
        float held = 0.0F;  ///< the highest peak of late, linear
        double age = 0.0;   ///< of `held`, in seconds
    };
    static constexpr std::size_t most_bars = 8;

    [[nodiscard]] std::string bar(const Channel& channel, const Display& display, std::size_t columns) const;

    Meter* meter_;
    std::size_t num_channels_;
    std::array<Channel, Meter::max_meter_channels> channels_{};
};

/// 3725.4 s as "1:02:05.4".
[[nodiscard]] std::string clock_text(double seconds);

} // namespace rill::io::tools
