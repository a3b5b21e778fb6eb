"""The study of all strategies: what it covers, its page, and what it would not let pass."""

import inspect
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from infodecode import distributions, strategies
from infodecode.strategies import AdaptiveOptimum, FixedPartition, Strategy
from toy import strategies as study


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "laws", lambda: {"bits": distributions.parity(3)})
        return list(study.measurements())


def by_name(rows, name):
    [row] = [row for row in rows if row.strategy == name]
    return row


def test_every_strategy_is_there():
    known = {
        value
        for value in vars(strategies).values()
        if inspect.isclass(value) and issubclass(value, Strategy) and value is not Strategy
    }
    used = {type(decoder.strategy) for decoder in study.decoders(4).values()}
    assert known - used == {AdaptiveOptimum, FixedPartition}


def test_rows_are_those_of_exact_runs(rows):
    row = by_name(rows, "top-2, random")
    assert (row.rounds, row.calls, row.validity, row.kl) == (2, 2, 1, 0)
    assert row.method == "exact"
    assert row.best_fixed == 0
    assert by_name(rows, "one by one, random").rounds == 3
    assert by_name(rows, "adaptive optimum, 2 rounds").regret == 0


def test_page_has_a_line_for_each_strategy(rows):
    lines = study.page(rows).splitlines()
    assert [line.split(" | ")[0][2:] for line in lines if line.startswith("| ")][1:] == [
        row.strategy for row in rows
    ]
    assert "2.00 / 0.000" in next(line for line in lines if line.startswith("| top-2, random"))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("top-2, random", {"validity": 0.5}, "below its floor"),
        ("top-2, random", {"regret": -0.1}, "below 0"),
        ("top-2, random", {"kl": 1.0, "validity": 1.0}, "above that of its path"),
        ("one by one, random", {"kl": 0.1, "path_kl": None}, "choosing one position first is"),
        ("ETE", {"calls": 0.5}, "calls in"),
    ],
)
def test_contradictions_are_found(rows, name, change, message):
    assert list(study.contradictions(rows)) == []
    altered = replace(by_name(rows, name), **change)
    assert message in next(study.contradictions([altered]))


def test_committed_pages_are_those_of_the_committed_table():
    frame = pd.read_csv("results/toy/strategies.csv")
    told = [
        replace(BLANK, law=r.law, strategy=r.strategy, rounds=r.rounds, kl=_number(r.kl))
        for r in frame.itertuples()
    ]
    assert Path("docs/strategies_by_toy.md").read_text("utf-8") == study.page(told)
    shown = "\n".join(study.grid(told, study.SUMMARY["strategies"], study.SUMMARY["laws"]))
    assert shown in Path("README.md").read_text("utf-8")


BLANK = study.Row("", 0, "", "", "", "", 0.0, None, 0.0, *[None] * 7)


def _number(value):
    return None if math.isnan(value) else value


def test_the_study_writes_its_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "laws", lambda: {"bits": distributions.parity(3)})
    assert study.run(tmp_path) == 0
    assert (tmp_path / "strategies.csv").exists()
    assert "# Strategies by toy" in (tmp_path / "strategies_by_toy.md").read_text()
    assert "35 rows" in capsys.readouterr().out
