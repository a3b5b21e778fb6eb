"""The studies: their rows, formulas, checks that can fail, tables, and the picture."""

import csv
import dataclasses
import io
import math
from fractions import Fraction
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import infodecode
from figures import toys as picture
from infodecode import Decoder, distributions, strategies
from infodecode.cli.vocabulary import DISTRIBUTIONS
from toy import closed_forms, docs, rounds, study
from toy.grid import decoders
from toy.studies import STUDIES, app
from toy.study import Case


@pytest.fixture(scope="module")
def rows():
    case = Case(distributions.replace_random(4), (closed_forms.replace_random,))
    return study.measure(case, samples=2000)


def decoder_row(rows, name="top-2 random"):
    [row] = [row for row in rows if row.kind == "decoder" and row.name == name]
    return row


def test_rows_hold_the_bounds_the_formula_the_exact_run_and_the_simulated_one(rows):
    law = distributions.replace_random(4)
    bounds = infodecode.bounds(law)
    curve = [row.kl for row in rows if row.kind == "fixed_partition"]
    assert curve == pytest.approx(list(bounds.partition_bits))
    row = decoder_row(rows)
    run = infodecode.exact(law, Decoder(strategies.TopK(2)), arithmetic="rational")
    assert row.validity == pytest.approx(float(run.validity), abs=1e-15)
    assert row.closed_validity == pytest.approx(float(run.validity), abs=1e-15)
    assert row.closed_kl == pytest.approx(run.kl, abs=1e-12)
    assert row.claim == "PB-13"
    assert row.rounds == row.closed_rounds == pytest.approx(2)
    assert row.best_fixed == pytest.approx(bounds.partition_bits[1])
    assert row.path_bits >= row.kl
    assert row.samples == 2000
    assert row.validity_low <= row.simulated_validity <= row.validity_high


def test_best_partition_attains_its_bound(rows):
    row = decoder_row(rows, "best two rounds")
    assert row.fixed_order
    assert row.kl == pytest.approx(row.best_fixed, abs=1e-12)


def test_nothing_is_contradicted(rows):
    assert study.violations(rows) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("top-2 random", {"closed_validity": 0.65 + 2e-9}, "by formula"),
        ("top-2 random", {"closed_kl": math.inf}, "by formula"),
        ("all greedy", {"closed_coverage": 1.0}, "by formula"),
        ("top-2 random", {"validity_low": 0.0, "validity_high": 0.1}, "outside the simulated"),
        ("threshold .9", {"rounds_low": 5.0, "rounds_high": 6.0}, "outside the simulated"),
        ("top-2 greedy", {"mode_low": 0.9, "mode_high": 1.0}, "outside the simulated"),
        ("top-2 random", {"floor": 1.0}, "below 2^-KL"),
        ("top-2 random", {"path_bits": 0.5, "best_random": 0.4}, "above that of its paths"),
        ("top-2 random", {"best_random": 1.0}, "below the best"),
        ("best two rounds", {"best_fixed": 1.0}, "below L*_T"),
        ("top-2 in order", {"best_fixed": 1.0}, "below L*_T"),
    ],
)
def test_a_contradiction_is_found(rows, name, change, words):
    [found] = study.violations([dataclasses.replace(decoder_row(rows, name), **change)])
    assert name in found
    assert words in found


def test_a_run_too_large_is_left_to_simulation(monkeypatch):
    monkeypatch.setattr(study, "MAX_CHILDREN", 3)
    rows = study.measure(Case(distributions.permutations(3)), samples=50)
    row = decoder_row(rows, "top-2 random")
    assert row.validity is None
    assert row.closed_rounds == 2
    assert row.simulated_validity is not None
    assert study.violations(rows) == []


def test_unexpected_refusals_are_not_swallowed(monkeypatch):
    def refuse(*arguments, **options):
        raise ValueError("wrong")

    monkeypatch.setattr(infodecode, "exact", refuse)
    with pytest.raises(ValueError, match="wrong"):
        study.exact_run(distributions.copy(2), Decoder(strategies.OneByOne()))


@pytest.mark.parametrize(
    ("law", "formula"),
    [
        *((distributions.permutations(n), closed_forms.shuffle) for n in range(1, 7)),
        *((distributions.replace_random(n), closed_forms.replace_random) for n in range(1, 8)),
        *((distributions.parity(n), closed_forms.parity) for n in range(1, 7)),
        (distributions.parity(4, odd=True), closed_forms.parity),
        *((distributions.derangements(n), closed_forms.deranged) for n in range(2, 6)),
        *((distributions.copy(n), closed_forms.certain) for n in (1, 4)),
        (distributions.linear_code([[1, 1, 0, 1], [0, 1, 1, 1]]), closed_forms.uniform_code),
        (distributions.titanic(), closed_forms.every_law),
        (distributions.insert_random(3), closed_forms.every_law),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_formulas_equal_exact_runs(law, formula):
    """Every decoder of the grid, and other sizes, thresholds and orders."""
    grid = decoders(infodecode.bounds(law))
    for k in range(1, law.length + 1):
        grid[f"top-{k}"] = Decoder(strategies.TopK(k))
        grid[f"top-{k} greedy"] = Decoder(strategies.TopK(k, by="confidence"), temperature=0)
        grid[f"top-{k} in order"] = Decoder(strategies.TopK(k, by="left_to_right"))
    for gamma in (0.2, 0.4, 0.5, 0.7, 0.8):
        grid[f"threshold {gamma}"] = Decoder(strategies.Threshold(gamma))
        grid[f"threshold {gamma} greedy"] = Decoder(strategies.Threshold(gamma), temperature=0)
    known = 0
    for name, decoder in grid.items():
        closed = Case(law, (formula,)).closed(decoder)
        run = infodecode.exact(law, decoder, off_support="marginal")
        for value in ("validity", "kl", "mode_probability", "coverage"):
            formula_says = getattr(closed, value)
            if formula_says is not None:
                known += 1
                assert float(getattr(run, value)) == pytest.approx(formula_says, abs=1e-11), name
        if closed.rounds is not None:
            assert run.expected_rounds == pytest.approx(closed.rounds, abs=1e-11), name
    assert known >= 8


def test_boundary_of_the_threshold_formula():
    """At gamma = 1/m the strict rule does not pass m masked positions."""
    law = distributions.permutations(4)
    closed = closed_forms.shuffle(law, Decoder(strategies.Threshold(1 / 3)))
    assert closed.validity == float(Fraction(2, 4))
    assert closed.rounds == 3


def test_exit_status_and_table(tmp_path, monkeypatch, capsys):
    path = tmp_path / "deep" / "small.csv"
    small = [Case(distributions.copy(3))]
    assert study.run_study("small", small, samples=100, output=path.parent) == 0
    assert "copy(3)" in capsys.readouterr().out
    monkeypatch.setattr(study, "violations", lambda rows: ["wrong"])
    assert study.run_study("small", small, samples=100, output=path.parent) == 1
    assert "CONTRADICTION" in capsys.readouterr().out
    assert [file.name for file in path.parent.iterdir()] == ["small.csv"]


def test_the_command_runs_what_is_named(tmp_path, monkeypatch):
    result = CliRunner().invoke(app, ["phrases", "--samples", "50", "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [file.name for file in tmp_path.iterdir()] == ["phrases.csv"]
    refused = CliRunner().invoke(app, ["frases"])
    assert refused.exit_code == 2
    assert "a study must be one of" in " ".join(refused.output.replace("│", " ").split())


def test_the_printed_bound_breaks_and_the_corrected_one_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(rounds, "laws", lambda: [distributions.permutations(20)])
    monkeypatch.setattr(rounds, "FACTORS", (0.5,))
    monkeypatch.setattr(rounds, "SAMPLES", 20)
    assert rounds.run(tmp_path) == 0
    with (tmp_path / "rounds.csv").open(encoding="utf-8") as file:
        rows = {row["decoder"]: row for row in csv.DictReader(file)}
    factor = rows["factor"]
    assert factor["method"] == "sampled"
    assert float(factor["rounds"]) == 20
    assert float(factor["printed"]) == pytest.approx(math.log(math.factorial(20)) / 0.5)
    assert float(factor["corrected"]) == pytest.approx(19)
    assert float(factor["broken"]) == 1
    impossible = dataclasses.replace(
        rounds.measure(
            distributions.copy(2), "one", Decoder(strategies.OneByOne()), 0.5
        ), held=False,
    )  # fmt: skip
    monkeypatch.setattr(rounds, "measurements", lambda: iter([impossible]))
    assert rounds.run(tmp_path) == 1


def test_every_study_has_laws_of_its_own():
    names = [case.law.name for cases in STUDIES.values() for case in cases()]
    assert len(names) == len(set(names))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_no_study_contradicts_anything(name, tmp_path):
    assert study.run_study(name, STUDIES[name](), samples=500, output=tmp_path) == 0


def test_the_table_fits_a_terminal_of_80_columns(rows):
    console = Console(width=80, file=io.StringIO())
    console.print(study.table(rows))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert "cover" in lines[0]


def test_numbers_are_shown_in_six_characters():
    shown = [study._shown(v) for v in (None, 0.5, 0, 12.34567, 1e5, 123456.7, math.inf, 0.99999)]
    assert shown == ["", "0.5000", "0.0000", "12.346", "100000", "123457", "inf", "1.0000"]


def test_table_keeps_infinity_and_its_origin(rows, tmp_path):
    path = tmp_path / "table.csv"
    row = dataclasses.replace(decoder_row(rows), kl=math.inf)
    study.write([row], path, command="python -m toy.replace")
    with path.open(encoding="utf-8") as file:
        [cells] = csv.DictReader(file)
    assert cells["kl"] == "inf"
    assert cells["seed"] == str(study.SEED)
    assert cells["command"] == "python -m toy.replace"
    assert cells["versions"].startswith("infodecode ")


def test_the_page_of_toys_is_up_to_date():
    page = (Path(__file__).parents[1] / docs.OUTPUT).read_text(encoding="utf-8")
    assert page == docs.page(), "run python -m toy.docs"
    for name in DISTRIBUTIONS:
        assert f"\n## {name}\n" in page


def test_picture_is_drawn_from_the_tables(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(picture, "LAWS", {"replace_random(4)": "small"})
    monkeypatch.setattr(picture, "SIZE", (3, 3))
    study.write(rows, tmp_path / "small.csv", command="python -m toy")
    picture.main(tmp_path, tmp_path / "toys.svg")
    assert (tmp_path / "toys.svg").read_text(encoding="utf-8").startswith("<?xml")
