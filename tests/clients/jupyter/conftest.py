"""What all Jupyter tests share. They use the kernel that tests/run installed into this environment."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

CHECKOUT = Path(__file__).parents[3]
KERNEL = os.environ.get("COREBOOK_TEST_KERNEL", "corebook")


@pytest.fixture(scope="module", autouse=True)
def own_history(tmp_path_factory):
    """Kernels remember a file's cells apart from those of other files and of whoever runs the tests."""
    os.environ["COREBOOK_HISTORY"] = str(tmp_path_factory.mktemp("data") / "history.sqlite")


@pytest.fixture(scope="session")
def kernelspec():
    try:
        return KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        pytest.exit(f"no kernel {KERNEL} is installed in this environment: run tests/run", returncode=2)


@pytest.fixture(scope="session")
def usable_cores(kernelspec):
    """How many cores corebook counts here; what it counts is tested elsewhere."""
    report = subprocess.run([kernelspec.argv[0], "cpus", "--json"], check=True, capture_output=True)
    return json.loads(report.stdout)["usable"]
