"""What is measured. Each part takes the options and fills `figures`: plain values for report.json.

Times are in seconds, one for each round, so that the figures of one round can be divided by each other.
"""

import contextlib
import statistics
import time

from cells import (
    CELLS,
    COREBOOK,
    GROWTH,
    INTERRUPTED,
    INTERRUPTED_SETUP,
    KERNELSPECS,
    LARGE_NOTEBOOK,
    PARALLEL_MAP,
    PARALLEL_SETUP,
    PRINT_LINES,
    PRINTED,
    SETUP,
    TIMED,
    TIMED_SETUP,
    TRIVIAL,
    numbered,
)
from kernel import Kernel
from processes import activity, activity_since, disk_mib, memory_mib

NAMES = list(KERNELSPECS)


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
    """corebook only: the time of a trivial cell, and the memory of each process, as a notebook grows."""
    stages = figures.setdefault("growth", [])

    def note(kernel, stage):
        times = [kernel.time(numbered(TRIVIAL, number)) for number in range(options.rounds)]
        stages.append(
            {
                "stage": stage,
                "trivial cell": statistics.median(times),
                "memory": {role: memory_mib(pid) for role, pid in kernel.processes().items()},
                "disk": disk_mib(kernel.work_folder()),
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
