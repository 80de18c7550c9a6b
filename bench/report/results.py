# SPDX-License-Identifier: MIT
"""What bench/run left in its data folder. A file that is not there is None, never an empty table."""

import csv
import json
import pathlib
import statistics

BLOCKS = [16, 64, 256]
APIS = ["jack", "pipewire", "portaudio", "host"]

# How a client is called in tables and plots, in this order.
CLIENTS = {
    "raw_fixed": "C, the block a constant",
    "raw_generic": "C, written by hand",
    "rill_io_static": "rill-io, block and channels at compile time",
    "rill_io_selected": "rill-io, the same, chosen by a Selector",
    "rill_io_any": "rill-io, the same, backend any",
    "rill_io_channels": "rill-io, channels at compile time",
    "rill_io_dynamic": "rill-io, block and channels at run time",
    "peer_rtaudio_planar": "RtAudio, planar",
    "peer_soundio": "libsoundio, two clients",
    "peer_portaudio_any_frames": "PortAudio, any frames",
    "peer_portaudio_fixed_block": "PortAudio, fixed block",
    "peer_rtaudio_interleaved": "RtAudio, interleaved",
    "peer_cubeb": "cubeb, duplex",
}


def read_csv(path):
    if not path.is_file():
        return None
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)) or None


def read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def quartiles(values):
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def grouped(rows, key, member):
    """{key(row): {member(row): row}}, in the rows' order."""
    table = {}
    for row in rows or []:
        table.setdefault(key(row), {})[member(row)] = row
    return table


def alsa_cells(rows):
    """{(optimization, access, block): {client: row}}"""
    return grouped(rows, lambda row: (row["optimization"], row["access"], int(row["block"])), lambda row: row["client"])


def conversions(rows):
    """{(direction, format, channels): {library: row}}"""
    return grouped(rows, lambda row: (row["direction"], row["format"], row["channels"]), lambda row: row["who"])


def is_faster(row, ours):
    """By more than the rounds differ (quartiles)."""
    return float(row["ns_high"]) < float(ours["ns_low"])


def streams_by_clients(rows):
    """{client: {how many of them: row}}"""
    return grouped(rows, lambda row: row["name"].partition("/")[2], lambda row: next(iter(row["arguments"].values())))


def latencies(rows):
    """{(server, client): {quantum: all values that were seen}}"""
    seen = {}
    for row in rows or []:
        seen.setdefault((row["server"], row["client"]), {}).setdefault(int(row["quantum"]), []).append(int(row["value"]))
    return seen


class Results:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.outcomes = read_csv(self.folder / "outcomes.csv") or []
        notes = self.folder / "notes.txt"
        self.notes = notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else []
        self.alsa = read_csv(self.folder / "instructions-alsa.csv")
        self.conversion = read_csv(self.folder / "conversion.csv")
        self.from_memory = read_csv(self.folder / "from_memory.csv")
        self.bridge = read_csv(self.folder / "bridge.csv")
        self.latency = read_csv(self.folder / "latency.csv")
        self.jitter = read_csv(self.folder / "jitter.csv")
        self.start_up = read_csv(self.folder / "start_up.csv")

    def said(self, name):
        """What a program printed."""
        path = self.folder / f"{name}.txt"
        return path.read_text(encoding="utf-8", errors="replace").rstrip() if path.is_file() else ""

    def instructions(self, api, optimization="3"):
        """{client: {block: row}}, or None."""
        rows = read_csv(self.folder / f"instructions-{api}.csv")
        table = {}
        for row in rows or []:
            if row["optimization"] == optimization:
                table.setdefault(row["client"], {})[int(row["block"])] = row
        return {name: table[name] for name in CLIENTS if name in table} or None

    def times(self, api):
        """{client: {block: (first quartile, median, third quartile)}} in ns, or None."""
        rows = read_csv(self.folder / f"times-{api}.csv")
        runs = {}
        for row in rows or []:
            runs.setdefault(row["client"], {}).setdefault(int(row["block"]), []).append(float(row["ns"]))
        return {name: {block: quartiles(values) for block, values in runs[name].items()}
                for name in CLIENTS if name in runs} or None

    def google(self, name):
        """Google Benchmark's aggregates: [{"name", "arguments": {key or place: number}, "median", "low", "high"}] in ns, or
        None. Low and high are a standard deviation away: that is what it reports."""
        data = read_json(self.folder / f"{name}.json")
        if not data:
            return None
        found = {}
        to_ns = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
        for run in data.get("benchmarks", []):
            if run.get("aggregate_name") in ("median", "stddev") and run.get("aggregate_unit", "time") == "time":
                found.setdefault(run["run_name"], {})[run["aggregate_name"]] = run["cpu_time"] * to_ns[run["time_unit"]]
        rows = []
        for full_name, numbers in found.items():
            names, arguments = [], {}
            for word in full_name.split("/"):
                key, _, value = word.rpartition(":")
                if value.isdigit():
                    arguments[key or len(arguments)] = int(value)
                else:
                    names.append(word)
            first = "/".join(names)
            deviation = numbers.get("stddev", 0.0)
            rows.append({"name": first, "arguments": arguments, "median": numbers["median"],
                         "low": numbers["median"] - deviation, "high": numbers["median"] + deviation})
        return rows or None
