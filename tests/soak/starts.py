"""Short runs: starts and shutdowns one after the other, and many kernels at once."""

from concurrent.futures import ThreadPoolExecutor

from ground import Report, say
from kernel import SHUTDOWN_BOUND_S, Hung, Kernel, Lost

# What a kernel is doing when it is asked to end.
MOMENTS = ("starting", "idle", "compiling", "running", "printing")
CELLS = {
    "idle": "1 + 1",
    "compiling": "fn slow() -> usize { 1 }\nslow()",
    "running": 'println!("go"); loop { std::hint::spin_loop(); }',
    "printing": 'loop { println!("and on"); }',
}


def run_in_turn(ground, starts):
    report = Report("starts")
    seconds = []
    for number in range(starts):
        moment = MOMENTS[number % len(MOMENTS)]
        try:
            seconds.append(end_while(Kernel(ground).expect_ready(), moment))
        except (Lost, Hung) as trouble:
            report.trouble(f"{trouble} ({moment})")
        ground.expect_clean(report, f"after a shutdown while {moment}")
        report.rounds = number + 1
        if report.rounds % 20 == 0:
            say(f"starts: {report.rounds}")
    report.remarks = [end_times(seconds)]
    return report


def end_while(kernel, moment):
    if moment != "starting":
        kernel.run("")
        request = kernel.send(CELLS[moment])
        if moment == "idle":
            kernel.collect(request)
        elif moment != "compiling":
            kernel.await_printed(request)
    return kernel.shut_down()


def run_together(ground, kernels):
    report = Report("together", kernels)
    alive = [Kernel(ground) for _ in range(kernels)]

    def first_cell(kernel):
        try:
            kernel.expect_ready()
            outcome = kernel.run("let x = 20; x + 1")
            return None if outcome.result == "21" else f"wrong: {outcome}"
        except (Lost, Hung) as trouble:
            return str(trouble)

    def end(kernel):
        try:
            return kernel.shut_down()
        except (Lost, Hung) as trouble:
            report.trouble(str(trouble))

    with ThreadPoolExecutor(kernels) as threads:
        for trouble in filter(None, threads.map(first_cell, alive)):
            report.trouble(trouble)
        ground.expect_clean(report, "while all run", kernels=kernels)
        seconds = [it for it in threads.map(end, alive) if it is not None]
    ground.expect_clean(report, "after all have ended")
    report.remarks = [end_times(seconds)]
    return report


def end_times(seconds):
    late = sum(it > SHUTDOWN_BOUND_S for it in seconds)
    return f"ended in {max(seconds, default=0):.2f} s at most, {late} of {len(seconds)} after more than {SHUTDOWN_BOUND_S} s"
