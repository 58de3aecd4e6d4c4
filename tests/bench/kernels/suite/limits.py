"""The limits for corebook, most of them as ratios of figures of the same round."""

import statistics
from dataclasses import dataclass

from cells import COREBOOK, EVCXR, IPYKERNEL

MOST_IDLE_CPU_PERCENT = 0.1
MOST_OWN_MIB = 30
MOST_SIZE_PERCENT = 5


@dataclass
class Verdict:
    """A limit, and whether it was met."""

    what: str
    measured: str
    allowed: str
    is_held: bool


def ratios(figures, part, kind, other):
    """corebook's time divided by that of another kernel, for each round."""
    own, others = figures[part][COREBOOK][kind], figures[part][other][kind]
    return [a / b for a, b in zip(own, others)]


def has_both(figures, part, other):
    """Whether the other kernel was measured too. evcxr_jupyter may not be installed."""
    return {COREBOOK, other} <= figures.get(part, {}).keys()


def ratio_verdict(what, values, other, allowed):
    median = statistics.median(values)
    measured = f"{median:.2f} x {other} ({min(values):.2f} to {max(values):.2f})"
    return Verdict(what, measured, f"at most {allowed:.2f} x", median <= allowed)


def verdicts(figures):
    """The verdict on every limit whose part was measured."""
    found = []
    if "starts" in figures:
        ready_s = statistics.median(figures["starts"][COREBOOK]["kernel_info"])
        found.append(Verdict("start to kernel_info", f"{ready_s:.2f} s", "at most 0.50 s", ready_s <= 0.5))
        for kind, other, allowed in [
            ("kernel_info", IPYKERNEL, 1.0),
            ("first result", EVCXR, 0.75),
            ("first parallel map", EVCXR, 0.45),
        ]:
            if has_both(figures, "starts", other):
                values = ratios(figures, "starts", kind, other)
                found.append(ratio_verdict(f"start to {kind}", values, other, allowed))
    if has_both(figures, "cells", EVCXR):
        for kind, allowed in [
            ("expression", 0.6),
            ("println", 1.0),
            ("let", 1.0),
            ("collect", 0.6),
            ("parallel map", 0.45),
        ]:
            found.append(ratio_verdict(f"{kind} cell", ratios(figures, "cells", kind, EVCXR), EVCXR, allowed))
    if "lines" in figures:
        pairs = zip(figures["lines"][COREBOOK], figures["lines"][IPYKERNEL])
        values = [own["time"] / other["time"] for own, other in pairs]
        found.append(ratio_verdict("20,000 lines", values, IPYKERNEL, 1.5))
        is_complete = all(run["is_complete"] for run in figures["lines"][COREBOOK])
        found.append(Verdict("20,000 lines", "complete" if is_complete else "lines lost", "complete", is_complete))
    for kind, times in figures.get("size", {}).items():
        values = [large / small for large, small in zip(times["large"], times["small"])]
        median_percent = (statistics.median(values) - 1) * 100
        measured = f"{median_percent:+.1f} % in a large notebook ({min(values):.2f} to {max(values):.2f} x)"
        is_held = abs(median_percent) <= MOST_SIZE_PERCENT
        found.append(Verdict(f"%timeit of {kind}", measured, f"at most {MOST_SIZE_PERCENT} % off", is_held))
    if "memory" in figures:
        for role in ["supervisor", "worker"]:
            own = statistics.median(sample["private_dirty"] for sample in figures["memory"][COREBOOK][role])
            most = f"under {MOST_OWN_MIB} MiB"
            found.append(Verdict(f"memory of the {role}", f"{own:.1f} MiB private", most, own < MOST_OWN_MIB))
    for role, idle in figures.get("rest", {}).get(COREBOOK, {}).items():
        percent = idle["cpu_ms"] / idle["seconds"] / 10
        measured = f"{percent:.3f} % of a core, {idle['wake_ups']} wake-ups in {idle['seconds']} s"
        allowed = f"at most {MOST_IDLE_CPU_PERCENT} %"
        found.append(Verdict(f"{role} at rest", measured, allowed, percent <= MOST_IDLE_CPU_PERCENT))
    return found
