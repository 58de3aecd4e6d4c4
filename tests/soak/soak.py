"""Runs the chosen rounds, and prints the outcome of each."""

import argparse
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import cells
import faults
import kills
import starts
from ground import Ground, say
from kernel import Kernel

CHECKOUT = Path(__file__).parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))
FIRST_CELL_PATIENCE_S = 600
ROUNDS = ("cells", "starts", "together", "kills", "faults")


def arguments():
    parser = argparse.ArgumentParser(prog="tests/soak/run", description=__doc__)
    parser.add_argument("rounds", nargs="*", metavar="ROUND", help=f"one of {', '.join(ROUNDS)}; default: all")
    parser.add_argument("--binary", type=Path, default=TARGET / "release/corebook")
    parser.add_argument("--folder", type=Path, default=TARGET / "soak", help="for caches, logs and temporary files")
    parser.add_argument("--cells", type=int, default=2000, help="in one kernel")
    parser.add_argument("--starts", type=int, default=100, help="one after the other")
    parser.add_argument("--together", type=int, default=20, help="kernels at once")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="of the kills; default: a random one")
    chosen = parser.parse_args()
    unknown = set(chosen.rounds) - set(ROUNDS)
    if unknown:
        parser.error(f"no round is called {', '.join(sorted(unknown))}: choose from {', '.join(ROUNDS)}")
    if not chosen.binary.is_file():
        parser.error(f"there is no {chosen.binary}: build it with `cargo build --release`")
    return chosen


def main():
    chosen = arguments()
    rounds = chosen.rounds or ROUNDS
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    # A copy, so that a build during a long run does not change the program.
    chosen.folder.mkdir(parents=True, exist_ok=True)
    binary = chosen.folder / "corebook"
    shutil.copy2(chosen.binary, binary)
    # Files of an earlier run would count as left behind by this one.
    for left in ("cache/sessions", "logs", "tmp"):
        shutil.rmtree(chosen.folder / left, ignore_errors=True)
    ground = Ground(chosen.folder, binary)
    # The first kernel builds what cells link to, so that the others need not.
    first = Kernel(ground)
    first.run("", patience_s=FIRST_CELL_PATIENCE_S)
    first.shut_down()
    run = {
        "cells": lambda: cells.run(ground, chosen.cells),
        "starts": lambda: starts.run_in_turn(ground, chosen.starts),
        "together": lambda: starts.run_together(ground, chosen.together),
        "kills": lambda: kills.run(ground, chosen.kills, seed),
        "faults": lambda: faults.run(ground),
    }
    # If this process is ended early, its kernels end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    reports = []
    try:
        for name in rounds:
            reports.append(run[name]())
            say(reports[-1].line())
    finally:
        ground.sweep_own()
        print("\n".join(["", *(report.line() for report in reports)]))
    return 0 if all(report.is_well() for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
