# SPDX-License-Identifier: MIT
"""What one cycle of a program costs, counted by callgrind: exact, and the same in every run of one binary, whatever else
the machine does. Only the cycles themselves count: those of one function, or two runs of different length, subtracted."""

import concurrent.futures
import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NOTHING_TO_COUNT_WITH = 77
# Functions of the C library that a cycle thread should not call. (Its own inner calls have other names.)
WATCHED = {
    "locks": {"pthread_mutex_lock", "pthread_mutex_trylock", "pthread_rwlock_rdlock", "pthread_rwlock_wrlock", "pthread_spin_lock"},
    "clock_reads": {"clock_gettime", "gettimeofday", "time"},
    "allocations": {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign", "memalign"},
}
COUNTED = ["instructions", *WATCHED, "system_calls"]


class Failed(Exception):
    """A program did not do what it is counted for; the text says which one, and what it said."""


def require_valgrind():
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is missing, no instructions were counted (Debian: valgrind)")
        sys.exit(NOTHING_TO_COUNT_WITH)


def calls_in(profile):
    """How often each function was called, from callgrind's file. Names are given once, then by number. (The number includes
    calls while nothing is collected, but such a caller has no cost: it is left out.)"""
    names, calls, callee, number = {}, {}, "", 0
    for line in profile.read_text(errors="replace").splitlines():
        if match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            if match[2]:
                names[match[1]] = match[2].split("@")[0].split("'")[0].lstrip("_")
            if line[0] == "c":
                callee = names[match[1]]
        elif line.startswith("calls="):
            number = int(line[6:].split()[0])
        elif number:
            if sum(int(cost) for cost in line.split()[1:]) > 0:
                calls[callee] = calls.get(callee, 0) + number
            number = 0
    return calls


def _run(command, toggle, environment):
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder, "profile")
        valgrind = ["valgrind", "--tool=callgrind", "--collect-systime=yes", f"--callgrind-out-file={profile}"]
        if toggle:
            valgrind += [f"--toggle-collect={toggle}", f"--zero-before={toggle}", f"--dump-after={toggle}"]
        try:
            done = subprocess.run(valgrind + [str(word) for word in command], env={**os.environ, **environment},
                                  capture_output=True, text=True, errors="replace", timeout=300, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as slow:
            raise Failed(f"{command[0]} did not end within {slow.timeout:.0f} s under callgrind") from slow
        totals = re.search(r"Collected : (\d+)(?: (\d+))?", done.stderr)
        if done.returncode != 0 or not totals:
            said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("==")]
            raise Failed(f"{command[0]} failed ({done.returncode}): " + "\n".join(said[-5:]))
        dumped = pathlib.Path(f"{profile}.1") if toggle else profile
        if not dumped.exists():
            raise Failed(f"{command[0]} has no function {toggle} to count in")
        calls = calls_in(dumped)
    counts = {kind: sum(calls.get(name, 0) for name in names) for kind, names in WATCHED.items()}
    return {"instructions": int(totals[1]), **counts, "system_calls": int(totals[2] or 0)}, done.stdout


def count(make_command, cycles, toggle="", environment=None):
    """What a cycle costs. `make_command(n)` -> the command that runs n cycles and n's environment variables, if any. `toggle`: the
    function that runs them and does nothing else (what it does once is a dozen instructions, which so many cycles round away).
    Returns the counts per cycle and what the program printed. (Calls to the nearest hundredth: callgrind now and then takes a
    system call of the start for one of the counted part.)"""
    def total(number):
        command, variables = make_command(number)
        return _run(command, toggle, {**(environment or {}), **variables})

    counts, printed = total(cycles)
    if not toggle:
        longer, printed = total(3 * cycles)
        counts, cycles = {name: longer[name] - counts[name] for name in COUNTED}, 2 * cycles
    per_cycle = {name: counts[name] / cycles for name in COUNTED}
    return {name: round(number) if name == "instructions" else round(number, 2) for name, number in per_cycle.items()}, printed


def side_by_side(tasks):
    """{key: function} -> {key: result, or the Failed that it raised}. (What is counted does not mind company, and
    some of it sleeps: hence two for each processor.)"""
    def outcome(task):
        try:
            return task()
        except Failed as failure:
            return failure
    with concurrent.futures.ThreadPoolExecutor(max_workers=2 * os.cpu_count()) as pool:
        return dict(zip(tasks, pool.map(outcome, tasks.values())))


def write_csv(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
