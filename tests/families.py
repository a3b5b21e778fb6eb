"""What every family must satisfy: it equals its own enumerated table, whatever formula it uses."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.stats import chisquare

from infodecode import information
from tests import oracle

MOST_CANVASES = 3000


def every_canvas(law):
    return np.array(list(product(*(range(-1, v) for v in law.alphabet_sizes))), np.int32)


def some_canvases(law, seed=0):
    """Every canvas of a small law; of a larger one random ones, half of them on the support."""
    if math.prod(v + 1 for v in law.alphabet_sizes) <= MOST_CANVASES:
        return every_canvas(law)
    generator = np.random.default_rng(seed)
    size = MOST_CANVASES // 3
    sequences = np.concatenate(
        [
            law.sample(size, seed=seed),
            generator.integers(law.alphabet_sizes, size=(size // 2, law.length)),
        ]
    )
    hidden = generator.random(sequences.shape) < generator.random((len(sequences), 1))
    return np.where(hidden, -1, sequences).astype(np.int32)


def counted(law):
    """The law as {outcome: probability}, floats or fractions, straight from its table."""
    full = law.table()
    total = full.total if full.integer else 1
    return {
        tuple(y): Fraction(int(w), int(total)) if full.integer else float(w)
        for y, w in zip(full.outcomes.tolist(), full.weights, strict=True)
    }


def equals_its_table(law):
    """Support, probabilities, marginals, modes and numbers of completions."""
    reference = counted(law)
    assert float(sum(reference.values())) == pytest.approx(1, abs=1e-14)
    assert law.support_size == len(reference)
    assert law.log2_mode() == pytest.approx(math.log2(max(reference.values())), abs=1e-12)
    canvases = some_canvases(law)
    outcomes = np.array(list(reference))
    weights = np.array([float(p) for p in reference.values()])
    agree = ((canvases[:, None] < 0) | (canvases[:, None] == outcomes[None])).all(axis=2)
    mass = agree @ weights
    for structured in (law, law.table()):
        np.testing.assert_allclose(np.exp2(structured._log2_mass(canvases)), mass, atol=1e-13)
        assert (structured._completions(canvases) >= agree.sum(axis=1) * (1 - 1e-12)).all()
    possible = canvases[mass > 0]
    marginals = law.marginals(possible)
    np.testing.assert_allclose(marginals, law.table().marginals(possible), atol=1e-13)
    for row in range(0, len(possible), max(1, len(possible) // 50)):
        for i, token_law in oracle.token_laws(reference, tuple(possible[row].tolist())).items():
            for v in range(marginals.shape[2]):
                assert marginals[row, i, v] == pytest.approx(float(token_law.get(v, 0)), abs=1e-13)
    rows, positions = np.nonzero(canvases < 0)
    lost = mass[rows] == 0
    assert not law._laws(canvases, rows, positions)[lost].any()
    np.testing.assert_allclose(
        np.exp2(law.log2_probability(outcomes)), weights, rtol=1e-12, atol=1e-15
    )


def entropies_equal_those_of_its_table(law):
    """Every subset by itself, all at once, by size and on average."""
    full = law.table()
    n = law.length
    masks = range(1 << n) if n <= 8 else np.random.default_rng(0).integers(1 << n, size=200)
    by_size = law.size_entropies()
    for mask in masks:
        positions = [i for i in range(n) if mask >> i & 1]
        value = full.entropy(positions)
        assert law.entropy(positions) == pytest.approx(value, abs=1e-12)
        if by_size is not None:
            assert by_size[len(positions)] == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(
        law.position_entropies(), [full.entropy([i]) for i in range(n)], atol=1e-12
    )
    subsets = information.subset_entropies(full)
    np.testing.assert_allclose(information.subset_entropies(law), subsets, atol=1e-12)
    np.testing.assert_allclose(
        information.entropy_gains(law), information.entropy_gains(full), atol=1e-12
    )


def samples_follow_the_law(law, size=4000, seed=7):
    """Chi-square at a fixed seed, rare outcomes taken together; the seed decides."""
    reference = counted(law)
    samples = law.sample(size, seed=seed)
    assert samples.shape == (size, law.length)
    assert samples.dtype == np.int32
    keys, seen = np.unique(samples, axis=0, return_counts=True)
    observed = dict(zip(map(tuple, keys.tolist()), seen.tolist(), strict=True))
    assert set(observed) <= set(reference)
    bins: list[list[float]] = []
    for y, p in sorted(reference.items(), key=lambda item: item[1]):
        if not bins or bins[-1][1] >= 5:
            bins.append([0.0, 0.0])
        bins[-1][0] += observed.get(y, 0)
        bins[-1][1] += size * float(p)
    if len(bins) > 1 and bins[-1][1] < 5:
        last = bins.pop()
        bins[-1] = [bins[-1][0] + last[0], bins[-1][1] + last[1]]
    if len(bins) > 1:
        expected = np.array([b[1] for b in bins])
        scaled = expected * (size / expected.sum())
        assert chisquare([b[0] for b in bins], scaled).pvalue > 1e-4
    np.testing.assert_array_equal(samples, law.sample(size, seed=seed))
    if len(reference) >= 6:
        assert (samples != law.sample(size, seed=seed + 1)).any()


def symmetries_leave_it_as_it_is(law):
    """Every automorphism permutes the support and keeps each probability."""
    full = law.table()
    before = dict(zip(map(tuple, full.outcomes.tolist()), full.probabilities, strict=True))
    for automorphism in law.symmetries():
        images = automorphism.apply(full.outcomes)
        assert len(np.unique(images, axis=0)) == len(before), automorphism.name
        after = dict(zip(map(tuple, images.tolist()), full.probabilities, strict=True))
        assert after.keys() == before.keys(), automorphism.name
        for y, p in after.items():
            assert p == pytest.approx(before[y], rel=1e-12), automorphism.name
        canvas = np.full((1, law.length), -1, np.int32)
        np.testing.assert_array_equal(automorphism.apply(canvas), canvas)


def renders(law):
    """A sample prints with all its labels, a blank canvas with a mask for every position."""
    sample = law.sample(1, seed=3)[0]
    text = law.render(sample)
    for label in law.labels_of(sample):
        assert label in text
    assert law.render(np.full(law.length, -1)).count("_") >= law.length
    assert law.table().render(sample) == text


CHECKS = (
    equals_its_table,
    entropies_equal_those_of_its_table,
    samples_follow_the_law,
    symmetries_leave_it_as_it_is,
    renders,
)
