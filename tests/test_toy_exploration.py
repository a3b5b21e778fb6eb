"""The study of quality and exploration: its rows, checks that can fail, tables, conclusions."""

import csv
import dataclasses
import io
import math

import numpy as np
import pytest
from rich.console import Console

import infodecode
from infodecode import distributions
from infodecode.exploration import sum_problem
from toy import exploration, exploration_values, pass_at_k
from toy.exploration_rules import Measured, rules
from toy.studies import OTHERS

CHAIN = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=3)


@pytest.fixture(scope="module")
def measured():
    return Measured(CHAIN)


@pytest.fixture(scope="module")
def rows(measured):
    return {row.rule: row for row in exploration.rule_rows(measured)}


@pytest.fixture(scope="module")
def steps(measured):
    return list(exploration.mixing_rows(measured))


@pytest.fixture(scope="module")
def passes():
    return pass_at_k.measure([sum_problem(1), sum_problem(2, trap=0.5)])


def test_rows_are_those_of_the_library(rows):
    assert set(rows) == set(rules())
    run = infodecode.exact(CHAIN, rules()["threshold .9"].decoder)
    gate = rows["threshold .9"]
    assert gate.entropy == pytest.approx(run.entropy)
    assert gate.calls == run.expected_calls
    assert gate.cap == pytest.approx(run.entropy_cap.cap)
    assert gate.forced == pytest.approx(run.entropy_cap.forced)
    table = rows["drawn confidence"]
    output = infodecode.exact(CHAIN, rules()["drawn confidence"].decoder).output
    quality = output.probabilities @ CHAIN.log2_probability(output.outcomes)
    assert table.quality == pytest.approx(quality)
    assert table.validity == 1
    local = rows["local tempering"]
    target = distributions.power(CHAIN, 2)
    output = infodecode.exact(CHAIN, rules()["local tempering"].decoder).output
    assert local.missing == pytest.approx(infodecode.kl_divergence(output, target) / 2)
    assert 0 < local.below < local.missing
    assert rows["sequence IMH, 16"].entropy == pytest.approx(target.entropy(), abs=1e-6)
    assert rows["sequence IMH, 4"].calls == pytest.approx(3 + 4 * 3)
    assert rows["greedy"].missing == 0


def test_what_is_off_the_support_has_no_quality():
    law = distributions.permutations(3)
    found = {row.rule: row for row in exploration.rule_rows(Measured(law))}
    row = found["pairs"]
    assert (row.quality, row.missing, row.below) == (-math.inf, math.inf, None)
    assert row.validity == pytest.approx(2 / 3)
    assert row.valid_quality == pytest.approx(-math.log2(6))


def test_the_frontier_is_that_of_power_laws():
    for row in exploration.frontier_rows(CHAIN):
        target = distributions.power(CHAIN, row.alpha)
        assert row.entropy == pytest.approx(target.entropy())
        assert row.missing == row.below == 0 or row.below < 1e-4


def test_chains_by_step(steps):
    assert len(steps) == 2 * (exploration.MIXING_STEPS + 1)
    assert {row.chain for row in steps} == {"power", "repair"}
    first = steps[0]
    chain = Measured(CHAIN).chain(rules()["sequence IMH, 1"].decoder, 2)
    assert first.total_variation == pytest.approx(chain.total_variation(0)[0])
    assert first.bound == pytest.approx(1 - chain.spectral_gap)


def test_pass_rows_and_costs(passes):
    means = {(r.rule, r.alpha, r.k): r for r in passes if r.kind == "mean"}
    assert means["random order", 1, 4].success == pytest.approx(1 - (0.7**4 + 0.9**4) / 2)
    assert means["random order", 1, 4].calls == 12
    assert means["exact power", 4, 1].success == pytest.approx(means["power law", 4, 1].success)
    walk = [means[pass_at_k.WALK, 2, k] for k in pass_at_k.KS]
    assert walk[0].success == pytest.approx(means["local tempering", 2, 1].success)
    assert walk[3].calls == 24
    for rule, alpha in {(rule, alpha) for rule, alpha, _ in means}:
        assert (np.diff([means[rule, alpha, k].success for k in pass_at_k.KS]) >= -1e-12).all()
    prompts = [r for r in passes if (r.kind, r.rule, r.alpha) == ("prompt", "power law", 2)]
    assert [r.closed for r in prompts] == pytest.approx([r.success for r in prompts])


def test_nothing_is_contradicted(rows, steps, passes):
    assert exploration.violations(rows.values()) == []
    assert exploration.mixing_violations(steps) == []
    assert pass_at_k.violations(passes) == []


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        ("threshold .9", {"cap": 1.0}, "above its cap"),
        ("confidence", {"information": 9.0}, "bits of choices"),
        ("mean-field", {"missing": -1e-6}, "better than the frontier"),
        ("mean-field", {"below": -1e-6}, "better than the frontier"),
        ("exact power", {"missing": 1e-6}, "off mu^2"),
        ("random order", {"missing": 1e-6}, "off mu^1"),
    ],
)
def test_a_contradiction_is_found(rows, rule, change, words):
    [found] = exploration.violations([dataclasses.replace(rows[rule], **change)])
    assert words in found
    assert found.startswith(f"{CHAIN.name}, {rule}: ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stationarity_error": 1e-9}, "not stationary"),
        ({"balance_error": 1e-9}, "not stationary"),
        ({"bound": 0.0}, "total variation"),
    ],
)
def test_a_wrong_chain_is_found(steps, change, words):
    [found] = exploration.mixing_violations([dataclasses.replace(steps[0], **change)])
    assert words in found


@pytest.mark.parametrize(
    ("rule", "change", "words"),
    [
        ("power law", {"success": 0.5}, "by formula"),
        ("exact power", {"success": 0.01}, "the power law"),
        ("greedy", {"success": 1.5}, "a probability of"),
    ],
)
def test_a_wrong_pass_is_found(passes, rule, change, words):
    k = next(i for i, row in enumerate(passes) if row.rule == rule)
    altered = [dataclasses.replace(passes[k], **change)]
    if rule == "exact power":
        altered = [next(row for row in passes if row.rule == "power law"), *altered]
    [found] = pass_at_k.violations(altered)
    assert words in found


def test_printed_values():
    found = {(row.order, row.rule): row for row in exploration_values.karan_du()}
    assert found["left to right", "local"].found == pytest.approx(0.291, abs=5e-4)
    assert found["random", "local"].found == pytest.approx(0.570, abs=5e-4)
    assert found["right to left", "local"].found == pytest.approx(0.849, abs=5e-4)
    assert found["", "target"].found == pytest.approx(0.766, abs=5e-4)
    assert found["random", "mean-field"].found == found["", "target"].found  # two positions
    assert exploration_values.violations(found.values()) == []
    wrong = dataclasses.replace(found["random", "local"], found=0.575)
    [line] = exploration_values.violations([wrong])
    assert "not 0.57" in line
    lossy = dataclasses.replace(found["random", "exact"], printed=None, high=0.1)
    assert "loses 0.1 bits" in exploration_values.violations([lossy])[0]


def test_mean_field_may_lose_more_than_no_weights():
    local, mean_field = (
        exploration_values.counterexample(r).found for r in ("local", "mean-field")
    )
    assert (local, mean_field) == pytest.approx((0.0303, 0.0392), abs=5e-5)


def test_ranges_count_the_exceptions(monkeypatch):
    monkeypatch.setattr(exploration_values, "LAWS", 4)
    found = list(exploration_values.ranges())
    assert len(found) == 3 * 2 * 3
    for row in found:
        assert row.low <= row.found <= row.high
        assert (row.above is None) == (row.rule != "mean-field")
    assert exploration_values.violations(found) == []
    assert max(row.high for row in found if row.rule == "exact") < 1e-9


def test_tables_exit_status_and_conclusion(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exploration, "laws", lambda: [CHAIN, distributions.permutations(3)])
    monkeypatch.setattr(exploration, "MIXING_LAWS", (CHAIN.name,))
    monkeypatch.setattr(exploration_values, "LAWS", 2)
    monkeypatch.setattr(pass_at_k, "trap_problems", lambda: [sum_problem(1), sum_problem(2)])
    assert OTHERS["exploration"](tmp_path) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    words = " ".join(shown.split())
    assert "Entropies above their cap: 0 of 20" in words
    assert "E log2 mu of the output" in words
    for name, count in (("", 40), ("_mixing", 66), ("_pass_at_k", 1), ("_values", 1)):
        with (tmp_path / f"exploration{name}.csv").open(encoding="utf-8") as file:
            cells = list(csv.DictReader(file))
        assert len(cells) >= count
        assert {row["command"] for row in cells} == {"python -m toy.exploration"}
    monkeypatch.setattr(exploration, "violations", lambda rows: ["wrong"])
    assert exploration.run(tmp_path) == 1
    assert "CONTRADICTION wrong" in " ".join(capsys.readouterr().out.split())


def test_what_is_too_large_stays_empty(monkeypatch):
    monkeypatch.setattr("toy.exploration_rules.MAX_CHILDREN", 2)
    found = list(exploration.rule_rows(Measured(distributions.permutations(3))))
    assert all(row.entropy is None for row in found)
    assert exploration.violations(found) == []


def test_laws_are_small_and_each_once():
    names = [law.name for law in exploration.laws()]
    assert len(names) == len(set(names)) > 25
    assert set(exploration.MIXING_LAWS) <= set(names)


def test_tables_fit_a_terminal_of_80_columns(rows, steps, passes):
    console = Console(width=80, file=io.StringIO())
    for made in (
        exploration.table(rows.values()),
        exploration.mixing_table(steps),
        pass_at_k.table(passes),
        exploration_values.table(exploration_values.karan_du()),
    ):
        console.print(made)
    lines = console.file.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80


@pytest.mark.slow
def test_no_toy_contradicts_the_theory(tmp_path):
    assert exploration.run(tmp_path) == 0
