"""The page on strategies of one's own runs as it stands."""

import ast
import doctest
from pathlib import Path

import pytest

from infodecode.strategies import Strategy

PAGE = Path(__file__).parents[1] / "docs" / "adding_a_strategy.md"
SHORT = 30


def blocks():
    text = PAGE.read_text(encoding="utf-8")
    return [part.split("```")[0] for part in text.split("```python\n")[1:]]


def test_the_page_runs():
    """Plain blocks are executed, the others are doctests in the same names."""
    names: dict[str, object] = {"__name__": "page"}
    parser = doctest.DocTestParser()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    kinds = set()
    for block in blocks():
        kinds.add(block.startswith(">>>"))
        if block.startswith(">>>"):
            test = parser.get_doctest(block, names, PAGE.name, str(PAGE), 0)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
        else:
            exec(compile(block, str(PAGE), "exec"), names)
    results = runner.summarize()
    assert kinds == {True, False}
    assert results.attempted >= 8
    assert results.failed == 0
    assert any(isinstance(v, type) and issubclass(v, Strategy) for v in names.values())


def test_the_strategy_is_short():
    [block] = [block for block in blocks() if not block.startswith(">>>")]
    assert len([line for line in block.splitlines() if line.strip()]) < SHORT
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"dataclasses", "numpy", "infodecode.strategies"}


@pytest.mark.parametrize("name", ["start", "explore", "assess", "revise", "finished", "grid"])
def test_the_page_names_methods_that_are_there(name):
    assert f"`{name}" in PAGE.read_text(encoding="utf-8")
    assert hasattr(Strategy, name)
