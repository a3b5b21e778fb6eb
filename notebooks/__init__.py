"""Notebooks with their outputs: how they are executed again (``python -m notebooks``)."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
SECONDS = 600
"""Most that a cell may take."""

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NOTICE = "infodecode: compiling once"
"""Said to a person who waits for the first call on a machine; no output of a notebook."""

TIMES = re.compile(r"\d+(\.\d+)? s\b")
"""Measured times, which differ from run to run."""


def paths() -> list[Path]:
    """Every notebook."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """A notebook as it stands."""
    return nbformat.read(path, as_version=4)


def executed(notebook: NotebookNode) -> NotebookNode:
    """A copy with the outputs of a fresh kernel; whatever a cell raises is raised here.

    It runs in this folder, with the checkout in front of what is installed.
    """
    copy = nbformat.from_dict(notebook)
    client = NotebookClient(
        copy,
        timeout=SECONDS,
        kernel_name=KERNEL["name"],
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    with tempfile.TemporaryDirectory() as scratch:
        client.execute(cwd=str(FOLDER), env=_environment(scratch))
    return tidied(copy)


def _environment(scratch: str) -> dict[str, str]:
    """Of the kernel: inline pictures, one thread for torch, no progress bars."""
    own = {
        "PYTHONPATH": str(FOLDER.parent),
        "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
        # Of tqdm, which transformers imports, where there are no ipywidgets.
        "PYTHONWARNINGS": "ignore:IProgress not found",
    }
    return {name: value for name, value in os.environ.items() if name != "MPLBACKEND"} | own


def tidied(notebook: NotebookNode) -> NotebookNode:
    """Without what says when and where it ran: identifiers and metadata are always the same."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not o.get("text", "").startswith(NOTICE)]
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook; the file is complete or as it was."""
    partial = path.with_suffix(".tmp")
    nbformat.write(notebook, partial)
    os.replace(partial, path)


def shown(notebook: NotebookNode) -> list[str]:
    """What each code cell shows as text, times left out; pictures by their kind alone."""
    out = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts = [_text(output) for output in cell.outputs]
            out.append(TIMES.sub("… s", "\n".join(parts)))
    return out


def _text(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return f"{output.name}: {output.text}"
    if output.output_type == "error":
        return f"error: {output.ename}: {output.evalue}"
    kinds = sorted(kind for kind in output.data if kind != "text/plain")
    return f"{kinds} {'' if 'image/png' in kinds else output.data.get('text/plain', '')}"
