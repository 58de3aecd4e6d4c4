"""JupyterLab in a browser, as its user sees it: panels, cells, menus and keys. It makes no assertion about a cell."""

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

CHECKOUT = Path(__file__).parents[3]
ARTEFACTS = CHECKOUT / "tests" / "artefacts"
KERNEL = "Rust (corebook)"
CELL_TIMEOUT_MS = 60_000
# Chromium must not use the network: a machine for tests may have none.
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Lab:
    """A running JupyterLab, which serves `folder`."""

    def __init__(self, url: str, token: str, folder: Path):
        self.url = url
        self.token = token
        self.folder = folder

    def open(self, page: Page, name: str) -> "Notebook":
        """Opens a notebook that is in the folder."""
        page.goto(f"{self.url}/lab/tree/{name}?reset&token={self.token}")
        return Notebook(page, self.folder / name)

    def open_new(self, page: Page, cells) -> "Notebook":
        """Writes a notebook with these code cells, and opens it."""
        name = f"cells-{len(list(self.folder.iterdir()))}.ipynb"
        (self.folder / name).write_text(json.dumps(notebook_of(cells)))
        return self.open(page, name)

    def end_kernels(self):
        """Ends all kernels, because each takes half a gigabyte."""
        headers = {"Authorization": f"token {self.token}"}
        with urlopen(Request(f"{self.url}/api/sessions", headers=headers), timeout=30) as answer:
            sessions = json.load(answer)
        for session in sessions:
            url = f"{self.url}/api/sessions/{session['id']}"
            urlopen(Request(url, headers=headers, method="DELETE"), timeout=30).close()


def notebook_of(cells) -> dict:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "corebook", "display_name": KERNEL, "language": "rust"}},
        "cells": [
            {
                "id": f"cell-{index}",
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for index, source in enumerate(cells)
        ],
    }


class Notebook:
    """The notebook that is open in `page`, and its file at `path`."""

    def __init__(self, page: Page, path: Path):
        self.page = page
        self.path = path
        self.panel = page.locator(".jp-NotebookPanel:visible")
        # Before the spinner goes, the indicator is idle too, and typed text is lost.
        expect(self.panel.locator(".jp-Spinner")).to_have_count(0, timeout=CELL_TIMEOUT_MS)
        expect(page.locator("#jp-main-statusbar")).to_contain_text(f"{KERNEL} | Idle", timeout=CELL_TIMEOUT_MS)

    def wait_until_idle(self, timeout_ms=CELL_TIMEOUT_MS):
        """Waits until the kernel is idle, which the toolbar shows as an open circle."""
        indicator = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle", timeout=timeout_ms)

    def cell(self, index: int) -> Locator:
        return self.panel.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')

    def editor(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-InputArea-editor .cm-content")

    def outputs(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-OutputArea-output")

    def start(self, index: int):
        """Runs a cell with Ctrl+Enter, and does not wait for it."""
        self.cell(index).scroll_into_view_if_needed()
        self.editor(index).click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int, timeout_ms=CELL_TIMEOUT_MS):
        """Runs a cell and waits until it has its number."""
        self.start(index)
        self.wait_for(index, timeout_ms)

    def wait_for(self, index: int, timeout_ms=CELL_TIMEOUT_MS):
        """Waits until a cell that was started has its number."""
        prompt = self.cell(index).locator(".jp-InputPrompt").first
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=timeout_ms)

    def type_at_end(self, index: int, text: str):
        """Puts the cursor at the end of a cell's text and types."""
        self.cell(index).scroll_into_view_if_needed()
        self.editor(index).click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def complete(self) -> Locator:
        """Presses Tab until the completer shows."""
        return self.press_until("Tab", ".jp-Completer:visible")

    def explain(self) -> Locator:
        """Presses Shift-Tab until the documentation shows."""
        return self.press_until("Shift+Tab", ".jp-Tooltip:visible")

    def press_until(self, keys: str, selector: str) -> Locator:
        """JupyterLab waits a second for an answer. The first one takes longer, because rust-analyzer starts then."""
        shown = self.page.locator(selector)
        for _attempt in range(20):
            self.page.keyboard.press(keys)
            try:
                shown.wait_for(timeout=3000)
                return shown
            except PlaywrightTimeoutError:
                continue
        raise AssertionError(f"{keys} shows nothing")

    def choose(self, menu: str, *items: str):
        """Chooses from the menu bar: a menu, an item in it, and so on into submenus."""
        self.page.locator(".lm-MenuBar-item").get_by_text(menu, exact=True).click()
        *submenus, last = [self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True) for item in items]
        for submenu in submenus:
            submenu.hover()
        last.click()

    def stop(self):
        """Presses Stop in the toolbar."""
        self.panel.locator('[data-jp-item-name="interrupt"]').click()

    def confirm(self):
        """Accepts the dialogue that is open."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def saved(self) -> dict:
        """Saves, and returns the notebook on disk."""
        before = self.path.stat().st_mtime_ns
        self.choose("File", "Save Notebook")
        for _attempt in range(100):
            if self.path.stat().st_mtime_ns != before:
                try:
                    return json.loads(self.path.read_text())
                except json.JSONDecodeError:
                    pass  # Jupyter is still writing it.
            self.page.wait_for_timeout(100)
        raise AssertionError(f"JupyterLab did not save {self.path.name}")
