#!/usr/bin/env python3
"""Times kernels as a client sees them, side by side: python tests/bench/kernels.py [KERNELSPEC ...]

Without names: corebook and python3 (ipykernel), both in the environment that tests/run makes. Rounds are
interleaved, so a busy machine hurts all kernels alike; read the ratios, not the times. Prints a Markdown
table of medians in milliseconds, with the ratio of each kernel to the last one.
"""

import statistics
import sys
import time

from jupyter_client.manager import KernelManager

ROUNDS = 7
LINES = 20_000

# What each language calls the same cell; None where it has none.
CELLS = {
    "expression": {"rust": "x + {i}", "python": "x + {i}"},
    "print": {"rust": 'println!("{{}}", x + {i});', "python": "print(x + {i})"},
    "let": {"rust": "let y{i} = x * {i};", "python": "y{i} = x * {i}"},
    "collect": {
        "rust": "v.iter().map(|q| q * {i}).collect::<Vec<_>>()",
        "python": "[q * {i} for q in v]",
    },
    "pool.map": {"rust": "pool.map(|q| q * {i}, 0..24i64)", "python": None},
    "%timeit": {"rust": "%timeit -n 1 -r 1 x + {i}", "python": "%timeit -n 1 -r 1 x + {i}"},
    f"{LINES} lines": {
        "rust": f'for i in 0..{LINES} {{{{ println!("line {{{{i}}}}"); }}}}',
        "python": f'for i in range({LINES}): print(f"line {{{{i}}}}")',
    },
}
SETUP = {
    "rust": "%pool\nlet x = 5i64; let v: Vec<i64> = (0..10).collect();",
    "python": "x = 5; v = list(range(10))",
}


class Kernel:
    """A running kernel and the figures taken of it, in seconds by kind of cell."""

    def __init__(self, name):
        self.figures = {}
        started = time.perf_counter()
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)
        self.figures["start to ready"] = [time.perf_counter() - started]
        self.language = "rust" if "rust" in self.manager.kernel_spec.language else "python"
        self.run("1 + 1")
        self.figures["start to first result"] = [time.perf_counter() - started]
        self.run(SETUP[self.language])

    def run(self, code):
        """Seconds from request to idle, and the messages in between."""
        messages = []
        before = time.perf_counter()
        reply = self.client.execute_interactive(
            code, timeout=600, allow_stdin=False, output_hook=messages.append
        )
        elapsed = time.perf_counter() - before
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{code!r} failed: {reply['content'].get('evalue')}")
        return elapsed, messages

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()


def measure(kernels):
    for i in range(2, ROUNDS + 2):
        for kind, cells in CELLS.items():
            for kernel in kernels.values():
                code = cells[kernel.language]
                if code is not None:
                    elapsed, messages = kernel.run(code.format(i=i))
                    kernel.figures.setdefault(kind, []).append(elapsed)
                    if kind.endswith("lines"):
                        check_lines(messages)


def check_lines(messages):
    text = "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
    expected = "".join(f"line {i}\n" for i in range(LINES))
    if text != expected:
        raise RuntimeError(f"{len(text)} characters arrived instead of {len(expected)}")


def main():
    names = sys.argv[1:] or ["corebook", "python3"]
    kernels = {name: Kernel(name) for name in names}
    try:
        measure(kernels)
    finally:
        for kernel in kernels.values():
            kernel.stop()
    print("| median, ms | " + " | ".join(names) + f" | ratios to {names[-1]} |")
    print("|---|" + "---|" * (len(names) + 1))
    for kind in ["start to ready", "start to first result", *CELLS]:
        medians = [
            statistics.median(kernel.figures[kind]) * 1000 if kind in kernel.figures else None
            for kernel in kernels.values()
        ]
        cells = ["" if median is None else f"{median:.0f}" for median in medians]
        last = medians[-1]
        ratios = [f"{median / last:.2f}" for median in medians[:-1] if median and last]
        print(f"| {kind} | " + " | ".join(cells) + f" | {', '.join(ratios)} |")


if __name__ == "__main__":
    main()
