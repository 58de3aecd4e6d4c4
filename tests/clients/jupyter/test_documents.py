"""The Python code in the documents is run as it is."""

import re

import nbformat

from installed import CHECKOUT, KERNEL


def test_the_example_with_nbclient_runs_a_notebook(tmp_path, monkeypatch, kernelspec):
    text = (CHECKOUT / "docs" / "installing.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")])
    nbformat.write(lesson, tmp_path / "lesson.ipynb")
    monkeypatch.chdir(tmp_path)
    exec(example.replace('"corebook"', repr(KERNEL)), {})
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].data["text/plain"] == "42"
