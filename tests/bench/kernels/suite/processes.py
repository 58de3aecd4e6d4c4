"""What Linux reports about a kernel's processes: memory, processor time, wake-ups."""

import contextlib
from pathlib import Path

# The variable that tells a process of corebook what it is. The kernel itself has none.
ROLE_VARIABLE = "COREBOOK_ROLE"

MIB = 1024


def tree(pid):
    """A process and all it has started, parents first."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def by_role(kernel_name, pid):
    """The processes of a kernel, without those that a pool of Python has started."""
    roles = {"kernel": pid}
    if kernel_name != "ipykernel":
        for child in tree(pid)[1:]:
            # A checkpoint is a fork of the worker, and comes after it.
            roles.setdefault(find_variable(child, ROLE_VARIABLE) or "worker", child)
    return roles


def memory_mib(pid):
    """Proportional, resident and private written memory, in MiB.

    The three processes of corebook run one binary and share its pages, which the proportional size divides among them.
    """
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size = line.split(":")
        sizes[name] = int(size.split()[0]) / MIB
    return {"pss": sizes["Pss"], "rss": sizes["Rss"], "private_dirty": sizes["Private_Dirty"]}


def whole_memory_mib(pid):
    """The memory of a kernel and all its processes."""
    whole = {}
    for process in tree(pid):
        # A compiler may end before it is read.
        with contextlib.suppress(OSError):
            for kind, size in memory_mib(process).items():
                whole[kind] = whole.get(kind, 0) + size
    return whole


def disk_mib(folder):
    """The size of a folder's files on disk, in MiB, without files to which other folders link too."""
    files = (path.lstat() for path in Path(folder).rglob("*") if path.is_file())
    return sum(file.st_blocks * 512 for file in files if file.st_nlink == 1) / 2**20


def find_variable(pid, name):
    """A variable from the environment with which a process was started, or None."""
    for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if pair.startswith(f"{name}=".encode()):
            return pair.split(b"=", 1)[1].decode()
    return None


def variable(pid, name):
    """As `find_variable`, if the process must have it."""
    value = find_variable(pid, name)
    if value is None:
        raise RuntimeError(f"process {pid} was started without {name}")
    return value


def activity(pid):
    """Nanoseconds of processor time and the number of waits so far, of each thread."""
    threads = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        cpu_ns = int((task / "schedstat").read_text().split()[0])
        status = (task / "status").read_text().splitlines()
        waits = sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
        threads[task.name] = (cpu_ns, waits)
    return threads


def activity_since(pid, before):
    """Nanoseconds and waits since `before`, of the threads that still run."""
    after = activity(pid)
    cpu_ns = sum(cpu_ns - before.get(thread, (0, 0))[0] for thread, (cpu_ns, _) in after.items())
    return cpu_ns, sum(waits - before.get(thread, (0, 0))[1] for thread, (_, waits) in after.items())
