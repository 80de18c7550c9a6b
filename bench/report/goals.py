# SPDX-License-Identifier: MIT
"""What the project has set itself, cell by cell against what was measured: how many cells hold, and each that does not, by how
much and why. A cell whose measurement is missing is neither."""

from results import APIS, BLOCKS, CLIENTS
import tables

OPTIMIZATIONS = "23"
MOST_COPIES = 1.25  # times memcpy: 80 % of its bandwidth
WHY = {
    "below C": "a short block leaves less to save than that: see docs/speed.md, \u201c16 frames\u201d",
    "constant": "what is left are mailbox, gate and counters, which the C client does not have",
    "run time": "sizes at run time are looked up where the C client calls nothing at all: see docs/speed.md, \u201c16 frames\u201d",
    "quiet": "",
    "selector": "",
    "alsa below C": "",
    "alsa run time": "",
    "copy": "the samples change places and are looked at for NaN and range: see docs/speed.md, \u201cConversion against memcpy\u201d",
    "peers": "see docs/speed.md, \u201cIn conversion\u201d",
    "latency": "",
    "streams": "a client's state lies on more cache lines than C's, and they do not all stay in the first cache: see docs/speed.md, "
               "\u201cMany streams in one process\u201d",
    "start-up": "open() waits for a first cycle, which tells the rate and the quantum: see docs/speed.md, \u201cOpening over PipeWire\u201d",
    "adapter": "nothing is copied twice, but the graph is called for each block: see docs/speed.md, \u201cSmall blocks through the adapter\u201d",
}


class Goal:
    def __init__(self, name, asked):
        self.name, self.asked = name, asked
        self.cells, self.misses = 0, []

    def cell(self, where, misses_by):
        """`misses_by`: words, or None where it holds."""
        self.cells += 1
        if misses_by is not None:
            self.misses.append((where, misses_by))


def at_most(number, limit, unit):
    return f"{tables.thousands(number - limit, signed=True)} {unit}" if number > limit else None


def instructions(results):
    below = Goal("below C", "block and channels at compile time: 60 instructions below C by hand, sizes at run time")
    constant = Goal("constant", "the same: at most 15 above C with the same constants")
    run_time = Goal("run time", "block and channels at run time: at most 60 instructions above C")
    quiet = Goal("quiet", "no lock, no clock read, no allocation, no system call in a cycle")
    selector = Goal("selector", "chosen by a Selector: not one instruction more")
    for api in APIS:
        for optimization in OPTIMIZATIONS:
            counted = results.instructions(api, optimization) or {}

            def number(client, block):
                row = counted.get(client, {}).get(block)
                return int(row["instructions"]) if row else None

            for block in BLOCKS:
                where = f"{api}, {block} frames, -O{optimization}"
                for goal, ours, theirs, allowed in ((below, "rill_io_static", "raw_generic", -60), (constant, "rill_io_static", "raw_fixed", 15),
                                                    (run_time, "rill_io_dynamic", "raw_generic", 60),
                                                    (selector, "rill_io_selected", "rill_io_static", 0)):
                    if number(ours, block) is not None and number(theirs, block) is not None:
                        goal.cell(where, at_most(number(ours, block) - number(theirs, block), allowed, "instructions"))
                for client in ("rill_io_static", "rill_io_dynamic"):
                    if row := counted.get(client, {}).get(block):
                        found = [kind.replace("_", " ") for kind in ("locks", "clock_reads", "allocations", "system_calls") if float(row[kind]) >= 0.5]
                        quiet.cell(f"{where}, {CLIENTS[client]}", ", ".join(found) or None)
    return [below, constant, run_time, quiet, selector]


def alsa(results):
    below = Goal("alsa below C", "ALSA, block and channels at compile time: 60 instructions below C by hand")
    run_time = Goal("alsa run time", "ALSA, at run time: at most 60 above C")
    cells = {}
    for row in results.alsa or []:
        cells.setdefault((row["access"], row["block"], row["optimization"]), {})[row["client"]] = int(row["instructions"])
    for (access, block, optimization), by in cells.items():
        for goal, ours, allowed in ((below, "static", -60), (run_time, "run-time", 60)):
            if "raw" in by and ours in by:
                goal.cell(f"{access}, {block} frames, -O{optimization}", at_most(by[ours] - by["raw"], allowed, "instructions"))
    return [below, run_time]


def conversion(results):
    copy = Goal("copy", "conversion of FLOAT and S32, 2 channels: at least 80 % of memcpy's bandwidth")
    peers = Goal("peers", "conversion: nobody faster, by more than the rounds differ")
    ours = {}
    for row in results.conversion or []:
        if row["who"] == "rill-io":
            ours[row["direction"], row["format"], row["channels"]] = row
    for (direction, what, channels), row in ours.items():
        if channels == "2" and what in ("FLOAT", "S32"):
            ratio = float(row["memcpy_ns"]) / float(row["ns"])
            copy.cell(f"{direction} {what}", f"{100 * ratio:.0f} %" if ratio < 1 / MOST_COPIES else None)
    for row in results.conversion or []:
        key = row["direction"], row["format"], row["channels"]
        if not row["who"].startswith("rill-io") and key in ours:
            faster = float(row["ns_high"]) < float(ours[key]["ns_low"])
            peers.cell(f"{row['direction']} {row['format']}, {row['channels']} channels, {row['who']}",
                       f"{tables.nanoseconds(float(ours[key]['ns']))} ns against {tables.nanoseconds(float(row['ns']))}" if faster else None)
    return [copy, peers]


def latency(results):
    goal = Goal("latency", "round trip through a server: the C client's, to the frame")
    seen = {}
    for row in results.latency or []:
        seen.setdefault((row["server"], int(row["quantum"])), {}).setdefault(row["client"], set()).add(int(row["value"]))
    for (server, quantum), by in seen.items():
        if "C" in by and "rill-io" in by:
            goal.cell(f"{server}, quantum {quantum}", None if by["rill-io"] <= by["C"] else f"{sorted(by['rill-io'])} against {sorted(by['C'])}")
    return [goal]


def scale(results):
    streams = Goal("streams", "many clients of one server, at compile time: no slower than C")
    by = {}
    for row in results.google("streams") or []:
        by.setdefault(row["name"].partition("/")[2], {})[next(iter(row["arguments"].values()))] = row
    for count, row in sorted(by.get("rill_io_static", {}).items()):
        if raw := by.get("raw", {}).get(count):
            slower = row["low"] > raw["high"]
            streams.cell(f"{count} clients", f"{row['median'] / count:.1f} ns each against {raw['median'] / count:.1f}" if slower else None)
    adapter = Goal("adapter", "a block that is not the quantum: at most one more copy each way")
    times = {}
    for row in results.google("scale") or []:
        kind, _, what = row["name"].partition("/")
        if kind == "adapter":
            times.setdefault(tuple(row["arguments"].values()), {})[what] = row["median"]
    for (block, quantum), by_kind in times.items():
        if {"direct", "adapted", "copies"} <= by_kind.keys():
            more = by_kind["adapted"] - by_kind["direct"]
            adapter.cell(f"{block} frames in {quantum}", f"{more:.0f} ns per cycle where the copies take {by_kind['copies']:.0f}"
                         if more > by_kind["copies"] else None)
    return [streams, adapter]


def start_up(results):
    goal = Goal("start-up", "from opening to the first callback: within 10 % of C")
    seen = {}
    for row in results.start_up or []:
        seen.setdefault((row["server"], int(row["quantum"])), {}).setdefault(row["client"], []).append(int(row["value"]))
    for (server, quantum), by in seen.items():
        if "C" in by and "rill-io" in by:
            raw, ours = (sorted(by[who])[len(by[who]) // 2] / 1e6 for who in ("C", "rill-io"))
            goal.cell(f"{server}, quantum {quantum}", f"{ours:.1f} ms against {raw:.1f}" if ours > 1.1 * raw else None)
    return [goal]


def all_of(results):
    return [goal for measure in (instructions, alsa, conversion, latency, scale, start_up) for goal in measure(results)]


def table(results):
    """A line for each goal of which something was measured, and below it one for each cell that misses it."""
    lines = [["goal", "holds in", "misses by", "why"]]
    for goal in all_of(results):
        if goal.cells == 0:
            continue
        lines.append([goal.asked, f"{goal.cells - len(goal.misses)} of {goal.cells}", "", ""])
        lines += [[f"\u2003{where}", "", by, WHY[goal.name]] for where, by in goal.misses]
    return lines if len(lines) > 1 else None
