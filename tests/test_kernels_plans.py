"""Kernels that plans are made of, against numpy and uncompiled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode._kernels import plans, selection
from tests.test_kernels import both, seeds

sizes = {"rows": st.integers(0, 5), "n": st.integers(1, 12)}


@given(generator=seeds, **sizes)
def test_masked_copies(generator, rows, n):
    mask = generator.random((rows, n)) < 0.5
    yes, no = generator.random((2, rows, n))
    values = generator.random(rows)
    expected = np.where(mask, yes, no)
    np.testing.assert_array_equal(both(plans.picked, mask, yes, no, fills=[])[0], expected)
    for kind in (yes, (9 * yes).astype(np.int64)):
        (copy,) = both(plans.kept, mask, kind, fills=[])
        np.testing.assert_array_equal(copy, np.where(mask, kind, 0))
        assert copy.dtype == kind.dtype
    expected = np.where(mask, values[:, None], 0)
    np.testing.assert_array_equal(both(plans.spread, mask, values, fills=[])[0], expected)
    last = np.where(mask, np.arange(1, n + 1), 0).max(axis=1)
    np.testing.assert_array_equal(both(plans.last_in_row, mask, fills=[])[0], last)


@given(generator=seeds, **sizes)
def test_ranges(generator, rows, n):
    start, end = np.sort(generator.integers(0, n + 1, (2, rows)), axis=0)
    place = np.arange(n)
    inside = (place >= start[:, None]) & (place < end[:, None])
    np.testing.assert_array_equal(both(plans.within, start, end, n, fills=[])[0], inside)
    canvas = generator.integers(-1, 2, (rows, n)).astype(np.int32)
    feasible = (canvas < 0) & (generator.random((rows, n)) < 0.9)
    lost = ((canvas < 0) & ~feasible & (place < start[:, None])).any(axis=1)
    found = both(plans.closed_masks, canvas, feasible, start, fills=[])[0]
    np.testing.assert_array_equal(found, lost)


@given(generator=seeds, **sizes)
def test_what_is_due_first(generator, rows, n):
    waiting = generator.random((rows, n)) < 0.5
    feasible = waiting & (generator.random((rows, n)) < 0.8)
    level = generator.integers(0, 4, n)
    starts = np.flatnonzero(np.append(True, generator.random(n - 1) < 0.3))
    (due,) = both(plans.first_due, waiting, feasible, level, starts, fills=[])
    for b, row in enumerate(waiting):
        for begin, end in zip(starts, [*starts[1:], n], strict=True):
            known = [level[i] for i in range(begin, end) if row[i]]
            for i in range(begin, end):
                assert due[b, i] == (feasible[b, i] and level[i] == min(known))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("size", [0, 1, 2, 5, 17, 60, 300])
def test_sorting_carries_along(size, plain):
    sort = plans.sort_carrying.py_func if plain else plans.sort_carrying
    generator = np.random.default_rng(size)
    for values in (generator.random(size + 4), generator.integers(0, 3, size + 4) * 1.0):
        copy, carried = values.copy(), np.arange(size + 4)
        sort(copy, carried, 2, size + 2)
        np.testing.assert_array_equal(copy, values[carried])
        np.testing.assert_array_equal(copy[2:-2], np.sort(values[2:-2]))
        np.testing.assert_array_equal(carried[[0, 1, -2, -1]], [0, 1, size + 2, size + 3])


def ranked_prefix(score, entropy, budget, tolerance):
    """Ranks of a row's positions, the same for equal ones, and how many lose ``budget`` at most."""
    chain = sorted(range(len(score)), key=lambda i: -score[i])
    place, ranks = {}, {}
    for i, j in zip([None, *chain], chain, strict=False):
        new = i is not None and score[i] - score[j] > tolerance
        place[j] = 0 if i is None else place[i] + new
    chain = sorted(range(len(score)), key=lambda i: (place[i], entropy[i]))
    spent, fits = [], 0
    for i, j in zip([None, *chain], chain, strict=False):
        new = i is not None and (place[i] != place[j] or entropy[j] - entropy[i] > tolerance)
        ranks[j] = 0 if i is None else ranks[i] + new
        spent.append(entropy[j])
        fits += sum(spent) - max(spent) <= budget
    return [ranks[i] for i in range(len(score))], fits


@given(generator=seeds, levels=st.integers(1, 5), scored=st.booleans(), **sizes)
def test_prefixes_within_a_budget(generator, levels, scored, rows, n):
    """Levels, some of them apart by less than the tolerance, in chains."""
    score, entropy = generator.integers(0, levels + 1, (2, rows, n)) / levels
    score = score + generator.choice([0, 6e-13, 1.2e-12], score.shape)
    entropy = entropy + generator.choice([0, 6e-13, 1.2e-12], score.shape)
    feasible = generator.random((rows, n)) < 0.7
    budget = generator.choice([0, 0.5, 1, 3]) + 1e-12
    key, count = both(
        plans.entropy_prefixes_into,
        score, entropy, feasible, scored, budget, 1e-12, np.empty((rows, n)),
        np.empty(rows, np.int64), fills=[6, 7],
    )  # fmt: skip
    for b in range(rows):
        some = np.flatnonzero(feasible[b])
        ranking = score[b, some] if scored else np.zeros(len(some))
        ranks, fits = ranked_prefix(ranking, entropy[b, some], budget, 1e-12)
        assert key[b, some].tolist() == [-rank for rank in ranks]
        assert count[b] == fits
        assert (key[b, ~feasible[b]] < key[b, some].min(initial=1)).all()


@given(generator=seeds, m=st.integers(1, 80), levels=st.integers(1, 100))
def test_selection_of_words_and_keys(generator, m, levels):
    for values in (
        generator.integers(0, levels, m) / 3,
        generator.integers(0, 2**64, m, dtype=np.uint64),
        generator.choice([-np.inf, 0.0, np.inf], m),
    ):
        rank = int(generator.integers(m))
        for select in (selection.select_smallest, selection.select_smallest.py_func):
            padded = np.append(values, values[:1])
            assert select(padded, m, rank) == np.sort(values)[rank]
            np.testing.assert_array_equal(np.sort(padded[:m]), np.sort(values))
