// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "backend_choice.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>

namespace rill::io::tools {

namespace {

constexpr double max_seconds = 1e9; // thirty years: frames at any rate stay far below 2^64
constexpr double max_frequency = max_sample_rate / 2.0;

/// Thrown by the conversions below, out of CLI11's parser.
struct Refusal {
    Outcome outcome;
};

[[noreturn]] void out_of_range(std::string_view option, std::string_view text, std::string_view advice) {
    const std::string message = fmt::format("{} {} is out of range; use {}", option, text, advice);
    throw Refusal{
        Outcome::failed(Error::make(Errc::invalid_config, "", "options", 0, "%s", message.c_str()))};
}

double to_number(std::string_view option, std::string_view text) {
    double number = 0.0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status == std::errc::result_out_of_range)
        number = std::numeric_limits<double>::infinity();
    if (end != text.data() + text.size() || status == std::errc::invalid_argument || std::isnan(number))
        throw Refusal{Outcome::wrong_usage(fmt::format("{} takes a number, not '{}'", option, text))};
    return number;
}

std::uint32_t to_count(std::string_view option, std::string_view text, std::uint32_t low, std::uint32_t high,
                       std::string_view zero_means) {
    const double number = to_number(option, text);
    if (number == 0.0 && !zero_means.empty())
        return 0;
    if (!(number >= low && number <= high))
        out_of_range(option, text, fmt::format("{}{}..{}", zero_means, low, high));
    if (number != std::floor(number))
        throw Refusal{Outcome::wrong_usage(fmt::format("{} takes a whole number, not '{}'", option, text))};
    return static_cast<std::uint32_t>(number);
}

double to_seconds(std::string_view option, std::string_view text) {
    const double seconds = to_number(option, text);
    if (!(seconds > 0.0 && seconds <= max_seconds))
        out_of_range(option, text, fmt::format("more than 0 and at most {}", max_seconds));
    return seconds;
}

/// A factor, or a level in dB.
float to_gain(std::string_view option, std::string_view text) {
    std::string_view number = text;
    const bool decibels = number.ends_with("dB");
    if (decibels)
        number.remove_suffix(2);
    const double value = to_number(option, number);
    const double factor = decibels ? std::pow(10.0, value / 20.0) : value;
    if (!(factor >= 0.0 && factor <= 1.0))
        out_of_range(option, text, "a factor of 0..1, or decibels: -12dB");
    return static_cast<float>(factor);
}

/// --connect none|default|PORTS; with two directions PORTS is PLAYBACK=CAPTURE.
void set_connect(Options& options, const std::string& text) {
    if (text == "none") {
        options.autoconnect = Autoconnect::off;
        return;
    }
    if (text == "default")
        return;
    options.ports_given = true;
    switch (options.command) {
    case Command::record:
        options.capture_target = text;
        return;
    case Command::loopback:
    case Command::monitor: {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos)
            throw Refusal{Outcome::wrong_usage(fmt::format("--connect takes PLAYBACK=CAPTURE here, such as "
                                                           "'system:playback_1=system:capture_1', not '{}'",
                                                           text))};
        options.playback_target = text.substr(0, equals);
        options.capture_target = text.substr(equals + 1);
        return;
    }
    default:
        options.playback_target = text;
        return;
    }
}

void add_json(CLI::App& app, Options& options) {
    app.add_flag("--json", options.json, "Print one JSON object and nothing else");
}

/// An option whose text goes through `convert`, which may throw a Refusal.
void add_converted(CLI::App& app, const std::string& name, const std::string& type, const std::string& help,
                   const std::function<void(const std::string&)>& convert) {
    app.add_option_function<std::string>(name, convert, help)->type_name(type);
}

void add_seconds(CLI::App& app, Options& options, const std::string& help) {
    add_converted(app, "--seconds", "S", help,
                  [&](const std::string& text) { options.seconds = to_seconds("--seconds", text); });
}

void add_reconnect(CLI::App& app, Options& options) {
    app.add_flag("--reconnect", options.reconnect,
                 "Outlive the server: pause while it is gone, and go on when it is back");
}

void add_backend(CLI::App& app, Options& options) {
    app.add_option("--backend", options.backend,
                   fmt::format("auto, {}", backend_names<EnabledBackends>().text()))
        ->type_name("B");
}

void add_stream_options(CLI::App& app, Options& options, const std::string& ports_help) {
    add_backend(app, options);
    app.add_option("--device", options.device,
                   "A device as 'rill-io devices' lists it; with --backend file a path")
        ->type_name("D");
    add_converted(app, "--rate", "HZ", "Sample rate; 0 = the server's own", [&](const std::string& text) {
        options.rate =
            to_count("--rate", text, min_sample_rate, max_sample_rate, "0 (the server's own) or Hz in ");
    });
    add_converted(
        app, "--block", "N", "Frames per block; 0 = what the server delivers", [&](const std::string& text) {
            options.block =
                to_count("--block", text, 1, max_quantum, "0 (what the server delivers) or frames in ");
        });
    add_converted(app, "--channels", "N", "Number of channels", [&](const std::string& text) {
        options.channels = to_count("--channels", text, 1, max_channels, "");
    });
    add_converted(app, "--connect", "none|default|PORTS", ports_help,
                  [&](const std::string& text) { set_connect(options, text); });
    add_json(app, options);
}

/// Each side with a backend or device of its own.
void add_sides(CLI::App& app, Options& options) {
    const std::string backends = backend_names<EnabledBackends>().text();
    const auto add = [&](const char* name, std::string& text, const char* type, const std::string& help) {
        app.add_option(name, text, help)->type_name(type);
    };
    add("--capture-backend", options.capture_backend, "B", "Capture by another one: auto, " + backends);
    add("--playback-backend", options.playback_backend, "B", "Play by another one: auto, " + backends);
    add("--capture-device", options.capture_device, "D", "Another device to capture from");
    add("--playback-device", options.playback_device, "D", "Another device to play to");
}

constexpr const char* playback_ports = "Where to play: ports or clients, with commas, in channel order";
constexpr const char* capture_ports = "What to record: ports or clients, with commas, in channel order";
constexpr const char* both_ports = "Where to play and what to capture: PLAYBACK=CAPTURE, each with commas";

CLI::App* add_command(CLI::App& app, Options& options, Command command, const std::string& name,
                      const std::string& help, const std::string& examples) {
    CLI::App* const sub = app.add_subcommand(name, help);
    sub->group("Commands");
    sub->footer("Examples:\n" + examples + "\nExit codes: see 'rill-io --help'.");
    // Before its options are parsed: --connect means different things.
    sub->preparse_callback([&options, command](std::size_t) { options.command = command; });
    return sub;
}

void add_commands(CLI::App& app, Options& options) {
    CLI::App* sub =
        add_command(app, options, Command::backends, "backends",
                    "List the backends: which are compiled in, which can be used now, and if not why",
                    "  rill-io backends\n");
    add_json(*sub, options);

    sub = add_command(app, options, Command::devices, "devices",
                      "List what the backends can play to and record from",
                      "  rill-io devices\n  rill-io devices --backend jack --json\n"
                      "  rill-io devices --watch --backend alsa\n");
    sub->add_flag(
        "--watch", options.watch,
        "Then tell what appears, disappears or becomes the default, until Ctrl-C (pipewire, jack, alsa)");
    add_backend(*sub, options);
    sub->add_flag("--json", options.json,
                  "Print one JSON object and nothing else; with --watch one on each line");

    sub = add_command(app, options, Command::play, "play", "Play a sound file",
                      "  rill-io play song.flac\n"
                      "  rill-io play song.flac --connect system:playback_3,system:playback_4\n"
                      "  rill-io play song.flac --backend file --device copy.wav --rate 96000\n"
                      "Without an audio server it renders to rill-io-demo.wav in the current directory.\n");
    sub->add_option("FILE", options.file, "WAV, FLAC, AIFF, Ogg, MP3: whatever libsndfile reads")
        ->type_name("")
        ->required();
    sub->add_flag("--loop", options.loop, "Again and again");
    add_seconds(*sub, options, "Stop after so long");
    add_reconnect(*sub, options);
    add_stream_options(*sub, options, playback_ports);

    sub = add_command(app, options, Command::record, "record",
                      "Record to a sound file, until Ctrl-C or --seconds",
                      "  rill-io record take.wav\n"
                      "  rill-io record take.flac --seconds 60 --connect system:capture_1,synth:out_1\n");
    sub->add_option("FILE", options.file,
                    "Its extension chooses the format: wav (32-bit float, RF64 beyond 4 GB), flac, aiff, "
                    "ogg")
        ->type_name("")
        ->required();
    add_seconds(*sub, options, "Record exactly so long");
    add_reconnect(*sub, options);
    add_stream_options(*sub, options, capture_ports);

    sub = add_command(app, options, Command::tone, "tone", "Play a sine",
                      "  rill-io tone --freq 1000 --gain -20dB\n");
    add_converted(*sub, "--freq", "HZ", "Frequency (440)", [&](const std::string& text) {
        options.frequency = to_number("--freq", text);
        if (!(options.frequency > 0.0 && options.frequency < max_frequency))
            out_of_range("--freq", text, fmt::format("more than 0 and less than {} Hz", max_frequency));
    });
    add_converted(*sub, "--gain", "G", "Peak: a factor (0.25), or decibels such as -12dB",
                  [&](const std::string& text) { options.gain = to_gain("--gain", text); });
    add_seconds(*sub, options, "Stop after so long");
    add_reconnect(*sub, options);
    add_stream_options(*sub, options, playback_ports);

    sub =
        add_command(app, options, Command::loopback, "loopback",
                    "Measure the way out and back: latency and exactness; by default through the server only",
                    "  rill-io loopback\n"
                    "  rill-io loopback --seconds 600 --connect system:playback_1,system:playback_2="
                    "system:capture_1,system:capture_2\n");
    add_seconds(*sub, options, "Compare so long (2)");
    add_stream_options(*sub, options, both_ports);

    sub = add_command(
        app, options, Command::monitor, "monitor", "Play what is captured, with meters, until Ctrl-C",
        "  rill-io monitor --block 64\n  rill-io monitor --connect "
        "system:playback_1=synth:out_1 --channels 1\n"
        "  rill-io monitor --capture-backend alsa --capture-device hw:1 --playback-backend jack\n"
        "With a backend or device for one side, each side runs by its own clock: what is "
        "captured\nis resampled to the clock of the playback side, at a constant latency.\n");
    add_seconds(*sub, options, "Stop after so long");
    add_reconnect(*sub, options);
    add_sides(*sub, options);
    add_stream_options(*sub, options, both_ports);
}

std::string one_line(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

} // namespace

ParsedCommandLine parse_command_line(int argc, char** argv) {
    ParsedCommandLine parsed;
    // Also wrong usage is to be told as JSON, wherever the parser gave up.
    parsed.options.json =
        std::any_of(argv, argv + argc, [](std::string_view word) { return word == "--json"; });

    CLI::App app("Real-time audio in and out: plays, records and measures through JACK and other backends.",
                 "rill-io");
    app.set_version_flag("--version", fmt::format("rill-io {} (backends: {})", RILL_IO_VERSION,
                                                  backend_names<EnabledBackends>().text()));
    app.require_subcommand(1);
    app.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app.footer(
        "Examples:\n"
        "  rill-io play song.flac                    plays it through the best backend that is running\n"
        "  rill-io record take.wav --seconds 60      records a minute\n"
        "  rill-io loopback --block 64               measures latency and exactness\n"
        "  rill-io COMMAND --help                    says what else a command can do\n\n"
        "Without --backend the first one is taken that runs and has a device (see 'rill-io backends');\n"
        "the environment variable RILL_IO_BACKEND names another.\n\n" +
        exit_code_table());
    add_commands(app, parsed.options);

    const auto is_asked_for = [&](const CLI::App* sub) { return sub->get_name() == argv[1]; };
    if (argc < 2 || (*argv[1] != '-' && app.get_subcommands(is_asked_for).empty())) {
        const std::string problem =
            argc < 2 ? "a command is missing" : fmt::format("there is no command '{}'", argv[1]);
        parsed.outcome = Outcome::wrong_usage(problem + "; see 'rill-io --help'");
        return parsed;
    }
    try {
        app.parse(argc, argv);
        if (parsed.options.sides_given() && !parsed.options.device.empty())
            parsed.outcome = Outcome::wrong_usage(
                "--device names the device of both sides; use --capture-device and --playback-device");
    } catch (const Refusal& refusal) {
        parsed.outcome = refusal.outcome;
    } catch (const CLI::CallForHelp&) {
        parsed.text = app.help();
        parsed.outcome = Outcome{};
    } catch (const CLI::CallForVersion&) {
        parsed.text = app.version() + "\n";
        parsed.outcome = Outcome{};
    } catch (const CLI::ParseError& error) {
        const std::string command =
            app.get_subcommands().empty() ? std::string() : app.get_subcommands().front()->get_name() + " ";
        parsed.outcome =
            Outcome::wrong_usage(fmt::format("{}; see 'rill-io {}--help'", one_line(error.what()), command));
    }
    return parsed;
}

} // namespace rill::io::tools
