"""The notebooks: committed with their outputs, small and clean, and the same when run again."""

import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebooks

NAMES = {"bounds_in_five_minutes", "rounds_on_a_network", "test_your_strategy", "your_own_records"}
PATHS = notebooks.paths()
LARGEST = 300_000
ON_A_NETWORK = "rounds_on_a_network"
"""Its numbers depend on how a machine rounds; what is compared is which cells show what kind."""

MACHINE = re.compile(r"/(home|root|tmp|work|usr|Users)/|[A-Z]:\\\\|Warning")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def name_of(path):
    return path.stem


def kinds(notebook):
    return [
        sorted({output.output_type for output in cell.outputs}) for cell in code_cells(notebook)
    ]


def test_every_notebook_is_there():
    assert {path.stem for path in PATHS} == NAMES


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_committed_with_outputs_in_order(path):
    notebook = notebooks.read(path)
    nbformat.validate(notebook)
    assert notebook == notebooks.tidied(notebooks.read(path))
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) >= 5
    assert path.stat().st_size < LARGEST
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_outputs_name_no_machine(path):
    text = "\n".join(notebooks.shown(notebooks.read(path)))
    assert len(text) > 500
    assert not MACHINE.search(text)


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_pictures_are_there(path):
    data = [o.get("data", {}) for cell in code_cells(notebooks.read(path)) for o in cell.outputs]
    assert any("image/png" in each for each in data)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_runs_again_without_errors(path):
    before = notebooks.read(path)
    after = notebooks.executed(before)
    assert [cell.source for cell in after.cells] == [cell.source for cell in before.cells]
    assert kinds(after) == kinds(before)
    if path.stem != ON_A_NETWORK:
        assert notebooks.shown(after) == notebooks.shown(before)


@pytest.mark.slow
def test_an_error_is_raised():
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.executed(new_notebook(cells=[new_code_cell("1 / 0")]))


def test_what_is_shown_has_no_times_and_no_pictures():
    stream = new_output("stream", name="stdout", text="2 rounds, 0.25 s\n")
    picture = {"image/png": "AAAA", "text/plain": "<Figure size 1x1>"}
    shown = new_output("display_data", data=picture)
    cell = new_code_cell("x", outputs=[stream, shown])
    [text] = notebooks.shown(new_notebook(cells=[new_markdown_cell("0.1 s"), cell]))
    assert text == "stdout: 2 rounds, … s\n\n['image/png'] "


def test_the_notice_of_compilation_is_no_output():
    stream = new_output("stream", name="stderr", text=f"{notebooks.NOTICE} (…)\n")
    kept = new_output("stream", name="stdout", text="7\n")
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[stream, kept])])
    assert notebooks.shown(notebooks.tidied(notebook)) == ["stdout: 7\n"]


def test_written_and_read_again(tmp_path):
    notebook = notebooks.tidied(new_notebook(cells=[new_code_cell("1"), new_markdown_cell("text")]))
    path = tmp_path / "one.ipynb"
    notebooks.write(notebook, path)
    assert notebooks.read(path) == notebook
    assert [each.name for each in tmp_path.iterdir()] == ["one.ipynb"]
