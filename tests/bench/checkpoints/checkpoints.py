"""What checkpoints cost. See `run` beside this file.

In one kernel, with 1, 16, 64 and 256 MiB of variables, it measures

* a cell from request to idle and, as a part of that, its code from the compiled library to its end, with checkpoints
  on and off in turns, and the time for a fork that the kernel reports: the fork is made while the cell is compiled;
* `%timeit` of the same work, with checkpoints on and off in turns.

Then it runs CELLS small cells (200 by default, 0 for none), with processes, descriptors and memory of the worker
before and after. Prints Markdown. Compare differences, not times: a busy machine slows both sides down.
"""

import os
import re
import statistics
import sys
import time

from jupyter_client.manager import KernelManager

ROUNDS = 15
SIZES_MIB = (1, 16, 64, 256)
TIMED = "%timeit (0..200_000u64).map(|x| x ^ (x >> 3)).fold(0, u64::wrapping_add)"
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


class Kernel:
    def __init__(self):
        self.manager = KernelManager(kernel_name="corebook")
        # The benchmark's cells do not belong in the user's history.
        self.manager.start_kernel(env={**os.environ, "COREBOOK_HISTORY": "off"})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)

    def run(self, code):
        """Seconds from request to idle, and all text in the cell's output."""
        texts = []

        def note(message):
            content = message["content"]
            texts.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

        before = time.perf_counter()
        reply = self.client.execute_interactive(code, timeout=600, allow_stdin=False, output_hook=note)
        elapsed = time.perf_counter() - before
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{code!r} failed: {reply['content'].get('evalue')}")
        self.run_seconds = reply["metadata"].get("timings", {}).get("run", 0.0)
        return elapsed, "".join(texts)

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()


def main(cells):
    kernel = Kernel()
    try:
        costs(kernel)
        if cells:
            growth(kernel, cells)
    finally:
        kernel.stop()


def costs(kernel):
    kernel.run("%checkpoint limit 1GiB\nlet mut data: Vec<u8> = Vec::new();")
    print("| MiB | cell, off | cell, on | its code, off | its code, on | difference | fork | %timeit, off | %timeit, on |")
    print("|---|---|---|---|---|---|---|---|---|")
    for mib in SIZES_MIB:
        kernel.run(f"data = vec![1; {mib} << 20];")
        figures = {"off": [], "on": []}
        codes = {"off": [], "on": []}
        timed = {"off": [], "on": []}
        forks = []
        for turn in range(ROUNDS):
            for side in ("off", "on") if turn % 2 == 0 else ("on", "off"):
                kernel.run(f"%checkpoint {side}")
                figures[side].append(kernel.run(f"data[{turn}] = {turn};")[0])
                codes[side].append(kernel.run_seconds)
                if side == "on":
                    status = kernel.run("%checkpoint status")[1]
                    forks.append(float(re.search(r"made in ([\d.]+) ms", status)[1]))
                if turn < 4:
                    timed[side].append(best(kernel.run(TIMED)[1]))
        off, on = (statistics.median(figures[side]) * 1e3 for side in ("off", "on"))
        code_off, code_on = (statistics.median(codes[side]) * 1e3 for side in ("off", "on"))
        timed_off, timed_on = (min(timed[side]) * 1e6 for side in ("off", "on"))
        print(
            f"| {mib} | {off:.1f} ms | {on:.1f} ms | {code_off:.2f} ms | {code_on:.2f} ms "
            f"| {code_on - code_off:+.2f} ms | {statistics.median(forks):.2f} ms | {timed_off:.2f} µs | {timed_on:.2f} µs |",
            flush=True,
        )


def best(line):
    """The seconds in a line of %timeit."""
    value, unit = re.search(r": ([\d.]+) (ns|µs|ms|s) per loop", line).groups()
    return float(value) * SECONDS[unit]


def growth(kernel, cells):
    kernel.run("%checkpoint on\ndata = Vec::new();")
    before = resources_of_worker(kernel)
    for number in range(cells):
        kernel.run(f"data.push({number % 200});")
    after = resources_of_worker(kernel)
    print(f"\n| after {cells} cells | before | after |\n|---|---|---|")
    for name in before:
        print(f"| {name} | {before[name]} | {after[name]} |")


def resources_of_worker(kernel):
    """The worker's descriptors and memory, and the processes of its session."""
    pid = int(kernel.run("std::process::id()")[1])
    with open(f"/proc/{pid}/status") as status:
        memory = re.search(r"RssAnon:\s+(\d+) kB", status.read())[1]
    parent = parent_of(pid)
    processes = sum(parent_of(int(name)) in (pid, parent) for name in os.listdir("/proc") if name.isdigit())
    return {
        "processes below the supervisor": processes,
        "open descriptors of the worker": len(os.listdir(f"/proc/{pid}/fd")),
        "anonymous memory of the worker, kB": memory,
    }


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
