"""A running kernel, and the client that times it."""

import subprocess
import time

import zmq
from jupyter_client.manager import KernelManager

from cells import KERNELSPECS
from processes import by_role, variable, whole_memory_mib

START_WAIT_S = 300
CELL_WAIT_S = 180

# By default zmq connects ten times a second, which would round start times up.
CONTEXT = zmq.Context()
CONTEXT.setsockopt(zmq.RECONNECT_IVL, 5)


class Kernel:
    """Starts the kernel and waits until it is ready. `name` is its name in reports."""

    def __init__(self, name):
        self.name = name
        self.started = time.perf_counter()
        self.manager = KernelManager(kernel_name=KERNELSPECS[name], context=CONTEXT)
        self.manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.client(context=CONTEXT)
        self.client.start_channels(hb=False)
        self.client.kernel_info()
        self.client.get_shell_msg(timeout=START_WAIT_S)
        self.ready_s = self.since_start_s()
        self._wait_for_iopub()

    def since_start_s(self):
        return time.perf_counter() - self.started

    def run(self, code):
        """Seconds from the request until the reply and idle have arrived, and the messages in between."""
        return self.finish(code, *self.send(code))

    def finish(self, code, sent, request, status="ok"):
        """As `run`, for a cell that was sent."""
        _, elapsed, reply, messages = self._finish(sent, request)
        if reply["status"] != status:
            raise RuntimeError(f"{self.name}: {code!r} ended with {reply.get('evalue', reply['status'])}")
        return elapsed, messages

    def time(self, code):
        return self.run(code)[0]

    def time_failing(self, code):
        """As `time`, for a cell that has to fail."""
        return self.finish(code, *self.send(code), status="error")[0]

    def time_tab(self, code):
        """Seconds from Tab at the end of `code` until there is an answer, and until one that offers something."""
        pressed = time.perf_counter()
        first_s = None
        while time.perf_counter() - pressed < CELL_WAIT_S:
            request = self.client.complete(code, len(code))
            reply = self.client.get_shell_msg(timeout=CELL_WAIT_S)
            while reply["parent_header"].get("msg_id") != request:
                reply = self.client.get_shell_msg(timeout=CELL_WAIT_S)
            answered_s = time.perf_counter() - pressed
            first_s = first_s or answered_s
            if reply["content"].get("matches"):
                return first_s, answered_s
            # A person who sees nothing presses Tab again.
            time.sleep(0.1)
        raise RuntimeError(f"{self.name}: Tab at {code!r} never offers anything")

    def value(self, code):
        """The text of the cell's result."""
        results = [message for message in self.run(code)[1] if message["msg_type"] == "execute_result"]
        return results[0]["content"]["data"]["text/plain"]

    def send(self, code):
        """Sends a cell. Returns what `interrupt` needs."""
        sent = time.perf_counter()
        return sent, self.client.execute(code, allow_stdin=False)

    def interrupt(self, sent, request):
        """Interrupts the cell. Returns the seconds until the cell's reply, which must be an error."""
        asked = time.perf_counter()
        self.client.session.send(self.client.control_channel.socket, "interrupt_request", {})
        ended, _, reply, _ = self._finish(sent, request)
        if reply["status"] != "error":
            raise RuntimeError(f"{self.name}: an interrupted cell ended with {reply['status']}")
        self.client.get_control_msg(timeout=CELL_WAIT_S)
        return ended - asked

    def wait_for_output(self, request):
        """Waits until the cell has printed something."""
        while True:
            message = self.client.get_iopub_msg(timeout=CELL_WAIT_S)
            if message["parent_header"].get("msg_id") == request and message["msg_type"] == "stream":
                return

    def processes(self):
        return by_role(self.name, self.manager.provisioner.pid)

    def whole_memory_mib(self):
        return whole_memory_mib(self.manager.provisioner.pid)

    def work_folder(self):
        """The folder in which corebook's cells are compiled."""
        return variable(self.processes()["supervisor"], "EVCXR_TMPDIR")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    def _finish(self, sent, request):
        """When the cell ended, how long it took, its reply and its messages."""
        channels = {channel.socket: channel for channel in (self.client.shell_channel, self.client.iopub_channel)}
        poller = zmq.Poller()
        for socket in channels:
            poller.register(socket, zmq.POLLIN)
        reply, is_idle, messages = None, False, []
        while reply is None or not is_idle:
            ready = poller.poll(CELL_WAIT_S * 1000)
            if not ready or not self.manager.is_alive():
                raise RuntimeError(f"{self.name}: a cell does not end")
            for socket, _ in ready:
                message = channels[socket].get_msg(timeout=0)
                if message["parent_header"].get("msg_id") != request:
                    continue
                if channels[socket] is self.client.shell_channel:
                    reply = message["content"]
                else:
                    messages.append(message)
                    is_idle |= message["content"].get("execution_state") == "idle"
        ended = time.perf_counter()
        return ended, ended - sent, reply, messages

    def _wait_for_iopub(self):
        """Waits until the subscription takes effect. Until then messages are lost."""
        while True:
            self.client.kernel_info()
            self.client.get_shell_msg(timeout=START_WAIT_S)
            if self.client.iopub_channel.socket.poll(50):
                break
        while self.client.iopub_channel.socket.poll(20):
            self.client.iopub_channel.get_msg(timeout=0)
