"""The pages of docs/: links lead somewhere, code runs as printed, generated pages are current."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

import infodecode
from infodecode import exploration
from infodecode.cli import main
from toy import strategy_pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ELSEWHERE = {"adding_a_strategy.md": "test_docs_strategy.py", "scaling_out.md": "test_sweeps.py",
             "figures.md": "test_figures.py"}  # fmt: skip
"""Pages whose code other tests look after."""

UNRUN = re.compile(r"<!-- not run: .*? -->\n+```python\n.*?```", re.DOTALL)
SHORT = 30


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page, language):
    text = UNRUN.sub("", page.read_text(encoding="utf-8"))
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def prose(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    """Headings as GitHub links to them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.replace("\\_", "_")) for title in titles)
    return {title.strip().lower().replace(" ", "-") for title in plain}


WITH_CODE = [p for p in PAGES if p.name not in ELSEWHERE and blocks(p, "python")]
SLOW = {"networks.md"}
WITH_COMMANDS = [p for p in PAGES if blocks(p, "console")]


def test_there_are_pages():
    assert len(PAGES) > 40
    assert len(WITH_CODE) > 15
    assert {page.name for page in PAGES} >= set(ELSEWHERE)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{target} in {name_of(page)}"
        if anchor:
            assert anchor in anchors(found), f"{target} in {name_of(page)}"


def marked(pages):
    return [pytest.param(p, marks=pytest.mark.slow) if p.name in SLOW else p for p in pages]


@pytest.mark.parametrize("page", marked(WITH_CODE), ids=name_of)
def test_code_prints_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = doctest.DocTestParser()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if block.startswith(">>>"):
            test = parser.get_doctest(block, names, page.name, str(page), 0)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
        else:
            exec(compile(block, str(page), "exec"), names)
    assert runner.summarize().failed == 0


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_print_what_the_page_says(page, capsys):
    for block in blocks(page, "console"):
        command, _, expected = block.removeprefix("$ ").partition("\n")
        with pytest.raises(SystemExit):
            main(shlex.split(command)[1:])
        lines = [line.rstrip() for line in capsys.readouterr().out.strip().splitlines()]
        assert lines == [line.rstrip() for line in expected.strip().splitlines()]


COMMANDS = sorted(
    line
    for page in (ROOT / strategy_pages.FOLDER).glob("*.md")
    for block in blocks(page, "sh")
    for line in block.splitlines()
)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_strategies_run(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*shlex.split(command)[1:], "--json"])
    assert not end.value.code
    assert '"expected_rounds"' in capsys.readouterr().out


def test_pages_of_strategies_are_up_to_date():
    made = strategy_pages.pages()
    assert len(made) > 20
    for path, text in made.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run python -m toy.docs"
    assert {path.name for path in made} == {
        p.name for p in (ROOT / strategy_pages.FOLDER).glob("*")
    }


@pytest.mark.parametrize("name", ["adding_a_distribution.md", "adding_a_model.md"])
def test_what_one_adds_is_short(name):
    definitions = [b for b in blocks(DOCS / name, "python") if not b.startswith(">>>")]
    assert definitions
    for block in definitions:
        assert len([line for line in block.splitlines() if line.strip()]) < SHORT


def public_names(module):
    named = [name for name in vars(module) if not name.startswith("_")]
    return [name for name in named if callable(getattr(module, name))]


def test_every_public_name_is_documented():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    public = public_names(infodecode) + public_names(exploration)
    assert len(public) > 70
    missing = [name for name in public if not re.search(rf"\b{name}\b", text)]
    assert missing == []
