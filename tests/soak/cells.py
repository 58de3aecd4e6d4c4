"""A long run: thousands of cells in one kernel, and how its memory, descriptors and threads grow."""

from ground import Report, say
from kernel import Hung, Kernel, Lost

# Code, and what it must give: a result, printed text or the beginning of an error. `{n}` counts up. `{few}` repeats
# after some cells, so that the number of names stays that of a long notebook.
CELLS = (
    ("let v{few}: Vec<u64> = (0..{n}).collect();", ""),
    ("v{few}.iter().sum::<u64>() + {n}", "{sum}"),
    ('println!("cell {n}");', "cell {n}\n"),
    ("fn f{few}(x: u64) -> u64 {{ x + {n} }}", ""),
    ("f{few}(1)", "{next}"),
    ("pool.map(|x: u64| x * x, 0..10u64).iter().sum::<u64>()", "285"),
    ("let wrong: u32 = \"{n}\";", "CompileError: "),
    ('panic!("at {n}");', "Panic: at {n}"),
    ('"x".parse::<u32>()?;', "Error: "),
    ("%timeit -n 1 -r 1 -q std::hint::black_box({n})", ""),
    ('corebook::display::html("<b>{n}</b>");', ""),
    ("for _ in progress(0..3) {{}}", None),
    ("%pool status", None),
    ("let mut total = 0u64;\nfor x in 0..{n}u64 {{ total += x; }}\ntotal", "{sum}"),
)
NAMES = 20
# Caches fill and threads start in the first cells, so growth is counted after them.
WARM_CELLS = 100
SAMPLES = 8


def run(ground, cells):
    report = Report("cells")
    kernel = Kernel(ground)
    kernel.run("%pool 2")
    samples = {}
    for number in range(1, cells + 1):
        try:
            check(report, kernel, number)
        except (Lost, Hung) as trouble:
            report.trouble(str(trouble))
            break
        report.rounds = number
        if number == WARM_CELLS or number % max(cells // SAMPLES, 1) == 0:
            samples[number] = kernel.figures()
            say(f"cells: {number}: {brief(samples[number])}")
    if kernel.is_alive():
        kernel.shut_down()
    ground.expect_clean(report, "after the last cell")
    report.remarks = remarks(samples)
    return report


def check(report, kernel, number):
    turn, kind = divmod(number - 1, len(CELLS))
    code, expected = CELLS[kind]
    words = {"n": turn, "few": turn % NAMES, "next": turn + 1, "sum": turn * (turn - 1) // 2}
    if code.startswith("v{few}"):
        words["sum"] += turn
    outcome = kernel.run(code.format(**words), stop_on_error=False)
    actual = outcome.error or outcome.result or outcome.printed
    if expected is None:
        return
    expected = expected.format(**words)
    if not (actual.startswith(expected) if expected else actual == "") or outcome.count != number + 1:
        report.trouble(f"wrong: cell {number} {code!r} gave {actual!r}, not {expected!r}; its count is {outcome.count}")


def remarks(samples):
    if len(samples) < 2:
        return []
    (first, before), *_, (last, after) = samples.items()
    lines = []
    for role in before:
        if role not in after:
            continue
        old, new = before[role], after[role]
        per_cell_kib = (new["memory_mib"] - old["memory_mib"]) * 1024 / (last - first)
        lines.append(
            f"{role}: memory {old['memory_mib']:.0f} MiB at cell {first}, {new['memory_mib']:.0f} at {last}"
            f" ({per_cell_kib:+.1f} KiB a cell); descriptors {old['descriptors']} and {new['descriptors']};"
            f" threads {old['threads']} and {new['threads']}"
        )
    return lines


def brief(figures):
    return ", ".join(
        f"{role} {it['memory_mib']:.0f} MiB {it['descriptors']} fds {it['threads']} threads"
        for role, it in figures.items()
    )
