"""Kernels against numpy and against themselves, uncompiled."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from infodecode._grouping import Grouper, Packing, group
from infodecode._kernels import families, grouping, laws, packing, rows, selection, tables
from infodecode._kernels import random as streams

seeds = st.integers(0, 2**32).map(np.random.default_rng)


def both(kernel, *arguments, fills):
    """Run compiled and plain on copies; the arrays named in ``fills`` must agree. Returns those."""
    results = []
    for function in (kernel, kernel.py_func):
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        with np.errstate(over="ignore"):
            returned = function(*copies)
        results.append([copies[k] for k in fills] + ([] if returned is None else [returned]))
    for compiled, plain in zip(*results, strict=True):
        np.testing.assert_array_equal(compiled, plain)
    return results[0]


def canvases(generator, count, sizes):
    return np.stack([generator.integers(-1, v, count) for v in sizes], axis=1, dtype=np.int32)


# Packing and grouping ---------------------------------------------------------------------------


@given(generator=seeds, sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=20))
def test_packed_keys_tell_canvases_apart(generator, sizes):
    some = canvases(generator, 12, sizes)
    pack = Packing(tuple(sizes))
    keys = pack.keys(some)
    equal = (some[:, None] == some[None]).all(axis=2)
    np.testing.assert_array_equal((keys[:, None] == keys[None]).all(axis=2), equal)
    zeros = np.zeros_like(keys)
    both(packing.pack_into, some, pack.word, pack.shift, zeros, fills=[3])
    (masks,) = both(
        packing.pack_masks_into, some, pack.word, pack.shift, pack.fields, zeros, fills=[4]
    )
    np.testing.assert_array_equal(keys & masks, keys)


@given(generator=seeds, words=st.integers(1, 3), batches=st.lists(st.integers(0, 90), max_size=6))
def test_equal_keys_get_equal_numbers_in_order_of_appearance(generator, words, batches):
    grouper = Grouper(words, capacity=2)
    known: dict[tuple[int, ...], int] = {}
    for size in batches:
        keys = generator.integers(0, 4, (size, words)).astype(np.uint64)
        expected = [known.setdefault(tuple(row), len(known)) for row in keys.tolist()]
        assert grouper.insert(keys).tolist() == expected
        assert grouper.count == len(known)
    keys = generator.integers(0, 3, (50, words)).astype(np.uint64)
    ids, first = group(keys)
    np.testing.assert_array_equal(keys[first][ids], keys)
    assert (np.diff(first) > 0).all()


def test_grouping_kernels_run_plain():
    keys = np.arange(40, dtype=np.uint64).reshape(20, 2) % np.uint64(12)
    slots, store, ids = np.zeros(64, np.int64), np.zeros((20, 2), np.uint64), np.empty(20, np.int64)
    filled_slots, filled, _, count = both(
        grouping.insert_into, keys, slots, store, 0, ids, fills=[1, 2, 4]
    )
    (again,) = both(grouping.rehash_into, filled, int(count), slots, fills=[2])
    assert sorted(again) == sorted(filled_slots)
    both(grouping.hash_rows_into, keys, np.zeros(20, np.uint64), fills=[1])


# Random numbers ---------------------------------------------------------------------------------


def uniforms(count, key=1, round_=0, stage=0, position=0):
    out = np.empty(count, np.uint64)
    streams.streams_into(np.uint64(key), 0, out)
    values = np.empty(count)
    where = np.full(count, position, np.int64)
    streams.uniforms_into(
        out, np.full(count, round_, np.int64), np.arange(count), where, stage, values
    )
    return values


def test_random_kernels_run_plain():
    out = np.empty(5, np.uint64)
    (filled,) = both(streams.streams_into, np.uint64(9), 3, out, fills=[2])
    rounds, pairs = np.arange(5), np.array([0, 1, 1, 4])
    both(streams.uniforms_into, filled, rounds, pairs, pairs, 2, np.empty(4), fills=[5])


def test_uniforms_are_uniform_in_every_direction():
    """Along sequences, rounds, positions, stages and seeds; 200,000 numbers each."""
    size = 200_000
    stream = np.full(size, np.uint64(123456789))
    zero, line = np.zeros(size, np.int64), np.arange(size)
    directions = [uniforms(size), uniforms(size, key=2), uniforms(size, position=7)]
    for round_, position in ((line, zero), (zero, line)):
        values = np.empty(size)
        streams.uniforms_into(stream, round_, line, position, 0, values)
        directions.append(values)
    for values in directions:
        assert (values >= 0).all()
        assert (values < 1).all()
        assert len(np.unique(values)) > size - 5
        assert kstest(values, "uniform").pvalue > 1e-4
    for a, b in itertools.combinations([*directions, uniforms(size, round_=1)], 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(size)
        cells = np.bincount((a * 8).astype(int) * 8 + (b * 8).astype(int), minlength=64)
        assert chisquare(cells).pvalue > 1e-5


def test_counters_do_not_collide():
    """A round, a stage and a position never share a number with another triple."""
    stream = np.uint64(5)
    seen = {
        int(streams.bits_at(stream, np.uint64(streams.counter(round_, stage, position))))
        for round_ in range(40)
        for stage in range(8)
        for position in range(60)
    }
    assert len(seen) == 40 * 8 * 60


# Selection --------------------------------------------------------------------------------------


@given(generator=seeds, rows_=st.integers(1, 6), n=st.integers(1, 7))
def test_selection(generator, rows_, n):
    key = generator.integers(0, 3, (rows_, n)) / 2 + generator.choice([0, 1e-13], (rows_, n))
    allowed = generator.random((rows_, n)) < 0.7
    count = generator.integers(0, n + 2, rows_)
    empty = np.zeros((rows_, n), np.uint8)
    blank = np.zeros(rows_, np.int64)
    classes, need, tied = both(
        selection.classify_into, key, count, allowed, 1e-12, empty, blank, blank, fills=[4, 5, 6]
    )
    for b in range(rows_):
        options = np.flatnonzero(allowed[b])
        wanted = min(count[b], len(options))
        cut = sorted(np.round(key[b, options], 6), reverse=True)[wanted - 1] if wanted else np.inf
        level = [i for i in options if abs(key[b, i] - cut) < 1e-6]
        above = [i for i in options if key[b, i] > cut + 1e-6]
        if wanted == len(above) + len(level) or wanted == len(options):
            above, level = (above + level if wanted else []), []
        assert sorted(np.flatnonzero(classes[b] == selection.SURE)) == sorted(above)
        assert sorted(np.flatnonzero(classes[b] == selection.TIED)) == level
        assert need[b] == (wanted - len(above) if level else 0)
        assert tied[b] == len(level)
    none = np.zeros((rows_, n), bool)
    (lowest,) = both(selection.settle_lowest_into, classes, need, none, fills=[2])
    stream = generator.integers(0, 2**63, rows_).astype(np.uint64)
    (random,) = both(selection.settle_random_into, classes, need, stream, blank, 0, none, fills=[5])
    for chosen in (lowest, random):
        np.testing.assert_array_equal(chosen.sum(axis=1), np.minimum(count, allowed.sum(axis=1)))
        assert (chosen <= allowed).all()
    ways = np.array([math.comb(int(t), int(r)) for t, r in zip(tied, need, strict=True)])
    first = np.concatenate([[0], np.cumsum(ways)])
    parent, chosen = both(
        selection.subsets_into,
        classes, need, first, np.empty(first[-1], np.int64), np.zeros((first[-1], n), bool),
        fills=[3, 4],
    )  # fmt: skip
    for b in range(rows_):
        mine = {tuple(row) for row in chosen[parent == b].tolist()}
        assert len(mine) == ways[b]
        assert all(sum(row) == min(count[b], allowed[b].sum()) for row in mine)
        assert tuple(lowest[b].tolist()) in mine
        assert tuple(random[b].tolist()) in mine


@pytest.mark.parametrize(("size", "take"), [(5, 2), (40, 20)])
def test_random_ties_are_fair(size, take):
    """Few of few and many of many: every set, and every position, equally often."""
    rows_ = 40_000 if size == 5 else 4_000
    classes = np.full((rows_, size), selection.TIED, np.uint8)
    stream = np.empty(rows_, np.uint64)
    streams.streams_into(np.uint64(3), 0, stream)
    chosen = np.zeros((rows_, size), bool)
    selection.settle_random_into(
        classes, np.full(rows_, take), stream,
        np.zeros(rows_, np.int64), 0, chosen,
    )  # fmt: skip
    assert (chosen.sum(axis=1) == take).all()
    if size == 5:
        sets = np.unique(chosen, axis=0, return_counts=True)[1]
        assert len(sets) == math.comb(size, take)
        assert chisquare(sets).pvalue > 1e-4
    assert np.abs(chosen.mean(axis=0) - take / size).max() < 5 * 0.5 / math.sqrt(rows_)


@given(generator=seeds, rows_=st.integers(1, 4), n=st.integers(1, 5))
def test_independent_choices(generator, rows_, n):
    open_ = generator.random((rows_, n)) < 0.5
    certain = ~open_ & (generator.random((rows_, n)) < 0.3)
    first = np.concatenate([[0], np.cumsum(1 << open_.sum(axis=1))])
    parent, chosen = both(
        selection.coin_flips_into,
        certain, open_, first, np.empty(first[-1], np.int64), np.zeros((first[-1], n), bool),
        fills=[3, 4],
    )  # fmt: skip
    assert len({(b, *row) for b, row in zip(parent, chosen.tolist(), strict=True)}) == first[-1]
    assert (chosen >= certain[parent]).all()
    assert (chosen <= (certain | open_)[parent]).all()
    probability = generator.choice([0.0, 0.5, 1.0], (rows_, n))
    stream, blank = np.arange(rows_).astype(np.uint64), np.zeros(rows_, np.int64)
    (picked,) = both(
        selection.bernoulli_into,
        probability, open_, stream, blank, 3, np.zeros((rows_, n), bool), fills=[5],
    )  # fmt: skip
    assert (picked <= (open_ & (probability > 0))).all()
    assert (picked >= (open_ & (probability == 1))).all()


# Laws -------------------------------------------------------------------------------------------


@given(generator=seeds, count=st.integers(1, 5), width=st.integers(1, 5))
def test_summaries_and_draws(generator, count, width):
    some = generator.integers(0, 4, (count, width)) * 1.0
    some[:, generator.integers(width)] += 1
    some /= some.sum(axis=1, keepdims=True)
    floats = [np.empty(count) for _ in range(3)]
    p1, token1, p2, entropy = both(
        laws.summarise_into, some, 1e-12, True, floats[0], np.empty(count, np.int64), *floats[1:],
        fills=[3, 4, 5, 6],
    )  # fmt: skip
    ranked = np.sort(some, axis=1)[:, ::-1]
    np.testing.assert_array_equal(p1, ranked[:, 0])
    np.testing.assert_array_equal(p2, ranked[:, 1] if width > 1 else np.zeros(count))
    np.testing.assert_array_equal(token1, some.argmax(axis=1))
    logs = np.log2(some, where=some > 0, out=np.zeros_like(some))
    np.testing.assert_allclose(entropy, -(some * logs).sum(axis=1), atol=1e-14)
    assert not np.signbit(entropy).any()
    uniform = generator.choice([0.0, 0.25, 0.5, 1 - 2**-53], count)
    (token,) = both(laws.draw_into, some, uniform, np.empty(count, np.int64), fills=[2])
    for k in range(count):
        cumulative = np.cumsum(some[k])
        assert some[k, token[k]] > 0
        assert cumulative[token[k]] > uniform[k] or token[k] == np.flatnonzero(some[k])[-1]
        assert token[k] == 0 or cumulative[token[k] - 1] <= uniform[k]


def test_noise_keeps_laws_laws():
    some = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [0.0, 0.0, 0.0]])
    where = np.array([0, 0, 1, 2])
    hashes = np.array([1, 2, 3], np.uint64)
    for scale in (0.0, 1.0, 1e3):
        noisy = some.copy()
        laws.add_noise_into(noisy, hashes, where, where, np.uint64(4), scale)
        plain = some.copy()
        with np.errstate(over="ignore"):
            laws.add_noise_into.py_func(plain, hashes, where, where, np.uint64(4), scale)
        np.testing.assert_allclose(noisy, plain, rtol=1e-12)
        np.testing.assert_allclose(noisy.sum(axis=1), [1, 1, 1, 0], atol=1e-15)
        assert (noisy[some == 0] == 0).all()
    many = np.full((50_000, 2), 0.5)
    laws.add_noise_into(
        many, np.arange(50_000).astype(np.uint64), np.arange(50_000), np.zeros(50_000, np.int64),
        np.uint64(0), 0.5,
    )  # fmt: skip
    logits = np.log(many[:, 1] / many[:, 0])
    assert kstest(logits / (0.5 * math.sqrt(2)), "norm").pvalue > 1e-4


# Rows, families, tables -------------------------------------------------------------------------


@given(generator=seeds, rows_=st.integers(0, 5), n=st.integers(1, 5))
def test_short_rows(generator, rows_, n):
    mask = generator.random((rows_, n)) < 0.4
    np.testing.assert_array_equal(both(rows.any_in_row, mask, fills=[])[0], mask.any(axis=1))
    np.testing.assert_array_equal(both(rows.count_in_row, mask, fills=[])[0], mask.sum(axis=1))
    np.testing.assert_array_equal(both(rows.pairs_of, mask, fills=[])[0], np.nonzero(mask))
    some = mask * generator.random((rows_, n))
    empty = np.flatnonzero(some.sum(axis=1) == 0)
    np.testing.assert_array_equal(both(rows.empty_rows, some, fills=[])[0], empty)


@given(generator=seeds, n=st.integers(1, 5), lenient=st.booleans())
def test_families_run_plain(generator, n, lenient):
    some = canvases(generator, 8, [n] * n)
    pairs = np.nonzero(some < 0)
    blank = np.zeros((len(pairs[0]), n))
    both(families.permutation_laws_into, some, pairs[0], lenient, blank, fills=[3])
    both(families.distinct_into, some, np.empty(8, np.int64), fills=[1])
    binary = canvases(generator, 8, [2] * n)
    where, _ = np.nonzero(binary < 0)
    both(
        families.replacement_laws_into, binary, where, lenient, np.zeros((len(where), 2)), fills=[3]
    )


@given(generator=seeds, n=st.integers(1, 4))
def test_table_lookup_runs_plain(generator, n):
    sizes = (3,) * n
    outcomes = np.unique(generator.integers(0, 3, (12, n)), axis=0).astype(np.int32)
    weights = generator.integers(1, 9, len(outcomes))
    pack = Packing(sizes)
    keys = pack.keys(outcomes)
    order = np.arange(len(outcomes), dtype=np.int32)
    for i in range(n):
        column = np.ascontiguousarray(outcomes[:, i])
        (order,) = both(tables.refine_order_into, order, column, 3, np.zeros_like(order), fills=[3])
    np.testing.assert_array_equal(order, np.lexsort(outcomes.T))
    some = outcomes.copy()
    hidden = generator.random(some.shape) < 0.5
    hidden[:, : n - 1] &= hidden[:, n - 1 :]
    some[hidden] = -1
    masks = np.zeros_like(keys)
    packing.pack_masks_into(some, pack.word, pack.shift, pack.fields, masks)
    pairs = np.nonzero(some < 0)
    start = np.searchsorted(pairs[0], np.arange(len(some) + 1))
    scan = np.full(len(some), -1)
    totals = np.zeros(len(some), np.int64)
    out, total = both(
        tables.marginal_weights_into, outcomes, weights, keys, order[None], scan, masks,
        pack.keys(some), start, pairs[1], np.zeros((len(pairs[0]), 3), np.int64), totals,
        fills=[9, 10],
    )  # fmt: skip
    agree = ((some[:, None] == outcomes[None]) | (some[:, None] < 0)).all(axis=2)
    np.testing.assert_array_equal(total, agree @ weights)
    for k, (row, i) in enumerate(zip(*pairs, strict=True)):
        expected = np.bincount(outcomes[agree[row], i], weights[agree[row]], minlength=3)
        np.testing.assert_array_equal(out[k], expected)
    full = np.flatnonzero((some >= 0).all(axis=1))
    found, count = both(
        tables.marginal_weights_into, outcomes, weights, keys, order[None],
        np.zeros(len(full), np.int64), masks[full], pack.keys(some[full]),
        np.zeros(len(full) + 1, np.int64), np.empty(0, np.int64), np.zeros((0, 3), np.int64),
        np.zeros(len(full), np.int64), fills=[9, 10],
    )  # fmt: skip
    assert found.shape == (0, 3)
    np.testing.assert_array_equal(count, weights[full])


@pytest.mark.parametrize("plain", [False, True])
@given(st.lists(st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 0.75, np.inf]), min_size=1), st.data())
def test_select_smallest(plain, values, data):
    rank = data.draw(st.integers(0, len(values) - 1))
    select = selection.select_smallest.py_func if plain else selection.select_smallest
    longer = np.array([*values, -1.0])  # beyond the first m: not to be looked at
    assert select(longer, len(values), rank) == sorted(values)[rank]
    assert longer[-1] == -1.0


@pytest.mark.parametrize("plain", [False, True])
@given(
    st.lists(st.sampled_from([0.0, 0.5, 2 / 3, 0.75, 0.8, 0.9, 1.0]), min_size=1, max_size=9),
    st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 3.0]),
    st.booleans(),
    st.integers(0, 2**9 - 1),
)
def test_factor_counts(plain, values, factor, inclusive, mask):
    """Against sorting, at many values where the rule holds with equality."""
    confidence = np.array([values])
    feasible = np.array([[mask >> i & 1 == 1 for i in range(len(values))]])
    ranked = np.sort(confidence[feasible])[::-1]
    spent = (np.arange(len(ranked)) + 2) * (1 - ranked)
    passes = spent <= factor if inclusive else spent < factor
    count = selection.factor_counts_into
    found = np.empty(1, np.int64)
    (count.py_func if plain else count)(confidence, feasible, factor, inclusive, found)
    assert found[0] == passes.sum()
