"""The public surface under bad input: one clear error that names the argument, or a sound result.

Every call starts from valid arguments; one of them is replaced by something hostile. Whatever
happens must be a ValueError, a TypeError or a FileNotFoundError whose message names that argument,
or a result without NaN.
"""

from __future__ import annotations

import dataclasses
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.distributions import Table

LAW = distributions.replace_random(3)
OTHER = Table([[0, 0, 1], [0, 1, 0]], [1, 3], alphabet_sizes=[2, 2, 2], labels=LAW.labels)
DECODER = Decoder(strategies.TopK(2))

HOSTILE = [
    None, True, 0, 1, -1, 2, 7, 10**9, 10**30, 0.0, -0.5, 0.5, 1.0, 1.5, 1e308, float("nan"),
    float("inf"), -float("inf"), "", "random", "5", b"x", (), [], [[]], [0], [0, 0], [0, 1],
    [[0, 1], [2]], [[0, 1, 2]], [[-1, -1, -1]], [[-2, 0, 0]], [[0.5, 0, 0]], [["a", "b", "c"]],
    [[float("nan")] * 3], {}, {0: 1}, set(), object(), int, np.zeros(0), np.zeros((2, 0)),
    np.zeros((1, 1, 1)), np.full((2, 3), np.nan), np.array([1, 2], dtype=object), 1j,
    Fraction(1, 3), Fraction(-1), LAW, OTHER, DECODER, strategies.TopK(1), distributions.copy(2),
    pd.DataFrame(), pd.DataFrame({"a": [1, None]}), Path("/nowhere/at/all.csv"), "no such file.csv",
    range(3), range(10**6), lambda: 0, np.array([[0, 1, 0]]), np.int64(2), np.float32(0.5),
]  # fmt: skip

CALLS = {
    "Table": (Table, {"outcomes": [[0, 1], [1, 0]], "weights": [1, 2], "alphabet_sizes": [2, 2],
                      "labels": [["a", "b"], ["c", "d"]], "names": ["u", "v"]}),
    "from_counts": (distributions.from_counts, {"outcomes": [[0], [1]], "counts": [1, 2]}),
    "from_samples": (distributions.from_samples, {"samples": [[0, 1], [1, 1]]}),
    "from_records": (
        distributions.from_records,
        {"records": pd.DataFrame({"a": [0, 1], "n": [1, 2]}), "count": "n", "columns": ["a"]},
    ),
    "permutations": (distributions.permutations, {"n": 3}),
    "replace_random": (distributions.replace_random, {"n": 3}),
    "copy": (distributions.copy, {"n": 3}),
    "replace_index": (distributions.replace_index, {"n": 3, "i": 1}),
    "mixture": (distributions.mixture, {"parts": [LAW, OTHER], "weights": [1, 1]}),
    "marginals": (LAW.marginals, {"canvases": [-1, 0, -1]}),
    "log2_probability": (LAW.log2_probability, {"sequences": [0, 0, 1]}),
    "sample": (LAW.sample, {"size": 3, "seed": 1}),
    "Joint.entropy": (LAW.entropy, {"positions": [0]}),
    "marginal": (OTHER.marginal, {"positions": [0]}),
    "entropy": (infodecode.entropy, {"distribution": LAW, "positions": [0], "given": [1]}),
    "mutual_information": (
        infodecode.mutual_information, {"distribution": LAW, "a": [0], "b": [1], "given": [2]},
    ),
    "total_correlation": (
        infodecode.total_correlation, {"distribution": LAW, "positions": [0, 1], "given": [2]},
    ),
    "dual_total_correlation": (infodecode.dual_total_correlation, {"distribution": LAW}),
    "kl_divergence": (infodecode.kl_divergence, {"p": LAW, "q": OTHER}),
    "total_variation": (infodecode.total_variation, {"p": LAW, "q": OTHER}),
    "renyi_entropy": (infodecode.renyi_entropy, {"distribution": LAW, "order": 2}),
    "subset_entropies": (infodecode.subset_entropies, {"distribution": LAW}),
    "information_curve": (infodecode.information_curve, {"distribution": LAW}),
    "partition_bits": (infodecode.partition_bits, {"distribution": LAW, "blocks": [[0, 1], [2]]}),
    "optimal_partitions": (infodecode.optimal_partitions, {"distribution": LAW}),
    "partition": (infodecode.optimal_partitions(OTHER).partition, {"rounds": 2}),
    "random_order_bits": (infodecode.random_order_bits, {"distribution": LAW, "sizes": [2, 1]}),
    "even_sizes": (infodecode.even_sizes, {"length": 10, "rounds": 3}),
    "sizes": (infodecode.optimal_random_order(LAW).sizes, {"rounds": 2}),
    "bounds": (infodecode.bounds, {"distribution": LAW}),
    "rounds_for": (infodecode.bounds(LAW).rounds_for, {"bits": 0.1}),
    "TopK": (strategies.TopK, {"k": 2, "by": "entropy"}),
    "OneByOne": (strategies.OneByOne, {"by": "random"}),
    "Threshold": (
        strategies.Threshold,
        {"gamma": 0.5, "inclusive": True, "at_least": 1, "fallback": 2},
    ),
    "Factor": (strategies.Factor, {"factor": 0.5, "as_shipped": True}),
    "FixedPartition": (strategies.FixedPartition, {"blocks": [[0], [1]]}),
    "LeftToRight": (strategies.LeftToRight, {"block_length": 2}),
    "Decoder": (
        Decoder,
        {"strategy": strategies.TopK(1), "temperature": 0.5, "order": "choose-then-sample",
         "token_ties": "random", "position_ties": "lowest", "confidence": "tempered",
         "blocks": strategies.WholeCanvas()},
    ),
    "IdealModel": (infodecode.IdealModel, {"distribution": LAW, "off_support": "uniform"}),
    "NoisyModel": (infodecode.NoisyModel, {"model": LAW, "scale": 0.5, "seed": 1}),
    "exact": (
        infodecode.exact,
        {"distribution": LAW, "decoder": DECODER, "off_support": "marginal",
         "arithmetic": "rational", "max_rounds": 5, "max_children": 1000},
    ),
    "simulate": (
        infodecode.simulate,
        {"distribution": LAW, "decoder": DECODER, "samples": 20, "seed": 1, "batch": 7,
         "off_support": "uniform", "precision": 0.5, "confidence": 0.9, "threads": 1,
         "max_rounds": 4, "keep_sequences": True},
    ),
    "decode": (
        infodecode.decode,
        {"model": LAW, "decoder": DECODER, "samples": 2, "seed": 0, "canvases": [-1, 0, -1],
         "max_rounds": 3},
    ),
}  # fmt: skip

TOO_COSTLY = {
    ("sample", "size", 10**9), ("even_sizes", "length", 10**9), ("even_sizes", "length", 10**30),
    ("simulate", "samples", 10**9), ("decode", "samples", 10**9),
    ("permutations", "n", 10**9), ("replace_random", "n", 10**9), ("copy", "n", 10**9),
    ("replace_index", "n", 10**9), ("simulate", "threads", 10**9),
    ("simulate", "samples", 10**30), ("decode", "samples", 10**30), ("sample", "size", 10**30),
    ("permutations", "n", 10**30), ("replace_random", "n", 10**30), ("copy", "n", 10**30),
    ("replace_index", "n", 10**30), ("simulate", "threads", 10**30),
}  # fmt: skip
"""Honest requests for more than a test machine has."""


def has_nan(value, depth=3):
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and bool(np.isnan(value).any())
    if isinstance(value, tuple | list):
        return any(has_nan(v, depth) for v in value)
    if dataclasses.is_dataclass(value) and depth:
        return any(has_nan(getattr(value, f.name), depth - 1) for f in dataclasses.fields(value))
    return False


def too_costly(name, argument, hostile):
    return isinstance(hostile, int) and (name, argument, hostile) in TOO_COSTLY


@settings(max_examples=1500)
@given(data=st.data())
def test_hostile_arguments(data):
    name = data.draw(st.sampled_from(sorted(CALLS)))
    arguments = CALLS[name][1]
    argument = data.draw(st.sampled_from(sorted(arguments)))
    check(name, argument, HOSTILE[data.draw(st.integers(0, len(HOSTILE) - 1))])


def check(name, argument, hostile):
    if too_costly(name, argument, hostile):
        return
    function, arguments = CALLS[name]
    try:
        result = function(**{**arguments, argument: hostile})
    except (ValueError, TypeError, FileNotFoundError) as error:
        message = str(error)
        assert names(argument, message) or related(name, argument, message), (name, message)
        assert "\n" not in message
    else:
        assert not has_nan(result), (name, argument, hostile)
        repr(result)


def related(name, argument, message):
    """Two arguments that must fit each other: the message may name the other one."""
    partners = {
        ("Table", "outcomes"), ("Table", "alphabet_sizes"), ("from_counts", "outcomes"),
        ("from_counts", "counts"), ("mutual_information", "given"), ("mutual_information", "a"),
        ("mutual_information", "b"), ("total_correlation", "given"), ("entropy", "given"),
        ("exact", "distribution"), ("simulate", "distribution"), ("mixture", "parts"),
        ("mutual_information", "distribution"), ("total_correlation", "distribution"),
        ("entropy", "distribution"), ("partition_bits", "distribution"), ("decode", "model"),
        ("random_order_bits", "distribution"), ("kl_divergence", "p"), ("kl_divergence", "q"),
        ("total_variation", "p"), ("total_variation", "q"), ("replace_index", "n"),
        ("simulate", "decoder"), ("exact", "decoder"), ("decode", "decoder"),
        ("from_records", "records"), ("from_records", "count"), ("decode", "samples"),
        ("even_sizes", "length"),
        ("Table", "labels"), ("entropy", "positions"), ("total_correlation", "positions"),
    }  # fmt: skip
    others = set(CALLS[name][1]) - {argument}
    return (name, argument) in partners and any(names(other, message) for other in others)


def names(argument, message):
    return re.search(rf"\b{re.escape(argument)}\b", message) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_hostile_argument(name):
    for argument in CALLS[name][1]:
        for hostile in HOSTILE:
            check(name, argument, hostile)


@given(
    outcomes=st.lists(st.lists(st.integers(-2, 3), min_size=0, max_size=3), max_size=4),
    weights=st.lists(
        st.one_of(st.integers(-1, 5), st.floats(allow_nan=True, allow_infinity=True)), max_size=4
    ),
)
@example(outcomes=[[0]], weights=[1])
def test_tables_never_hold_nonsense(outcomes, weights):
    try:
        law = Table(outcomes, weights)
    except (ValueError, TypeError) as error:
        named = "outcomes" in str(error) or "weights" in str(error)
        assert named, error  # noqa: PT017
        return
    assert (law.weights > 0).all()
    assert math.fsum(law.probabilities) == pytest.approx(1, abs=1e-9)
    report = infodecode.bounds(law)
    assert not has_nan(report)
    assert report.total_correlation >= 0
    run = infodecode.exact(law, DECODER)
    assert not any(math.isnan(value) for value in run.summary().values())
