# SPDX-License-Identifier: MIT
"""What the project has set itself, cell by cell against what was measured: how many cells hold, and each that does not, by how
much and why. A cell whose measurement is missing is neither."""

from statistics import mode

import tables
from results import APIS, BLOCKS, CLIENTS, alsa_cells, conversions, is_faster, latencies, quartiles, streams_by_clients

OPTIMIZATIONS = "23"
LEAST_BANDWIDTH = 0.8  # of memcpy's


def explained(title):
    return f"see docs/speed.md, \u201c{title}\u201d"


class Goal:
    def __init__(self, asked):
        self.asked = asked
        self.cells, self.misses = 0, []

    def cell(self, where, misses_by, why=""):
        """`misses_by`: words, or None where it holds. `why`: what is known of a miss here."""
        self.cells += 1
        if misses_by is not None:
            self.misses.append((where, misses_by, why or "no reason is known"))


def excess(number, limit):
    return f"{tables.thousands(number - limit, signed=True)} instructions" if number > limit else None


def instructions(results):
    below = Goal("block and channels at compile time: 60 instructions below C by hand, sizes at run time")
    constant = Goal("the same: at most 15 above C with the same constants")
    run_time = Goal("block and channels at run time: at most 60 instructions above C")
    quiet = Goal("no lock, no clock read, no allocation, no system call in a cycle")
    selector = Goal("chosen by a Selector: not one instruction more")
    for api in APIS:
        for optimization in OPTIMIZATIONS:
            counted = results.instructions(api, optimization) or {}

            def number(client, block):
                row = counted.get(client, {}).get(block)
                return int(row["instructions"]) if row else None

            for block in BLOCKS:
                where = f"{api}, {block} frames, -O{optimization}"
                short = explained("16 frames") if block == 16 else ""
                bare = "its C client calls nothing at all; what is left are mailbox, gate and counters" if api in ("portaudio", "host") else ""
                for goal, ours, theirs, allowed, why in (
                        (below, "rill_io_static", "raw_generic", -60, short), (constant, "rill_io_static", "raw_fixed", 15, bare),
                        (run_time, "rill_io_dynamic", "raw_generic", 60, short), (selector, "rill_io_selected", "rill_io_static", 0, "")):
                    if number(ours, block) is not None and number(theirs, block) is not None:
                        goal.cell(where, excess(number(ours, block) - number(theirs, block), allowed), why)
                for client in ("rill_io_static", "rill_io_dynamic"):
                    if row := counted.get(client, {}).get(block):
                        found = [kind.replace("_", " ") for kind in ("locks", "clock_reads", "allocations", "system_calls") if float(row[kind]) >= 0.5]
                        quiet.cell(f"{where}, {CLIENTS[client]}", ", ".join(found) or None)
    return [below, constant, run_time, quiet, selector]


def alsa(results):
    below = Goal("ALSA, block and channels at compile time: 60 instructions below C by hand")
    constant = Goal("ALSA, the same: at most 15 above C with the period a constant")
    run_time = Goal("ALSA, at run time: at most 60 above C")
    for (optimization, access, block), by in alsa_cells(results.alsa).items():
        for goal, ours, theirs, allowed in ((below, "static", "raw", -60), (constant, "static", "fixed", 15), (run_time, "run-time", "raw", 60)):
            if ours in by and theirs in by:
                above = int(by[ours]["instructions"]) - int(by[theirs]["instructions"])
                goal.cell(f"{access}, {block} frames, -O{optimization}", excess(above, allowed))
    return [below, constant, run_time]


def conversion(results):
    copy = Goal("conversion from memory to memory: at least 80 % of memcpy's bandwidth")
    lines = Goal("conversion from memory to memory: at least 80 % of what the same bytes take between as many places, not converted")
    for row in results.from_memory or []:
        where = f"{row['direction']} {row['format']}, {row['channels']} channels"
        ratio, to_lines = float(row["ratio"]), float(row["ratio_to_lines"])
        copy.cell(where, f"{100 * ratio:.0f} %; not converted {100 * float(row['lines_bandwidth']) / float(row['memcpy_bandwidth']):.0f} %"
                  if ratio < LEAST_BANDWIDTH else None, explained("Conversion against memcpy"))
        lines.cell(where, f"{100 * to_lines:.0f} %" if to_lines < LEAST_BANDWIDTH else None, explained("Conversion against memcpy"))
    peers = Goal("conversion: nobody faster, by more than the rounds differ")
    for (direction, what, channels), by in conversions(results.conversion).items():
        if "rill-io" not in by:
            continue
        ours = by["rill-io"]
        for who, row in by.items():
            if not who.startswith("rill-io"):
                peers.cell(f"{direction} {what}, {channels} channels, {who}",
                           f"{tables.nanoseconds(float(ours['ns']))} ns against {tables.nanoseconds(float(row['ns']))}"
                           if is_faster(row, ours) else None)
    return [copy, lines, peers]


def latency(results):
    goal = Goal("round trip through a server: the C client's, to the frame")
    seen = latencies(results.latency)
    for (server, client), by in seen.items():
        for quantum, values in by.items() if client == "rill-io" else ():
            if raw := seen.get((server, "C"), {}).get(quantum):
                # (As bench/live/measure has it: a server that is late skips a cycle, and what counts is what was seen most often.)
                ours, theirs = mode(values), mode(raw)
                goal.cell(f"{server}, quantum {quantum}", f"{ours} against {theirs}" if ours != theirs else None)
    return [goal]


def scale(results):
    streams = Goal("many clients of one server, at compile time: no slower than C")
    by = streams_by_clients(results.google("streams"))
    for count, row in sorted(by.get("rill_io_static", {}).items()):
        if raw := by.get("raw", {}).get(count):
            streams.cell(f"{count} clients", f"{row['median'] / count:.1f} ns each against {raw['median'] / count:.1f}"
                         if row["low"] > raw["high"] else None, explained("Many streams in one process"))
    adapter = Goal("a block that does not divide the quantum: at most what one more copy each way takes")
    times = {}  # ns per frame
    for row in results.google("scale") or []:
        kind, _, what = row["name"].partition("/")
        if kind == "adapter":
            block, quantum = row["arguments"].values()
            times.setdefault(block, {})[what] = (row["median"] / quantum, quantum)
    for block, by in times.items():
        for suffix, known in (("", "two channels, known at run time"), ("_static", "two channels, at compile time")):
            if {f"direct{suffix}", f"adapted{suffix}", "copies"} <= by.keys():
                (adapted, quantum), (direct, _), (copies, _) = by[f"adapted{suffix}"], by[f"direct{suffix}"], by["copies"]
                adapter.cell(f"{block} frames in {quantum}, {known}",
                             f"{adapted - direct:.3f} ns per frame where the copies take {copies:.3f}" if adapted - direct > copies else None,
                             explained("Small blocks through the adapter"))
    return [streams, adapter]


def start_up(results):
    goal = Goal("from opening to the first callback: within 10 % of C")
    seen = {}
    for row in results.start_up or []:
        seen.setdefault((row["server"], row["quantum"]), {}).setdefault(row["client"], []).append(int(row["value"]) / 1e6)
    for (server, quantum), by in seen.items():
        if "C" in by and "rill-io" in by:
            raw, ours = quartiles(by["C"])[1], quartiles(by["rill-io"])[1]
            goal.cell(f"{server}, quantum {quantum}", f"{ours:.1f} ms against {raw:.1f}" if ours > 1.1 * raw else None,
                      explained("In opening"))
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
        lines += [[f"\u2003{where}", "", by, why] for where, by, why in goal.misses]
    return lines if len(lines) > 1 else None
