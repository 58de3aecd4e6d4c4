"""run_cell.py NAME CODE: starts the kernel that Jupyter finds by this name, and prints the output of a cell.

`jupyter run` does the same, but waits at most 10 s for the output.
"""

import sys

from jupyter_client.manager import start_new_kernel

TIMEOUT_S = 150

manager, client = start_new_kernel(kernel_name=sys.argv[1], startup_timeout=TIMEOUT_S)
try:
    client.execute_interactive(sys.argv[2], timeout=TIMEOUT_S)
finally:
    client.stop_channels()
    manager.shutdown_kernel()
