"""Compares corebook's number format with IPython's on 10,000 values.

Usage: number_format.py COMMAND...

COMMAND reads lines of "seconds digits" and writes each time as text, for example
`cargo run -q -p corebook --example format_times`.

Two differences are wanted, and each is checked to be one of them: no figure has an exponent, and the unit
is chosen after rounding (0.9999 s is "1 s", not "1e+03 ms"; 59.99 s is "1min", not "60 s").
"""

import random
import subprocess
import sys
from decimal import Decimal

from IPython.core.magics.execution import _format_time

VALUES = 10_000
# Left alone, the random values would hardly ever be one of these.
EDGES = [0.0, 1e-10, 1e-9, 9.994e-10, 9.996e-10, 999.4e-9, 999.6e-9, 1e-6, 999.6e-6, 1e-3]
EDGES += [0.9994, 0.9996, 0.9999, 1.0, 59.94, 59.96, 59.99, 60.0, 75.6, 119.99, 3600.0, 3661.5, 90_061.5]


def values():
    """Pairs of seconds and digits: every decade, short and long decimals, and the edges."""
    random.seed(5)
    pairs = [(seconds, digits) for seconds in EDGES for digits in (1, 2, 3, 5)]
    while len(pairs) < VALUES:
        seconds = 10 ** random.uniform(-10, 6)
        if random.random() < 0.3:
            seconds = float(f"{seconds:.{random.randint(0, 4)}e}")
        pairs.append((seconds, random.choice([1, 2, 3, 3, 3, 4, 5, 8])))
    return pairs


def corebook(command, pairs):
    lines = "".join(f"{seconds!r} {digits}\n" for seconds, digits in pairs)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, encoding="utf-8")
    return done.stdout.splitlines()


def ipython(seconds, digits):
    """IPython's text. It writes microseconds as "us", or with one of Unicode's two letters mu."""
    return _format_time(seconds, digits).replace("us", "µs").replace("\u03bcs", "µs")


def wanted(theirs, seconds):
    """IPython's text with the two corrections, found in another way than corebook does."""
    if seconds >= 60:
        return theirs
    value, unit = theirs.split()
    number = Decimal(value)
    if number >= 1000 and unit != "s":
        number, unit = number / 1000, {"ns": "µs", "µs": "ms", "ms": "s"}[unit]
    if unit == "s" and number >= 60:
        return "1min"
    return f"{number.normalize():f} {unit}"


def main():
    pairs = values()
    ours = corebook(sys.argv[1:], pairs)
    assert len(ours) == len(pairs), f"{len(ours)} lines for {len(pairs)} values"
    corrected = 0
    failures = []
    for (seconds, digits), text in zip(pairs, ours):
        theirs = ipython(seconds, digits)
        expected = wanted(theirs, seconds)
        corrected += expected != theirs
        assert "e" not in text, f"an exponent: {text}"
        if text != expected:
            failures.append(f"{seconds!r} with {digits} digits: {text!r}, IPython {theirs!r}")
    print(f"{len(pairs)} values: {len(pairs) - corrected} as IPython, {corrected} corrected")
    for failure in failures[:20]:
        print(failure, file=sys.stderr)
    assert corrected < len(pairs) / 4, "the corrections are exceptions"
    sys.exit(f"{len(failures)} differ" if failures else 0)


if __name__ == "__main__":
    main()
