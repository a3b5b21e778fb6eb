"""The dilated schedule: its partition, its error, and skipping."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, partition_bits, simulate
from infodecode.strategies import Clocked, FixedPartition, LeftToRight, TopK, Unlocking, WholeCanvas
from infodecode.strategies.dilated import Dilated
from tests import laws, oracle, scalar_rules
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12
CHAIN = [[0.9, 0.1], [0.3, 0.7]]


def levels(length, base, *, merged=False):
    """Rounds of a block in words: strides that shrink until they are 1."""
    taken, rounds, stride = set(), [], length // base
    while stride >= 1:
        rounds.append([i for i in range(length) if i % stride == 0 and i not in taken])
        taken.update(rounds[-1])
        stride //= base
    if len(taken) < length:
        rounds.append([i for i in range(length) if i not in taken])
    if merged and len(rounds) > 1 and len(rounds[-1]) < len(rounds[-2]):
        last = rounds.pop()
        rounds[-1] = sorted(rounds[-1] + last)
    return rounds


@given(st.integers(1, 70), st.integers(2, 9), st.booleans())
def test_partition(length, base, shipped):
    blocks = Dilated(base, as_shipped=shipped).partition(length)
    assert [list(block) for block in blocks] == levels(length, base, merged=shipped)
    assert sorted(i for block in blocks for i in block) == list(range(length))
    assert Dilated(base, as_shipped=shipped).sizes(length) == tuple(map(len, blocks))
    most = next(t for t in range(10) if base**t >= length)
    assert len(blocks) <= max(1, most)
    if not shipped and most and base**most == length:
        assert len(blocks) == most


def test_known_partitions():
    assert Dilated().sizes(32) == (2, 2, 4, 8, 16)
    assert Dilated().sizes(64) == (2, 2, 4, 8, 16, 32)
    assert Dilated(3).sizes(9) == (3, 6)
    assert Dilated(4).sizes(64) == (4, 12, 48)
    assert Dilated().partition(5) == ((0, 2, 4), (1, 3))
    assert Dilated(as_shipped=True).partition(5) == ((0, 1, 2, 3, 4),)
    assert Dilated(as_shipped=True).partition(8) == Dilated().partition(8)
    assert Dilated(as_shipped=True).partition(6) == Dilated().partition(6) == ((0, 3), (1, 2, 4, 5))
    assert Dilated(3).partition(8) == ((0, 2, 4, 6), (1, 3, 5, 7))
    assert Dilated(8).partition(3) == ((0, 1, 2),)
    assert Dilated(skip=0.3).sizes(8) is None


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("base", [2, 3])
def test_its_kl_is_that_of_its_partition(length, base):
    """On a Markov chain, a random order, and Replace Random."""
    rule = Dilated(base)
    chain = distributions.markov_chain(CHAIN, length=length)
    for law in (
        chain,
        distributions.permutations(min(length, 5)),
        distributions.replace_random(length),
    ):
        run = exact(law, Decoder(rule))
        blocks = rule.partition(law.length)
        assert run.kl == pytest.approx(partition_bits(law, blocks), abs=1e-10)
        same = exact(law, Decoder(FixedPartition(blocks)))
        np.testing.assert_allclose(run.weights, same.weights, atol=EXACT)
        if law is chain:
            assert run.expected_rounds == len(blocks)


def test_distance_helps_in_a_chain():
    """As many rounds of equal and of the same sizes, neighbours together, lose more."""
    law = distributions.markov_chain(CHAIN, length=8)
    spread = exact(law, Decoder(Dilated())).kl
    together = partition_bits(law, [(0, 1), (2, 3), (4, 5, 6, 7)])
    by_chance = exact(law, Decoder(TopK((2, 2, 4), "random"))).kl
    assert spread < 0.25 * together
    assert spread < by_chance


def test_the_last_round_of_a_chain_is_free():
    """Given both neighbours, positions of a chain are independent."""
    law = distributions.markov_chain(CHAIN, length=9)
    run = exact(law, Decoder(Dilated()))
    one_by_one = [*Dilated().partition(9)[:-1], *[(i,) for i in Dilated().partition(9)[-1]]]
    assert run.kl == pytest.approx(partition_bits(law, one_by_one), abs=1e-10)


def scalar(base, skip=None, *, shipped=False):
    """Memory: block, and the next round of it."""

    def rule(view):
        schedule = levels(view.end - view.start, base, merged=shipped)
        level = {view.start + i: t for t, block in enumerate(schedule) for i in block}
        block, t = view.memory
        t = t if block == view.start else 0
        if not shipped and view.open:
            t = max(t, min(level[i] for i in view.open))
        memory = (view.start, min(t + 1, len(schedule)))
        due = [i for i in view.open if (level[i] == t if shipped else level[i] <= t)]
        last = t >= len(schedule) - 1
        sure = [i for i in due if last or view.score("confidence", i) >= skip]
        if sure or shipped:
            yield tuple(sure), Fraction(1), memory
            return
        for chosen, p in view.best("confidence", 1, due):
            yield chosen, p, memory

    return rule


POLICIES = [WholeCanvas(), LeftToRight(2), LeftToRight(3), LeftToRight(4)]


@given(
    sample=laws.counted(max_length=5, max_outcomes=6),
    base=st.integers(2, 3),
    dialect=laws.DIALECTS,
    data=st.data(),
)
def test_exact_law(sample, base, dialect, data):
    policy = data.draw(st.sampled_from(POLICIES))
    skip = data.draw(st.just(Fraction(0)) | laws.confidences(sample.law, dialect))
    expected = scalar_rules.follow(
        sample.law, scalar(base, skip), (-1, 0), blocks=policy, dialect=dialect
    )
    ours = Dilated(base, float(skip))
    run = exact(table(sample), scalar_rules.decoder(ours, dialect, blocks=policy))
    scalar_rules.assert_same(run, expected)


@given(start=scalar_rules.partly_filled(5), skip=st.sampled_from([Fraction(0), Fraction(3, 5)]))
def test_exact_law_from_a_partly_filled_canvas(start, skip):
    sample, canvas = start
    expected = scalar_rules.follow(sample.law, scalar(2, skip), (-1, 0), canvas=canvas)
    decoder = Decoder(Dilated(2, float(skip)))
    scalar_rules.assert_same_from(table(sample), canvas, decoder, expected)


def committed(trace):
    return [np.flatnonzero(row[0]).tolist() for row in trace.committed]


def test_skipped_positions_wait_for_the_next_round():
    """The middle of three certain positions and a fair bit at 0."""
    law = distributions.concatenate(distributions.Table([[0], [1]], [1, 1]), distributions.copy(3))
    trace = decode(law, Decoder(Dilated(skip=0.9)))
    assert committed(trace) == [[2], [0, 1, 3]]
    assert not trace.forced.any()
    both = decode(distributions.parity(4), Decoder(Dilated(skip=0.9), position_ties="lowest"))
    assert committed(both) == [[0], [1, 2, 3]]
    assert both.forced[:, 0].tolist() == [True, False]


@pytest.mark.parametrize("skip", [0.0, 0.5])
def test_rounds_whose_positions_are_given_are_left_out(skip):
    trace = decode(distributions.copy(4), Decoder(Dilated(skip=skip)), canvases=[0, -1, 2, -1])
    assert committed(trace) == [[1, 3]]


def test_as_shipped_skipped_positions_are_lost():
    law = distributions.concatenate(distributions.Table([[0], [1]], [1, 1]), distributions.copy(3))
    decoder = Decoder(Dilated(skip=0.9, as_shipped=True), blocks=Clocked(4, 2))
    run = exact(law, decoder, max_rounds=6)
    assert run.unfinished == 1
    trace = decode(law, decoder, max_rounds=4)
    assert committed(trace) == [[2], [1, 3], [], []]
    assert trace.sequences[0, 0] == -1
    assert not trace.finished.any()


def test_as_shipped_in_blocks():
    law = distributions.copy(10)
    trace = decode(law, Decoder(Dilated(as_shipped=True, skip=0.5), blocks=Clocked(5, 1)))
    assert committed(trace) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    published = decode(law, Decoder(Dilated(), blocks=LeftToRight(5)))
    assert committed(published) == [[0, 2, 4], [1, 3], [5, 7, 9], [6, 8]]
    shorter = decode(law, Decoder(Dilated(), blocks=LeftToRight(8)))
    assert committed(shorter) == [[0, 4], [2, 6], [1, 3, 5, 7], [8, 9]]


def test_unlocked_blocks_go_on_side_by_side():
    """A block's last round coincides with the next one's first."""
    law = distributions.copy(8)
    trace = decode(law, Decoder(Dilated(), blocks=Unlocking(4, 1)))
    assert committed(trace) == [[0, 2], [1, 3, 4, 6], [5, 7]]
    skipping = decode(law, Decoder(Dilated(skip=0.5), blocks=Unlocking(4, 1)))
    assert committed(skipping) == [[0, 2], [1, 3, 4, 6], [5, 7]]


def test_blocks_that_close_too_early_are_refused():
    with pytest.raises(
        ValueError, match=r"blocks must stay open for all rounds of Dilated\(base=2"
    ):
        decode(distributions.copy(8), Decoder(Dilated(), blocks=Clocked(4, 1)))


@pytest.mark.parametrize("rule", [Dilated(), Dilated(skip=0.6)])
@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
def test_simulation_follows_the_exact_law(rule, order):
    law = uneven()
    decoder = Decoder(rule, order=order)
    run = exact(law, decoder, off_support="marginal")
    again = simulate(law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True)
    assert_follows(again, run)


def test_fractions():
    """Shuffle of 4 in pairs: as any other pairs."""
    run = exact(distributions.permutations(4), Decoder(Dilated()), arithmetic="rational")
    assert run.validity == Fraction(3, 4) * Fraction(1, 2)
    assert run.kl == pytest.approx(-math.log2(3 / 8))
    assert oracle.MASK not in set(run.outcomes.ravel().tolist())


def test_settings_worth_comparing():
    assert [rule.base for rule in Dilated.grid(5)] == [2, 3, 4]
    assert [rule.base for rule in Dilated.grid(1)] == [2]
    assert Dilated().skip == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Dilated(1), ValueError, "base must be at least 2, got 1"),
        (lambda: Dilated(2.0), TypeError, "base must be an integer, got 2.0"),
        (lambda: Dilated(skip=1.5), ValueError, "skip must be at most 1, got 1.5"),
        (lambda: Dilated(as_shipped="no"), TypeError, "as_shipped must be True or False"),
        (lambda: Dilated().partition(0), ValueError, "length must be at least 1, got 0"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
