"""What is measured. Each part takes the options and fills `figures`: plain values for report.json.

Times are in seconds, one for each round, so that the figures of one round can be divided by each other.
"""

import contextlib
import statistics
import time

from jupyter_client.kernelspec import KernelSpecManager

from cells import (
    CELLS,
    COREBOOK,
    DEP,
    FAILING,
    FIRST_CELLS,
    GROWN,
    GROWTH,
    INTERRUPTED,
    INTERRUPTED_SETUP,
    KERNELSPECS,
    LARGE_NOTEBOOK,
    LET,
    LETS,
    PARALLEL_MAP,
    PARALLEL_SETUP,
    PRINT_LINES,
    PRINTED,
    SETUP,
    TAB,
    TIMED,
    TIMED_SETUP,
    TOGETHER,
    numbered,
)
from kernel import Kernel
from processes import activity, activity_since, disk_mib, memory_mib

# The kernels that are installed here. evcxr_jupyter may be missing.
INSTALLED = KernelSpecManager().find_kernel_specs()
NAMES = [name for name, kernelspec in KERNELSPECS.items() if kernelspec in INSTALLED]

# A person who opens a notebook reads and types first. In that time a kernel can prepare itself.
READING_S = 5


def turns(things, round_number):
    """The same things, with another one first in each round."""
    first = round_number % len(things)
    return things[first:] + things[:first]


def starts(options, figures):
    """Each kernel alone: the time to its first answer, first value and first parallel map, and its memory after that."""
    for round_number in range(options.starts):
        for name in turns(NAMES, round_number):
            with Kernel(name) as kernel:
                times = figures.setdefault("starts", {}).setdefault(name, {})
                times.setdefault("kernel_info", []).append(kernel.ready_s)
                kernel.run("1 + 1")
                times.setdefault("first result", []).append(kernel.since_start_s())
                kernel.run(PARALLEL_SETUP[name])
                kernel.run(numbered(PARALLEL_MAP[name], 1))
                times.setdefault("first parallel map", []).append(kernel.since_start_s())
                for role, pid in kernel.processes().items():
                    memory = figures.setdefault("memory", {}).setdefault(name, {}).setdefault(role, [])
                    memory.append(memory_mib(pid))


def first_cells(options, figures):
    """Each first cell of a new kernel: as soon as the kernel answers, and after some seconds."""
    for round_number in range(options.starts):
        for wait_s in [0, READING_S]:
            for kind, codes in FIRST_CELLS.items():
                for name in turns(NAMES, round_number):
                    with Kernel(name) as kernel:
                        time.sleep(wait_s)
                        moment = f"after {wait_s} s" if wait_s else "at once"
                        times = figures.setdefault("first cells", {}).setdefault(name, {})
                        times.setdefault(f"{kind}, {moment}", []).append(kernel.time(codes[name]))


def tab(options, figures):
    """The memory after many lets, and after the first Tab; how long that Tab takes, and the next."""
    for round_number in range(options.starts):
        for name in turns(NAMES, round_number):
            with Kernel(name) as kernel:
                for number in range(options.lets):
                    kernel.run(numbered(LET[name], number))
                note_memory(kernel, figures, f"{options.lets} lets")
                first_s, offered_s = kernel.time_tab(TAB[name])
                _, next_s = kernel.time_tab(TAB[name])
                note_memory(kernel, figures, "a Tab")
                times = figures.setdefault("tab", {}).setdefault(name, {})
                for kind, elapsed in [("first answer", first_s), ("first offer", offered_s), ("next Tab", next_s)]:
                    times.setdefault(kind, []).append(elapsed)


def note_memory(kernel, figures, stage):
    """Private memory of the kernel process and of all processes."""
    sizes = figures.setdefault("memory after", {}).setdefault(kernel.name, {}).setdefault(stage, [])
    own = memory_mib(kernel.processes()["kernel"])
    sizes.append({"kernel": own["private_dirty"], "all": kernel.whole_memory_mib()["private_dirty"]})


def together(options, figures):
    """Many kernels at once, each with a let, a pool and a map: the time until all are done, and their memory."""
    for round_number in range(options.starts):
        for name in turns(NAMES, round_number):
            codes = [numbered(LET[name], 1), PARALLEL_SETUP[name], numbered(PARALLEL_MAP[name], 1)]
            with contextlib.ExitStack() as stack:
                started = time.perf_counter()
                kernels = [stack.enter_context(Kernel(name)) for _ in range(options.together)]
                sent = [[(kernel, code, *kernel.send(code)) for kernel in kernels] for code in codes]
                for kernel, code, *cell in sum(sent, []):
                    kernel.finish(code, *cell)
                elapsed = time.perf_counter() - started
                sizes = [kernel.whole_memory_mib() for kernel in kernels]
                figures.setdefault("together", {}).setdefault(name, []).append(
                    {"time": elapsed} | {kind: sum(size[kind] for size in sizes) for kind in ("pss", "private_dirty")}
                )


def dep(options, figures):
    """A crate that corebook has compiled before: the first time, again, and the cell after it."""
    for round_number in range(options.starts):
        for name in turns([name for name in NAMES if name in DEP], round_number):
            with Kernel(name) as kernel:
                kernel.run("1 + 1")
                times = figures.setdefault("dep", {}).setdefault(name, {})
                times.setdefault("the first time", []).append(kernel.time(DEP[name]))
                times.setdefault("the cell after it", []).append(kernel.time("2 + 2"))
                times.setdefault("again", []).append(kernel.time(DEP[name]))


@contextlib.contextmanager
def side_by_side():
    """One kernel of each kind, ready to take turns."""
    with contextlib.ExitStack() as stack:
        kernels = [stack.enter_context(Kernel(name)) for name in NAMES]
        for kernel in kernels:
            kernel.run(PARALLEL_SETUP[kernel.name])
            kernel.run(numbered(PARALLEL_MAP[kernel.name], 1))
            kernel.run(SETUP[kernel.name])
        yield kernels


def cells(kernels, options, figures):
    """Every kind of cell, in turns."""
    for round_number in range(options.rounds):
        for kind, codes in CELLS.items():
            for kernel in turns(kernels, round_number):
                if kernel.name in codes:
                    times = figures.setdefault("cells", {}).setdefault(kernel.name, {}).setdefault(kind, [])
                    times.append(kernel.time(numbered(codes[kernel.name], round_number + 2)))
        for kind, codes in FAILING.items():
            for kernel in turns(kernels, round_number):
                times = figures.setdefault("failing", {}).setdefault(kernel.name, {}).setdefault(kind, [])
                times.append(kernel.time_failing(numbered(codes[kernel.name], round_number + 2)))


def lines(kernels, options, figures):
    """Many lines of output: time, number of messages, and whether every line arrived."""
    for round_number in range(options.starts):
        for kernel in turns(kernels, round_number):
            elapsed, messages = kernel.run(PRINT_LINES[kernel.name])
            streams = [message for message in messages if message["msg_type"] == "stream"]
            is_complete = "".join(message["content"]["text"] for message in streams) == PRINTED
            figures.setdefault("lines", {}).setdefault(kernel.name, []).append(
                {"time": elapsed, "messages": len(streams), "is_complete": is_complete}
            )


def rest(kernels, options, figures):
    """Processor time and wake-ups of every process while all kernels are idle."""
    watched = [
        (kernel.name, role, pid, activity(pid)) for kernel in kernels for role, pid in kernel.processes().items()
    ]
    time.sleep(options.idle_s)
    for name, role, pid, before in watched:
        cpu_ns, wake_ups = activity_since(pid, before)
        figures.setdefault("rest", {}).setdefault(name, {})[role] = {
            "seconds": options.idle_s,
            "cpu_ms": cpu_ns / 1e6,
            "wake_ups": wake_ups,
        }


def interrupts(options, figures):
    """corebook only: the time from the interrupt to the cell's reply."""
    times = figures.setdefault("interrupts", {})
    with Kernel(COREBOOK) as kernel:
        for round_number in range(options.starts):
            for kind, code in INTERRUPTED.items():
                # The last kind ends the worker, so the pool may be gone.
                kernel.run("%pool")
                kernel.run(INTERRUPTED_SETUP)
                sent, request = kernel.send(numbered(code, round_number + 1))
                if "runs" in code:
                    kernel.wait_for_output(request)
                else:
                    time.sleep(1)
                times.setdefault(kind, []).append(kernel.interrupt(sent, request))


def growth(options, figures):
    """corebook only: the times of trivial cells, and the memory of each process, as a notebook grows."""
    stages = figures.setdefault("growth", [])

    def note(kernel, stage):
        # Before the cells that are timed, because some of them need more of the kernel.
        memory = {role: memory_mib(pid) for role, pid in kernel.processes().items()}
        disk = disk_mib(kernel.work_folder())
        times = {}
        for number in range(options.rounds):
            for kind, code in GROWN.items():
                run = kernel.time_failing if kind == "failing" else kernel.time
                times.setdefault(kind, []).append(run(numbered(code, number)))
        stages.append(
            {
                "stage": stage,
                "cells": {kind: statistics.median(values) for kind, values in times.items()},
                "memory": memory,
                "disk": disk,
            }
        )

    with Kernel(COREBOOK) as kernel:
        kernel.run("1 + 1")
        note(kernel, "nothing")
        for kind, code in GROWTH.items():
            for number in range(options.growth):
                kernel.run(numbered(code, number))
            note(kernel, f"{options.growth} {kind}")


def size(options, figures):
    """corebook only: the figures of `%timeit` in a small notebook and in a large one, in turns."""
    times = figures.setdefault("size", {})
    with Kernel(COREBOOK) as small, Kernel(COREBOOK) as large:
        for code in LARGE_NOTEBOOK:
            large.run(code)
        for kernel in [small, large]:
            kernel.run(TIMED_SETUP)
        for round_number in range(options.rounds):
            for kind, code in TIMED.items():
                for name, kernel in turns([("small", small), ("large", large)], round_number):
                    kernel.run(f"%timeit -q -o timed {code}")
                    times.setdefault(kind, {}).setdefault(name, []).append(float(kernel.value("timed.best")))
