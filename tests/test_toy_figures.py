"""The studies that make tables for figures: their rows, and what they would not let pass."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

import infodecode
from infodecode import Decoder, distributions, strategies
from toy import bits, curves, formulas, scaling, tradeoffs
from toy.studies import OTHERS


def read(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_are_registered():
    assert {"bits", "curves", "formulas", "scaling", "tradeoffs"} <= set(OTHERS)


@pytest.mark.parametrize("task", formulas.TASKS)
@pytest.mark.parametrize("length", [3, 4, 7])
@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_bits_by_hand_are_those_of_the_library(task, length, k):
    law = formulas.TASKS[task][0](length)
    blocks = [list(range(a, min(a + k, length))) for a in range(0, length, k)]
    found = formulas.bits_by_hand(task, length, k)
    assert found == pytest.approx(infodecode.partition_bits(law, blocks), abs=1e-12)


def test_printed_limits_of_one_round():
    assert formulas.bits_by_hand("replace random", 10**5, 10**5) == pytest.approx(
        math.log2(math.e), abs=1e-4
    )
    n = 6
    assert formulas.bits_by_hand("shuffle", n, n) == pytest.approx(
        n * math.log2(n) - math.log2(math.factorial(n))
    )


def test_a_formula_beside_exact_and_simulated():
    row = formulas.validity_row("shuffle", 4, Decoder(strategies.TopK(2)), measured=True)
    assert row.formula == pytest.approx(3 / 8)
    assert row.exact == pytest.approx(3 / 8)
    assert row.low <= row.simulated <= row.high
    assert (row.k, row.gamma, row.claim) == (2, None, "PB-10")
    blank = formulas.validity_row("shuffle", 4, Decoder(strategies.TopK(2)), measured=False)
    assert (blank.formula, blank.exact, blank.simulated) == (row.formula, None, None)
    assert formulas.violations([row, blank]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"formula": None}, "no formula"),
        ({"exact": 0.4}, "by formula 0.375"),
        ({"simulated": 0.6}, "outside the simulated"),
    ],
)
def test_an_altered_formula_is_caught(change, words):
    row = formulas.validity_row("shuffle", 4, Decoder(strategies.TopK(2)), measured=True)
    [line] = formulas.violations([replace(row, **change)])
    assert words in line
    assert line.startswith("shuffle, n = 4, k = 2")


@pytest.fixture(scope="module")
def tradeoff_rows():
    return list(tradeoffs.rows_of("replace random", distributions.replace_random(4)))


def test_tradeoffs_are_those_of_the_library(tradeoff_rows):
    law = distributions.replace_random(4)
    [row] = [r for r in tradeoff_rows if (r.strategy, r.sweep, r.setting) == ("random", "k", 2)]
    run = infodecode.exact(law, Decoder(strategies.TopK(2)))
    assert (row.method, row.validity, row.rounds) == ("exact", run.validity, 2)
    beyond = [r for r in tradeoff_rows if r.sweep == "k" and r.setting >= 4]
    assert {r.rounds for r in beyond} == {1}
    assert {r.sweep for r in tradeoff_rows} == {
        "k", "block", "gamma", "factor", "adaptive", "oracle"
    }  # fmt: skip
    blocks = {r.setting for r in tradeoff_rows if r.sweep == "block"}
    assert blocks == {2, 4}
    assert tradeoffs.violations(tradeoff_rows) == []


def test_what_is_too_large_is_simulated(monkeypatch):
    monkeypatch.setattr(tradeoffs, "MAX_CHILDREN", 1)
    law, decoder = distributions.words(3, weighted=True, most=20), Decoder(strategies.TopK(2))
    row = tradeoffs.measured("k", "words", law, "random", 2, decoder)
    exact = infodecode.exact(law, decoder).validity
    assert (row.method, row.samples) == ("simulated", tradeoffs.SAMPLES)
    assert row.low - 0.03 <= exact <= row.high + 0.03


@pytest.mark.parametrize(
    ("sweep", "setting", "change", "words"),
    [
        ("adaptive", 1, {"validity": 0.1}, "below 2^-V_T"),
        ("k", 1, {"validity": 0.9}, "one by one"),
        ("oracle", None, {"validity": 0.2, "samples": 1000}, "below a threshold"),
    ],
)
def test_an_altered_tradeoff_is_caught(tradeoff_rows, sweep, setting, change, words):
    row = next(r for r in tradeoff_rows if (r.sweep, r.setting) == (sweep, setting))
    altered = [replace(r, **change) if r is row else r for r in tradeoff_rows]
    [line] = tradeoffs.violations(altered)
    assert words in line


@pytest.fixture(scope="module")
def chain_rows():
    law = distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=12)
    return list(bits.rows_of(bits.Case("chain", law)))


def test_means_of_the_factor_rule(chain_rows):
    assert [row.factor for row in chain_rows] == list(bits.FACTORS)
    for row in chain_rows:
        assert (row.kind, row.masked, row.length) == ("mean", 12, 12)
        assert row.obeying_rounds <= row.rounds <= 12
        assert row.budget >= row.factor / math.log(2) - 1e-12
    assert any(row.broken > 0 for row in chain_rows)
    assert bits.violations(chain_rows) == []


def test_prompts_are_decoded_one_by_one(monkeypatch):
    monkeypatch.setattr(bits, "FACTORS", (0.5,))
    monkeypatch.setattr(bits, "SAMPLES", 3)
    monkeypatch.setattr(bits, "SHOWN_DECODES", 2)
    canvases = np.array([[0, -1, -1], [-1, -1, -1], [2, 1, -1]])
    case = bits.Case("shuffle", distributions.permutations(3), canvases, temperature=0.0)
    mean, *decodes = bits.rows_of(case)
    assert [row.masked for row in decodes] == [2, 3]
    assert mean.masked == pytest.approx(2)
    assert [row.information for row in decodes] == pytest.approx([1, math.log2(6)])
    assert (mean.samples, decodes[0].samples) == (3, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"corrected": 99.0}, "the corrected bound"), ({"obeying_bits": 99.0}, "obeying rounds")],
)
def test_altered_bits_are_caught(chain_rows, change, words):
    [line] = bits.violations([replace(chain_rows[0], **change), *chain_rows[1:]])
    assert words in line


@pytest.fixture(scope="module")
def curve_rows():
    return list(curves.rows_of("shuffle", distributions.permutations(8)))


def test_curves_and_schedules_are_those_of_the_library(curve_rows):
    law = distributions.permutations(8)
    found = [row.bits for row in curve_rows if row.kind == "curve"]
    assert found == pytest.approx(list(infodecode.information_curve(law)))
    [best] = [row for row in curve_rows if (row.kind, row.rounds) == ("best", 3)]
    assert best.sizes == "3-3-2"
    assert best.bits == pytest.approx(infodecode.random_order_bits(law, [3, 3, 2]))
    assert {row.kind for row in curve_rows} == {"curve", "best", "equal", "profile", "tc", "dtc"}
    assert curves.violations(curve_rows) == []


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("curve", {"bits": -1.0}, "falls at"),
        ("equal", {"bits": -1.0}, "below the best sizes"),
        ("tc", {"bound": -1.0}, "above its bound"),
    ],
)
def test_an_altered_curve_is_caught(curve_rows, kind, change, words):
    row = [r for r in curve_rows if r.kind == kind][2]
    found = curves.violations([replace(r, **change) if r is row else r for r in curve_rows])
    assert any(words in line for line in found)


@pytest.fixture(scope="module")
def scaling_rows():
    return list(scaling.rows_of("shuffle", 32))


def test_scaling_rows(scaling_rows):
    law = distributions.permutations(32)
    best = infodecode.bounds(law)
    for row in scaling_rows:
        assert row.everywhere
        if row.kind == "curve":
            assert row.bits == pytest.approx(best.partition_bits[row.rounds - 1])
        else:
            assert row.rounds == best.rounds_for(row.bits)
    assert not next(scaling.rows_of("Markov chain", 10)).everywhere
    assert scaling.violations(scaling_rows) == []


@pytest.mark.parametrize(
    ("index", "change", "words"),
    [
        (0, {"bits": 1.0}, "the total correlation is"),
        (5, {"bits": 999.0}, "more than in fewer rounds"),
        (-4, {"bits": 0.01}, "one by one"),
    ],
)
def test_an_altered_bound_is_caught(scaling_rows, index, change, words):
    altered = list(scaling_rows)
    altered[index] = replace(altered[index], **change)
    assert any(words in line for line in scaling.violations(altered))


@pytest.mark.parametrize(
    ("study", "name", "fewer"),
    [
        (curves, "curves", {"laws": lambda: [("parity", distributions.parity(4))]}),
        (scaling, "scaling", {"LENGTHS": (10,)}),
        (bits, "bits", {"cases": lambda: [bits.Case("one", distributions.permutations(3))]}),
        (tradeoffs, "tradeoffs", {"laws": lambda: [("parity", distributions.parity(3))]}),
        (formulas, "formulas", {"LENGTHS": (3,), "GAMMAS": (0.5,), "TASKS": {
            "copy": formulas.TASKS["copy"]}}),
    ],
)  # fmt: skip
def test_tables_and_exit_status(study, name, fewer, monkeypatch, tmp_path, capsys):
    for attribute, value in fewer.items():
        monkeypatch.setattr(study, attribute, value)
    assert study.run(tmp_path / "deep") == 0
    cells = read(tmp_path / "deep" / f"{name}.csv")
    assert {row["command"] for row in cells} == {f"python -m toy.{name}"}
    monkeypatch.setattr(study, "violations", lambda rows: ["wrong"])
    assert study.run(tmp_path) == 1
    assert "CONTRADICTION  wrong" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("study", [bits, curves, formulas, tradeoffs])
def test_the_studies_contradict_nothing(study, tmp_path):
    assert study.run(tmp_path) == 0
