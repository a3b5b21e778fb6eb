"""Kernels of the orbits against naive Python, compiled and plain."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode._kernels import orbits
from tests.test_kernels import both, seeds

LOG2_FACTORIALS = np.array([math.log2(math.factorial(k)) for k in range(300)])


def canvases(generator, count, n, width, masked=0.4):
    some = generator.integers(0, width, (count, n)).astype(np.int32)
    return np.where(generator.random((count, n)) < masked, np.int32(-1), some)


# Canonical canvases -----------------------------------------------------------------------------


@given(counts=st.lists(st.integers(0, 5), max_size=8))
def test_sorting(counts):
    (found,) = both(orbits.sort_descending, np.array(counts, np.int64), fills=[0])
    assert found.tolist() == sorted(counts, reverse=True)


@pytest.mark.parametrize("rename", [False, True])
@given(generator=seeds, n=st.integers(1, 6), width=st.integers(1, 5), count=st.integers(0, 6))
def test_canonical_canvases(rename, generator, n, width, count):
    some = canvases(generator, count, n, width)
    (found,) = both(orbits.canonical_into, some, width, rename, np.full_like(some, 7), fills=[3])
    for canvas, mine in zip(some.tolist(), found.tolist(), strict=True):
        counts = Counter(token for token in canvas if token >= 0)
        if rename:
            counts = dict(enumerate(sorted(counts.values(), reverse=True)))
        tokens = sorted(token for token, number in counts.items() for _ in range(number))
        assert mine == tokens + [-1] * (n - len(tokens))


@pytest.mark.parametrize("rename", [False, True])
def test_canonical_canvases_are_constant_on_orbits_and_on_nothing_else(rename):
    """All canvases of four positions over three tokens, all orders and all names."""
    every = np.array(list(itertools.product(range(-1, 3), repeat=4)), np.int32)
    found = np.empty_like(every)
    orbits.canonical_into(every, 3, rename, found)
    rows = {
        tuple(canvas): tuple(row)
        for canvas, row in zip(every.tolist(), found.tolist(), strict=True)
    }
    names = list(itertools.permutations(range(3))) if rename else [range(3)]
    for canvas, row in rows.items():
        orbit = {
            tuple(-1 if canvas[i] < 0 else name[canvas[i]] for i in order)
            for order in itertools.permutations(range(4))
            for name in names
        }
        assert row in orbit
        assert {image for image in rows if rows[image] == row} == orbit


# Profiles ---------------------------------------------------------------------------------------


def drawn_since(generator, before):
    """The same canvases with some masks filled in."""
    some = canvases(generator, len(before), before.shape[1], 4, masked=0.5)
    return np.where(before < 0, some, before)


def counts_of(before, after, token):
    """How often a token was there before, and was drawn since."""
    old = sum(b == token for b in before)
    return old, sum(a == token for a in after) - old


@pytest.mark.parametrize("rename", [False, True])
@given(generator=seeds, n=st.integers(1, 6), rows=st.integers(0, 6))
def test_profiles(rename, generator, n, rows):
    before = canvases(generator, 3, n, 4)
    parent = generator.integers(0, 3, rows)
    after = drawn_since(generator, before[parent])
    blank = np.zeros((rows, 4), np.uint16)
    (found,) = both(orbits.profiles_into, before, parent, after, rename, blank, fills=[4])
    for b in range(rows):
        pairs = [counts_of(before[parent[b]], after[b], token) for token in range(4)]
        if rename:
            pairs.sort(reverse=True)
        assert [divmod(value, n + 1) for value in found[b].tolist()] == pairs


def test_profiles_tell_canvases_apart_up_to_254_positions():
    """The largest number fits 16 bits, and 1 old is not n new."""
    n = 254
    before = np.full((1, n), -1, np.int32)
    before[0, : n // 2] = 0
    full = np.zeros((1, n), np.int32)
    parent = np.zeros(1, np.int64)
    found = np.zeros((1, 2), np.uint16)
    orbits.profiles_into(full, parent, full, False, found)
    assert found.tolist() == [[n * (n + 1), 0]]
    orbits.profiles_into(before, parent, full, False, found)
    assert found.tolist() == [[n // 2 * (n + 1) + n // 2, 0]]
    nothing, counts = np.full(n, -1, np.int32), np.zeros(1, np.int64)
    (all_new,) = both(orbits.profile, nothing, full[0], counts, fills=[2])
    one_old = np.where(np.arange(n) == 0, 0, nothing).astype(np.int32)
    (one,) = both(orbits.profile, one_old, one_old, counts, fills=[2])
    assert all_new.tolist() == [n]
    assert one.tolist() == [n + 1]


@given(generator=seeds, n=st.integers(1, 6), rows=st.integers(0, 6))
def test_representative_tokens(generator, n, rows):
    before = canvases(generator, 3, n, 4)
    parent = generator.integers(0, 3, rows)
    after = drawn_since(generator, before[parent])
    blank = np.full((rows, 4), 9)
    (found,) = both(orbits.representative_tokens_into, before, parent, after, blank, fills=[3])
    for b in range(rows):
        pairs = [counts_of(before[parent[b]], after[b], token) for token in range(4)]
        first = [pairs.index(pair) == token for token, pair in enumerate(pairs)]
        expected = [pairs.count(pairs[token]) if first[token] else 0 for token in range(4)]
        assert found[b].tolist() == expected


# Choices of positions ---------------------------------------------------------------------------


def groups(generator, rows, n):
    code = generator.integers(0, 3, (rows, n)) * 10**12
    open_ = generator.random((rows, n)) < 0.7
    blank = np.zeros((rows, n), np.int64)
    label, sizes = both(orbits.alike_into, code, open_, blank, blank, fills=[2, 3])
    return code, open_, label, sizes


@given(generator=seeds, rows=st.integers(0, 5), n=st.integers(1, 7))
def test_positions_alike(generator, rows, n):
    code, open_, label, sizes = groups(generator, rows, n)
    for b in range(rows):
        known: dict[int, int] = {}
        expected = [
            known.setdefault(code[b, i], len(known)) if open_[b, i] else -1 for i in range(n)
        ]
        assert label[b].tolist() == expected
        numbers = Counter(k for k in expected if k >= 0)
        assert sizes[b].tolist() == [numbers[k] for k in range(n)]


def splits(label, sizes, need, odds):
    """All splits with their shares, from all subsets of the open positions."""
    open_ = np.flatnonzero(label >= 0)
    weight: Counter[tuple[int, ...]] = Counter()
    for size in range(len(open_) + 1) if need < 0 else [need]:
        for subset in itertools.combinations(open_, size):
            taken = Counter(int(label[i]) for i in subset)
            weight[tuple(taken[k] for k in range(len(sizes)))] += math.prod(
                2.0 ** odds[label[i]] for i in subset
            )
    whole = sum(weight.values())
    return {split: w / whole for split, w in weight.items()}


@pytest.mark.parametrize("flips", [False, True])
@given(generator=seeds, rows=st.integers(0, 5), n=st.integers(1, 7))
def test_splits(flips, generator, rows, n):
    """Each split of the groups once, by the lowest positions of each, with the share of all."""
    _, open_, label, sizes = groups(generator, rows, n)
    need = np.full(rows, -1) if flips else generator.integers(0, open_.sum(axis=1) + 1)
    odds = generator.choice([-1.5, 0.0, 2.0], (rows, n)) if flips else np.zeros((rows, n))
    (ways,) = both(orbits.count_splits_into, sizes, need, np.full(rows, -7.0), fills=[2])
    first = np.concatenate([[0], np.cumsum(ways.astype(np.int64))])
    parent, chosen, share = both(
        orbits.splits_into,
        label, sizes, need, LOG2_FACTORIALS, odds, first,
        np.full(first[-1], -7), np.zeros((first[-1], n), bool), np.full(first[-1], np.nan),
        fills=[6, 7, 8],
    )  # fmt: skip
    for b in range(rows):
        mine = slice(first[b], first[b + 1])
        assert (parent[mine] == b).all()
        found = {}
        for row, value in zip(chosen[mine], share[mine], strict=True):
            taken = tuple(int((row & (label[b] == k)).sum()) for k in range(n))
            lowest = [np.flatnonzero(label[b] == k)[:c] for k, c in enumerate(taken)]
            assert sorted(np.flatnonzero(row)) == sorted(np.concatenate(lowest).tolist())
            found[taken] = value
        assert len(found) == ways[b]
        assert found == pytest.approx(splits(label[b], sizes[b], int(need[b]), odds[b]), rel=1e-12)


@pytest.mark.parametrize("sizes", [(254,), (127, 127), (250, 3, 1)])
@pytest.mark.parametrize("take", [0, 1, 100, 254])
def test_splits_of_many_positions(sizes, take):
    """Hypergeometric shares, at the greatest length."""
    n = sum(sizes)
    label = np.repeat(np.arange(len(sizes)), sizes)[None]
    number = np.zeros((1, n), np.int64)
    number[0, : len(sizes)] = sizes
    need, ways = np.array([take]), np.empty(1)
    orbits.count_splits_into(number, need, ways)
    first = np.array([0, int(ways[0])])
    chosen, share = np.zeros((first[1], n), bool), np.empty(first[1])
    orbits.splits_into(
        label, number, need, LOG2_FACTORIALS, np.zeros((1, n)), first,
        np.empty(first[1], np.int64), chosen, share,
    )  # fmt: skip
    assert share.sum() == pytest.approx(1, rel=1e-14)
    for row, value in zip(chosen, share, strict=True):
        ways_there = [
            math.comb(size, int(row[label[0] == k].sum())) for k, size in enumerate(sizes)
        ]
        expected = math.prod(ways_there) / math.comb(n, take)
        assert value == pytest.approx(expected, rel=2e-12)


def test_no_rows_and_nothing_to_choose():
    sizes, ways = np.zeros((2, 3), np.int64), np.empty(2)
    for need in (np.array([0, 0]), np.array([-1, -1])):
        orbits.count_splits_into(sizes, need, ways)
        assert ways.tolist() == [1, 1]
        (chosen, share) = both(
            orbits.splits_into,
            np.full((2, 3), -1), sizes, need, LOG2_FACTORIALS, np.zeros((2, 3)),
            np.array([0, 1, 2]), np.zeros(2, np.int64), np.zeros((2, 3), bool), np.empty(2),
            fills=[7, 8],
        )  # fmt: skip
        assert not chosen.any()
        assert share.tolist() == [1, 1]
