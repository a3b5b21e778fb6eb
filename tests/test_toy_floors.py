"""The study of floors and biases: its rows, its checks that can fail, its table."""

import csv
import dataclasses
import io
import math

import pytest
from rich.console import Console

from infodecode import distributions
from toy import floors
from toy.studies import OTHERS, STUDIES


def rows_of(law):
    return {
        name: floors.measure(law, name, decoder)
        for name, decoder in floors.decoders(law.length).items()
    }


@pytest.fixture(scope="module")
def rows():
    return rows_of(distributions.replace_random(4))


@pytest.fixture(scope="module")
def bits():
    [law] = [law for law in floors.plain_laws() if law.name == "two bits"]
    return rows_of(law)


def test_rows_hold_every_measure(rows, bits):
    drawn = bits["one by one drawn"]
    assert (drawn.position, drawn.token, drawn.before, drawn.after) == (0, 0, 0.75, 0.9375)
    assert drawn.moved == 3 / 16
    assert drawn.conditional_kl == drawn.kl == pytest.approx(0.258554, abs=1e-6)
    assert drawn.sequence_error_rate == 0
    greedy = bits["greedy"]
    assert (greedy.kl, greedy.floor, greedy.validity) == (math.inf, 0, 1)
    assert greedy.reverse_kl == pytest.approx(1)
    two = rows["top-2 drawn"]
    assert two.validity == pytest.approx(267 / 512, abs=1e-14)
    assert two.sequence_error_rate == pytest.approx(245 / 512, abs=1e-14)
    assert two.conditional_kl == 0
    assert math.isinf(two.reverse_kl)
    assert two.moved is two.before is None
    assert rows["one by one"].moved == 0
    assert rows["all at once"].kl == pytest.approx(rows["all at once"].one_round)


def test_nothing_is_contradicted(rows, bits):
    assert floors.violations([*rows.values(), *bits.values()]) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("top-2 drawn", {"floor": 0.53}, "below 2^-KL"),
        ("top-2 drawn", {"total_variation": 0.4}, "above the total variation"),
        ("top-2 drawn", {"ceiling": 0.4}, "all that the KL allows"),
        ("top-2 drawn", {"reverse_kl": 3.0}, "at an error rate"),
        ("threshold .9", {"reverse_kl": math.inf}, "at an error rate"),
        ("one by one", {"kl": 1e-12}, "choosing before drawing"),
        ("one by one conf.", {"moved": 1e-9}, "choosing before drawing"),
        ("all at once", {"kl": 1.0}, "the total correlation"),
        ("one by one drawn", {"reverse_kl": 4.6}, "above log2 n!"),
        ("one by one drawn", {"kl": math.inf}, "and KL inf bits"),
        ("one by one drawn", {"total_variation": 0.96, "ceiling": 1.0}, "above 1 - 1/n!"),
    ],
)
def test_a_contradiction_is_found(rows, name, change, words):
    [found] = floors.violations([dataclasses.replace(rows[name], **change)])
    assert f"replace_random(4), {name}: " in found
    assert words in found


def test_exit_status_table_and_conclusion(tmp_path, monkeypatch, capsys):
    laws = [distributions.replace_random(4), floors.plain_laws()[0], distributions.copy(3)]
    monkeypatch.setattr(floors, "laws", lambda: laws)
    assert OTHERS["floors"](tmp_path) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "copy(3): no decoder loses anything" in shown
    assert "biased on 1 of 3 laws, by 0.26 bits on two bits, and on 1 worse" in shown
    with (tmp_path / "floors.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == 3 * len(floors.decoders(1))
    assert {row["command"] for row in cells} == {"python -m toy.floors"}
    impossible = dataclasses.replace(floors.measure(
        laws[2], "one by one", floors.decoders(3)["one by one"]), kl=0.5,
    )  # fmt: skip
    monkeypatch.setattr(floors, "measurements", lambda: iter([impossible]))
    assert floors.run(tmp_path) == 1
    assert "CONTRADICTION copy(3)" in " ".join(capsys.readouterr().out.split())


def test_what_is_too_large_stays_empty(monkeypatch):
    monkeypatch.setattr(floors, "MAX_CHILDREN", 3)
    row = floors.measure(
        distributions.permutations(3), "one by one", floors.decoders(3)["one by one"]
    )
    assert row.kl is None
    assert floors.violations([row]) == []


def test_laws_are_those_of_every_study_and_each_once():
    names = [law.name for law in floors.laws()]
    assert len(names) == len(set(names))
    others = {case.law.name for cases in STUDIES.values() for case in cases()}
    assert others - set(names) == {"permutations(50)"}


def test_the_table_fits_a_terminal_of_80_columns(rows):
    console = Console(width=80, file=io.StringIO())
    console.print(floors.table([*rows.values(), dataclasses.replace(rows["greedy"], kl=123.456)]))
    lines = console.file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert not any("…" in line for line in lines)
    assert "moved" in lines[0]


@pytest.mark.slow
def test_no_toy_contradicts_the_theory(tmp_path):
    assert floors.run(tmp_path) == 0
