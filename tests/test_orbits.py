"""Exact runs over orbits equal plain ones; what cannot be followed is refused."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions
from infodecode.orbits import ORBITS_FROM, Orbits
from infodecode.state import State
from infodecode.strategies import (
    BlockPolicy,
    Factor,
    FixedPartition,
    LeftToRight,
    Ranked,
    Strategy,
    Threshold,
    TopK,
)
from tests import small_strategies
from tests.orbit_comparison import (
    DRAW_FIRST,
    MODES,
    assert_equal,
    assert_orbits_agree,
    decoders,
    named,
    rare_repeats,
    spread,
    symmetric_laws,
)
from tests.test_orbits_closed_forms import near, replacement_validity, rounds_of, shuffle_validity
from tests.test_orbits_strategies import Remask


@given(data=st.data(), off_support=MODES, max_rounds=st.sampled_from([None, None, None, 1, 2]))
def test_orbits_of_any_symmetric_law_and_any_decoder(data, off_support, max_rounds):
    d = data.draw(symmetric_laws())
    decoder = data.draw(decoders(d))
    assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=max_rounds)


# Every library strategy, on a grid --------------------------------------------------------------


FAMILIES = (
    [distributions.permutations(n) for n in range(1, 5)]
    + [distributions.replace_random(n) for n in range(1, 6)]
    + [distributions.parity(n) for n in range(2, 5)]
    + [rare_repeats(4)]
)

STRATEGIES = (
    *(TopK(k, by) for k in (1, 2, (1, 2), (3, 1, 1)) for by in
      ("random", "confidence", "margin", "entropy")),
    *(Threshold(gamma, inclusive) for gamma in (1 / 4, 1 / 3, 1 / 2, 3 / 4, 1.0)
      for inclusive in (False, True)),
    Threshold(0.6, at_least=2),
    Threshold(0.6, at_least=3, fallback=2),
    Threshold(0.75, inclusive=True, fallback=2),
    Threshold(0.3, at_least=2, fallback=3),
    *(Factor(factor, as_shipped) for factor in (0.5, 1.0, 4 / 3, 1.5, 2.0, 3.0)
      for as_shipped in (False, True)),
)  # fmt: skip

DIALECTS = [
    {"temperature": temperature, "order": order, "confidence": confidence}
    for temperature in (0.0, 0.5, 1.0)
    for order in ("choose-then-sample", "sample-then-choose")
    for confidence in ("untempered", "tempered")
    if temperature != 1 or confidence == "untempered"
]


def modes(d) -> list[str]:
    structured = isinstance(d, distributions.Permutations | distributions.ReplaceRandom)
    return ["absorb", "marginal", "uniform", *(["natural"] if structured else [])]


def grid(d):
    return itertools.product(STRATEGIES, DIALECTS, modes(d))


@pytest.mark.parametrize("d", FAMILIES, ids=named)
def test_orbits_equal_the_plain_run(d):
    """Every 11th of all settings: 11 divides no number of dialects, modes or strategies."""
    for strategy, dialect, off_support in itertools.islice(grid(d), 0, None, 11):
        assert_orbits_agree(d, Decoder(strategy, **dialect), off_support=off_support)


@pytest.mark.slow
@pytest.mark.parametrize(
    "d",
    [
        *FAMILIES,
        distributions.permutations(5),
        distributions.replace_random(6),
        distributions.parity(5),
    ],
    ids=named,
)
def test_orbits_equal_the_plain_run_in_all_settings(d):
    for strategy, dialect, off_support in grid(d):
        assert_orbits_agree(d, Decoder(strategy, **dialect), off_support=off_support)


@pytest.mark.parametrize("d", [distributions.permutations(4), rare_repeats(4)], ids=named)
@pytest.mark.parametrize("max_rounds", [1, 2, 3])
def test_unfinished_runs(d, max_rounds):
    """What is still masked counts as unfinished, and what needs finished decodes is refused."""
    for strategy in (TopK(1, "confidence"), TopK((1, 2)), Threshold(0.4), Factor(1.5, True)):
        for order in ("choose-then-sample", "sample-then-choose"):
            for off_support in modes(d):
                decoder = Decoder(strategy, order=order)
                assert_orbits_agree(d, decoder, off_support=off_support, max_rounds=max_rounds)


def test_a_followed_run_that_does_not_finish_says_so():
    """The run itself ends, every decode over or absorbed; following the absorbed takes longer."""
    d, decoder = even_or_odd(5), Decoder(Factor(1.6))
    run = infodecode.exact(d, decoder, max_rounds=2)
    assert (run.validity, run.absorbed, run.unfinished) == pytest.approx((0.5, 0.5, 0))
    assert run.followed.unfinished == pytest.approx(0.5)
    for name in ("output", "entropy", "rounds", "expected_rounds", "expected_calls",
                 "expected_evaluations"):  # fmt: skip
        with pytest.raises(ValueError, match="had not after 2 rounds; raise max_rounds"):
            getattr(run, name)
    assert "entropy" not in run.summary()


def even_or_odd(n: int):
    """All zeros or all ones."""
    return spread(n, 2, lambda word: int(len(set(word)) == 1), rename=False)


# Orbits themselves ------------------------------------------------------------------------------


def images(d, sequence) -> set[tuple[int, ...]]:
    """Everything that the group makes of a sequence, one element of the group after another."""
    width = max(d.alphabet_sizes)
    names = (
        itertools.permutations(range(width)) if d.exchangeable != "positions" else [range(width)]
    )
    return {
        tuple(-1 if sequence[i] < 0 else name[sequence[i]] for i in order)
        for name in names
        for order in itertools.permutations(range(d.length))
    }


ORBITS_OF = [
    *(distributions.permutations(n) for n in range(1, 5)),
    *(distributions.replace_random(n) for n in range(1, 5)),
    rare_repeats(4),
    distributions.parity(3),
]


@pytest.mark.parametrize("d", ORBITS_OF, ids=named)
def test_one_canvas_stands_for_each_orbit(d):
    orbits = Orbits(d)
    left = set(itertools.product(range(-1, max(d.alphabet_sizes)), repeat=d.length))
    stand_ins = set()
    while left:
        orbit = images(d, next(iter(left)))
        left -= orbit
        canonical_ones = orbits.canonical(np.array(sorted(orbit), np.int32))
        (stand_in,) = set(map(tuple, canonical_ones.tolist()))
        assert stand_in in orbit
        stand_ins.add(stand_in)
        if -1 not in stand_in:
            assert orbits.size(np.array(stand_in)) == len(orbit)
            assert orbits.size(np.array(max(orbit))) == len(orbit)
    assert len(set(map(frozenset, (images(d, y) for y in stand_ins)))) == len(stand_ins)


@pytest.mark.parametrize("d", ORBITS_OF, ids=named)
def test_orbit_sizes_of_a_run_count_its_sequences(d):
    """A round of everything from uniform marginals reaches every sequence."""
    decoder = Decoder(TopK(d.length))
    run = infodecode.exact(d, decoder, orbits=True, off_support="marginal")
    for outcome, size in zip(run.outcomes.tolist(), run.orbit_sizes, strict=True):
        assert size == len(images(d, outcome))
    assert len(run.orbit_sizes) == len(run.weights)
    if d.length > 1:
        width = max(d.alphabet_sizes)
        assert sum(run.orbit_sizes) == width**d.length


# What cannot be followed ------------------------------------------------------------------------


class Blocks(BlockPolicy):
    """One's own, all positions open: equal to no other policy."""

    def feasible(self, state: State):
        return state.masked


@dataclass(frozen=True)
class Undeclared(Strategy):
    def plan(self, state: State) -> Ranked:
        return Ranked(np.zeros(state.canvas.shape), 2, ties="random")


SHUFFLE, REPLACE = distributions.permutations(50), distributions.replace_random(50)
LOWEST_TOKENS = {"token_ties": "lowest", "temperature": 0.0}

REFUSED = {
    "order by place": (
        SHUFFLE, Decoder(TopK(2, by="left_to_right")), "left_to_right.* does not treat all pos"
    ),
    "fixed partition": (
        REPLACE, Decoder(FixedPartition([range(25), range(25, 50)])),
        "FixedPartition.* does not treat all positions alike",
    ),
    "undeclared": (REPLACE, Decoder(Undeclared()), r"Undeclared\(\) does not treat all positions"),
    "own memory": (
        REPLACE, Decoder(small_strategies.StableConfidence(0.9)), "does not treat all positions"
    ),
    "blocks": (SHUFFLE, Decoder(TopK(2), blocks=LeftToRight(5)), "LeftToRight.* by their place"),
    "own blocks": (SHUFFLE, Decoder(TopK(2), blocks=Blocks()), "opens positions by their place"),
    "lowest positions": (
        SHUFFLE, Decoder(TopK(2), position_ties="lowest"), "position_ties='lowest' prefers"
    ),
    "lowest tokens": (SHUFFLE, Decoder(TopK(2), **LOWEST_TOKENS), "token_ties='lowest' prefers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    d, decoder, reason = REFUSED[case]
    with pytest.raises(
        ValueError, match=f"orbits=True needs a symmetric law and dec.*: .*{reason}"
    ):
        infodecode.exact(d, decoder, orbits=True)


@pytest.mark.parametrize(
    "case",
    ["order by place", "fixed partition", "undeclared", "blocks", "lowest positions"],
)
def test_a_run_too_large_says_what_the_symmetry_lacks(case):
    _, decoder, reason = REFUSED[case]
    with pytest.raises(ValueError, match=f"its symmetry cannot shorten this run: .*{reason}"):
        infodecode.exact(SHUFFLE, decoder, max_children=1000)


def test_lowest_tokens_matter_only_where_tokens_are_alike_and_tied():
    decoder = Decoder(TopK(2), **LOWEST_TOKENS)
    assert infodecode.exact(REPLACE, decoder, orbits=True).validity == 0
    warm = Decoder(TopK(2), token_ties="lowest")
    assert infodecode.exact(SHUFFLE, warm).validity == near(shuffle_validity([2] * 25))


@pytest.mark.parametrize("off_support", ["absorb", "marginal"])
def test_laws_and_models_without_the_symmetry(off_support):
    d, decoder = distributions.replace_random(4), Decoder(TopK(2))
    not_alike = "the positions of .* are not exchangeable"
    for law in (
        d.table(),
        distributions.concatenate(d, d),
        distributions.mixture([d, d], [0.5, 0.5]),
        distributions.derangements(4),
        distributions.copy(4),
    ):
        if law.exchangeable is None:
            with pytest.raises(ValueError, match=not_alike):
                infodecode.exact(law, decoder, orbits=True, off_support=off_support)
    with pytest.raises(ValueError, match="the model is not the ideal one"):
        infodecode.exact(d, decoder, model=infodecode.NoisyModel(d, 0.1), orbits=True)


def test_fractions_are_refused_for_what_they_are():
    """The law is exchangeable; it is the arithmetic that orbits cannot carry."""
    d, decoder = distributions.replace_random(4), Decoder(TopK(2))
    with pytest.raises(ValueError, match="rational"):
        infodecode.exact(d, decoder, arithmetic="rational", orbits=True)
    symmetric = even_or_odd(4)
    assert infodecode.exact(symmetric, decoder, arithmetic="rational").validity == Fraction(1, 2)
    with pytest.raises(ValueError, match="rational"):
        infodecode.exact(symmetric, decoder, arithmetic="rational", orbits=True)


def test_the_ideal_model_by_name_is_the_ideal_model():
    d, decoder = REPLACE, Decoder(TopK(7))
    model = infodecode.IdealModel(d)
    run = infodecode.exact(d, decoder, model=model)
    assert run.validity == near(replacement_validity(rounds_of(50, 7)))
    other = infodecode.IdealModel(distributions.replace_random(50).table())
    with pytest.raises(ValueError, match="the model is not the ideal one"):
        infodecode.exact(d, decoder, model=other, orbits=True)


@pytest.mark.parametrize("family", [distributions.permutations, distributions.replace_random])
def test_orbits_are_followed_from_nine_positions_on(family):
    assert ORBITS_FROM == 9
    below, above = family(8), family(9)
    at_once = Decoder(TopK(9))
    assert infodecode.exact(above, at_once).orbit_sizes is not None
    assert infodecode.exact(below, at_once).orbit_sizes is None
    assert infodecode.exact(below, at_once, orbits=True).orbit_sizes is not None
    one_way = Decoder(TopK(1, "left_to_right"), temperature=0.0, token_ties="lowest")
    assert infodecode.exact(above, one_way).orbit_sizes is None
    with pytest.raises(TypeError, match="orbits must be"):
        infodecode.exact(above, at_once, orbits="yes")


def test_orbits_can_be_declined():
    d, decoder = distributions.replace_random(10), Decoder(TopK(5))
    plain, over_orbits = infodecode.exact(d, decoder, orbits=False), infodecode.exact(d, decoder)
    assert_equal(plain, over_orbits)
    assert plain.followed.orbit_sizes is None
    assert over_orbits.followed.orbit_sizes is not None
    assert ", over orbits" in over_orbits._repr_html_()
    assert ", over orbits" not in plain._repr_html_()
    assert infodecode.total_variation(plain.output, over_orbits.output) == pytest.approx(
        0, abs=1e-12
    )


def test_output_laws_are_spread_over_sequences_while_they_fit_a_table():
    d, decoder = distributions.permutations(5), Decoder(TopK(2))
    plain = infodecode.exact(d, decoder, off_support="marginal", orbits=False)
    over = infodecode.exact(d, decoder, off_support="marginal", orbits=True)
    assert sum(over.orbit_sizes) == len(plain.outcomes)
    assert infodecode.total_variation(plain.output, over.output) == pytest.approx(0, abs=1e-12)
    assert over.output.entropy() == pytest.approx(over.entropy, abs=1e-12)
    long = infodecode.exact(distributions.permutations(30), Decoder(TopK(30)))
    assert long.rounds.tolist() == [0, 1]
    assert "followed" not in vars(long)
    short = infodecode.exact(
        distributions.permutations(12), Decoder(TopK(6)), off_support="natural"
    )
    assert short.output.name.endswith(", up to symmetry")


def test_a_refusal_below_nine_positions_says_that_orbits_would_do():
    with pytest.raises(ValueError, match="orbits=True"):
        infodecode.exact(distributions.permutations(8), Decoder(TopK(1)), max_children=1000)


def test_too_many_orbits_are_refused():
    with pytest.raises(ValueError, match=r"about .* canvases, more than max_children=1,000"):
        infodecode.exact(SHUFFLE, Decoder(TopK(50)), off_support="marginal", max_children=1000)
    drawn = Decoder(TopK(3, "confidence"), **DRAW_FIRST)
    with pytest.raises(ValueError, match="choices of positions, more than max_children=2,000"):
        infodecode.exact(distributions.permutations(16), drawn, max_children=2000)


# Simulation -------------------------------------------------------------------------------------

LONG = {
    "shuffle in pairs": (SHUFFLE, Decoder(TopK(2, "entropy"))),
    "shuffle by threshold": (SHUFFLE, Decoder(Threshold(0.3, at_least=5))),
    "shuffle by factor": (SHUFFLE, Decoder(Factor(1.9, as_shipped=True), temperature=0.5)),
    "replace random in sevens": (REPLACE, Decoder(TopK(7))),
    "replace random, drawn first": (REPLACE, Decoder(TopK(7, "confidence"), **DRAW_FIRST)),
    "replace random, tempered": (
        REPLACE, Decoder(TopK(25, "margin"), temperature=0.8, confidence="tempered", **DRAW_FIRST)
    ),
    "replace random by threshold": (REPLACE, Decoder(Threshold(0.95, at_least=3), **DRAW_FIRST)),
    "replace random, remasking": (REPLACE, Decoder(Remask(20, 0.2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("case", LONG)
def test_simulations_at_fifty_positions_agree(case):
    d, decoder = LONG[case]
    run = infodecode.exact(d, decoder)
    assert run.orbit_sizes is not None
    simulation = infodecode.simulate(d, decoder, samples=2000, seed=11, confidence=0.9999)
    assert simulation.validity.low <= run.validity <= simulation.validity.high
    assert simulation.validity.low < simulation.validity.high < 0.97
    if d is REPLACE:
        rounds = simulation.expected_rounds
        assert rounds.low - 1e-9 <= run.expected_rounds <= rounds.high + 1e-9
