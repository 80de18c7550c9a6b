# SPDX-License-Identifier: MIT
"""Tables as lists of rows of text, written as HTML or Markdown; the first row is the head."""

import html

from results import BLOCKS, CLIENTS, alsa_cells, conversions, is_faster, latencies, streams_by_clients


def as_html(rows):
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
    return "<table>" + line(rows[0], "th") + "".join(line(row, "td") for row in rows[1:]) + "</table>"


def as_markdown(rows):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|---" + "|---:" * (len(rows[0]) - 1) + "|")
    return "\n".join(lines) + "\n"


def thousands(number, signed=False):
    return f"{number:{'+' if signed else ''},}".replace("-", "\u2212")


def nanoseconds(value):
    return thousands(round(value)) if value >= 1000 else f"{value:.3g}"


def libraries(counted, timed):
    """One API at 64 frames: what a cycle costs in each client."""
    head = ["64 frames, -O3", "instructions", "above C", "ns, median (quartiles)", "locks", "clock reads", "allocations",
            "system calls", "cycles late"]
    if not counted and not timed:
        return None
    rows = [head]
    generic = int(counted["raw_generic"][64]["instructions"]) if counted and "raw_generic" in counted else None
    for name, words in CLIENTS.items():
        counts = (counted or {}).get(name, {}).get(64)
        time = (timed or {}).get(name, {}).get(64)
        if not counts and not time:
            continue
        row = [words]
        if counts:
            number = int(counts["instructions"])
            row += [thousands(number), thousands(number - generic, signed=True) if generic is not None else "not counted"]
        else:
            row += ["not counted"] * 2
        row.append(f"{nanoseconds(time[1])} ({nanoseconds(time[0])}\u2026{nanoseconds(time[2])})" if time else "not timed")
        row += [f"{round(float(counts[kind]))}" if counts else "not counted"
                for kind in ("locks", "clock_reads", "allocations", "system_calls", "cycles_late")]
        rows.append(row)
    return rows


def blocks(results, api):
    """One API's own clients by block, at both optimizations."""
    tables = {optimization: results.instructions(api, optimization) for optimization in "23"}
    if not any(tables.values()):
        return None
    rows = [["instructions per cycle", *(f"-O{optimization}, {block} frames" for optimization in "23" for block in BLOCKS)]]
    for name, words in CLIENTS.items():
        if name.startswith("peer_") or not any(name in (table or {}) for table in tables.values()):
            continue
        rows.append([words, *((lambda row: thousands(int(row["instructions"])) if row else "\u2013")(
            (tables[optimization] or {}).get(name, {}).get(block)) for optimization in "23" for block in BLOCKS)])
    return rows


def alsa(rows):
    if not rows:
        return None
    lines = [["access, format, work", "-O", "frames", "C by hand", "C, the period a constant", "rill-io, compile time", "rill-io, run time",
              "mutex calls: C", "rill-io"]]
    for (optimization, access, block), by in alsa_cells(rows).items():
        if "raw" not in by:
            continue
        number = {client: int(row["instructions"]) for client, row in by.items()}
        lines.append([access, optimization, str(block), thousands(number["raw"]), thousands(number["fixed"]) if "fixed" in by else "\u2013"]
                     + [f"{thousands(number[client])} ({thousands(number[client] - number['raw'], signed=True)})" for client in ("static", "run-time")]
                     + [f"{float(by[client]['locks']):.0f}" for client in ("raw", "static")])
    return lines


def alsa_peers(rows, playback_only):
    """Floats at -O3: by hand, ours, and other libraries, in duplex or where nothing is captured."""
    table = {}
    for row in rows or []:
        access, _, work = row["access"].partition(", ")
        if row["optimization"] != "3" or " FLOAT" not in access or work.startswith("playback") != playback_only:
            continue
        if row["client"] == "fixed" or (access.startswith("mmap") and not playback_only):
            continue
        way = "mapped" if access.startswith("mmap") else "written"
        name = {"raw": "C by hand", "static": "rill-io, block and channels at compile time",
                "run-time": "rill-io, block and channels at run time"}.get(row["client"], row["client"])
        if playback_only:
            name += f", {way}"
        elif row["client"] == "raw":
            name += f", {work}"
        table.setdefault(name, {})[int(row["block"])] = row
    if not any(row["client"] not in ("raw", "static", "run-time") for by in table.values() for row in by.values()):
        return None
    blocks_seen = sorted({block for by in table.values() for block in by})
    what = "floats, playback alone" if playback_only else "floats, read and written"
    lines = [[f"{what}, -O3", *(f"{block} frames" for block in blocks_seen), "mutex calls", "allocations"]]
    for name, by in table.items():
        lines.append([name, *(thousands(int(by[block]["instructions"])) for block in blocks_seen),
                      f"{float(by[blocks_seen[0]]['locks']):.0f}", f"{float(by[blocks_seen[0]]['allocations']):.0f}"])
    return lines


def conversion(rows):
    """ns for a period; a line for each format and direction, a column for each library."""
    if not rows:
        return None
    peers = list(dict.fromkeys(row["who"] for row in rows if not row["who"].startswith("rill-io")))
    lines = [["ns for 256 frames", "memcpy", "rill-io", "\u00d7 memcpy", *peers]]
    for (direction, what, channels), by in conversions(rows).items():
        if "rill-io" not in by:
            continue
        copy, ours = float(by["rill-io"]["memcpy_ns"]), float(by["rill-io"]["ns"])
        lines.append([f"{direction} {what}, {channels} channels", nanoseconds(copy), nanoseconds(ours), f"{ours / copy:.2f}",
                      *(nanoseconds(float(by[peer]["ns"])) + ("" if by[peer]["layout"] == "planar" else " *") if peer in by else "\u2013"
                        for peer in peers)])
    return lines


def from_memory(rows):
    """GB/s; a line for each format, a column for each direction and number of channels."""
    if not rows:
        return None
    channels = list(dict.fromkeys(row["channels"] for row in rows))
    table = {}
    for row in rows:
        table.setdefault((row["direction"], row["format"]), {})[row["channels"]] = row
    lines = [["from memory to memory, GB/s (of memcpy's; of what is not converted)", *(f"{count} channels" for count in channels)]]
    for (direction, what), by in table.items():
        lines.append([f"{direction} {what}", *(f"{float(by[count]['bandwidth']):.1f} ({100 * float(by[count]['ratio']):.0f} %; "
                                               f"{100 * float(by[count]['ratio_to_lines']):.0f} %)" for count in channels)])
    return lines


def faster_converters(rows):
    """Where a peer is faster than ours, by more than the rounds differ (quartiles): words, or ""."""
    found = [f"{who}, {direction} {what}, {channels} channels" for (direction, what, channels), by in conversions(rows).items()
             for who, row in by.items() if not who.startswith("rill-io") and "rill-io" in by and is_faster(row, by["rill-io"])]
    return "; ".join(found)


def streams(rows):
    """A cycle of one server, by the number of its clients."""
    if not rows:
        return None
    names = {"raw": CLIENTS["raw_generic"], "rill_io": CLIENTS["rill_io_dynamic"], "rill_io_static": CLIENTS["rill_io_static"]}
    table = streams_by_clients(rows)
    counts = sorted({count for by in table.values() for count in by})
    lines = [["ns per cycle and client", *(f"{count} client{'s' if count > 1 else ''}" for count in counts)]]
    for name, by in table.items():
        lines.append([names.get(name, name), *(nanoseconds(by[count]['median'] / count) if count in by else "not measured" for count in counts)])
    return lines


def latency(rows):
    if not rows:
        return None
    quantums = sorted({int(row["quantum"]) for row in rows})
    lines = [["server, client", *(f"quantum {quantum}" for quantum in quantums)]]
    for (server, client), by in latencies(rows).items():
        lines.append([f"{server}, {client}"] + ["/".join(map(str, sorted(set(by[quantum])))) if quantum in by else "not measured" for quantum in quantums])
    return lines


def readme(counted, timed):
    """The short one, to paste."""
    if not counted or not timed or "raw_generic" not in counted or "raw_generic" not in timed:
        return None
    generic = {block: int(row["instructions"]) for block, row in counted["raw_generic"].items()}
    rows = [["JACK, 2 in + 2 out, gain", *(f"{block} frames" for block in BLOCKS), "ns at 64", "locks", "clock reads", "cycles late"]]
    for name, words in CLIENTS.items():
        if name not in counted or name not in timed or any(block not in counted[name] for block in BLOCKS):
            continue
        row = counted[name][64]
        numbers = [int(counted[name][block]["instructions"]) for block in BLOCKS]
        cells = [thousands(number) if name == "raw_generic" else thousands(number - generic[block], signed=True)
                 for number, block in zip(numbers, BLOCKS)]
        rows.append([words, *cells, nanoseconds(timed[name][64][1]),
                     *(f"{round(float(row[kind]))}" for kind in ("locks", "clock_reads", "cycles_late"))])
    return rows
