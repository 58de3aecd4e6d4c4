"""Fixtures for tests with Jupyter's own tools."""

import json
import os
import subprocess

import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from installed import KERNEL


@pytest.fixture(scope="module", autouse=True)
def own_history(tmp_path_factory):
    """Each test file has its own history, apart from that of the person who runs the tests."""
    os.environ["COREBOOK_HISTORY"] = str(tmp_path_factory.mktemp("data") / "history.sqlite")


@pytest.fixture(scope="session")
def kernelspec():
    try:
        return KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        pytest.exit(f"no kernel {KERNEL} is installed in this environment: run tests/run", returncode=2)


@pytest.fixture(scope="session")
def usable_cores(kernelspec):
    """How many cores corebook counts here. Other tests check that number."""
    report = subprocess.run([kernelspec.argv[0], "cpus", "--json"], check=True, capture_output=True)
    return json.loads(report.stdout)["usable"]
