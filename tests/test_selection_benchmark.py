"""Choosing positions costs less than the marginals it chooses by, and never goes row by row."""

import numpy as np
import pytest

from benchmarks import selection
from infodecode import distributions, strategies
from infodecode.strategies import Ranked, Strategy

CHEAP = (strategies.TopK(2, "confidence"), strategies.Threshold(0.9), strategies.Factor(1.0))


@pytest.mark.parametrize("strategy", CHEAP, ids=repr)
def test_cheap_selection(strategy):
    row = selection.measured(
        "name", strategy, "permutations(64)", distributions.permutations(64), rounds=1, repeat=3
    )
    assert row.ratio < 1
    assert row.marginals_ms > row.selection_ms > 0
    assert row.by_batch
    assert row.met


class RowByRow(Strategy):
    def plan(self, state):
        return Ranked(np.zeros(state.canvas.shape), np.array([1 for _ in range(state.rows)]))


@pytest.mark.parametrize("name", selection.all_strategies())
def test_no_strategy_goes_row_by_row(name):
    law = distributions.replace_random(64)
    strategy = selection.all_strategies()[name]
    few, many = (selection.instructions(strategy, law, rows) for rows in (64, 256))
    assert 0 < many <= selection.GROWTH * few


def test_a_strategy_that_does_is_seen():
    law = distributions.replace_random(64)
    few, many = (selection.instructions(RowByRow(), law, rows) for rows in (64, 256))
    assert many > 2 * few


def test_laws_have_as_many_positions():
    assert {law.length for law in selection.laws().values()} == {selection.POSITIONS}
