"""What a user of the package relies on before calling anything: version, typing, a light import."""

import doctest
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest

import infodecode
from infodecode.cli import main

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "pandas", "matplotlib", "joblib", "scipy.optimize", "typer")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_one_version():
    assert infodecode.__version__ == project()["version"] == metadata.version("infodecode")
    assert f"## {infodecode.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_ships_types_and_data():
    files = resources.files("infodecode")
    assert files.joinpath("py.typed").is_file()
    assert files.joinpath("distributions/data/titanic.csv").is_file()


def test_import_is_light_and_quick():
    code = (
        "import sys, time; start = time.process_time(); import infodecode; "
        "print(time.process_time() - start); print(*sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, modules = zip(*(run.stdout.splitlines() for run in runs), strict=True)
    assert not set(HEAVY) & set(modules[0].split())
    assert min(map(float, seconds)) < 1


def test_every_requirement_is_pinned():
    pins = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    extras = project()["optional-dependencies"].values()
    named = [*project()["dependencies"], *(r for extra in extras for r in extra)]
    requirements = [r for r in named if not r.startswith("infodecode[")]
    for requirement in requirements:
        name = requirement.split(">")[0].split("=")[0].strip().lower()
        assert name in pins, requirement


def readme_blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [part.split("```")[0] for part in text.split(f"```{language}\n")[1:]]


def test_readme_notebook_prints_what_it_says():
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    blocks = readme_blocks("python")
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        test = parser.get_doctest(block, names, "README.md", "README.md", 0)
        runner.run(test, clear_globs=False)
        names.update(test.globs)
    results = runner.summarize()
    assert results.attempted > 0
    assert results.failed == 0


def test_readme_commands_print_what_they_say(capsys):
    blocks = readme_blocks("console")
    assert blocks
    for block in blocks:
        command, _, expected = block.removeprefix("$ ").partition("\n")
        with pytest.raises(SystemExit):
            main(shlex.split(command)[1:])
        lines = [line.rstrip() for line in capsys.readouterr().out.strip().splitlines()]
        assert lines == [line.rstrip() for line in expected.strip().splitlines()]
