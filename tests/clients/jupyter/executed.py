"""An executed notebook, and what its cells printed."""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

CELL_TIMEOUT_S = 180

TIMING = re.compile(r"^(\d+) loops?, best of (\d+): ([\d.]+) (ns|µs|ms|s) per loop$", re.MULTILINE)
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
FAILS = "raises-exception"


class Executed:
    """Runs a notebook from top to bottom, as nbclient and `nbconvert --execute` do."""

    def __init__(self, path: Path, more_cells=()):
        self.notebook = nbformat.read(path, as_version=4)
        nbformat.validate(self.notebook)
        self.notebook.cells.extend(more_cells)
        kernel = self.notebook.metadata.kernelspec.name
        client = NotebookClient(
            self.notebook,
            kernel_name=kernel,
            timeout=CELL_TIMEOUT_S,
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute()

    def code_cells(self):
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    def cell(self, cell_id):
        return next(cell for cell in self.notebook.cells if cell.id == cell_id)

    def printed(self, cell_id, stream="stdout"):
        outputs = self.cell(cell_id).outputs
        return "".join(it.text for it in outputs if it.output_type == "stream" and it.name == stream)

    def result(self, cell_id):
        results = [it for it in self.cell(cell_id).outputs if it.output_type == "execute_result"]
        assert len(results) == 1, f"{cell_id} has {len(results)} results: {self.cell(cell_id).outputs}"
        return results[0].data["text/plain"]

    def errors(self, cell_id):
        return errors_of(self.cell(cell_id))

    def seconds(self, cell_id):
        """The time that `%timeit` printed in this cell."""
        text = self.printed(cell_id)
        lines = TIMING.findall(text)
        assert len(lines) == 1, f"{cell_id} printed {text!r}"
        _loops, _runs, figure, unit = lines[0]
        return float(figure) * SECONDS[unit]


def errors_of(cell):
    return [it for it in cell.outputs if it.output_type == "error"]


def must_fail(cell):
    return FAILS in cell.metadata.get("tags", [])
