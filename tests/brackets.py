"""What a bracket promises, and small laws that ask for every way to solve one."""

import numpy as np
import pytest

from infodecode.distributions import Table
from infodecode.partition_bracket import PartitionBracket
from infodecode.partitions import partition_bits

EXACT = 1e-12


def check(bracket, law, rounds, best=None):
    """Everything a bracket promises that can be checked without, and with, the true value."""
    assert isinstance(bracket, PartitionBracket)
    assert bracket.distribution is law
    assert bracket.rounds == rounds == len(bracket.partition)
    assert all(bracket.partition)
    assert sorted(i for block in bracket.partition for i in block) == list(range(law.length))
    assert bracket.upper == partition_bits(law, bracket.partition)
    assert 0.0 <= bracket.lower <= bracket.upper
    if best is not None:
        assert bracket.lower <= best + EXACT
        assert best <= bracket.upper + EXACT
        if bracket.exact:
            assert bracket.upper == pytest.approx(best, abs=3e-9)


def random_law(seed, most_positions=8, most_outcomes=40):
    """A sparse table, often with constants, copies, functions of others and independent parts."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, most_positions + 1))
    rows = rng.integers(0, rng.integers(1, 4, n), (int(rng.integers(2, most_outcomes)), n))
    kind = rng.integers(4)
    if kind == 1 and n > 2:
        rows[:, -1] = rows[:, 0]
    if kind == 2 and n > 2:
        rows[:, -1] = (rows[:, 0] + rows[:, 1]) % 2
    if kind == 3 and n > 3:
        left, right = np.unique(rows[:, :2], axis=0), np.unique(rows[:6, 2:], axis=0)
        rows = np.concatenate(
            [np.repeat(left, len(right), axis=0), np.tile(right, (len(left), 1))], axis=1
        )
    rows = np.unique(rows, axis=0)
    rows = rows[:, rng.permutation(n)]
    weights = np.ones(len(rows), int) if kind == 3 else rng.integers(1, 5, len(rows))
    return Table(rows, weights)
