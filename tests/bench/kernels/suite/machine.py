"""On which machine, and when, the figures were measured."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from cells import EVCXR
from parts import NAMES

CHECKOUT = Path(__file__).parents[4]


def describe():
    """Facts that do not change while figures are measured."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} CPUs ({cpu_model()}), {memory_gib():.0f} GiB, {platform.system()} {platform.release()}",
        "rustc": output("rustc", "--version").removeprefix("rustc "),
        "corebook": output("git", "describe", "--always", "--dirty"),
        "evcxr_jupyter": "0.22.0" if EVCXR in NAMES else "not installed, so it was not measured",
        "ipykernel": f"{importlib.metadata.version('ipykernel')}, Python {platform.python_version()}",
    }


def load():
    """The load average of the last minute and of the last five."""
    one, five, _ = os.getloadavg()
    return f"{one:.2f} (5 minutes: {five:.2f})"


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def output(*command):
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()
