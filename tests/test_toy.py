"""The main job: its rows, its checks that can fail, its table, its picture."""

import csv
import dataclasses
import math

import pytest

import infodecode
from figures import heart as picture
from infodecode import distributions
from toy import heart


@pytest.fixture(scope="module")
def rows():
    return heart.measure(distributions.replace_random(4), samples=2000)


def decoder_row(rows, name="top-2 random"):
    [row] = [row for row in rows if row.name == name]
    return row


def test_rows_hold_the_bounds_and_the_exact_run(rows):
    law = distributions.replace_random(4)
    bounds = infodecode.bounds(law)
    curve = [row.kl for row in rows if row.kind == "fixed_partition"]
    assert curve == pytest.approx(list(bounds.partition_bits))
    row = decoder_row(rows)
    assert row.rounds == pytest.approx(2)
    assert row.best_fixed == pytest.approx(bounds.partition_bits[1])
    assert row.samples == 2000
    assert row.low <= row.simulated <= row.high


def test_best_partition_attains_its_bound(rows):
    row = decoder_row(rows, "best two rounds")
    assert row.fixed_order
    assert row.kl == pytest.approx(row.best_fixed, abs=1e-12)


def test_nothing_is_contradicted(rows):
    assert heart.violations(rows) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("top-2 random", {"low": 0.0, "high": 0.1}, "outside the simulated interval"),
        ("top-2 random", {"floor": 1.0}, "below 2^-KL"),
        ("best two rounds", {"kl": 0.0}, "below L*_T"),
    ],
)
def test_a_contradiction_is_found(rows, name, change, words):
    [found] = heart.violations([dataclasses.replace(decoder_row(rows, name), **change)])
    assert name in found
    assert words in found


def test_exit_status_and_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(heart, "laws", lambda: [distributions.copy(3)])
    path = tmp_path / "deep" / "heart.csv"
    assert heart.main(path, samples=100) == 0
    assert "copy(3)" in capsys.readouterr().out
    monkeypatch.setattr(heart, "violations", lambda rows: ["wrong"])
    assert heart.main(path, samples=100) == 1
    assert "CONTRADICTION" in capsys.readouterr().out
    assert [file.name for file in path.parent.iterdir()] == ["heart.csv"]


def test_table_keeps_infinity_and_its_origin(rows, tmp_path):
    path = tmp_path / "heart.csv"
    row = dataclasses.replace(decoder_row(rows), kl=math.inf)
    heart.write([row], path, command="python -m toy")
    with path.open(encoding="utf-8") as file:
        [cells] = csv.DictReader(file)
    assert cells["kl"] == "inf"
    assert cells["seed"] == str(heart.SEED)
    assert cells["command"] == "python -m toy"
    assert cells["versions"].startswith("infodecode ")


def test_picture_is_drawn_from_the_table(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(picture, "LAWS", ("replace_random(4)",) * 2)
    table, output = tmp_path / "heart.csv", tmp_path / "heart.svg"
    heart.write(rows, table, command="python -m toy")
    picture.main(table, output)
    assert output.read_text(encoding="utf-8").startswith("<?xml")
