"""Measures, and writes REPORT.md and report.json. See `../run`."""

import argparse
import json
import sys
from pathlib import Path

import machine
import parts
from cells import LETS, TOGETHER
from limits import verdicts
from report import report

FOLDER = Path(__file__).parents[1]

# Parts that start their own kernels, and those that share one of each kind.
ALONE = {
    "starts": parts.starts,
    "first": parts.first_cells,
    "tab": parts.tab,
    "together": parts.together,
    "dep": parts.dep,
    "interrupts": parts.interrupts,
    "growth": parts.growth,
    "size": parts.size,
}
IN_TURNS = {"cells": parts.cells, "lines": parts.lines, "rest": parts.rest}


def read_options():
    parser = argparse.ArgumentParser(prog="tests/bench/kernels/run", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which parts: {' '.join(ALONE | IN_TURNS)}; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="how often each kind of cell is timed")
    parser.add_argument("--starts", type=int, default=3, help="how often each kernel is started")
    parser.add_argument("--growth", type=int, default=100, help="how many functions, variables and expressions")
    parser.add_argument("--lets", type=int, default=LETS, help="how many lets before memory is noted")
    parser.add_argument("--together", type=int, default=TOGETHER, help="how many kernels run at once")
    parser.add_argument("--idle-s", type=int, default=60, help="how long the idle kernels are watched")
    parser.add_argument("--quick", action="store_true", help="every part with few rounds")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of REPORT.md and report.json")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in ALONE | IN_TURNS]
    if unknown:
        parser.error(f"no such part: {' '.join(unknown)}")
    if options.quick:
        options.rounds, options.starts, options.growth, options.idle_s = 2, 1, 10, 10
        options.lets, options.together = 5, 2
    return options


def measure(options):
    """All figures, by part."""
    figures = {}

    def wants(part):
        return not options.parts or part in options.parts

    for part, take in ALONE.items():
        if wants(part):
            print(part, file=sys.stderr)
            take(options, figures)
    if any(map(wants, IN_TURNS)):
        with parts.side_by_side() as kernels:
            for part, take in IN_TURNS.items():
                if wants(part):
                    print(part, file=sys.stderr)
                    take(kernels, options, figures)
    return figures


def main():
    options = read_options()
    facts = machine.describe()
    facts["load before"] = machine.load()
    figures = measure(options)
    facts["load after"] = machine.load()
    facts["turns"] = f"{options.starts} starts, {options.rounds} rounds of cells"
    text = report(figures, facts)
    (options.output / "REPORT.md").write_text(text)
    results = {"machine": facts, "limits": [vars(verdict) for verdict in verdicts(figures)], "figures": figures}
    (options.output / "report.json").write_text(json.dumps(results, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
