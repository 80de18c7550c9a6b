# SPDX-License-Identifier: MIT
"""report DATA BUILD: writes the report on what bench/run left in DATA into the folder above it: index.html, table.md, and each
plot as SVG and PNG. Draws what is there, and says what is not, and why. BUILD is the build that was measured.

Exit: 0 written (also without plots, if matplotlib is missing), 1 there is nothing to report on."""

import html
import pathlib
import sys

sys.dont_write_bytecode = True
import goals  # noqa: E402
import machine  # noqa: E402
import tables  # noqa: E402
from results import APIS, Results  # noqa: E402

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-top: 1px solid #ddd; padding-top: 1rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: .8rem 0; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e5e5e5; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; vertical-align: bottom; }
svg { max-width: 100%; height: auto; } pre { font-size: 12px; overflow-x: auto; background: #f6f6f6; padding: .8rem; }
.note { background: #fff4e0; padding: .4rem .8rem; margin: .3rem 0; } .absent { color: #777; font-style: italic; }
"""


def drawn(results, folder):
    """{name of a plot: SVG}, and why there are none if so."""
    try:
        import plots
    except ImportError as error:
        return {}, f"no plots: {error} (Debian: python3-matplotlib)"
    images = {}
    for name, draw in plots.ALL.items():
        figure = draw(results)
        if figure is not None:
            images[name] = plots.save(figure, folder, name)
    return images, ""


class Page:
    def __init__(self, results, images):
        self.results, self.images = results, images
        self.parts = []
        self.reasons = {row["name"]: row["reason"] for row in results.outcomes if row["outcome"] != "measured"}

    def text(self, words):
        self.parts.append(f"<p>{words}</p>")

    def section(self, title, words, plot=None, rows=None, sources=()):
        """`sources`: the measurements that this needs; if there is nothing to show, why is what they say."""
        plots = [self.images[plot]] if plot in self.images else []
        self.parts.append(f"<h2>{html.escape(title)}</h2>")
        if plots or rows:
            self.text(words)
            self.parts += plots
            if rows:
                self.parts.append(tables.as_html(rows))
        reasons = [f"{name}: {self.reasons[name]}" for name in sources if name in self.reasons]
        if not plots and not rows and not reasons:
            reasons = ["not measured in this run"]
        self.parts += [f"<p class='absent'>{html.escape(reason)}</p>" for reason in reasons]

    def verbatim(self, text):
        if text:
            self.parts.append(f"<pre>{html.escape(text)}</pre>")


def write(folder, results, images, without_plots, facts):
    page = Page(results, images)
    for note in [*results.notes, *([without_plots] if without_plots else [])]:
        page.parts.append(f"<p class='note'>{html.escape(note)}</p>")
    page.parts.append(tables.as_html([["", ""], *([name, value] for name, value in facts.items())]))

    page.section("Goals", "What the project has set itself, against what this run has measured. Every cell that misses its goal has a line.",
                 None, goals.table(results), [])
    page.section(
        "Over JACK, beside other libraries",
        "Every client does the same work on the same stand-in for <code>libjack</code>, which calls it back to back, and its output is "
        "checked. Instructions are counted by callgrind and exact. Times are processor time, one process per run, in random order. &ldquo;Cycles "
        "late&rdquo;: after how many cycles what came in goes out. The libraries are as Debian packages them; SDL2 is, without JACK.",
        "overhead_per_library", tables.libraries(results.instructions("jack"), results.times("jack")), ["instructions-jack", "times-jack"])
    page.section("By block size", "A library that copies or converts costs more with every frame; one that only calls, the same.",
                 "overhead_by_block", None, ["instructions-jack"])
    page.section("Every API, against C", "The client written by hand has its frames at run time, as a C client has. &ldquo;C, the block a "
                 "constant&rdquo; is the same, specialised by hand.", "overhead_by_api", None, [f"instructions-{api}" for api in APIS])
    for api in APIS:
        if rows := tables.blocks(results, api):
            page.parts.append(f"<h3>{api}</h3>" + tables.as_html(rows))
        if api != "jack" and (rows := tables.libraries(results.instructions(api), results.times(api))):
            page.parts.append(tables.as_html(rows))
    page.section("ALSA", "Over a PCM that always has a period ready, with all that alsa-lib does: about a thousand instructions are its "
                 "mutexes, which rill-io opens PCMs without.", None, tables.alsa(results.alsa), ["instructions-alsa"])
    for playback_only in (False, True):
        if rows := tables.alsa_peers(results.alsa, playback_only):
            page.parts.append(tables.as_html(rows))
    page.section("Dispatch", "The work is 2 channels and a gain; two targets that the compiler must take for different. Beside the work "
                 "itself an indirect call that the processor predicts costs about a nanosecond; one that it does not, ten and more.",
                 "dispatch", None, ["dispatch"])
    page.section("Chains", "What static dispatch buys is not the call: the compiler joins the nodes into one loop, and vectorises it.", "chains",
                 None, ["chains", "chains_v3"])
    page.section("Scale", "The slope is what each more of it costs. The clients are in one process and called one after the other; from "
                 "about 16 on what they touch does not fit into the first cache.", "scale", tables.streams(results.google("streams")),
                 ["scale", "streams"])
    faster = tables.faster_converters(results.conversion)
    page.section("Conversion of samples", "Between a device's interleaved memory and planar floats, medians; each output is checked. "
                 "(*: leaves interleaved what is, which is less work.) " + ("Faster than ours: " + html.escape(faster) + "." if faster else
                                                                             "Nobody is faster than ours."),
                 "conversion", tables.conversion(results.conversion), ["conversion", "from_memory"])
    if rows := tables.from_memory(results.from_memory):
        page.text("The same where no cache holds what is read and written: bytes read and written in a second, how much that is of what "
                  "memcpy moves in turn with it, and of what is moved when the same bytes go between the same places, one for the device "
                  "and one for each channel, and nothing is done to them.")
        page.parts.append(tables.as_html(rows))
    page.section("Latency", "Frames from a client's output through the server's device back to its input, every value that was seen. On "
                 "a server of its own, without hardware.", None, tables.latency(results.latency), ["latency"])
    page.section("Jitter", "How evenly the server calls, and the library passes it on. The clients take turns on one server.", "jitter", None,
                 ["jitter"])
    page.verbatim(results.said("jitter"))
    page.section("Start-up", "From opening to the first callback.", None, None, ["start_up"])
    page.verbatim(results.said("start_up"))
    page.section("Bridge", "Capture and playback on different clocks, in simulated time.", "bridge", None, ["bridge"])

    page.parts.append("<h2>What was measured</h2>" + tables.as_html(
        [["", "outcome", "seconds", "of a processor", "reason"],
         *([row[key] for key in ("name", "outcome", "seconds", "processor_seconds", "reason")] for row in results.outcomes)]))
    page.parts.append("<h2>Versions</h2>" + tables.as_html([["package", "version"], *map(list, machine.packages().items())]))
    page.text("Repeat it: <code>./bench/run</code>. Every number is in <code>data/</code>.")
    (folder / "index.html").write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>rill-io: what a cycle costs</title><style>{STYLE}</style>"
        "<h1>rill-io: what a cycle costs</h1>" + "\n".join(page.parts) + "</html>\n", encoding="utf-8")


def main():
    data, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    root, folder = pathlib.Path(__file__).resolve().parents[2], data.parent
    results = Results(data)
    if not results.outcomes:
        print(f"report: {data} holds no results of bench/run", file=sys.stderr)
        return 1
    facts = machine.facts(root, build)
    for old in [*folder.glob("*.svg"), *folder.glob("*.png"), folder / "table.md"]:
        old.unlink(missing_ok=True)
    images, without_plots = drawn(results, folder)
    if without_plots:
        print(without_plots, file=sys.stderr)
    if rows := tables.readme(results.instructions("jack"), results.times("jack")):
        (folder / "table.md").write_text(
            tables.as_markdown(rows) + f"\nInstructions per cycle at -O3, and how many above (+) or below C by hand; {facts['processor']}, "
            f"{facts['compilers']}; {facts['date'][:10]}, `./bench/run`.\n", encoding="utf-8")
    write(folder, results, images, without_plots, facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
