"""How long Tab takes at every position of tests/e2e/protocol/completion.txt. See `run` beside this file.

Prints a Markdown table, in milliseconds: the first pass, in which rust-analyzer meets each type for the first time,
and later passes. The kernel has answered one completion before.
"""

import statistics
import sys
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel

POSITIONS = Path(__file__).parents[2] / "e2e" / "protocol" / "completion.txt"
LATER_PASSES = 3


def read_positions():
    """The cells to run first, and (code, cursor) of each position."""
    setup, positions, section = [], [], ""
    for line in POSITIONS.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("# "):
            if section == "[setup]":
                setup.append(line)
            else:
                marked = line.split("→")[0].rstrip().replace("↵", "\n")
                positions.append((marked.replace("│", ""), marked.index("│")))
    return setup, positions


def seconds(client, code, cursor):
    before = time.perf_counter()
    client.complete(code, cursor, reply=True, timeout=60)
    return time.perf_counter() - before


def row(name, figures):
    figures = sorted(1000 * figure for figure in figures)
    ninth = figures[int(len(figures) * 0.9)]
    print(f"| {name} | {statistics.median(figures):.0f} | {ninth:.0f} | {figures[-1]:.0f} |")


def main(kernel="corebook"):
    setup, positions = read_positions()
    manager, client = start_new_kernel(kernel_name=kernel, startup_timeout=300)
    try:
        for cell in setup:
            client.execute_interactive(cell, timeout=300, output_hook=lambda message: None)
        first = seconds(client, "num", 3)
        passes = [[seconds(client, *position) for position in positions] for _ in range(1 + LATER_PASSES)]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
    print(f"{len(positions)} positions; the very first completion took {1000 * first:.0f} ms\n")
    print("| pass | median | 90th percentile | longest |\n|---|---|---|---|")
    row("first", passes[0])
    row("later", [figure for later in passes[1:] for figure in later])


if __name__ == "__main__":
    main(*sys.argv[1:])
