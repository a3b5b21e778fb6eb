"""Gumbel noise on a grid: every draw of a small grid, and closed forms on a fine one."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, IdealModel, distributions, exact, strategies
from infodecode._kernels.gumbel import gridded_gumbel_into
from infodecode.gumbel_model import HEAD, TruncatedGumbelModel, truncated_gumbel_law
from tests import translation

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def every_draw(weights, bits):
    """Law of the winner, by trying all levels; -log(u) / p is compared as powers of fractions."""
    levels = 1 << bits
    wins = [0] * len(weights)
    tokens = [v for v, w in enumerate(weights) if w]
    for draw in product(range(1, levels), repeat=len(tokens)):
        best = 0
        for k in range(1, len(tokens)):
            ours = Fraction(draw[k], levels) ** weights[tokens[best]]
            theirs = Fraction(draw[best], levels) ** weights[tokens[k]]
            if ours > theirs:
                best = k
        wins[tokens[best]] += 1
    return np.array(wins) / (levels - 1) ** len(tokens)


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any),
    st.integers(1, 3),
)
def test_law_is_that_of_all_draws(weights, bits):
    law = truncated_gumbel_law(np.array(weights) / sum(weights), bits=bits)
    assert law.tolist() == pytest.approx(every_draw(weights, bits).tolist(), abs=1e-12)


@pytest.mark.parametrize("weights", [[1, 1], [3, 1], [1, 2, 4], [5, 5, 5]])
def test_law_is_that_of_all_draws_on_a_finer_grid(weights):
    bits = 7 if len(weights) == 2 else 5
    law = truncated_gumbel_law(np.array(weights) / sum(weights), bits=bits)
    assert law.tolist() == pytest.approx(every_draw(weights, bits).tolist(), abs=1e-12)


def test_one_bit_is_greedy():
    """A single level: no noise, and ties to the lowest index."""
    laws = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.0, 0.5, 0.5]])
    expected = [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert truncated_gumbel_law(laws, bits=1).tolist() == expected


@pytest.mark.parametrize("bits", [13, 16])
def test_integrated_levels(bits):
    """Against the sum over all levels: 0.1 steps of the grid in all, unlikely tokens to 1e-4."""
    levels, rng = 1 << bits, np.random.default_rng(bits)
    small = 1 / levels
    laws = np.array([
        [1 - 3e-5, 1e-5, 1e-5, 1e-5], [1 - 4 * small, 2 * small, small, small],
        [0.5, 0.5 - 2 * small, small, small], [0.6, 0.39, 0.009, 0.001], [0.25] * 4,
        [0.7, 0.3, 0, 0], [0.7, 0.1, 0.1, 0.1], [0, 0, 1, 0], *rng.dirichlet([0.3] * 4, size=4),
    ])  # fmt: skip
    every = np.empty(laws.shape)
    gridded_gumbel_into(laws, levels, levels, NODES, WEIGHTS, every)
    ours = truncated_gumbel_law(laws, bits=bits)
    assert levels > 2 * HEAD
    assert (abs(ours - every).sum(axis=1) / 2 < 0.1 / levels).all()
    unlikely = (every > 0) & (every < 1e-3)
    assert unlikely.sum() > 5
    assert (abs(ours - every)[unlikely] < 1e-4 * every[unlikely]).all()
    assert ours.sum(axis=1) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("bits", [10, 16, 24, 32])
def test_what_unlikely_tokens_keep(bits):
    """r / (e^r - 1) of their probability, r = 2^-b / p: the levels are a geometric series."""
    step = 2.0**-bits
    for r in (0.3, 0.5, 1.0, 3.0):
        kept = truncated_gumbel_law([1 - step / r, step / r], bits=bits)[1] * r / step
        assert kept == pytest.approx(r / math.expm1(r), rel=100 * step)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=5))
def test_many_bits_are_exact(raw):
    law = np.array(raw) / sum(raw)
    distance = abs(truncated_gumbel_law(law, bits=30) - law).sum() / 2
    assert distance <= 3 * len(raw) * 2.0**-30


def entropy(law):
    law = law[law > 0] / law.sum()
    return -(law * np.log2(law)).sum()


def test_many_rounds_lower_the_temperature():
    """Token or mask in one draw of float32: the rarer the unmasking, the likelier the likely."""
    tokens = np.array([0.5, 0.25, 0.125, 0.0625, 0.0625])
    shares = [1e-3, 1e-5, 1e-6, 1e-7]
    laws = [truncated_gumbel_law([1 - share, *(share * tokens)])[1:] for share in shares]
    entropies = [entropy(law) for law in laws]
    assert entropies[0] == pytest.approx(entropy(tokens), abs=1e-3)
    assert entropies == sorted(entropies, reverse=True)
    assert entropies[-2] < entropy(tokens) - 0.1
    assert [law.sum() / share for law, share in zip(laws, shares, strict=True)][-1] < 0.5


def test_model_gives_the_laws_drawn_from():
    law = distributions.variable_names()
    for bits in (4, 8, 24):
        model = TruncatedGumbelModel(law, bits=bits)
        canvas = np.array([[-1, 1, -1, -1, -1]], np.int32)
        rows, positions = np.zeros(4, np.int64), np.array([0, 2, 3, 4])
        plain = IdealModel(law).laws(canvas, rows, positions)
        expected = truncated_gumbel_law(plain, bits=bits)
        assert model.laws(canvas, rows, positions).tolist() == expected.tolist()


def test_coarse_noise_costs_bits_and_entropy():
    law = distributions.variable_names()
    runs = [
        exact(law, Decoder(strategies.TopK(1)), model=TruncatedGumbelModel(law, bits=bits))
        for bits in (4, 6, 8, 24)
    ]
    kls = [run.kl for run in runs]
    assert kls == pytest.approx([0.048947, 0.002618, 0.000169, 0], abs=1e-6)
    entropies = [run.entropy for run in runs]
    assert entropies == sorted(entropies)
    assert entropies[-1] == pytest.approx(law.entropy(), abs=1e-5)
    greedy = exact(law, Decoder(strategies.TopK(1)), model=TruncatedGumbelModel(law, bits=1))
    mode = exact(law, Decoder(strategies.TopK(1), temperature=0, token_ties="lowest"))
    assert translation.output(greedy) == translation.output(mode)


@pytest.mark.parametrize(
    ("probabilities", "options", "message"),
    [
        ([0.5, 0.6], {}, r"probabilities must be nonnegative and add up to 1, got \[0.5, 0.6\]"),
        ([1.5, -0.5], {}, "probabilities must be nonnegative and add up to 1"),
        ([math.nan, 1], {}, "probabilities must be nonnegative and add up to 1"),
        ([[[1.0]]], {}, r"probabilities must have shape \(V,\) or \(K, V\), got \(1, 1, 1\)"),
        ([], {}, r"probabilities must have shape"),
        ([1.0], {"bits": 0}, "bits must be at least 1, got 0"),
        ([1.0], {"bits": 64}, "bits must be at most 40, got 64"),
    ],
)
def test_refusals(probabilities, options, message):
    with pytest.raises(ValueError, match=message):
        truncated_gumbel_law(probabilities, **options)


def test_model_refusals():
    with pytest.raises(TypeError, match="model must be a model with exact laws or a distribution"):
        TruncatedGumbelModel("ideal")
    with pytest.raises(ValueError, match="bits must be at least 1, got 0"):
        TruncatedGumbelModel(distributions.copy(2), bits=0)


def test_kernel_runs_plain():
    laws = np.array([[0.5, 0.3, 0.2], [0.5, 0.5, 0.0]])
    compiled, plain = np.empty(laws.shape), np.empty(laws.shape)
    for levels, head in ((8, 8), (64, 4)):
        arguments = (laws, levels, head, (1 + NODES) / 2, WEIGHTS / 2)
        gridded_gumbel_into(*arguments, compiled)
        gridded_gumbel_into.py_func(*arguments, plain)
        np.testing.assert_allclose(plain, compiled, rtol=0, atol=1e-12)
