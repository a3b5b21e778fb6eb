"""The study of frontiers: its rows, its checks that can fail, its table, and the picture."""

import csv
import dataclasses
import io
import math

import pytest
from rich.console import Console

import infodecode
from figures import frontiers as picture
from infodecode import Decoder, distributions, strategies
from toy import frontiers
from toy.study import write

LAW = distributions.replace_random(4)


@pytest.fixture(scope="module")
def rows():
    return frontiers.measure(LAW)


def decoder_row(rows, settings, kind):
    [row] = [r for r in rows if r.settings == settings and r.kind == kind]
    return row


def test_rows_are_those_of_the_library(rows):
    row = decoder_row(rows, "Factor(factor=1.1)", "mixture")
    decoder = Decoder(strategies.Factor(1.1))
    run = infodecode.exact(LAW, decoder)
    found = infodecode.regret(LAW, decoder)
    assert row.method == "exact"
    assert (row.kl, row.validity) == (run.kl, run.validity)
    assert row.entropy == pytest.approx(run.entropy)
    assert row.rounds == pytest.approx(run.expected_rounds)
    assert row.data_rounds == pytest.approx(found.expected_rounds)
    assert row.path_kl == pytest.approx(found.bits)
    assert row.optimum == pytest.approx(found.best_bits)
    assert row.regret == pytest.approx(found.regret, abs=1e-12)


def test_curves_and_oracles_are_there(rows):
    bounds = infodecode.bounds(LAW)
    curve = [row.kl for row in rows if row.row == "fixed_partition"]
    assert curve == pytest.approx(list(bounds.partition_bits))
    corners = [(row.rounds, row.kl) for row in rows if row.row == "adaptive"]
    assert corners[0] == pytest.approx((1, curve[0]))
    assert corners[-1][1] == 0
    kinds = {row.kind: row for row in rows if row.row == "oracle"}
    assert set(kinds) == {"shared", "independent"}
    assert kinds["shared"].samples == frontiers.SAMPLES
    assert kinds["independent"].method == "exact"


def test_every_family_with_a_grid_is_measured(rows):
    families = {family.__name__ for family in frontiers.families(LAW.length)}
    assert {"TopK", "Threshold", "Factor"} <= families
    measured = {row.family for row in rows if row.row == "decoder"}
    assert measured == families | {"AdaptiveOptimum"}
    number = sum(row.alike for row in rows if row.row == "decoder")
    assert number == len(frontiers.decoders(LAW.length)) + len(frontiers.PRICES)
    first = {row.family for row in rows if row.kind == "draws first"}
    assert {"Threshold", "Factor"} <= first


def test_optimal_policies_have_no_regret_and_no_mark(rows):
    optimal = [row for row in rows if row.family == "AdaptiveOptimum"]
    assert len(optimal) >= 2
    assert all(row.regret == pytest.approx(0, abs=1e-12) for row in optimal)
    assert not any(row.pareto for row in optimal)
    assert any(row.pareto for row in rows)


def test_equal_settings_are_one_row():
    row = frontiers.Row("decoder", "law", 3, "F", "a", 1, kl=1 / 3, pareto=False)
    same = dataclasses.replace(row, settings="b", kl=1 / 3 + 1e-14, pareto=True)
    other = dataclasses.replace(row, settings="c", kl=1 / 3 + 1e-9)
    first, second = frontiers.merged([row, other, same])
    assert (first.settings, first.alike, first.pareto) == ("a", 2, True)
    assert (second.settings, second.alike) == ("c", 1)


def test_nothing_is_contradicted(rows):
    assert frontiers.violations(rows) == []


def some_row(rows, kind):
    """The first decoder that loses something and is the adaptive optimum's, a mixture, or best."""
    chosen = {
        "inside": lambda row: row.kind == "inside" and row.kl,
        "mixture": lambda row: row.kind == "mixture" and row.below_fixed,
        "optimal": lambda row: row.family == "AdaptiveOptimum",
    }[kind]
    return next(row for row in rows if row.row == "decoder" and chosen(row))


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("inside", {"path_kl": 0.1}, "below the adaptive optimum"),
        ("inside", {"kl": 0.1}, "without a mixture"),
        ("inside", {"kl": 0.1, "path_kl": 0.1}, "below the adaptive optimum"),
        ("inside", {"kl": 0.1, "rounds": 1.0}, "in one round"),
        ("inside", {"kl": 9.0}, "above the path KL"),
        ("inside", {"regret": -1e-3}, "below zero"),
        ("inside", {"validity": 0.01}, "below 2^-KL"),
        ("inside", {"best_fixed": 0.01}, "above fixed partitions"),
        ("mixture", {"kl": 2.0}, "above the path KL"),
        ("mixture", {"path_kl": 0.0}, "below the adaptive optimum"),
        ("mixture", {"kl": 0.1, "rounds": 1.0}, "in one round"),
        ("optimal", {"regret": 1e-3}, "an optimal policy with regret"),
    ],
)
def test_an_altered_row_is_caught(rows, kind, change, words):
    row = some_row(rows, kind)
    altered = [dataclasses.replace(r, **change) if r is row else r for r in rows]
    found = frontiers.violations(altered)
    assert any(words in line for line in found)
    assert all(line.startswith(f"{LAW.name}, {row.settings}: ") for line in found)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"validity_high": 0.3}, "below a single"), ({"validity_low": 99.0}, "above all thresholds")],
)
def test_an_altered_oracle_is_caught(rows, change, words):
    altered = [dataclasses.replace(r, **change) if r.kind == "shared" else r for r in rows]
    [line] = frontiers.violations(altered)
    assert words in line


def test_summary_counts_what_it_lists(rows):
    lines = frontiers.summary(rows)
    number = int(lines[-1 - sum(line.startswith("  ") for line in lines)].split()[0])
    listed = [line for line in lines if line.startswith("  ")]
    assert number == len(listed) >= 1
    assert any("replace_random(4), Factor(factor=1.1)" in line for line in listed)
    row = some_row(rows, "mixture")
    assert 0 < row.below_fixed <= row.best_fixed - row.kl + 1e-12
    assert some_row(rows, "inside").below_fixed == 0


def test_exit_status_table_and_picture(tmp_path, monkeypatch, capsys, rows):
    monkeypatch.setattr(frontiers, "laws", lambda: [distributions.replace_random(3)])
    monkeypatch.setattr(frontiers, "families", lambda length: [strategies.TopK, strategies.Factor])
    assert frontiers.run(tmp_path / "deep") == 0
    assert "replace_random(3)" in capsys.readouterr().out
    monkeypatch.setattr(frontiers, "violations", lambda rows: ["wrong"])
    assert frontiers.run(tmp_path) == 1
    assert "CONTRADICTION  wrong" in capsys.readouterr().out
    with (tmp_path / "frontiers.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert {row["command"] for row in cells} == {"python -m toy.frontiers"}
    monkeypatch.setattr(picture, "LAWS", ("replace_random(3)", "replace_random(4)"))
    table = tmp_path / "both.csv"
    both = [*rows, *(frontiers.measure(distributions.replace_random(3)))]
    write(both, table, command="here")
    picture.main(table, tmp_path / "frontier.svg")
    assert (tmp_path / "frontier.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_the_table_fits_a_terminal_of_80_columns(rows):
    console = Console(width=80, file=io.StringIO())
    console.print(frontiers.table(rows))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


def test_every_kind_of_decoder_has_a_colour_and_every_family_a_shape():
    assert {"inside", "mixture", "draws first", "revising", "greedy"} <= set(picture.KINDS)
    assert len(set(picture.MARKERS)) == len(picture.MARKERS)


def test_the_laws_are_small_and_different():
    laws = frontiers.laws()
    assert len({law.name for law in laws}) == len(laws)
    assert set(picture.LAWS) <= {law.name for law in laws}
    assert all(math.prod(law.alphabet_sizes) < 10**7 or law.length <= 9 for law in laws)


@pytest.mark.slow
def test_the_study_contradicts_nothing(tmp_path):
    assert frontiers.run(tmp_path) == 0
