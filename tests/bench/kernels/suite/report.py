"""From figures to Markdown."""

import statistics

from cells import CELLS, EVCXR, FAILING, GROWN, IPYKERNEL
from limits import has_both, ratios, verdicts
from parts import NAMES


def report(figures, machine):
    sections = [
        "# corebook beside evcxr_jupyter and ipykernel",
        "Made by `tests/bench/kernels/run`; `report.json` has every single figure. Medians; the kernels took turns"
        " cell by cell, and a ratio is the median of the ratios of the rounds, so it holds on a busy machine too.",
        table(["", "machine"], [[name, value] for name, value in machine.items()]),
        verdict_section(figures),
    ]
    for make in SECTIONS:
        section = make(figures)
        if section:
            sections.append(section)
    return "\n\n".join(sections) + "\n"


# The kernels that corebook is compared with, as far as they are installed.
OTHERS = [name for name in [EVCXR, IPYKERNEL] if name in NAMES]


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdict_section(figures):
    rows = [
        [verdict.what, verdict.measured, verdict.allowed, "held" if verdict.is_held else "**not held**"]
        for verdict in verdicts(figures)
    ]
    return "## What has to hold\n\n" + table(["what", "measured", "allowed", ""], rows)


def side_by_side(figures, part, kinds, unit, scale):
    """Medians of all kernels with corebook's ratios."""
    rows = []
    for kind in kinds:
        row = [f"{kind}"]
        for name in NAMES:
            times = figures[part].get(name, {}).get(kind)
            row.append(f"{statistics.median(times) * scale:,.{2 if scale == 1 else 0}f} {unit}" if times else "")
        for other in OTHERS:
            is_there = has_both(figures, part, other) and kind in figures[part][other]
            row.append(f"{statistics.median(ratios(figures, part, kind, other)):.2f}" if is_there else "")
        rows.append(row)
    return table(["median", *NAMES, *(f"to {other}" for other in OTHERS)], rows)


def start_section(figures):
    if "starts" not in figures:
        return None
    starts = side_by_side(figures, "starts", ["kernel_info", "first result", "first parallel map"], "s", 1)
    return f"## From the start to\n\n{starts}"


def cell_section(figures):
    if "cells" not in figures:
        return None
    text = "## From a cell's request to idle\n\n" + side_by_side(figures, "cells", CELLS, "ms", 1000)
    if "failing" in figures:
        text += "\n\nCells that fail:\n\n" + side_by_side(figures, "failing", FAILING, "ms", 1000)
    return text


def first_cell_section(figures):
    if "first cells" not in figures:
        return None
    kinds = list(next(iter(figures["first cells"].values())))
    text = "## The first cell of a kernel, from its request to idle\n\n"
    text += side_by_side(figures, "first cells", kinds, "s", 1)
    rows = []
    for name, times in figures["first cells"].items():
        for kind in kinds:
            if kind.startswith("let"):
                trivial = times[kind.replace("let", "1 + 1")]
                values = [a / b for a, b in zip(times[kind], trivial)]
                rows.append([name, kind, f"{statistics.median(values):.2f} x `1 + 1`"])
    return text + "\n\n" + table(["kernel", "first cell", "beside the other one"], rows)


def dep_section(figures):
    if "dep" not in figures:
        return None
    kinds = list(next(iter(figures["dep"].values())))
    title = "## A `:dep` of a crate that corebook has compiled before, from its request to idle\n\n"
    return title + side_by_side(figures, "dep", kinds, "ms", 1000)


def tab_section(figures):
    if "tab" not in figures:
        return None
    kinds = list(next(iter(figures["tab"].values())))
    text = "## Tab after many lets\n\n" + side_by_side(figures, "tab", kinds, "s", 1)
    rows = [
        [name, stage, *(f"{statistics.median(size[whose] for size in sizes):.1f}" for whose in ["kernel", "all"])]
        for name, stages in figures["memory after"].items()
        for stage, sizes in stages.items()
    ]
    head = ["kernel", "after", "kernel, MiB private", "all its processes, MiB private"]
    return text + "\n\n" + table(head, rows)


def together_section(figures):
    if "together" not in figures:
        return None
    rows = []
    for name, rounds in figures["together"].items():
        middle = {kind: statistics.median(values[kind] for values in rounds) for kind in rounds[0]}
        rows.append([name, f"{middle['time']:.2f} s", f"{middle['pss']:.0f}", f"{middle['private_dirty']:.0f}"])
    head = ["kernel", "until all are done", "proportional, MiB", "private, MiB"]
    return "## Kernels that start at once, each with a let, a pool and a map\n\n" + table(head, rows)


def line_section(figures):
    if "lines" not in figures:
        return None
    rows = []
    for name in NAMES:
        runs = figures["lines"][name]
        is_complete = all(run["is_complete"] for run in runs)
        rows.append(
            [
                name,
                f"{statistics.median(run['time'] for run in runs):.2f} s",
                f"{statistics.median(run['messages'] for run in runs):,.0f}",
                "yes" if is_complete else "**no**",
            ]
        )
    return "## 20,000 printed lines\n\n" + table(["kernel", "time", "messages", "complete"], rows)


def interrupt_section(figures):
    if "interrupts" not in figures:
        return None
    rows = [
        [kind, f"{statistics.median(times) * 1000:,.0f} ms", f"{max(times) * 1000:,.0f} ms"]
        for kind, times in figures["interrupts"].items()
    ]
    return "## From an interrupt to the cell's reply\n\n" + table(["cell", "median", "longest"], rows)


def memory_section(figures):
    if "memory" not in figures:
        return None
    rows = []
    for name, processes in figures["memory"].items():
        for role, samples in processes.items():
            sizes = [statistics.median(sample[kind] for sample in samples) for kind in ("pss", "rss", "private_dirty")]
            rows.append([name, role, *(f"{size:.1f}" for size in sizes)])
    head = ["kernel", "process", "proportional", "resident", "private, written"]
    return "## Memory after the first parallel map, MiB\n\n" + table(head, rows)


def growth_section(figures):
    if "growth" not in figures:
        return None
    roles = list(dict.fromkeys(role for stage in figures["growth"] for role in stage["memory"]))

    def private(stage, role):
        return f"{stage['memory'][role]['private_dirty']:.1f}" if role in stage["memory"] else ""

    rows = [
        [stage["stage"], *(f"{stage['cells'][kind] * 1000:.0f} ms" for kind in GROWN)]
        + [private(stage, role) for role in roles]
        + [f"{stage['disk']:.0f}"]
        for stage in figures["growth"]
    ]
    head = ["after, in all", *GROWN, *(f"{role}, MiB private" for role in roles), "its folder, MiB"]
    return "## A notebook that grows\n\n" + table(head, rows)


def rest_section(figures):
    if "rest" not in figures:
        return None
    rows = [
        [name, role, f"{idle['cpu_ms']:.1f} ms in {idle['seconds']} s", str(idle["wake_ups"])]
        for name, processes in figures["rest"].items()
        for role, idle in processes.items()
    ]
    return "## At rest\n\n" + table(["kernel", "process", "processor time", "wake-ups"], rows)


SECTIONS = [
    start_section,
    first_cell_section,
    cell_section,
    dep_section,
    line_section,
    interrupt_section,
    tab_section,
    memory_section,
    together_section,
    growth_section,
    rest_section,
]
