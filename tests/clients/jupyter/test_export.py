"""Exported notebooks: as HTML they keep their charts and tables, as a script they are Rust that compiles."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from installed import CHECKOUT, KERNEL

CELLS = {
    "magics": "%magics",
    "table": '#[derive(Debug)] struct City { name: &\'static str, people: u64 }\n'
    'vec![City { name: "Ulm", people: 126_000 }, City { name: "Köln", people: 1_084_000 }]',
    "strip": "%timeit -n 2 -r 3 -o 1 + 1",
    "bars": "%%compare -n 2 -r 6\none: 1 + 1\n---\ntwo: 1 + 1",
    "progress": 'for _ in progress(0..3) {}',
}

SCRIPT = [
    "%cpus\n%pool 2\n%pool status\n:dep rand = \"0.9\"",
    "use std::thread::sleep;\n\nfn double(item: u64) -> u64 {\n    2 * item\n}",
    "%pool 1 --name small\nlet doubled = pool.map(double, 0..4);\n%timeit pool.map(\n    double,\n    0..4,\n)\ndoubled",
    "%%timeit let numbers = [1, 2];\nnumbers.iter().sum::<u64>()",
    'println!("{doubled:?} {}", small.workers());\n"7".parse::<u64>()?  // the last',
    'let remainder = 7\n    % 4;\nprintln!("{remainder}")',
]


def notebook(cells):
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": KERNEL, "display_name": "Rust (corebook)", "language": "rust"}},
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
    )
    made.cells.insert(0, nbformat.v4.new_markdown_cell("# A *title*\n\nand text"))
    return made


def executed(cells):
    made = notebook(cells)
    NotebookClient(made, kernel_name=KERNEL, timeout=180).execute()
    return made


def test_html_keeps_charts_tables_and_bars(kernelspec):
    html, _resources = HTMLExporter().from_notebook_node(executed(CELLS.values()))
    pictures = re.findall(r'<svg[^>]*role="img".*?</svg>', html, re.DOTALL)
    assert len(pictures) == 2
    strip, bars = pictures
    assert "<title>%timeit: 3 runs</title>" in strip and strip.count("<circle") == 3
    assert re.search(r"<desc>Time per loop in 3 runs of 2 loops: fastest .*</desc>", strip)
    assert "<title>%compare: one and two</title>" in bars and bars.count("<rect") == 2
    assert re.search(r"<desc>Best time per loop. one: .*; two: .*</desc>", bars)
    tables = re.findall(r"<table.*?</table>", html, re.DOTALL)
    magics, cities = tables
    assert "%%timeit" in magics and "text-align: left" in magics
    assert ">people</th>" in cities and "1084000" in cities
    assert re.search(r'<progress[^>]*max="3" value="3"', html)


@pytest.fixture
def script_notebook(tmp_path, kernelspec):
    """The notebook on disk, with the language that the kernel reports."""
    made = notebook(SCRIPT)
    made.metadata.language_info = executed([]).metadata.language_info
    path = tmp_path / "a notebook.ipynb"
    nbformat.write(made, path)
    return path


def convert(path, *options):
    command = [sys.executable, "-m", "nbconvert", "--to", "script", *options, path.name]
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True)
    return path.with_suffix(".rs")


def test_a_script_has_the_languages_extension_and_the_cells_text(script_notebook):
    script = convert(script_notebook).read_text()
    assert all(source in script for source in SCRIPT)


def test_a_script_from_corebooks_template_compiles_and_runs(script_notebook, tmp_path):
    script = convert(script_notebook, "--template", "corebook")
    text = script.read_text()
    assert "\n// %timeit pool.map(\n//     double,\n" in text
    assert "\n// # A *title*\n" in text
    target = os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target")
    library = f"{target}/release/libcorebook.rlib"
    program = tmp_path / "program"
    command = ["rustc", "--edition", "2024", "--crate-name", "program", "--extern", f"corebook={library}"]
    command += ["-L", f"dependency={target}/release/deps", "-o", program, script]
    compiled = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr + text
    ran = subprocess.run([program], check=True, capture_output=True, text=True)
    assert ran.stdout == "[0, 2, 4, 6] 1\n3\n"
