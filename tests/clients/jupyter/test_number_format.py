"""corebook's number format, compared with IPython's on 10,000 values.

Two differences are intended, and each difference must be one of them: no figure has an exponent, and the unit is
chosen after rounding (0.9999 s is "1 s", not "1e+03 ms"; 59.99 s is "1min", not "60 s").
"""

import random
import subprocess
from decimal import Decimal

from IPython.core.magics.execution import _format_time

from installed import CHECKOUT

# Reads lines of "seconds digits", and writes each time as text.
COMMAND = "cargo run --release --quiet -p corebook --example format_times"
VALUES = 10_000
# Random values would hardly ever be one of these.
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


def corebook(pairs):
    lines = "".join(f"{seconds!r} {digits}\n" for seconds, digits in pairs)
    done = subprocess.run(
        COMMAND.split(), cwd=CHECKOUT, input=lines, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return done.stdout.splitlines()


def ipython(seconds, digits):
    """IPython's text. It writes microseconds as "us", or with one of Unicode's two letters mu."""
    return _format_time(seconds, digits).replace("us", "µs").replace("\u03bcs", "µs")


def corrected(theirs, seconds):
    """IPython's text with the two corrections. The code differs from corebook's on purpose."""
    if seconds >= 60:
        return theirs
    value, unit = theirs.split()
    number = Decimal(value)
    if number >= 1000 and unit != "s":
        number, unit = number / 1000, {"ns": "µs", "µs": "ms", "ms": "s"}[unit]
    if unit == "s" and number >= 60:
        return "1min"
    return f"{number.normalize():f} {unit}"


def test_times_read_as_in_ipython():
    pairs = values()
    ours = corebook(pairs)
    assert len(ours) == len(pairs)
    corrections = 0
    failures = []
    for (seconds, digits), text in zip(pairs, ours):
        theirs = ipython(seconds, digits)
        expected = corrected(theirs, seconds)
        corrections += expected != theirs
        assert "e" not in text, f"an exponent: {text}"
        if text != expected:
            failures.append(f"{seconds!r} with {digits} digits: {text!r}, IPython {theirs!r}")
    assert failures == []
    assert corrections < len(pairs) / 4, "most values need no correction"
