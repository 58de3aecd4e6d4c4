"""`kill -9` of a kernel's processes at random moments. The kernel, or the next one, must work after each."""

import os
import random
import signal
import time
from collections import Counter

from ground import Report, say
from kernel import Hung, Kernel, Lost

VICTIMS = ("worker", "supervisor", "kernel")
SWEPT_LATER = "swept later"
# Most of a cell's time is compilation. With these cells a kill can come at every other moment too.
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
        # Each has its own seed, so that one can be repeated alone.
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
    """Kills one process of `kernel`. Returns the kernel for the next time: another one if this one was killed."""
    victim = chance.choice(VICTIMS)
    code = chance.choice(CELLS)
    # Some kills come between cells.
    request = kernel.send(code) if chance.random() < 0.85 else None
    time.sleep(chance.uniform(0, LATEST_S))
    pid = kernel.roles().get(victim)
    if pid is None:
        # While the kernel starts, it has no other process.
        victim = "kernel"
    why = f"after the {victim} died in {code!r}"
    deaths[victim] += 1
    if victim == "kernel":
        # With its group as Jupyter does, or alone as the OOM killer does.
        kernel.kill(with_group=chance.random() < 0.5)
        orphans = ground.orphans_after()
        if orphans:
            report.trouble(f"left behind {why}: processes {orphans}")
            ground.sweep_own()
        # A kernel that has no other process yet leaves its files for the next kernel to remove.
        deaths[SWEPT_LATER] += bool(ground.files_left())
        return start_successor(report, ground, why)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if request is not None:
        outcome = kernel.collect(request)
        if outcome.status not in ("ok", "error"):
            report.trouble(f"wrong {why}: {outcome}")
    # The next cell may report the death. The cell after it must work.
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


def start_successor(report, ground, why):
    """Starts the next kernel, which must work and remove what the killed one has left."""
    kernel = Kernel(ground).expect_ready()
    outcome = kernel.run(SETUP + "\ndouble(4)")
    if outcome.result != "8":
        report.trouble(f"wrong in the kernel {why}: {outcome}")
    ground.expect_clean(report, why, kernels=1)
    return kernel
