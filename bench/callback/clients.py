# SPDX-License-Identifier: MIT
"""The programs that do the same work: what they are called in tables, and where a build has them."""

BLOCKS = [16, 64, 256]
CLIENTS = ("raw_generic", "rill_io_static", "rill_io_channels", "rill_io_dynamic", "rill_io_selected", "rill_io_any")


def clients_of(folder, api, optimization, block):
    """{name in the table: program}, of those that this build has."""
    files = {"raw_fixed": f"raw_fixed_{block}", **{name: name for name in CLIENTS}}
    programs = {name: folder / f"{api}_{file}_O{optimization}" for name, file in files.items()}
    return {name: program for name, program in programs.items() if program.exists()}


def peers_of(folder, api):
    """The same for other libraries."""
    prefix = f"{api}_peer_"
    programs = sorted(path for path in (folder / "peers").glob(prefix + "*") if path.is_file())
    return {"peer_" + path.name.removeprefix(prefix): path for path in programs}
