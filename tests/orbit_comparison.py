"""Exact runs over orbits beside plain ones, and symmetric laws to compare them on."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions
from tests import laws, oracle, translation

DRAW_FIRST = {"order": "sample-then-choose"}

SUMMARIES = (
    "absorbed", "unfinished", "finished_by_round", "validity", "kl", "reverse_kl",
    "total_variation", "coverage", "mode_probability", "rounds", "expected_rounds",
    "expected_calls", "expected_evaluations", "entropy",
)  # fmt: skip


# The comparison ---------------------------------------------------------------------------------


@cache
def names_of_tokens(multiset: tuple[int, ...], width: int) -> tuple[int, ...]:
    """The first sorted sequence that some renaming of the tokens leads to."""
    return min(
        tuple(sorted(name[token] for token in multiset))
        for name in itertools.permutations(range(width))
    )


def canonical(d, sequence) -> tuple[int, ...]:
    """What all sequences of an orbit have in common, by trying every renaming."""
    multiset = tuple(sorted(sequence))
    if d.exchangeable == "positions":
        return multiset
    return names_of_tokens(multiset, max(d.alphabet_sizes))


def added_up(run) -> dict[tuple[int, ...], float]:
    total: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for outcome, p in zip(run.outcomes.tolist(), run.probabilities.tolist(), strict=True):
        total[canonical(run.distribution, outcome)].append(p)
    return {orbit: math.fsum(parts) for orbit, parts in total.items()}


def figure(run, name):
    """A summary, or the message of its refusal, without the rounded numbers in it."""
    try:
        return getattr(run, name)
    except ValueError as refusal:
        return str(refusal).split(":")[0]


def assert_equal(plain, over_orbits) -> None:
    assert plain.orbit_sizes is None
    assert over_orbits.orbit_sizes is not None
    expected, actual = added_up(plain), added_up(over_orbits)
    assert len(actual) == len(over_orbits.outcomes)
    assert actual == pytest.approx(expected, rel=1e-10, abs=1e-13)
    for name in SUMMARIES:
        value, theirs = figure(plain, name), figure(over_orbits, name)
        if isinstance(value, str):
            assert theirs == value, name
        else:
            np.testing.assert_allclose(
                np.asarray(theirs, float), np.asarray(value, float), 1e-10, 1e-12, err_msg=name
            )
    assert over_orbits.largest_round <= plain.largest_round


def assert_orbits_agree(d, decoder, **options) -> None:
    plain = infodecode.exact(d, decoder, orbits=False, **options)
    assert_equal(plain, infodecode.exact(d, decoder, orbits=True, **options))


def assert_agree_or_refused(d, decoder, **options) -> None:
    """For decoders that a reduction may well decline, but must not get wrong."""
    run, refused = None, ""
    try:
        run = infodecode.exact(d, decoder, orbits=True, **options)
    except ValueError as refusal:
        refused = str(refusal)
    if run is None:
        assert "orbits" in refused
    else:
        assert_equal(infodecode.exact(d, decoder, orbits=False, **options), run)


# Laws and decoders ------------------------------------------------------------------------------


class AnyOrder(distributions.Table):
    """A table whose author promises that any order of the positions gives the same law."""

    exchangeable = "positions"


class AnyOrderAnyNames(distributions.Table):
    """Any names of the tokens, too."""

    exchangeable = "positions and tokens"


def spread(length: int, width: int, weight_of, *, rename: bool):
    """A symmetric law: the weight of an outcome is that of its multiset, or of its pattern."""
    outcomes = list(itertools.product(range(width), repeat=length))
    family = AnyOrderAnyNames if rename else AnyOrder
    patterns = [canonical(Pattern(family.exchangeable, (width,)), y) for y in outcomes]
    weights = np.array([weight_of(pattern) for pattern in patterns])
    if weights.dtype.kind == "f":
        weights /= weights.sum()
    return family(outcomes, weights, alphabet_sizes=[width] * length)


@dataclass(frozen=True)
class Pattern:
    """As much of a law as `canonical` asks for."""

    exchangeable: str
    alphabet_sizes: tuple[int, ...]


@st.composite
def symmetric_laws(draw: st.DrawFn):
    """Random symmetric laws, off-support patterns and ties among them; n**V at most 81."""
    length, width = draw(st.sampled_from([(4, 3), (3, 3), (4, 2), (5, 2), (3, 4), (2, 3), (1, 2)]))
    rename = draw(st.booleans())
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    largest = int(generator.integers(1, 5))
    counted = bool(generator.integers(2))
    known: dict[tuple[int, ...], float] = {}

    def weight_of(pattern):
        if pattern not in known:
            count = int(generator.integers(0, largest + 1))
            known[pattern] = count if counted or not count else generator.uniform(0.05, 1)
        return known[pattern]

    everything = itertools.product(range(width), repeat=length)
    patterns = {canonical(Pattern(kind(rename), (width,)), y) for y in everything}
    if not any(map(weight_of, sorted(patterns))):
        known[min(patterns)] = 1
    return spread(length, width, weight_of, rename=rename)


def kind(rename: bool) -> str:
    return "positions and tokens" if rename else "positions"


def as_oracle(d) -> oracle.Law:
    """The law in fractions; what rounded floats meant is near enough to put thresholds on."""
    pairs = zip(d.table().outcomes.tolist(), d.table().weights.tolist(), strict=True)
    return oracle.normalised({tuple(y): Fraction(w) for y, w in pairs})


@st.composite
def decoders(draw: st.DrawFn, d) -> Decoder:
    """Any library decoder that treats positions alike."""
    law = as_oracle(d)
    dialect = draw(laws.DIALECTS)
    rule = draw(
        st.one_of(
            laws.TOP_K.filter(lambda rule: rule.by != "left_to_right"),
            laws.thresholds(law, dialect),
            laws.factors(law, dialect),
        )
    )
    lowest_tokens = dialect.temperature == 0 and d.exchangeable == "positions and tokens"
    return translation.decoder(
        rule,
        oracle.Dialect(
            temperature=dialect.temperature,
            order=dialect.order,
            token_ties="random" if lowest_tokens else dialect.token_ties,
            confidence=dialect.confidence,
        ),
    )


MODES = st.sampled_from(["absorb", "marginal", "uniform"])


def rare_repeats(n: int):
    """Three tokens whose names do not matter, patterns of unequal weight, some impossible."""
    return spread(n, 3, lambda pattern: max(0, 3 - 2 * pattern.count(1)), rename=True)


def named(d) -> str:
    return d.name.replace("table of", f"{d.length} positions,")
