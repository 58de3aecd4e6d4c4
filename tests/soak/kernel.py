"""One kernel and its client."""

import os
import queue
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from ground import KERNELS, Ground, descendants_of, read_status

# Only a hang takes that long, even on a busy machine.
PATIENCE_S = 120
# The protocol's bound is 2 s. The rest is for a busy machine.
SHUTDOWN_PATIENCE_S = 10
SHUTDOWN_BOUND_S = 2


class Lost(Exception):
    """The kernel ended, so an answer is lost."""


class Hung(Exception):
    """No message came for longer than anything takes."""


@dataclass
class Outcome:
    status: str
    error: str = ""
    printed: str = ""
    result: str = ""
    count: int = 0
    names: list[str] = field(default_factory=list)


class Kernel:
    def __init__(self, ground: Ground, prefix=(), pass_fds=(), **changes):
        """Starts a kernel with these changes of its environment, through the command `prefix` if there is one."""
        self.ground = ground
        number = time.monotonic_ns()
        self.log = ground.logs / f"{number}.log"
        file, self.info = write_connection_file(str(ground.logs / f"{number}.json"))
        self.connection_file = Path(file)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*prefix, ground.binary, "kernel", file],
                env=ground.environment(**changes),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ground.folder,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        KERNELS.add(self.process.pid)
        self.client = self.connect()

    def connect(self):
        client = BlockingKernelClient()
        client.load_connection_info(self.info)
        client.start_channels()
        return client

    def is_alive(self):
        return self.process.poll() is None

    def expect_ready(self):
        """Waits for the answer to kernel_info, and until the client receives what is published."""
        deadline = time.monotonic() + PATIENCE_S
        request = self.client.kernel_info()
        while True:
            reply = self._next(self.client.get_shell_msg, deadline, "kernel_info")
            if reply["parent_header"].get("msg_id") == request:
                break
        # Without this, a cell that fails at once could end before the subscription takes effect.
        self._next(self.client.get_iopub_msg, deadline, "iopub_welcome")
        return self

    def send(self, code, **options):
        return self.client.execute(code, **options)

    def run(self, code, patience_s=PATIENCE_S, **options):
        return self.collect(self.send(code, **options), patience_s)

    def collect(self, request, patience_s=PATIENCE_S):
        """All messages about a request, up to idle and the reply."""
        deadline = time.monotonic() + patience_s
        outcome = Outcome("")
        while True:
            message = self._next(self.client.get_iopub_msg, deadline, "idle")
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            outcome.names.append(kind)
            if kind == "stream":
                outcome.printed += content["text"]
            elif kind == "execute_result":
                outcome.result = content["data"].get("text/plain", "")
            elif kind == "error":
                outcome.error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                break
        while True:
            reply = self._next(self.client.get_shell_msg, deadline, "the reply")
            if reply["parent_header"].get("msg_id") == request:
                outcome.status = reply["content"]["status"]
                outcome.count = reply["content"]["execution_count"]
                return outcome

    def await_printed(self, request, patience_s=PATIENCE_S):
        """Waits for the first text that a cell prints."""
        deadline = time.monotonic() + patience_s
        while True:
            message = self._next(self.client.get_iopub_msg, deadline, "output")
            if message["parent_header"].get("msg_id") == request and message["msg_type"] == "stream":
                return message["content"]["text"]

    def _next(self, get, deadline, what):
        while True:
            try:
                return get(timeout=0.2)
            except queue.Empty:
                if not self.is_alive():
                    raise Lost(f"lost {what}: the kernel ended with {self.process.returncode}; {self.log}") from None
                if time.monotonic() > deadline:
                    raise Hung(f"hung: no {what}; {self.log}") from None

    def interrupt(self):
        self.client.control_channel.send(self.client.session.msg("interrupt_request", {}))

    def shut_down(self):
        """Asks the kernel to end, by a message. Returns how long that took, in seconds."""
        began = time.monotonic()
        self.client.shutdown()
        try:
            self.process.wait(SHUTDOWN_PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Hung(f"hung: no end after a shutdown request; {self.log}") from None
        finally:
            self.forget()
        if self.process.returncode != 0:
            raise Lost(f"lost its end: the kernel ended with {self.process.returncode}; {self.log}")
        return time.monotonic() - began

    def kill(self, with_group=False):
        if with_group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self.forget()

    def forget(self):
        self.client.stop_channels()
        self.connection_file.unlink(missing_ok=True)
        if self.process.poll() is not None:
            KERNELS.discard(self.process.pid)

    def roles(self):
        """Process ids of the kernel, its supervisor and its worker, as far as they run."""
        found = {"kernel": self.process.pid}
        for pid in descendants_of(self.process.pid):
            role = role_of(pid)
            if role and role not in found:
                found[role] = pid
        return found

    def figures(self):
        """Memory in MiB, descriptors and threads of each process."""
        return {role: figures_of(pid) for role, pid in self.roles().items()}


def role_of(pid):
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        program = Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return None
    roles = [it.partition(b"=")[2].decode() for it in variables if it.startswith(b"COREBOOK_ROLE=")]
    return roles[0] if roles and program.startswith("corebook") else None


def figures_of(pid):
    status = read_status(pid)
    return {
        "memory_mib": int(status["VmRSS"].split()[0]) / 1024,
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status["Threads"]),
    }
