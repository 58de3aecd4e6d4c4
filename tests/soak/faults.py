"""Faults of the machine: disk, clock, folders, tools and clients. The kernel names the fault, and works after it."""

import contextlib
import glob
import os
import shutil
import subprocess
import time
from pathlib import Path

from ground import Report, say
from kernel import Hung, Kernel, Lost

FIRST_CELL_PATIENCE_S = 600
NO_SUCH_FOLDER = "/dev/null/home"
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Skip(Exception):
    """Why this machine cannot produce a fault."""


class Wrong(Exception):
    """The actual result, which differs from the expected one."""


def run(ground):
    report = Report("faults")
    for fault in FAULTS:
        name = fault.__name__.replace("_", " ")
        try:
            fault(ground)
            say(f"faults: {name}: well")
        except Skip as reason:
            report.remarks.append(f"skipped, {reason}: {name}")
        except (Lost, Hung) as trouble:
            report.trouble(f"{trouble} ({name})")
        except Wrong as trouble:
            report.trouble(f"wrong: {name}: {trouble}")
        ground.sweep_own()
        report.rounds += 1
    # Kernels with other folders may leave files there. In the common folders there must be none.
    Kernel(ground).expect_ready().shut_down()
    ground.expect_clean(report, "after the faults")
    return report


@contextlib.contextmanager
def kernel_in(ground, **changes):
    kernel = Kernel(ground, **changes)
    try:
        kernel.expect_ready()
        yield kernel
        kernel.shut_down()
    finally:
        if kernel.is_alive():
            kernel.kill()


def works(kernel):
    outcome = kernel.run("20 + 1", FIRST_CELL_PATIENCE_S, stop_on_error=False)
    if outcome.result != "21":
        raise Wrong(outcome)


def says(kernel, *words):
    """Runs a cell, which must fail with an error that contains one of `words`."""
    outcome = kernel.run("20 + 1", FIRST_CELL_PATIENCE_S, stop_on_error=False)
    if not any(word in outcome.error for word in words):
        raise Wrong(f"{outcome.error!r} contains none of {words}")


def a_client_goes_while_a_cell_prints(ground):
    with kernel_in(ground) as kernel:
        request = kernel.send('for i in 0..1_000_000 { println!("{i}"); }')
        kernel.await_printed(request)
        kernel.client.stop_channels()
        kernel.client = kernel.connect()
        kernel.expect_ready()
        works(kernel)


def two_clients_go_and_one_stays(ground):
    with kernel_in(ground) as kernel:
        others = [kernel.connect() for _ in range(2)]
        requests = [other.execute('for i in 0..100_000 { println!("{i}"); }') for other in others]
        kernel.await_printed(requests[0])
        for other in others:
            other.stop_channels()
        works(kernel)


def the_log_has_no_reader(ground):
    reader, writer = os.pipe()
    os.close(reader)
    with kernel_in(ground, prefix=("sh", "-c", f'exec "$@" 2>&{writer}', "sh"), pass_fds=(writer,)) as kernel:
        works(kernel)
    os.close(writer)


def the_log_is_on_a_full_disk(ground):
    with kernel_in(ground, prefix=("sh", "-c", 'exec "$@" 2>/dev/full', "sh")) as kernel:
        works(kernel)


@contextlib.contextmanager
def disk(ground, size_mib, options=""):
    """A small disk for one fault. Only root can mount it."""
    folder = ground.folder / "disk"
    folder.mkdir(exist_ok=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m{options}", "tmpfs", folder], check=False)
    if mount.returncode != 0:
        raise Skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Fills a disk to the last byte."""
    with (folder / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))


def the_disk_is_full_before_the_first_build(ground):
    with disk(ground, 4) as folder:
        fill(folder)
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache") as kernel:
            says(kernel, "the disk is full at")


def the_disk_gets_full_between_cells(ground):
    with disk(ground, 900) as folder:
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache", TMPDIR=folder) as kernel:
            works(kernel)
            fill(folder)
            says(kernel, "No space left on device", "the disk is full")
            (folder / "filler").unlink()
            works(kernel)


def the_disk_is_full_at_the_start(ground):
    with disk(ground, 900) as folder:
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache") as kernel:
            works(kernel)
        fill(folder)
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache") as kernel:
            says(kernel, "the disk is full at")


def files_may_not_grow(ground):
    with kernel_in(ground, prefix=("prlimit", "--fsize=4096")) as kernel:
        says(kernel, "cannot write", "File too large", "the disk is full", "SIGXFSZ")


def the_oom_killer_ends_a_worker(ground):
    group = MEMORY_GROUPS / f"corebook-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(256 << 20))
    except OSError as error:
        raise Skip(f"no memory group can be made ({error})") from None
    try:
        with kernel_in(ground) as kernel:
            works(kernel)
            (group / "cgroup.procs").write_text(str(kernel.roles()["worker"]))
            outcome = kernel.run("let eaten = vec![1u8; 1 << 30];\neaten[7]", stop_on_error=False)
            if not outcome.error.startswith("WorkerDied: worker died: killed: out of memory?"):
                raise Wrong(outcome)
            works(kernel)
    finally:
        group.rmdir()


def the_clock_jumps(ground):
    libraries = glob.glob(FAKETIME)
    if not libraries:
        raise Skip("there is no libfaketime: install the package faketime")
    clock = ground.folder / "clock"
    clock.write_text("+0")
    tools = fake_tools(ground, 'unset LD_PRELOAD\nexec "$REAL" "$@"', real_tools())
    changes = {
        "LD_PRELOAD": libraries[0],
        "FAKETIME_TIMESTAMP_FILE": clock,
        "FAKETIME_NO_CACHE": 1,
        # As when a user or the network sets the time: the monotonic clock is not changed.
        "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        "NO_FAKE_STAT": 1,
        # rustc's allocator hangs with libfaketime, so the tools run without it.
        "PATH": f"{tools}:/usr/bin:/bin",
    }
    with kernel_in(ground, **changes) as kernel:
        works(kernel)
        for jump in ("+2d", "-3d", "+400d", "+0"):
            clock.write_text(jump)
            works(kernel)
            outcome = kernel.run("%pool 2\npool.map(|x: u64| x, 0..1000u64).len()")
            if outcome.result != "1000":
                raise Wrong(f"after {jump}: {outcome}")
            request = kernel.send('println!("go"); loop { std::hint::spin_loop(); }')
            kernel.await_printed(request)
            kernel.interrupt()
            ended = kernel.collect(request, 20)
            if not ended.error.startswith("Interrupted"):
                raise Wrong(f"after {jump}: {ended}")


def there_is_no_home(ground):
    with kernel_in(ground, HOME=None, XDG_CACHE_HOME=None, COREBOOK_HISTORY=None) as kernel:
        works(kernel)


def at_home(home):
    """Another home, with the tools of the real one."""
    tools = {"CARGO_HOME": cargo_home(), "RUSTUP_HOME": rustup_home()}
    return {"HOME": home, "XDG_CACHE_HOME": None, "XDG_DATA_HOME": None, "COREBOOK_HISTORY": None, **tools}


def home_is_no_folder(ground):
    with kernel_in(ground, **at_home(NO_SUCH_FOLDER)) as kernel:
        works(kernel)
    with kernel_in(ground, **at_home(NO_SUCH_FOLDER), COREBOOK_CACHE_DIR=None) as kernel:
        says(kernel, "COREBOOK_CACHE_DIR", f"cannot create {NO_SUCH_FOLDER}")


def home_is_read_only(ground):
    with disk(ground, 1, ",ro") as home:
        with kernel_in(ground, **at_home(home)) as kernel:
            works(kernel)
        with kernel_in(ground, **at_home(home), COREBOOK_CACHE_DIR=None) as kernel:
            says(kernel, "COREBOOK_CACHE_DIR")


def the_cache_is_read_only(ground):
    with disk(ground, 900) as folder:
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache") as kernel:
            works(kernel)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with kernel_in(ground, COREBOOK_CACHE_DIR=folder / "cache") as kernel:
            works(kernel)


def path_leads_to_no_cargo(ground):
    with kernel_in(ground, PATH="/usr/bin:/bin", CARGO_HOME=cargo_home()) as kernel:
        works(kernel)
    with kernel_in(ground, PATH="/usr/bin:/bin", HOME=ground.folder, CARGO_HOME=None) as kernel:
        says(kernel, "cargo is neither on PATH nor in")


def there_is_no_linker(ground):
    with kernel_in(ground, PATH=cargo_home() / "bin", COREBOOK_CACHE_DIR=ground.folder / "other-cache") as kernel:
        says(kernel, "there is no linker")


def the_chosen_toolchain_does_not_exist(ground):
    with kernel_in(ground, COREBOOK_TOOLCHAIN="no-such-toolchain") as kernel:
        says(kernel, "rustup toolchain install no-such-toolchain")


def the_tools_print_nonsense(ground):
    tools = fake_tools(ground, "echo nonsense")
    with kernel_in(ground, PATH=f"{tools}:{os.environ['PATH']}") as kernel:
        says(kernel, "printed no line")


def the_tools_break_between_cells(ground):
    switch = ground.folder / "tools-are-broken"
    switch.unlink(missing_ok=True)
    tools = fake_tools(
        ground, f'[ -e "{switch}" ] && {{ echo "error: the toolchain is gone" >&2; exit 1; }}\nexec "$REAL" "$@"', real_tools()
    )
    with kernel_in(ground, PATH=f"{tools}:/usr/bin:/bin", RUSTC=None, CARGO=None) as kernel:
        works(kernel)
        switch.touch()
        says(kernel, "the toolchain is gone")
        switch.unlink()
        works(kernel)


def fake_tools(ground, script, real=None):
    """A folder with programs called cargo and rustc."""
    folder = ground.folder / f"tools-{time.monotonic_ns()}"
    folder.mkdir()
    for name in ("cargo", "rustc"):
        path = folder / name
        path.write_text(f"#!/bin/sh\nREAL='{(real or {}).get(name, '')}'\n{script}\n")
        path.chmod(0o755)
    return folder


def real_tools():
    return {name: real_tool(name) for name in ("cargo", "rustc")}


def real_tool(name):
    """The program that rustup's proxy starts, or the program itself if it is no proxy."""
    asked = subprocess.run(["rustup", "which", name], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else shutil.which(name)


def cargo_home():
    return Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def rustup_home():
    return Path(os.environ.get("RUSTUP_HOME", Path.home() / ".rustup"))


FAULTS = (
    a_client_goes_while_a_cell_prints,
    two_clients_go_and_one_stays,
    the_log_has_no_reader,
    the_log_is_on_a_full_disk,
    the_disk_is_full_before_the_first_build,
    the_disk_gets_full_between_cells,
    the_disk_is_full_at_the_start,
    files_may_not_grow,
    the_oom_killer_ends_a_worker,
    the_clock_jumps,
    there_is_no_home,
    home_is_no_folder,
    home_is_read_only,
    the_cache_is_read_only,
    path_leads_to_no_cargo,
    there_is_no_linker,
    the_chosen_toolchain_does_not_exist,
    the_tools_print_nonsense,
    the_tools_break_between_cells,
)
