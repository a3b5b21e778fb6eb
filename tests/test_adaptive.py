"""The value-adaptive optimum against a recursion over fractions, and its policies in the loop."""

from __future__ import annotations

import itertools
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, optimal_partitions, simulate
from infodecode._grouping import Packing, group
from infodecode._kernels import adaptive as kernels
from infodecode._kernels.grouping import rehash_into
from infodecode.adaptive import (
    ADAPTIVE_PAIRS,
    adaptive_optimum,
    price_curve,
    rounds_at_price,
)
from infodecode.distributions import Table
from infodecode.state import State
from infodecode.strategies import LeftToRight
from tests import laws, oracle
from tests.translation import table

EXACT = 1e-12
LOWEST = {"position_ties": "lowest"}
samples = laws.counted() | laws.floating() | laws.rounded()
prices = st.sampled_from([0.0, 0.3, 1.0, 2.5, 10.0, 300.0])

BITS = [(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 1), (1, 1, 1, 0),
        (1, 1, 1, 1)]  # fmt: skip
FIVE = [(0, 1, 1, 1), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (2, 1, 0, 1)]


# The recursion ----------------------------------------------------------------------------------


class Recursion:
    """RT-8 as it is written, in fractions of probability and floats of bits."""

    def __init__(self, law):
        self.law = law
        self.known = {}

    def moves(self, canvas):
        """Every non-empty set of masked positions: its cost, and the canvases it leads to."""
        if canvas not in self.known:
            rest = oracle.normalised(oracle.consistent(self.law, canvas))
            masked = oracle.masked(canvas)
            self.known[canvas] = [
                (
                    chosen,
                    oracle.total_correlation(rest, chosen),
                    [
                        (oracle.fill(canvas, dict(zip(chosen, values, strict=True))), float(p))
                        for values, p in oracle.marginal(rest, chosen).items()
                    ],
                )
                for size in range(1, len(masked) + 1)
                for chosen in itertools.combinations(masked, size)
            ]
        return self.known[canvas]

    def bits(self, canvas, rounds):
        """V with so many rounds left."""
        if oracle.MASK not in canvas:
            return 0.0
        if rounds == 0:
            return math.inf
        return min(
            cost + math.fsum(p * self.bits(after, rounds - 1) for after, p in children)
            for _, cost, children in self.moves(canvas)
        )

    def cost(self, canvas, price):
        """W at a price."""
        if oracle.MASK not in canvas:
            return 0.0
        return min(
            1 + price * cost + math.fsum(p * self.cost(after, price) for after, p in children)
            for _, cost, children in self.moves(canvas)
        )

    def along(self, strategy, canvas, number=0):
        """What a deterministic strategy costs from here: rounds and path KL, both on data."""
        if oracle.MASK not in canvas:
            return 0.0, 0.0
        chosen = chosen_by(strategy, canvas, number)
        ((cost, children),) = [move[1:] for move in self.moves(canvas) if move[0] == chosen]
        later = [(*self.along(strategy, after, number + 1), p) for after, p in children]
        return (
            1 + math.fsum(p * rounds for rounds, _, p in later),
            cost + math.fsum(p * bits for _, bits, p in later),
        )

    def canvases(self):
        """Every canvas of positive probability, less the complete ones."""
        return {
            tuple(-1 if hide else token for hide, token in zip(hidden, y, strict=True))
            for y in self.law
            for hidden in itertools.product((False, True), repeat=len(y))
            if any(hidden)
        }


def chosen_by(strategy, canvas, number=0):
    """Positions that a strategy commits; the lowest where it leaves a tie."""
    rows = np.array([canvas], np.int32)
    state = State.start(rows, np.ones(1), np.zeros(1, np.uint64), 0.0, {})
    state = state.with_(feasible=rows < 0, round=np.array([number]))
    plan = strategy.plan(state)
    allowed = np.flatnonzero(state.feasible[0] if plan.allowed is None else plan.allowed[0])
    return tuple(allowed[: plan.count[0]].tolist())


def blank(length):
    return (-1,) * length


# Limited rounds ---------------------------------------------------------------------------------


@given(samples)
def test_the_optimum_is_that_of_the_recursion(sample):
    n, recursion = sample.length, Recursion(sample.law)
    bits = adaptive_optimum(table(sample)).bits
    expected = [recursion.bits(blank(n), t) for t in range(1, n + 1)]
    assert bits == pytest.approx(expected, abs=EXACT)
    assert all(v == 0.0 or v > EXACT for v in bits.tolist())
    assert not np.signbit(bits).any()


@given(samples)
def test_against_the_best_fixed_orders(sample):
    """RT-8: equal for one and two rounds, never worse, one by one without error."""
    d = table(sample)
    bits, fixed = adaptive_optimum(d).bits, optimal_partitions(d).bits
    assert bits[:2] == pytest.approx(fixed[:2], abs=EXACT)
    assert (bits <= fixed + EXACT).all()
    assert (np.diff(bits) <= 0).all()
    assert bits[-1] == 0.0


@given(samples)
def test_policies_attain_the_optimum_from_every_canvas(sample):
    check_every_canvas(table(sample), sample.law)


def check_every_canvas(d, law):
    recursion, best = Recursion(law), adaptive_optimum(d)
    for rounds in range(1, d.length + 1):
        policy = best.policy(rounds)
        for canvas in recursion.canvases():
            taken, bits = recursion.along(policy, canvas)
            assert taken <= rounds + EXACT
            assert bits == pytest.approx(recursion.bits(canvas, rounds), abs=1e-11)


def test_some_canvases_need_more_rounds_than_the_blank_one():
    """Two rounds lose nothing from the start, but do from canvases that this policy avoids."""
    rows = [(1, 1, 0, 0), (1, 0, 0, 0), (0, 0, 1, 1), (1, 0, 1, 0), (0, 0, 0, 1), (1, 0, 1, 1)]
    d = Table(rows)
    assert adaptive_optimum(d).bits[1] == 0.0
    recursion = Recursion(law_of(d))
    assert max(recursion.bits(canvas, 2) for canvas in recursion.canvases()) > 0.01
    check_every_canvas(d, law_of(d))


def law_of(d):
    weights = zip(map(tuple, d.outcomes.tolist()), d.weights.tolist(), strict=True)
    return oracle.normalised(dict(weights))


@given(samples)
def test_the_output_of_a_policy_has_the_kl_of_its_path(sample):
    """Its positions follow from the tokens, so every output has one path."""
    d = table(sample)
    best = adaptive_optimum(d)
    enough = int(np.argmin(best.bits)) + 1
    for rounds in range(1, sample.length + 1):
        for order in ("choose-then-sample", "sample-then-choose"):
            run = exact(d, Decoder(best.policy(rounds), order=order))
            assert run.kl == pytest.approx(best.bits[rounds - 1], abs=1e-10)
            assert len(run.followed.finished_by_round) - 1 <= min(rounds, enough)
            assert run.unfinished == 0


def test_fractions_run_the_same_policy():
    d = Table(BITS)
    run = exact(d, Decoder(adaptive_optimum(d).policy(3)), arithmetic="rational")
    assert run.validity == 1
    assert set(run.weights) == {Fraction(1, 7)}


@pytest.mark.parametrize(
    ("outcomes", "weights", "fixed", "adaptive"),
    [
        (BITS, None, 0.0202442071537559, 0.0),
        (FIVE, None, 0.0199730940219749, 0.0),
        (
            [(1, 1, 0, 1), (1, 0, 1, 0), (0, 0, 1, 1), (0, 1, 1, 0), (0, 0, 0, 0)],
            [3, 1, 1, 1, 1],
            0.1280852788913940,
            0.1078410717376380,
        ),
    ],
)
def test_looking_at_the_values_helps_from_the_third_round_on(outcomes, weights, fixed, adaptive):
    """Four positions are the least: with three rounds of three positions there is no error."""
    d = Table(outcomes, weights)
    assert optimal_partitions(d).bits[2] == pytest.approx(fixed, abs=EXACT)
    best = adaptive_optimum(d)
    assert best.bits[2] == pytest.approx(adaptive, abs=EXACT)
    assert exact(d, Decoder(best.policy(3))).kl == pytest.approx(adaptive, abs=EXACT)


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_up_to_three_positions_values_do_not_help(n, seed):
    rng = np.random.default_rng(seed)
    rows = np.unique(rng.integers(0, 3, (8, n)), axis=0)
    d = Table(rows, rng.integers(1, 9, len(rows)))
    expected = optimal_partitions(d).bits
    assert adaptive_optimum(d).bits == pytest.approx(expected, abs=EXACT)


def test_random_orders_lie_outside():
    """RT-8: Replace Random of three in two rounds."""
    d = distributions.replace_random(3)
    best = adaptive_optimum(d)
    assert best.bits[1] == pytest.approx(0.2516, abs=5e-5)
    policy = best.policy(2)
    assert exact(d, Decoder(policy, **LOWEST)).kl == pytest.approx(best.bits[1], abs=EXACT)
    assert exact(d, Decoder(policy)).kl == pytest.approx(0.1699, abs=5e-5)
    assert exact(d, Decoder(adaptive_optimum(d.table()).policy(2))).kl == pytest.approx(
        best.bits[1], abs=EXACT
    )


def test_an_error_free_policy_takes_no_more_rounds_than_it_needs():
    d = distributions.parity(5)
    for law in (d, d.table()):
        best = adaptive_optimum(law)
        assert best.bits.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
        run = exact(law, Decoder(best.policy(5), **LOWEST))
        assert run.kl == 0.0
        assert run.expected_rounds == 2
    two = Table(
        [(0, 1, 1, 0), (1, 1, 1, 1), (0, 0, 0, 1), (1, 1, 0, 0), (1, 0, 0, 1), (1, 0, 1, 1)]
    )
    for rounds in (2, 3, 4):
        run = exact(two, Decoder(adaptive_optimum(two).policy(rounds)))
        assert (run.kl, run.expected_rounds) == (0.0, 2)


def test_simulated_policy():
    d = Table(BITS)
    estimate = simulate(d, Decoder(adaptive_optimum(d).policy(3)), samples=2000, seed=3)
    assert estimate.validity.value == 1
    assert estimate.expected_rounds.value <= 3


# Prices -----------------------------------------------------------------------------------------


@given(samples, prices)
def test_price_form(sample, price):
    n, recursion = sample.length, Recursion(sample.law)
    best = rounds_at_price(table(sample), price)
    assert best.cost == pytest.approx(recursion.cost(blank(n), price), rel=1e-12)
    assert best.expected_rounds + price * best.bits == pytest.approx(best.cost, rel=1e-11)
    rounds, bits = recursion.along(best.policy(), blank(n))
    assert best.expected_rounds == pytest.approx(rounds, abs=EXACT)
    assert best.bits == pytest.approx(bits, abs=EXACT)


def test_equal_costs_are_settled_by_the_larger_set():
    """Two items cost one bit in one round: at that price a second round is worth just as much."""
    shuffle = distributions.permutations(2)
    for d in (shuffle, plain(shuffle)):
        curve = [(best.expected_rounds, best.cost) for best in price_curve(d, [0.9, 1, 1.1])]
        assert curve == [(1.0, 1.9), (1.0, 2.0), (2.0, 2.0)]


@given(samples)
def test_the_curve_is_the_lower_hull(sample):
    d = table(sample)
    grid = [0.0, 0.5, 1.0, 3.0, 20.0, math.inf]
    curve = price_curve(d, grid)
    rounds = [best.expected_rounds for best in curve]
    bits = [best.bits for best in curve]
    assert rounds == pytest.approx(sorted(rounds), abs=1e-11)
    assert bits == pytest.approx(sorted(bits, reverse=True), abs=1e-11)
    limited = adaptive_optimum(d).bits
    assert (rounds[0], bits[-1]) == (1.0, 0.0)
    assert bits[0] == pytest.approx(limited[0], abs=EXACT)
    assert curve[-1].cost == pytest.approx(curve[-1].expected_rounds, abs=EXACT)
    points = [*zip(rounds, bits, strict=True), *enumerate(limited, start=1)]
    for best in curve[:-1]:
        for taken, lost in points:
            assert best.cost <= taken + best.price * lost + 1e-11
        alone = rounds_at_price(d, best.price)
        assert (alone.cost, alone.bits) == (best.cost, best.bits)


@given(samples)
def test_an_infinite_price_forbids_every_error(sample):
    n, recursion = sample.length, Recursion(sample.law)

    def fewest(canvas):
        if oracle.MASK not in canvas:
            return 0.0
        return min(
            1 + math.fsum(p * fewest(after) for after, p in children)
            for _, cost, children in recursion.moves(canvas)
            if cost <= EXACT
        )

    best = rounds_at_price(table(sample), math.inf)
    assert best.bits == 0.0
    assert best.expected_rounds == pytest.approx(fewest(blank(n)), abs=EXACT)
    assert exact(best.distribution, Decoder(best.policy())).kl == 0.0


@pytest.mark.parametrize("n", [1, 2, 3, 6, 40])
def test_replace_random_without_error_ends_with_the_new_item(n):
    """One by one until the new item shows or one position is left, then the rest: a closed form."""
    law = distributions.replace_random(n)
    expected = (n - 1) / 2 + (n - 1) / n + 1
    for d in (law, plain(law)) if n <= 6 else (law,):
        best = rounds_at_price(d, math.inf)
        assert best.bits == 0.0
        assert best.expected_rounds == pytest.approx(expected, rel=1e-12)
        run = exact(d, Decoder(best.policy(), **LOWEST))
        assert run.kl == 0.0
        assert run.expected_rounds == pytest.approx(expected, rel=1e-12)


# Exchangeable laws ------------------------------------------------------------------------------


def by_counts(weight, n, width, *, rename=False):
    """The law whose weights depend on how often each token occurs, or just on these numbers."""
    rows = list(itertools.product(range(width), repeat=n))
    counts = [tuple(row.count(v) for v in range(width)) for row in rows]
    weights = [weight(tuple(sorted(count)) if rename else count) for count in counts]
    law = Table(rows, weights, alphabet_sizes=[width] * n)
    law.exchangeable = "positions and tokens" if rename else "positions"
    return law


def random_weights(seed):
    """A weight for every key, now and then none."""
    rng, known = np.random.default_rng(seed), {}
    return lambda key: known.setdefault(key, int(rng.choice([0, 1, 2, 5, 30])) + (not known))


def urn(n, width):
    """Pólya's urn: every token drawn is put back with another one like it."""
    return by_counts(lambda counts: math.prod(map(math.factorial, counts)), n, width, rename=True)


def selected(counts):
    """The first tokens revealed tell what kind of sequence it is."""
    return [30, 0, 0, 1, 0, 4, 30][counts[1]]


def plain(law):
    """The law as a table that does not know its symmetry."""
    same = law.table()
    return Table(same.outcomes, same.weights, alphabet_sizes=same.alphabet_sizes)


exchangeable = [
    *(make(n) for n in range(1, 7) for make in (
        distributions.permutations, distributions.replace_random, distributions.parity)),
    *(urn(n, 3) for n in (1, 2, 5)),
    urn(3, 4), by_counts(selected, 6, 2),
]  # fmt: skip


@pytest.mark.parametrize("law", exchangeable, ids=lambda law: f"{law.name}, {law.exchangeable}")
def test_sizes_suffice_for_exchangeable_laws(law):
    by_size, by_set = adaptive_optimum(law), adaptive_optimum(plain(law))
    assert by_size.bits == pytest.approx(by_set.bits, abs=EXACT)
    assert by_size.bits[-1] == 0.0
    for ours, theirs in zip(
        *(price_curve(d, [0.5, 2, 7.0]) for d in (law, plain(law))), strict=True
    ):
        assert ours.cost == pytest.approx(theirs.cost, abs=1e-11)
    for rounds in range(1, law.length + 1):
        policy = by_size.policy(rounds)
        assert policy.equivariant
        run = exact(law, Decoder(policy, **LOWEST))
        assert run.kl == pytest.approx(by_size.bits[rounds - 1], abs=1e-10)
        assert len(run.followed.finished_by_round) - 1 <= rounds
        mixed = exact(law, Decoder(policy), orbits=True)
        assert mixed.kl <= by_size.bits[rounds - 1] + 1e-10
        assert mixed.kl == pytest.approx(exact(law, Decoder(policy), orbits=False).kl, abs=1e-10)


@given(
    st.sampled_from([(2, 2), (3, 2), (4, 2), (5, 2), (3, 3), (4, 3), (3, 4)]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_sizes_suffice_for_random_exchangeable_laws(shape, rename, seed):
    law = by_counts(random_weights(seed), *shape, rename=rename)
    assert adaptive_optimum(law).bits == pytest.approx(adaptive_optimum(plain(law)).bits, abs=EXACT)
    for price in (1.0, 6.0, math.inf):
        ours, theirs = rounds_at_price(law, price), rounds_at_price(plain(law), price)
        assert ours.cost == pytest.approx(theirs.cost, abs=1e-11)


@pytest.mark.parametrize("law", [urn(4, 3), *(by_counts(selected, n, 2) for n in (4, 5))])
def test_policies_by_size_attain_the_optimum_from_every_canvas(law):
    check_every_canvas(law, law_of(law))
    recursion = Recursion(law_of(law))
    priced = rounds_at_price(law, 3.0)
    rounds, bits = recursion.along(priced.policy(), blank(law.length))
    assert (priced.expected_rounds, priced.bits) == pytest.approx((rounds, bits), abs=EXACT)


@pytest.mark.parametrize(
    "law",
    [
        *(distributions.permutations(n) for n in (20, 150)),
        *(distributions.replace_random(n) for n in (20, 150)),
    ],
)
def test_revealed_values_are_useless_in_shuffle_and_replace_random(law):
    """Shuffle looks the same whatever is revealed; once the new item is, nothing is left open."""
    bits, fixed = adaptive_optimum(law).bits, optimal_partitions(law).bits
    assert bits == pytest.approx(fixed, abs=1e-11, rel=1e-11)
    assert bits[-1] == 0.0


def test_values_help_where_they_tell_what_follows():
    law = by_counts(selected, 6, 2)
    bits, fixed = adaptive_optimum(law).bits, optimal_partitions(law).bits
    gain = [0, 0, 0.1022958, 0.0976509, 0.0476314, 0]
    assert fixed - bits == pytest.approx(gain, abs=5e-8)


def test_a_long_policy_in_the_loop():
    law = distributions.permutations(40)
    best = adaptive_optimum(law)
    run = exact(law, Decoder(best.policy(10)))
    assert run.kl == pytest.approx(best.bits[9], abs=1e-9)
    assert run.unfinished == 0
    assert len(run.finished_by_round) == 11
    priced = rounds_at_price(law, 1.0)
    assert exact(law, Decoder(priced.policy())).kl == pytest.approx(priced.bits, abs=1e-9)
    replace_one = distributions.replace_random(60)
    best = adaptive_optimum(replace_one)
    run = exact(replace_one, Decoder(best.policy(4), **LOWEST))
    assert run.kl == pytest.approx(best.bits[3], abs=1e-10)


def test_two_bits_in_one_round_share_what_they_share():
    """Closed form: V_1 of Shuffle, and the parity bit."""
    for n in (2, 5, 60):
        expected = n * math.log2(n) - math.log2(math.factorial(n))
        assert adaptive_optimum(distributions.permutations(n)).bits[0] == pytest.approx(expected)
        assert adaptive_optimum(distributions.parity(n)).bits[0] == pytest.approx(1.0)


# Corners ----------------------------------------------------------------------------------------


def test_constant_positions_are_free():
    rows = [(2, *y, 1) for y in BITS]
    d, core = Table(rows, alphabet_sizes=[4, 2, 2, 2, 2, 3]), Table(BITS)
    best = adaptive_optimum(d)
    assert best.bits.tolist() == [*adaptive_optimum(core).bits.tolist(), 0.0, 0.0]
    assert set(chosen_by(best.policy(3), blank(6))) >= {0, 5}
    assert chosen_by(best.policy(3), (-1, *BITS[0], 1)) == (0,)
    for rounds in range(1, 7):
        run = exact(d, Decoder(best.policy(rounds)))
        assert run.kl == pytest.approx(best.bits[rounds - 1], abs=1e-10)
    twenty = Table(np.zeros((1, 20), int))
    assert adaptive_optimum(twenty).bits.tolist() == [0.0] * 20
    free = rounds_at_price(twenty, 5.0)
    assert (free.expected_rounds, free.bits, free.cost) == (1.0, 0.0, 1.0)
    assert exact(twenty, Decoder(free.policy())).expected_rounds == 1


def test_large_alphabets_take_several_words():
    d = Table(np.array(FIVE) * 65_000, alphabet_sizes=[140_000] * 4)
    assert Packing(d.alphabet_sizes).words > 1
    best = adaptive_optimum(d)
    assert np.array_equal(best.bits, adaptive_optimum(Table(FIVE)).bits)
    canvas = (65_000, -1, -1, -1)
    small = adaptive_optimum(Table(FIVE)).policy(3)
    assert chosen_by(best.policy(3), canvas, 1) == chosen_by(small, (1, -1, -1, -1), 1)


def test_off_the_support_everything_is_committed():
    d = Table(BITS)
    assert chosen_by(adaptive_optimum(d).policy(4), (1, 0, 1, -1)) == (3,)
    assert chosen_by(adaptive_optimum(d).policy(4), (-1, 0, 1, 1), 1) == (0,)
    assert chosen_by(adaptive_optimum(d).policy(4), (0, 1, -1, 1), 1) == (2,)
    copies = Table([(0, 0, 0), (1, 1, 1)])
    assert chosen_by(adaptive_optimum(copies).policy(2), (0, 1, -1)) == (2,)
    shuffle = distributions.permutations(5)
    policy = adaptive_optimum(shuffle).policy(4)
    assert chosen_by(policy, (0, 1, -1, -1, -1), 2) == (2, 3)
    assert chosen_by(policy, (1, 1, -1, -1, -1), 2) == (2, 3, 4)


def test_a_decode_may_start_from_any_canvas():
    d = Table(BITS)
    policy = adaptive_optimum(d).policy(3)
    trace = decode(d, Decoder(policy), canvases=[1, -1, -1, -1], samples=20, seed=5)
    assert (trace.rounds <= 3).all()
    assert np.isfinite(d.log2_probability(trace.canvases[-1])).all()


def test_policies_are_values():
    d = Table(BITS)
    best = adaptive_optimum(d)
    assert best.policy(2) == adaptive_optimum(d).policy(2)
    assert hash(best.policy(2)) == hash(adaptive_optimum(d).policy(2))
    assert best.policy(2) != best.policy(3)
    assert best.policy(2) != adaptive_optimum(Table(BITS)).policy(2)
    assert repr(best.policy(2)) == "AdaptiveOptimum(table of 7 outcomes, rounds=2)"
    assert (
        repr(rounds_at_price(d, 2.5).policy()) == "AdaptiveOptimum(table of 7 outcomes, price=2.5)"
    )
    copy = pickle.loads(pickle.dumps(best.policy(3)))
    assert exact(d, Decoder(copy)).kl == 0.0
    with pytest.raises(ValueError, match="read-only"):
        best.bits[0] = 1


def test_refusals():
    best = adaptive_optimum(Table(BITS))
    for rounds in (0, 5):
        with pytest.raises(ValueError, match="rounds must be at"):
            best.policy(rounds)
    with pytest.raises(TypeError, match="distribution must be a distribution, got 3"):
        adaptive_optimum(3)
    with pytest.raises(TypeError, match="distribution must be a distribution"):
        rounds_at_price("x", 1)
    for price in (-1, math.nan, -math.inf):
        with pytest.raises(ValueError, match="price must be"):
            rounds_at_price(best.distribution, price)
    with pytest.raises(ValueError, match=r"prices\[1\] must be at least 0, got -2"):
        price_curve(best.distribution, [1, -2])
    with pytest.raises(TypeError, match="prices must be a sequence"):
        price_curve(best.distribution, 1)
    four = Decoder(best.policy(2), blocks=LeftToRight(2))
    with pytest.raises(ValueError, match="leave the decoder's own blocks at WholeCanvas"):
        exact(best.distribution, four)
    with pytest.raises(ValueError, match="policy for 4 positions, got canvases of 3"):
        exact(distributions.permutations(3), Decoder(best.policy(2)))


def test_limits_come_with_numbers():
    rng = np.random.default_rng(0)
    many = Table(rng.integers(0, 2, (30, 17)))
    with pytest.raises(
        ValueError, match=rf"up to 129,140,163 pairs .* more than {ADAPTIVE_PAIRS:,}"
    ):
        adaptive_optimum(many)
    long = Table(rng.integers(0, 2, (30, 80)))
    with pytest.raises(ValueError, match=r"80 positions\) needs up to about 10\^38 pairs"):
        adaptive_optimum(long)
    wide = Table(rng.integers(0, 3, (100_000, 13)))
    with pytest.raises(ValueError, match=r"up to [\d,]+ pairs of a canvas and a set"):
        rounds_at_price(wide, 1)
    chain = distributions.markov_chain([[0.9, 0.1], [0.2, 0.8]], length=40)
    with pytest.raises(ValueError, match=r"40 positions\) needs a table of more than 4,000,000"):
        adaptive_optimum(chain)
    with pytest.raises(ValueError, match="optimal_partitions"):
        adaptive_optimum(distributions.replace_random(20_000))
    with pytest.raises(ValueError, match=r"e\+\d+ additions, more than 5.0e\+09"):
        adaptive_optimum(distributions.replace_random(2_500))


# Kernels ----------------------------------------------------------------------------------------


def small_graph(by_size):
    """Two fair bits that agree three times out of four."""
    if by_size:
        return {
            "slot": np.array([0, 0, 0, 0, 1, 2, 3]),
            "first": np.array([0, 2, 4, 6]),
            "child": np.array([0, 1, 1, 2, 3, 4], np.int32),
            "chance": np.array([0.75, 0.25, 0.25, 0.75, 0.5, 0.5]),
            "offset": np.array([0, 1, 2, 3, 5, 7, 10]),
        }
    return {
        "slot": np.array([0, 0, 0, 0, 0, 1, 2, 3, 4, 6]),
        "first": np.array([0, 2, 4, 6, 8, 10, 12]),
        "child": np.array([0, 1, 2, 3, 0, 2, 1, 3, 6, 7, 4, 5], np.int32),
        "chance": np.array([0.75, 0.25, 0.25, 0.75, 0.75, 0.25, 0.25, 0.75, 0.5, 0.5, 0.5, 0.5]),
        "offset": np.array([0, 1, 2, 3, 4, 6, 8, 10, 12, 16]),
    }


@pytest.mark.parametrize("by_size", [False, True])
def test_kernels_compiled_and_plain(by_size, monkeypatch):
    graph = small_graph(by_size)
    pieces = [graph[name] for name in ("slot", "first", "child", "chance")]
    terms = -graph["chance"] * np.log2(graph["chance"])
    entropy = np.add.reduceat(terms, graph["first"][:-1])
    pairs, states = graph["offset"][-1], len(graph["slot"]) - 1
    shared = 1 - entropy[0]
    results = []
    for mode in ("compiled", "plain"):
        functions = [kernels.choice_costs_into, kernels.best_choices_into]
        if mode == "plain":
            functions = [f.py_func for f in functions]
            monkeypatch.setattr(kernels, "_expect_into", kernels._expect_into.py_func)
            monkeypatch.setattr(kernels, "_members", kernels._members.py_func)
        costs, scratch = np.full(pairs, np.nan), np.full(pairs, np.nan)
        lowest = functions[0](*pieces, entropy, graph["offset"], by_size, 1e-14, scratch, costs)
        assert -1e-14 < lowest <= 0
        assert np.count_nonzero(costs) == 1
        assert costs[-1] == pytest.approx(shared)
        values = np.full(states, np.nan)
        best = np.full(states, 9, np.uint16)
        tail = (scratch, values, best)
        none = np.where(np.diff(graph["offset"]) == 1, 0.0, np.inf)
        functions[1](*pieces, graph["offset"], by_size, costs, 0.0, 1.0, none, 1e-12, True, *tail)
        assert values[-1] == pytest.approx(shared)
        assert best[-1] == (2 if by_size else 3)
        once = values.copy()
        functions[1](*pieces, graph["offset"], by_size, costs, 0.0, 1.0, once, 1e-12, True, *tail)
        assert values[-1] == 0.0
        assert best[-1] == 1
        functions[1](
            *pieces, graph["offset"], by_size, costs, 1.0, 0.0, values, 1e-12, False, *tail
        )
        assert values[-1] == 2.0
        results.append((costs, values, best))
    for compiled, plainly in zip(*results, strict=True):
        np.testing.assert_array_equal(compiled, plainly)


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_find_compiled_and_plain(seed, words):
    rng = np.random.default_rng(seed)
    everything = rng.integers(0, 5, (60, words)).astype(np.uint64)
    _, first = group(everything[:20])
    store = everything[:20][first]
    slots = np.zeros(64, np.int64)
    rehash_into(store, len(store), slots)
    numbers = {tuple(row): k for k, row in enumerate(store.tolist())}
    expected = [numbers.get(tuple(row), -1) for row in everything.tolist()]
    for function in (kernels.find_into, kernels.find_into.py_func):
        ids = np.full(60, 99)
        with np.errstate(over="ignore"):
            function(everything, slots, store, ids)
        assert ids.tolist() == expected


# Size -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("n", "values"), [(12, 2), (9, 3)])
def test_large_dense_tables(n, values):
    rng = np.random.default_rng(n)
    rows = list(itertools.product(range(values), repeat=n))
    weights = rng.random(len(rows)) ** 3
    d = Table(rows, weights / weights.sum())
    best, fixed = adaptive_optimum(d), optimal_partitions(d).bits
    assert best.bits[:2] == pytest.approx(fixed[:2], abs=EXACT)
    assert (best.bits[2:-2] < fixed[2:-2]).all()
    run = exact(d, Decoder(best.policy(3)))
    assert run.kl == pytest.approx(best.bits[2], abs=1e-10)
    assert run.expected_rounds == pytest.approx(3)


@pytest.mark.slow
def test_permutations_as_a_table():
    law = distributions.permutations(8)
    expected = adaptive_optimum(law).bits
    assert adaptive_optimum(plain(law)).bits == pytest.approx(expected, abs=EXACT)
