"""Every notebook runs under nbclient, and what its text claims is what its cells print."""

import functools
import re
from pathlib import Path

import nbformat
import pytest

from executed import Executed, errors_of, must_fail
from installed import CHECKOUT

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
TUTORIAL = "01-running-code-in-parallel"

# On a shared machine single runs take longer. The best of three is affected less.
SHARE_OF_IDEAL = 0.9


def solutions(path: Path):
    """The code that a notebook's text hides in <details>, as cells to run after the others."""
    notebook = nbformat.read(path, as_version=4)
    hidden = [
        (cell.id, details)
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for details in re.findall(r"<details>(.*?)</details>", cell.source, re.DOTALL)
    ]
    return [
        nbformat.v4.new_code_cell(code, id=f"{cell_id}-solution")
        for cell_id, details in hidden
        for code in re.findall(r"```rust\n(.*?)```", details, re.DOTALL)
    ]


@functools.cache
def execute(path: Path):
    return Executed(path, solutions(path))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request, kernelspec):
    return execute(request.param)


@pytest.fixture
def tutorial(kernelspec):
    return execute(CHECKOUT / "notebooks" / f"{TUTORIAL}.ipynb")


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_is_valid_and_has_no_outputs(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert dict(notebook.metadata.kernelspec) == {
        "name": "corebook",
        "display_name": "Rust (corebook)",
        "language": "rust",
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.id


def test_only_the_cells_that_must_fail_do(executed):
    wrong = {
        cell.id: [error.evalue for error in errors_of(cell)]
        for cell in executed.code_cells()
        if len(errors_of(cell)) != (1 if must_fail(cell) else 0)
    }
    assert wrong == {}


def test_every_timing_line_is_printed(executed):
    for cell in executed.code_cells():
        magics = re.findall(r"^%+timeit", cell.source, re.MULTILINE)
        # A side of %compare has its name in front.
        printed = re.findall(r"^\d+ loops?, best of \d+: ", executed.printed(cell.id), re.MULTILINE)
        assert len(printed) == len(magics), f"{cell.id}: {executed.printed(cell.id)!r}"


class TestTutorial:
    def test_the_pool_is_as_fast_as_its_workers_allow(self, tutorial, usable_cores):
        serial, parallel = tutorial.seconds("serial"), tutorial.seconds("parallel")
        rounds = -(-24 // usable_cores)
        assert serial == pytest.approx(2.4, rel=0.1)
        assert serial / parallel >= SHARE_OF_IDEAL * 24 / rounds

    def test_a_map_keeps_the_order_of_its_items(self, tutorial):
        assert re.findall(r"\d+", tutorial.result("map-order")) == [str(item) for item in range(24)]

    def test_the_prediction_names_this_machines_workers(self, tutorial, usable_cores):
        rounds = -(-24 // usable_cores)
        expected = f"{usable_cores} workers: {rounds} rounds, so {rounds * 0.1:.1f} s\n"
        assert tutorial.printed("rounds") == expected
        threads = f"24 items ran on {min(usable_cores, 24)} threads\n"
        assert tutorial.printed("threads") == threads

    def test_serial_and_parallel_count_the_same_primes(self, tutorial):
        serial, parallel = re.findall(r"(\d+) primes", tutorial.printed("primes-speed-up"))
        assert serial == parallel == "75618"

    def test_what_is_called_may_be_a_closure_or_a_method(self, tutorial):
        assert tutorial.result("closure") == "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"
        assert tutorial.result("capture-map").startswith("[100.0, 50.0, 25.0, 12.5,")
        assert tutorial.result("method-std") == "[3, 3, 5, 4]"
        assert tutorial.result("method-own-map") == "[10.0, 10.5, 11.0, 11.5, 12.0, 12.5]"

    def test_chunks_that_are_too_small_or_too_large_cost_time(self, tutorial, usable_cores):
        assert tutorial.seconds("chunk-one") > tutorial.seconds("chunk-default")
        if usable_cores > 1:
            assert tutorial.seconds("uneven-large") > tutorial.seconds("uneven-default")

    @pytest.mark.parametrize(
        ("cell_id", "name", "words"),
        [
            ("race", "CompileError", ["total"]),
            ("rc", "CompileError", ["Rc<"]),
            ("panic", "Panic", ["item 3 (of 24)", "divide by zero"]),
            ("closed", "Panic", ["pool is closed: run %pool to open it"]),
        ],
    )
    def test_a_failure_says_what_the_text_promises(self, tutorial, cell_id, name, words):
        (error,) = tutorial.errors(cell_id)
        assert error.ename == name
        text = error.evalue + "\n".join(error.traceback)
        assert all(word in text for word in words), text

    def test_after_each_failure_the_fix_works(self, tutorial):
        assert tutorial.printed("race-cure") == "4950\n"
        assert tutorial.result("rc-cure") == "[0, 3, 6, 9, 12]"
        assert tutorial.result("panic-after") == "[3, 4, 5, 6, 7]"
        assert tutorial.result("again") == "[0, 1, 2, 3]"

    def test_the_exercises_have_solutions(self, tutorial):
        solved = [cell for cell in tutorial.code_cells() if cell.id.endswith("-solution")]
        assert len(solved) == 3
        assert tutorial.printed("exercise-3-solution").startswith("3.14159265")
