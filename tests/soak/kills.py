"""Violent deaths: `kill -9` of a kernel's processes at random moments, after which everything goes on."""

import os
import random
import signal
import time
from collections import Counter

from ground import Report, say
from kernel import Hung, Kernel, Lost

VICTIMS = ("worker", "supervisor", "kernel")
SWEPT_LATER = "swept later"
# Most of a cell's time is its compilation; these reach into every part of its life.
CELLS = (
    "1 + 1",
    "let x = vec![1, 2, 3];\nx.len()",
    "std::thread::sleep(std::time::Duration::from_millis(800));",
    'for i in 0..200_000 { println!("{i}"); }',
    "pool.map(|x: u64| { nap(); x }, 0..20_000u64).len()",
    "for _ in progress(0..20_000) { nap(); }",
    'std::process::Command::new("sleep").arg("1000").spawn()?;\nfor _ in 0..2_000 { nap(); }',
    "corebook::display::html(&\"x\".repeat(3_000_000));",
)
SETUP = "%pool 2\nfn nap() { std::thread::sleep(std::time::Duration::from_millis(1)); }\nfn double(x: i32) -> i32 { 2 * x }"
LATEST_S = 1.5


def run(ground, kills, seed):
    report = Report(f"kills (seed {seed})")
    deaths = Counter()
    kernel = None
    for number in range(kills):
        # A seed for each, so that one can be looked at alone.
        chance = random.Random(f"{seed}-{number}")
        if kernel is None:
            kernel = Kernel(ground)
            if chance.random() < 0.8:
                kernel.run(SETUP)
        try:
            kernel = strike(report, ground, kernel, chance, deaths)
        except (Lost, Hung) as trouble:
            report.trouble(f"{trouble} (number {number})")
            kernel.kill()
            kernel = None
            ground.sweep_own()
        report.rounds = number + 1
        if report.rounds % 20 == 0:
            say(f"{report.name}: {report.rounds}")
    if kernel is not None:
        kernel.shut_down()
    ground.expect_clean(report, "after the last kernel")
    report.remarks = [
        ", ".join(f"{deaths[victim]} times the {victim}" for victim in VICTIMS)
        + f"; {deaths[SWEPT_LATER]} times files of a dead kernel stayed until the next start"
    ]
    return report


def strike(report, ground, kernel, chance, deaths):
    """Kills one process of `kernel`. The kernel for the next time: another one if it was the victim."""
    victim = chance.choice(VICTIMS)
    code = chance.choice(CELLS)
    # Some die between cells.
    request = kernel.send(code) if chance.random() < 0.85 else None
    time.sleep(chance.uniform(0, LATEST_S))
    pid = kernel.roles().get(victim)
    if pid is None:
        # While the kernel starts, it is alone.
        victim = "kernel"
    why = f"after the {victim} died in {code!r}"
    deaths[victim] += 1
    if victim == "kernel":
        # As Jupyter does, or as the system does for want of memory.
        kernel.kill(with_group=chance.random() < 0.5)
        orphans = ground.orphans_after()
        if orphans:
            report.trouble(f"left behind {why}: processes {orphans}")
            ground.sweep_own()
        # Alone, as in its first moments, it leaves its files to the next.
        deaths[SWEPT_LATER] += bool(ground.files_left())
        return succeed(report, ground, why)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if request is not None:
        outcome = kernel.collect(request)
        if outcome.status not in ("ok", "error"):
            report.trouble(f"wrong {why}: {outcome}")
    # The death may show in the next cell; the one after it must work.
    kernel.run("1 + 1", stop_on_error=False)
    kernel.run(SETUP, stop_on_error=False)
    outcome = kernel.run("double(4)", stop_on_error=False)
    if outcome.result != "8":
        report.trouble(f"wrong {why}: {outcome}")
    roles = kernel.roles()
    if set(roles) != set(VICTIMS):
        report.trouble(f"left behind {why}: {roles}")
    ground.expect_clean(report, why, kernels=1)
    return kernel


def succeed(report, ground, why):
    """The next kernel works, and sweeps what the killed one has left, if anything."""
    kernel = Kernel(ground).expect_ready()
    outcome = kernel.run(SETUP + "\ndouble(4)")
    if outcome.result != "8":
        report.trouble(f"wrong in the kernel {why}: {outcome}")
    ground.expect_clean(report, why, kernels=1)
    return kernel
