"""A kernel that forwards everything to corebook and records what its client sent. Not a test.

It made the files in jupyter/src/wire/fixtures. To use it, write a kernelspec with this argv:

    ["python", "record.py", "OUTPUT.json", "NAME AND VERSION OF THE CLIENT", "corebook", "{connection_file}"]

Routing identities are written in hexadecimal. All other frames are the JSON as it was received, unchanged.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import zmq

DELIMITER = b"<IDS|MSG>"
PORTS = ("shell_port", "control_port", "stdin_port", "iopub_port", "hb_port")


def main():
    output, client, binary, connection_file = sys.argv[1:]
    outside = json.loads(Path(connection_file).read_text())
    context = zmq.Context()
    with tempfile.TemporaryDirectory() as folder:
        inside = {**outside, "transport": "ipc", "ip": f"{folder}/kernel"}
        inside.update({port: number for number, port in enumerate(PORTS, start=1)})
        inner_file = Path(folder) / "connection.json"
        inner_file.write_text(json.dumps(inside))
        kernel = subprocess.Popen([binary, "kernel", inner_file])
        pairs = [bridge(context, outside, inside, port) for port in PORTS]
        record = {"client": client, "key": outside["key"], "scheme": outside["signature_scheme"], "messages": []}
        poller = zmq.Poller()
        for _, front, back in pairs:
            poller.register(front, zmq.POLLIN)
            poller.register(back, zmq.POLLIN)
        while kernel.poll() is None:
            ready = dict(poller.poll(timeout=100))
            for port, front, back in pairs:
                if front in ready:
                    frames = front.recv_multipart()
                    if DELIMITER in frames:
                        record["messages"].append(as_record(port, frames))
                        Path(output).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
                    back.send_multipart(frames)
                if back in ready:
                    front.send_multipart(back.recv_multipart())


def bridge(context, outside, inside, port):
    """The socket for the client, and the one that is connected to the kernel."""
    is_iopub = port == "iopub_port"
    front = context.socket(zmq.XPUB if is_iopub else zmq.ROUTER)
    back = context.socket(zmq.XSUB if is_iopub else zmq.DEALER)
    front.bind(f"{outside['transport']}://{outside['ip']}:{outside[port]}")
    back.connect(f"ipc://{inside['ip']}-{inside[port]}")
    return port, front, back


def as_record(port, frames):
    at = frames.index(DELIMITER)
    return {
        "channel": port.removesuffix("_port"),
        "identities": [frame.hex() for frame in frames[:at]],
        "frames": [frame.decode() for frame in frames[at + 1 :]],
    }


main()
