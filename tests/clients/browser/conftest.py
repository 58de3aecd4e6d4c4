"""Fixtures for tests in a browser: JupyterLab as `install/lab` starts it, and a page in Chromium."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

from lab import ARTEFACTS, CELL_TIMEOUT_MS, CHECKOUT, CHROMIUM_FLAGS, Lab

CHROMIUM = shutil.which("chromium")
# install/lab compiles, unless tests/run has done that before.
START_TIMEOUT_S = 600
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab from `install/lab`, with a copy of the notebooks and its own settings."""
    home = tmp_path_factory.mktemp("lab")
    folder = home / "notebooks"
    shutil.copytree(CHECKOUT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    folders = {
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "COREBOOK_HISTORY": home / "history.sqlite",
    }
    port, token = free_port(), secrets.token_hex(8)
    command = [CHECKOUT / "install" / "lab", "--no-browser", "--port", str(port)]
    command += [f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={token}"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    ARTEFACTS.mkdir(exist_ok=True)
    log = ARTEFACTS / "jupyterlab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env={**os.environ, **{name: str(path) for name, path in folders.items()}},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_served(f"{url}/api", server, log)
        yield Lab(url, token, folder)
    finally:
        stop(server)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_served(url, server, log):
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert server.poll() is None, f"install/lab ended with {server.returncode}:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"install/lab does not answer after {START_TIMEOUT_S} s:\n{log.read_text()}")


def stop(server):
    """Ends JupyterLab, which ends its kernels first."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def pytest_collection_modifyitems(items):
    if CHROMIUM is None:
        reason = "there is no program chromium on PATH: install it, or run tests/run as root with apt-get"
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        is_sandboxed = os.geteuid() != 0
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=is_sandboxed, args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, lab, request):
    """A new page. A picture of its last state is kept in tests/artefacts, by the name of the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    # Assertions wait as long for a cell as `Notebook` does.
    expect.set_options(timeout=CELL_TIMEOUT_MS)
    page = context.new_page()
    yield page
    page.screenshot(path=ARTEFACTS / f"{request.node.name}.png")
    context.close()
    lab.end_kernels()


@pytest.fixture
def open_notebook(page, lab):
    """Opens a notebook with these cells, or an existing file, in a new kernel."""

    def open_it(*cells, name=None):
        return lab.open(page, name) if name else lab.open_new(page, cells)

    return open_it
