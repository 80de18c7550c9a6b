# SPDX-License-Identifier: MIT
"""Where the numbers come from: machine, compilers, packages, commit."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

PACKAGES = ["libjack-jackd2-0", "libpipewire-0.3-0", "libasound2", "libportaudio2", "librtaudio6", "libsoundio2", "libcubeb0",
            "libsdl2-2.0-0", "libbenchmark1debian", "valgrind", "jackd2", "pipewire", "pipewire-jack", "python3-matplotlib"]


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout.strip().splitlines() or [""])[0]


def text_of(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def processor():
    names = re.findall(r"model name\s*:\s*(.*)", text_of("/proc/cpuinfo"))
    flags = text_of("/proc/cpuinfo").split()
    widest = next((name for name, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2"), ("SSE2", "sse2")) if flag in flags), "")
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} logical processors" + (f", up to {widest}" if widest else "")


def governor():
    name = text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if not name:
        return "not told" + (" (a virtual machine)" if "hypervisor" in text_of("/proc/cpuinfo") else "")
    return name


def compilers(build):
    """Name and version of the compilers, and the options of the build."""
    try:
        found = json.loads((pathlib.Path(build) / "meson-info/intro-compilers.json").read_text(encoding="utf-8"))["host"]
        names = [f"{language}: {about['full_version']}" for language, about in found.items()]
    except (OSError, ValueError, KeyError):
        names = [first_line("c++", "--version")]
    try:
        options = json.loads((pathlib.Path(build) / "meson-info/intro-buildoptions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        options = []
    wanted = {option["name"]: option["value"] for option in options}
    flags = [f"cpp_std={wanted.get('cpp_std', '?')}", "each program with the -O that its row names, no -march"]
    flags += [f"{key}={' '.join(wanted[key])}" for key in ("c_args", "cpp_args") if wanted.get(key)]
    return "; ".join(names), ", ".join(flags)


def packages():
    """{package: version} of those that are installed."""
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n", *PACKAGES],
                              capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return {}
    return {words[0]: words[1] for words in map(str.split, done.stdout.splitlines()) if len(words) == 3 and words[2] == "installed"}


def commit(root):
    git = ("git", "-c", f"safe.directory={root}", "-C", str(root))
    name = first_line(*git, "describe", "--always", "--tags", "--abbrev=12")
    changed = first_line(*git, "status", "--porcelain", "--untracked-files=no")
    return (name + (", with changes that are not committed" if changed else "")) if name else "not in a git repository"


def facts(root, build):
    compiler, flags = compilers(build)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(root),
        "processor": processor(),
        "frequency governor": governor(),
        "kernel": f"{platform.system()} {platform.release()}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "") if hasattr(platform, "freedesktop_os_release") else "",
        "compilers": compiler,
        "compiled with": flags,
    }
