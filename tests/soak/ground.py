"""The folders of a soak run's kernels: one cache and one folder for temporary files. Finds what kernels leave there.

This process adopts every orphan of its kernels, so that it finds all of them.
"""

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36

# How often to look again at what the system does.
LOOK_AGAIN_S = 0.02
# How long the processes of a dead kernel may take to end.
ORPHAN_PATIENCE_S = 10


@dataclass
class Report:
    """The outcome of one kind of rounds."""

    name: str
    rounds: int = 0
    troubles: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def trouble(self, text):
        self.troubles.append(text)
        say(f"{self.name}: TROUBLE: {text}")

    def is_well(self):
        return not self.troubles

    def line(self):
        def count(word):
            return sum(trouble.startswith(word) for trouble in self.troubles)

        known = {word: count(word) for word in ("lost", "hung", "left behind", "wrong")}
        counts = ", ".join(f"{number} {word}" for word, number in known.items())
        return "\n".join([f"{self.name}: {self.rounds} rounds, {counts}", *(f"  {it}" for it in self.remarks)])


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Ground:
    def __init__(self, folder: Path, binary: Path):
        self.folder = folder.resolve()
        self.binary = binary.resolve()
        self.cache = self.folder / "cache"
        self.temporary = self.folder / "tmp"
        self.logs = self.folder / "logs"
        # Sessions go there if the cache is read-only. Like the cache, the folder is not removed.
        self.own_home = self.temporary / f"corebook-{os.getuid()}"
        for path in (self.cache, self.temporary, self.logs):
            path.mkdir(exist_ok=True)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def environment(self, **changes):
        """The environment of a kernel. A change to None removes a variable."""
        own = {
            "COREBOOK_CACHE_DIR": self.cache,
            "COREBOOK_HISTORY": self.folder / "history.sqlite",
            "COREBOOK_LOG": "info",
            "TMPDIR": self.temporary,
        }
        changed = {**os.environ, **own, **changes}
        return {name: str(value) for name, value in changed.items() if value is not None}

    def sessions(self):
        """Folders and locks of sessions."""
        found = [path.name for home in (self.cache, self.own_home) for path in home.glob("sessions/*")]
        return sorted(name for name in found if name != "sweep.lock")

    def temporary_files(self):
        """All files except the home of sessions, and the short-lived files of rust-analyzer in a running kernel."""
        in_use = tuple(f"rust-analyzer{pid:x}-" for pid in KERNELS)
        others = (path.name for path in self.temporary.iterdir() if path != self.own_home)
        return sorted(name for name in others if not name.startswith(in_use))

    def expect_clean(self, report, why, kernels=0):
        """Reports what is there besides `kernels` running kernels, each with one session and one folder of sockets."""
        orphans = self.orphans_after(kernels)
        if orphans:
            report.trouble(f"left behind {why}: processes {orphans}")
            self.sweep_own()
        files = self.files_left(kernels)
        if files:
            report.trouble(f"left behind {why}: files {files}")

    def files_left(self, kernels=0):
        """All sessions, locks and temporary files, if their number is not that of `kernels` running kernels."""
        sessions, sockets = self.sessions(), self.temporary_files()
        return [] if len(sessions) == 2 * kernels and len(sockets) == kernels else sessions + sockets

    def orphans_after(self, kernels=0):
        """Children of this process except its kernels, after they had time to end."""
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        while True:
            children = reap_and_list_children()
            if len(children) <= kernels:
                return []
            if time.monotonic() > deadline:
                return [f"{pid} {name}" for pid, name in children]
            time.sleep(LOOK_AGAIN_S)

    def sweep_own(self):
        """Ends every process that a round has left, so that the next round starts without them."""
        for pid, _ in reap_and_list_children():
            os.kill(pid, signal.SIGKILL)
        self.orphans_after()


def reap_and_list_children():
    """Running children of this process, with their names. Reaps dead orphans, but not kernels: Popen does that."""
    running = []
    for child in children_of(os.getpid()):
        status = read_status(child)
        if status is None:
            continue
        if status["State"].startswith("Z"):
            if child not in KERNELS:
                try:
                    os.waitpid(child, os.WNOHANG)
                except ChildProcessError:
                    pass
        else:
            running.append((child, status["Name"]))
    return running


# Process ids of kernels. Each is reaped by the code that started it.
KERNELS: set[int] = set()


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.extend(int(child) for child in task.read_text().split())
        except OSError:
            pass
    return found


def descendants_of(pid):
    found = []
    unseen = [pid]
    while unseen:
        children = children_of(unseen.pop())
        found.extend(children)
        unseen.extend(children)
    return found


def read_status(pid):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
