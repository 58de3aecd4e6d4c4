"""The tools that run notebooks without a user: nbconvert and papermill."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from installed import KERNEL

CELLS = [
    'println!("hello from a cell");',
    "%pool 2",
    "pool.map(|x: u64| x * x, 0..5u64)",
    'corebook::display::html("<b id=\\"bold\\">bold</b>");',
]


def jupyter(*words):
    return subprocess.run([sys.executable, "-m", "jupyter", *map(str, words)], capture_output=True, text=True)


def papermill(*words):
    return subprocess.run([sys.executable, "-m", "papermill", *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def write(tmp_path, kernelspec):
    """Writes a notebook with these cells. A cell that is a pair has a tag."""

    def write(*cells):
        made = [
            new_code_cell(cell[0], metadata={"tags": [cell[1]]}) if isinstance(cell, tuple) else new_code_cell(cell)
            for cell in cells
        ]
        spec = {"name": KERNEL, "display_name": "Rust", "language": "rust"}
        path = tmp_path / "notebook.ipynb"
        nbformat.write(new_notebook(cells=made, metadata={"kernelspec": spec}), path)
        return path

    return write


def texts(path):
    """What each code cell of a notebook printed, or its result."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        "".join(it.text if it.output_type == "stream" else it.data["text/plain"] for it in cell.outputs)
        for cell in cells
        if cell.cell_type == "code"
    ]


class TestNbconvert:
    def convert(self, path, form, *options):
        return jupyter("nbconvert", "--execute", "--to", form, "--output", f"out.{form}", *options, path)

    def test_an_executed_notebook_has_its_outputs_and_its_language(self, write, tmp_path):
        ran = self.convert(write(*CELLS), "notebook")
        assert ran.returncode == 0, ran.stderr
        done = tmp_path / "out.notebook.ipynb"
        assert texts(done)[:3] == ["hello from a cell\n", "pool: 2 workers\n", "[0, 1, 4, 9, 16]"]
        language = nbformat.read(done, as_version=4).metadata.language_info
        assert (language.name, language.file_extension) == ("rust", ".rs")

    def test_html_shows_rich_output(self, write, tmp_path):
        ran = self.convert(write(*CELLS), "html")
        assert ran.returncode == 0, ran.stderr
        page = (tmp_path / "out.html").read_text()
        assert "hello from a cell" in page and "[0, 1, 4, 9, 16]" in page and '<b id="bold">' in page

    def test_a_failing_cell_ends_it_unless_errors_are_allowed(self, write, tmp_path):
        path = write('panic!("at once");', "1 + 1")
        ran = self.convert(path, "notebook")
        assert ran.returncode != 0 and "Panic" in ran.stderr and "at once" in ran.stderr, ran.stderr
        ran = self.convert(path, "notebook", "--allow-errors")
        assert ran.returncode == 0, ran.stderr
        failed, after = nbformat.read(tmp_path / "out.notebook.ipynb", as_version=4).cells
        assert [it.ename for it in failed.outputs] == ["Panic"]
        assert after.outputs[0].data["text/plain"] == "2"


class TestPapermill:
    DEFAULTS = 'let items: i64 = 3;   // how many\nlet name = String::from("default");\nlet share = 0.5;'

    def test_parameters_take_the_place_of_defaults(self, write, tmp_path):
        path = write((self.DEFAULTS, "parameters"), 'println!("{name} {}", items * 2);', "share + 1.0")
        ran = papermill(path, tmp_path / "out.ipynb", "-p", "items", "21", "-p", "name", 'a "quoted" name', "-p", "share", "0.25")
        assert ran.returncode == 0, ran.stderr
        assert texts(tmp_path / "out.ipynb") == ["", "", 'a "quoted" name 42\n', "1.25"]

    def test_every_kind_of_parameter_can_be_written_in_rust(self, write, tmp_path):
        path = write(('let flag = false;', "parameters"), "(flag, list, map, far, big)")
        parameters = "flag: true\nlist: [1, 2.5]\nmap: {b: 2, a: 1}\nfar: -.inf\nbig: 9223372036854775808"
        ran = papermill(path, tmp_path / "out.ipynb", "-y", parameters)
        assert ran.returncode == 0, ran.stderr
        assert texts(tmp_path / "out.ipynb")[-1] == (
            '(true, [1.0, 2.5], {"a": 1, "b": 2}, -inf, 9223372036854775808)'
        )

    @pytest.mark.parametrize("value", ["null", "[]", "[1, a]"])
    def test_a_value_without_a_type_is_refused_by_name(self, write, tmp_path, value):
        path = write((self.DEFAULTS, "parameters"))
        ran = papermill(path, tmp_path / "out.ipynb", "-y", f"items: {value}")
        assert ran.returncode != 0 and "the parameter 'items' can't be written in Rust" in ran.stderr, ran.stderr

    def test_its_help_lists_the_parameters(self, write):
        ran = papermill("--help-notebook", write((self.DEFAULTS, "parameters")))
        assert "items: i64 (default 3)" in ran.stdout and "how many" in ran.stdout, ran.stdout

    def test_a_failing_cell_ends_it_and_stays_in_the_notebook(self, write, tmp_path):
        ran = papermill(write("1 / (std::env::args().count() as i32 * 0)", "2"), tmp_path / "out.ipynb")
        assert ran.returncode != 0 and "divide by zero" in ran.stderr, ran.stderr
        cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
        errors = [it.ename for cell in cells if cell.cell_type == "code" for it in cell.outputs]
        assert errors == ["Panic"]
