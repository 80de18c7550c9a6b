# SPDX-License-Identifier: MIT
"""The plots. Each function draws one figure from the results, or returns None where there is nothing to draw."""

import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import matplotlib.ticker as ticker  # noqa: E402

from results import APIS, BLOCKS, CLIENTS  # noqa: E402

OURS, HAND, PEER, FAINT = "#0b62a4", "#333333", "#c96a12", "#bbbbbb"
SHADES = {"rill_io_static": "#0b62a4", "rill_io_channels": "#4f94cd", "rill_io_dynamic": "#8fbfe6"}
LINES = ["#333333", "#0b62a4", "#c96a12", "#3a8f4d", "#8a4fa3", "#b03a48", "#7a7a1e"]

plt.rcParams.update({
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 10.5, "axes.titlelocation": "left", "axes.titleweight": "bold", "figure.constrained_layout.use": True,
    "axes.edgecolor": "#999999", "xtick.color": "#555555", "ytick.color": "#222222", "legend.frameon": False,
})


def colour_of(client):
    return OURS if client.startswith("rill_io") else HAND if client.startswith("raw") else PEER


def short(value, _=None):
    """1000 -> 1k"""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _dots(axes, entries, generic, text, room):
    """One line for each client: where its quartiles are, its median, and what that is."""
    for y, (name, (low, middle, high)) in enumerate(entries):
        axes.plot([low, high], [y, y], color=colour_of(name), linewidth=4, alpha=0.35, solid_capstyle="butt")
        axes.plot(middle, y, "o", color=colour_of(name), markersize=6)
        axes.annotate(text(middle), (max(high, middle), y), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8.5)
    axes.axvline(generic, color=HAND, linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(numticks=12))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(short))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_xlim(right=max(high for _, (_, _, high) in entries) * room)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def overhead_per_library(results, block=64):
    counted, timed = results.instructions("jack"), results.times("jack")
    shown = [name for name in CLIENTS if name not in ("rill_io_selected", "rill_io_any")]
    panels = []
    if timed and "raw_generic" in timed:
        entries = [(name, timed[name][block]) for name in shown if block in timed.get(name, {})]
        panels.append(("nanoseconds: median, quartiles", entries, timed["raw_generic"][block][1],
                       lambda value: f"{value:,.0f}" if value >= 1000 else f"{value:.3g}", 8))
    if counted and "raw_generic" in counted:
        numbers = {name: int(counted[name][block]["instructions"]) for name in shown if block in counted.get(name, {})}
        generic = numbers["raw_generic"]
        panels.append(("instructions (against C by hand)", [(name, (number,) * 3) for name, number in numbers.items()], generic,
                       lambda value: f"{value:,}" + ("" if value == generic else f"  ({value - generic:+,})"), 1200))
    if not panels:
        return None
    count = max(len(panel[1]) for panel in panels)
    figure, all_axes = plt.subplots(1, len(panels), figsize=(10, 0.34 * count + 1.1), squeeze=False,
                                   gridspec_kw={"width_ratios": [4, 5][:len(panels)]})
    for axes, (title, entries, reference, text, room) in zip(all_axes[0], panels):
        _dots(axes, entries, reference, text, room)
        axes.set_title(title)
        first = axes is all_axes[0][0]
        axes.set_yticks(range(len(entries)), [CLIENTS[name] if first else "" for name, _ in entries])
        for label, (name, _) in zip(axes.get_yticklabels(), entries):
            label.set_color(colour_of(name))
    figure.suptitle(f"What a cycle of {block} frames costs over JACK: 2 in, 2 out, a gain", x=0.01, ha="left", fontweight="bold")
    return figure


def _legend_below(figure, axes, rows=1):
    """(matplotlib has a place outside of the axes only since 3.7.)"""
    handles, labels = axes.get_legend_handles_labels()
    height = figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, 0.27 * rows / height, 1, 1 - 0.27 * rows / height))
    figure.legend(handles, labels, loc="lower center", ncol=math.ceil(len(labels) / rows))


def _labelled_line(axes, x, y, label, colour, **style):
    axes.plot(x, y, "o-", color=colour, markersize=4, linewidth=1.6, **style)
    return y[-1], label, colour


def _end_labels(axes, x, labels):
    """Labels at the lines' ends, moved apart where they would overlap (on a logarithmic axis)."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    step = (high - low) * 0.052
    at = -math.inf
    for value, label, colour in sorted(labels):
        at = max(math.log(value), at + step)
        axes.annotate(label, (x, value), xytext=(x * 1.12, math.exp(at)), textcoords="data", va="center", color=colour, fontsize=8.5,
                      annotation_clip=False)


def overhead_by_block(results):
    counted = results.instructions("jack")
    if not counted or "raw_generic" not in counted:
        return None
    figure, axes = plt.subplots(figsize=(10, 4.6))
    generic = counted["raw_generic"]
    labels = []
    for name, by_block in counted.items():
        if name in ("rill_io_selected", "rill_io_any", "peer_cubeb") or any(block not in by_block for block in BLOCKS):
            continue
        ratios = [int(by_block[block]["instructions"]) / int(generic[block]["instructions"]) for block in BLOCKS]
        labels.append(_labelled_line(axes, BLOCKS, ratios, CLIENTS[name], SHADES.get(name, colour_of(name))))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(BLOCKS, [f"{block} frames" for block in BLOCKS])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20])
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g} x"))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_xlim(14, 256 * 2.9)
    axes.axhline(1, color=FAINT, linewidth=0.8)
    _end_labels(axes, 256, labels)
    axes.set_title("Instructions per cycle over JACK, against C by hand, by block size (-O3)"
                   + ("; cubeb, more than 1000 x, is not drawn" if "peer_cubeb" in counted else ""))
    return figure


def overhead_by_api(results):
    tables = {(api, optimization): results.instructions(api, optimization) for api in APIS for optimization in "23"}
    apis = [api for api in APIS if tables[api, "3"] or tables[api, "2"]]
    if not apis:
        return None
    figure, grid = plt.subplots(2, len(apis), figsize=(10, 5), sharey="row", sharex=True, squeeze=False)
    names = ["raw_fixed", *SHADES]
    for column, api in enumerate(apis):
        for row, optimization in enumerate("23"):
            axes, table = grid[row][column], tables[api, optimization]
            axes.axhline(1, color=FAINT, linewidth=0.8)
            for name in names:
                if table and name in table:
                    ratios = [int(table[name][block]["instructions"]) / int(table["raw_generic"][block]["instructions"]) for block in BLOCKS]
                    axes.plot(BLOCKS, ratios, "o-", markersize=4, color=SHADES.get(name, HAND), label=CLIENTS[name])
            axes.set_xscale("log", base=2)
            axes.set_xticks(BLOCKS, BLOCKS)
            axes.minorticks_off()
            axes.set_title(f"{api}, -O{optimization}")
            axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g} x"))
            if row == 1:
                axes.set_xlabel("frames")
    _legend_below(figure, grid[0][0], rows=2)
    figure.suptitle("Instructions per cycle against C by hand (1 x), which has its frames at run time", x=0.01, ha="left", fontweight="bold")
    return figure


def dispatch(results):
    """One panel for each argument value but the first; whatever its names are."""
    rows = results.google("dispatch")
    rows = [row for row in rows or [] if "block" in row["arguments"]]
    if not rows:
        return None
    rows.sort(key=lambda row: (row["arguments"]["block"], row["arguments"].get("random", 0), row["median"]))
    names = list(dict.fromkeys(row["name"] for row in rows))
    kinds = sorted({row["arguments"].get("random", 0) for row in rows})
    words = {0: "always the same target", 1: "the target drawn at random"}
    blocks = sorted({row["arguments"]["block"] for row in rows})
    figure, all_axes = plt.subplots(1, len(blocks), figsize=(10, 0.42 * len(names) + 1.5), sharey=True, squeeze=False)
    for axes, block in zip(all_axes[0], blocks):
        for row in rows:
            if row["arguments"]["block"] != block:
                continue
            random = row["arguments"].get("random", 0)
            y = names.index(row["name"]) + (0.16 if random else -0.16)
            colour = PEER if random else OURS
            axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
            axes.plot(row["median"], y, "o", color=colour, markersize=5)
            axes.annotate(f"{row['median']:.1f}", (max(row["high"], row["median"]), y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set_title(f"{block} frames")
        axes.set_xlim(0, max(row["high"] for row in rows if row["arguments"]["block"] == block) * 1.2)
        axes.set_xlabel("ns per block")
        axes.tick_params(axis="y", length=0)
    all_axes[0][0].set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    all_axes[0][0].set_ylim(len(names) - 0.5, -0.5)
    for random in kinds:
        all_axes[0][-1].plot([], [], "o", color=PEER if random else OURS, label=words.get(random, str(random)))
    _legend_below(figure, all_axes[0][-1])
    figure.suptitle("Ways to reach the work on a block: median and standard deviation", x=0.01, ha="left", fontweight="bold")
    return figure


def chains(results):
    """How much of a chain's time each sample in each node takes: what fusing saves."""
    files = {"every x86-64 (SSE2)": results.google("chains"), "x86-64-v3 (AVX2)": results.google("chains_v3")}
    files = {title: [row for row in rows if {"nodes", "channels", "block"} <= row["arguments"].keys()] for title, rows in files.items() if rows}
    files = {title: rows for title, rows in files.items() if rows}
    if not files:
        return None
    sizes = sorted({(row["arguments"]["nodes"], row["arguments"]["channels"]) for rows in files.values() for row in rows},
                   key=lambda size: (size[1], size[0]))
    words = {"fused": "fused, block at compile time", "fused_run_time": "fused, block at run time",
             "virtual_nodes": "a virtual call for each node", "virtual_channels": "a virtual call for each node and channel"}
    colours = {"fused": OURS, "fused_run_time": "#8fbfe6", "virtual_nodes": HAND, "virtual_channels": PEER}
    figure, grid = plt.subplots(len(files), len(sizes), figsize=(10, 2.3 * len(files) + 0.9), sharex=True, sharey=True, squeeze=False)
    for number, (title, rows) in enumerate(files.items()):
        for axes, (nodes, channels) in zip(grid[number], sizes):
            for name in dict.fromkeys(row["name"] for row in rows):
                points = sorted((row["arguments"]["block"], row) for row in rows if row["name"] == name
                                and (row["arguments"]["nodes"], row["arguments"]["channels"]) == (nodes, channels))
                per = [row["median"] / (block * nodes * channels) for block, row in points]
                axes.plot([block for block, _ in points], per, "o-", markersize=4, color=colours.get(name, FAINT), label=words.get(name, name))
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(ticker.FuncFormatter(short))
            axes.yaxis.set_minor_formatter(ticker.NullFormatter())
            axes.set_xticks(BLOCKS, BLOCKS)
            axes.minorticks_off()
            if number == 0:
                axes.set_title(f"{nodes} node{'s' if nodes > 1 else ''}, {channels} channels")
            if number == len(files) - 1:
                axes.set_xlabel("frames")
        grid[number][0].set_ylabel(f"{title}\nns")
    _legend_below(figure, grid[0][0], rows=2)
    figure.suptitle("Time for each sample in each node of a chain", x=0.01, ha="left", fontweight="bold")
    return figure


def _slope(points):
    """Least squares: how much y grows with x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def scale(results):
    rows = [*(results.google("scale") or []), *(results.google("streams") or [])]
    series = {}
    for row in rows:
        what, _, who = row["name"].partition("/")
        series.setdefault(what, {}).setdefault(who, []).append(row)
    growing = {"channels": "channel", "block": "frame", "nodes": "node", "streams": "stream"}
    panels = [what for what in growing if what in series]
    if not panels and "adapter" not in series:
        return None
    if "adapter" in series:
        panels.append("adapter")
    figure, grid = plt.subplots(2, math.ceil(len(panels) / 2), figsize=(10, 6), squeeze=False)
    who_is = {"rill_io": ("rill-io", OURS), "rill_io_static": ("rill-io, compile time", SHADES["rill_io_dynamic"]), "raw": ("C", HAND),
              "direct": ("none", OURS), "adapted": ("adapted", PEER),
              "direct_static": ("none, static", SHADES["rill_io_dynamic"]), "adapted_static": ("adapted, static", PEER),
              "copies": ("copies alone", HAND)}
    for axes, what in zip(grid.flat, panels):
        if what == "adapter":
            _adapter(axes, series[what], who_is)
            continue
        for who, found in series[what].items():
            name, colour = who_is.get(who, (who, FAINT))
            points = sorted((next(iter(row["arguments"].values())), row["median"]) for row in found)
            axes.plot([x for x, _ in points], [y for _, y in points], "o-", color=colour, markersize=4, linewidth=1.4,
                      label=f"{name}: {_slope(points):.2g} ns a {growing[what]}")
        axes.set_xlabel({"channels": "channels (64 frames)", "block": "frames (2 channels)", "nodes": "nodes (2 channels, 64 frames)",
                         "streams": "clients of a JACK server (2 channels)"}[what])
        axes.set_ylabel("ns per cycle")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0, top=axes.get_ylim()[1] * (1.35 if len(series[what]) > 2 else 1))
        axes.legend(fontsize=8.5, loc="upper left")
    for axes in list(grid.flat)[len(panels):]:
        axes.remove()
    figure.suptitle("What a cycle costs as things grow (clients: over JACK, else host; block and channels at run time)", x=0.01, ha="left", fontweight="bold")
    return figure


def _adapter(axes, series, who_is):
    """A line for each case, with its name beside it."""
    cases = sorted((next(iter(row["arguments"].values())), list(who_is).index(who), row) for who, rows in series.items() for row in rows)
    labels = []
    for y, (block, who, row) in enumerate(cases):
        name, colour = list(who_is.values())[who]
        quantum = list(row["arguments"].values())[-1]
        labels.append(f"{block} in {quantum}, {name}")
        axes.plot(row["median"] / quantum, y, "o", color=colour)
        axes.annotate(f"{row['median'] / quantum:.2f}", (row["median"] / quantum, y), xytext=(6, 0), textcoords="offset points", va="center",
                      fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.15)
    axes.set_xlabel("ns per frame, 2 channels")
    axes.set_title("block adapter: blocks in a quantum (static: channels known)")


def conversion(results):
    """How many times memcpy's time each converter takes, by format and channels."""
    rows = [row for row in results.conversion or [] if "swapped" not in row["format"] and not row["who"].startswith("rill-io,")]
    if not rows:
        return None
    groups = [(direction, channels) for direction in ("read", "write") for channels in sorted({int(row["channels"]) for row in rows})]
    formats = list(dict.fromkeys(row["format"] for row in rows))
    names = list(dict.fromkeys(row["who"] for row in rows))
    figure, grid = plt.subplots(2, len(groups) // 2, figsize=(10, 5.2), sharex=True, sharey=True, squeeze=False)
    for axes, (direction, channels) in zip(grid.flat, groups):
        for index, who in enumerate(names):
            found = [row for row in rows if (row["who"], row["direction"], int(row["channels"])) == (who, direction, channels)]
            axes.plot([formats.index(row["format"]) for row in found], [float(row["ns"]) / float(row["memcpy_ns"]) for row in found],
                      "o", color=OURS if who == "rill-io" else LINES[2 + (index - 1) % 5], markersize=6 if who == "rill-io" else 4.5,
                      label=who + ("" if all(row["layout"] == "planar" for row in rows if row["who"] == who) else " *"))
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g} x"))
        axes.set_xticks(range(len(formats)), formats, fontsize=7.5)
        axes.set_xlim(-0.5, len(formats) - 0.5)
        axes.axhline(1, color=FAINT, linewidth=0.8)
        axes.set_title(f"{direction}, {channels} channels")
    _legend_below(figure, grid[0][0])
    figure.suptitle("Conversion of samples: time against memcpy of the device's bytes (*: leaves interleaved what is)", x=0.01, ha="left",
                    fontweight="bold")
    return figure


def jitter(results):
    if not results.jitter:
        return None
    servers = list(dict.fromkeys(row["server"] for row in results.jitter))
    quantum = int(results.jitter[0]["quantum"])
    nominal = quantum / 48000 * 1e6
    off = {}
    for row in results.jitter:
        off.setdefault((row["server"], row["client"]), []).append(int(row["value"]) / 1e3 - nominal)
    figure, all_axes = plt.subplots(1, len(servers), figsize=(10, 3.4), sharey=True, squeeze=False)
    edges = [-1000 + 25 * index for index in range(81)]
    for axes, server in zip(all_axes[0], servers):
        for (of, client), values in off.items():
            if of != server:
                continue
            colour = OURS if client == "rill-io" else HAND if client == "C" else PEER
            share = [100 / len(values)] * len(values)
            axes.hist([min(max(value, edges[0]), edges[-1]) for value in values], bins=edges, weights=share, histtype="step", color=colour,
                      linewidth=1.4, label=client)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g} %"))
        axes.set_xlabel("microseconds")
        cycles = max(len(values) for (of, _), values in off.items() if of == server)
        axes.set_title({"jack": "jackd", "pipewire": "PipeWire"}.get(server, server) + f", {cycles} cycles each")
        axes.legend(fontsize=8, loc="upper left")
    figure.suptitle(f"Time between two callbacks, less a period of {quantum} frames (the outermost bars hold all beyond)", x=0.01, ha="left",
                    fontweight="bold")
    return figure


def bridge(results):
    rows = results.bridge
    if not rows:
        return None
    seconds = [float(row["seconds"]) for row in rows]
    figure, (fill, ratio) = plt.subplots(2, 1, figsize=(10, 4.4), sharex=True)
    fill.plot(seconds, [float(row["fill_minus_target_frames"]) for row in rows], color=OURS, linewidth=1)
    fill.set_ylabel("frames")
    fill.set_title("fill of the ring, less its target (quantum 256)")
    ratio.plot(seconds, [float(row["ratio_ppm"]) for row in rows], color=OURS, linewidth=1.2)
    ratio.plot(seconds, [float(row["true_drift_ppm"]) for row in rows], color=FAINT, linewidth=1.2, linestyle="--")
    ratio.annotate("the clocks' true drift", (seconds[-1], float(rows[-1]["true_drift_ppm"])), xytext=(0, 8), textcoords="offset points",
                   ha="right", color="#777777", fontsize=8.5)
    ratio.set_ylabel("ppm")
    ratio.set_xlabel("seconds of simulated time; xruns of 700 frames at 40 s (capture) and 50 s (playback)")
    ratio.set_title("resampling ratio")
    for axes in (fill, ratio):
        for moment in (40, 50):
            axes.axvline(moment, color=FAINT, linewidth=0.8, linestyle=":")
    figure.suptitle("A bridge between two clocks 1000 ppm apart", x=0.01, ha="left", fontweight="bold")
    return figure


# name: what draws it
ALL = {
    "overhead_per_library": overhead_per_library,
    "overhead_by_block": overhead_by_block,
    "overhead_by_api": overhead_by_api,
    "dispatch": dispatch,
    "chains": chains,
    "scale": scale,
    "conversion": conversion,
    "jitter": jitter,
    "bridge": bridge,
}


def save(figure, folder, name):
    """Writes NAME.svg and NAME.png -> the SVG's text, to put into a page."""
    figure.savefig(folder / f"{name}.png", dpi=150)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    text = (folder / f"{name}.svg").read_text(encoding="utf-8")
    return text[text.index("<svg"):]
