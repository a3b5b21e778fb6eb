"""Stale marginals against a recursion over tuples and fractions, and the identities they obey."""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, strategies
from infodecode.models import IdealModel, LawModel, NoisyModel, TokenRule
from infodecode.stale_model import StaleModel
from infodecode.state import State
from infodecode.strategies import LeftToRight, Plan, Ranked, Strategy, Unlocking, WholeCanvas
from tests import laws, oracle, small_strategies, translation
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

MASK = -1
ORDERS = ("random", "confidence", "margin", "entropy", "left_to_right")


# The recursion --------------------------------------------------------------------------


@dataclass(frozen=True)
class Caching:
    """What a `StaleModel` is told, and the active block as a function of canvas and round."""

    refresh: int | None
    cache: str
    context: str = "present"
    active: object = None

    def cached(self, position, block, of):
        if self.cache == "all":
            return True
        return of(position) < block if self.cache == "prefix" else of(position) != block


def first_block(length):
    return lambda canvas, t: oracle.masked(canvas)[0] // length


def unlocked(length, rounds):
    """The last open block of `Unlocking`, eager."""

    def active(canvas, t):
        last = (len(canvas) - 1) // length
        return max(min(t // rounds, last), oracle.masked(canvas)[0] // length)

    return active


def marginals(law, canvas, position):
    """Law at one position given the other visible ones; unconditional where they are impossible."""
    hidden = oracle.fill(canvas, {position: MASK})
    possible = oracle.consistent(law, hidden) or law
    return {y[0]: p for y, p in oracle.marginal(possible, [position]).items()}


def stale_decode(law, length, strategy, dialect, caching, opened, block_length=1):
    """Exact law of (output, rounds), following impossible canvases by marginals."""
    live = {((MASK,) * length, None): Fraction(1)}
    done = defaultdict(Fraction)
    for t in range(length):
        following = defaultdict(Fraction)
        for (canvas, memory), weight in live.items():
            block = caching.active(canvas, t) if caching.active else None
            seen, at, then = memory or (None, None, None)
            full = (
                memory is None
                or (caching.refresh is not None and t - at >= caching.refresh)
                or block != then
            )
            if full:
                seen, at, then = canvas, t, block
            stale = {
                i: not full and caching.cached(i, block, lambda j: j // block_length)
                for i in range(length)
            }
            fresh = canvas
            if caching.context == "cached":
                fresh = tuple(seen[i] if stale[i] else canvas[i] for i in range(length))
            positions = opened(canvas, t)
            raw = {i: marginals(law, seen if stale[i] else fresh, i) for i in positions}
            for child, share in one_round(canvas, t + 1, strategy, dialect, raw).items():
                if MASK in child:
                    following[child, (seen, at, then)] += weight * share
                else:
                    done[child, t + 1] += weight * share
        live = following
    assert not live
    return dict(done)


def one_round(canvas, number, strategy, dialect, raw):
    children = defaultdict(Fraction)
    scores = {i: oracle.score(strategy.by, i, one, None) for i, one in raw.items()}
    for chosen, p in oracle.choices(strategy, number, scores, dialect):
        for tokens, q in oracle.draws(raw, chosen):
            children[oracle.fill(canvas, tokens)] += p * q
    return children


def whole(canvas, t):
    return oracle.masked(canvas)


def opened_up_to(active, length):
    """Masks of the active block and of the earlier ones."""
    return lambda canvas, t: [i for i in oracle.masked(canvas) if i // length <= active(canvas, t)]


def assert_same(run, expected):
    assert translation.output(run) == pytest.approx(
        {y: float(p) for y, p in oracle.output_law(expected).items()}, abs=1e-12
    )
    assert translation.rounds(run) == pytest.approx(
        {t: float(p) for t, p in oracle.rounds_law(expected).items()}, abs=1e-12
    )


STRATEGIES = {
    "random": oracle.TopK((1,)),
    "sizes": oracle.TopK((2, 1), "confidence"),
    "entropy": oracle.TopK((1,), "entropy"),
    "threshold": oracle.Threshold(Fraction(1, 2)),
    "factor": oracle.Factor(Fraction(3, 2)),
}


@pytest.mark.parametrize("context", ["present", "cached"])
@pytest.mark.parametrize("name", STRATEGIES)
@given(
    sample=laws.counted(max_length=4, max_outcomes=6),
    refresh=st.sampled_from([1, 2, 3, None]),
    cache=st.sampled_from(["all", "prefix", "dual"]),
    policy=st.sampled_from(["whole", "blocks", "unlocking"]),
    block_length=st.sampled_from([1, 2]),
)
def test_against_a_recursion(name, context, sample, refresh, cache, policy, block_length):
    active = unlocked(block_length, 1) if policy == "unlocking" else first_block(block_length)
    caching = Caching(refresh, cache, context, None if cache == "all" else active)
    blocks, opened = {
        "whole": (WholeCanvas(), whole),
        "blocks": (LeftToRight(block_length), opened_up_to(active, block_length)),
        "unlocking": (Unlocking(block_length, 1), opened_up_to(active, block_length)),
    }[policy]
    strategy = STRATEGIES[name]
    expected = stale_decode(
        sample.law, sample.length, strategy, oracle.Dialect(), caching, opened, block_length
    )
    named = {} if cache == "all" else {"block_length": block_length}
    if cache != "all" and policy == "unlocking":
        named = {"blocks": blocks}
    d = table(sample)
    model = StaleModel(d, refresh=refresh, cache=cache, context=context, **named)
    decoder = Decoder(translation.rule(strategy), blocks=blocks)
    assert_same(infodecode.exact(d, decoder, model=model, off_support="marginal"), expected)


# Identities -----------------------------------------------------------------------------


def same_law(run, other):
    """Equal output laws, in bits of their largest difference."""
    a, b = translation.output(run), translation.output(other)
    return max(abs(a.get(y, 0) - b.get(y, 0)) for y in {*a, *b}) <= 1e-12


def run(d, strategy, model=None, **options):
    return infodecode.exact(
        d, Decoder(strategy, **options), model=model, off_support="marginal", orbits=None
    )


@pytest.mark.parametrize("cache", ["all", "prefix", "dual"])
@given(sample=laws.floating(max_length=4))
def test_refreshing_every_round_is_no_cache(cache, sample):
    d = table(sample)
    named = {} if cache == "all" else {"block_length": 2}
    model = StaleModel(d, refresh=1, cache=cache, **named)
    for decoder in (
        Decoder(strategies.Threshold(0.6)),
        Decoder(small_strategies.LeastUncertaintyAfter()),
        Decoder(small_strategies.TryThenFollow()),
    ):
        cached = infodecode.exact(d, decoder, model=model)
        plain = infodecode.exact(d, decoder)
        np.testing.assert_array_equal(cached.outcomes, plain.outcomes)
        np.testing.assert_array_equal(cached.weights, plain.weights)
        assert cached.largest_round == plain.largest_round
        assert cached.expected_calls == plain.expected_calls


@pytest.mark.parametrize("by", ORDERS)
@given(
    sample=laws.counted(max_length=5, max_outcomes=12),
    k=st.integers(2, 3),
    m=st.integers(1, 2),
    dialect=st.fixed_dictionaries(
        {
            "temperature": st.sampled_from([1.0, 0.5, 0.0]),
            "position_ties": st.sampled_from(["random", "lowest"]),
            "token_ties": st.sampled_from(["random", "lowest"]),
        }
    ),
)
def test_k_stale_rounds_of_m_are_one_round_of_k_m(by, sample, k, m, dialect):
    d = table(sample)
    stale = run(d, strategies.TopK(m, by), StaleModel(d, refresh=k), **dialect)
    at_once = run(d, strategies.TopK(k * m, by), **dialect)
    assert same_law(stale, at_once)
    assert stale.kl == pytest.approx(at_once.kl, abs=1e-9)
    assert stale.rounds[-(-d.length // m)] == pytest.approx(1)
    assert stale.expected_calls == pytest.approx(-(-d.length // m))


@pytest.mark.parametrize("by", ["random", "left_to_right"])
def test_the_same_when_drawing_comes_first_but_is_not_looked_at(by):
    d = uneven()
    order = {"order": "sample-then-choose"}
    stale = run(d, strategies.TopK(1, by), StaleModel(d, refresh=2), **order)
    assert same_law(stale, run(d, strategies.TopK(2, by), **order))


def test_not_the_same_when_choosing_looks_at_the_draws():
    """Tokens left uncommitted are drawn again in the second round of the same marginals."""
    d = uneven()
    order = {"order": "sample-then-choose"}
    stale = run(d, strategies.TopK(1, "confidence"), StaleModel(d, refresh=2), **order)
    assert not same_law(stale, run(d, strategies.TopK(2, "confidence"), **order))


def test_not_the_same_by_threshold():
    """Everything certain passes at once; what is left of that refresh falls back, one a round."""
    d = distributions.from_counts([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]], [1, 1, 1, 1])
    stale = run(d, strategies.Threshold(0.9), StaleModel(d, refresh=2))
    assert stale.rounds.tolist() == [0, 0, 0, 1]


@given(sample=laws.counted(max_length=4), k=st.integers(1, 3))
def test_never_refreshing_loses_the_total_correlation(sample, k):
    d = table(sample)
    for by in ORDERS:
        stale = run(d, strategies.TopK(k, by), StaleModel(d, refresh=None))
        assert stale.kl == pytest.approx(infodecode.total_correlation(d), abs=1e-9)


@given(sample=laws.counted(max_length=5), block_length=st.integers(1, 3))
def test_a_dual_cache_loses_nothing_left_to_right(sample, block_length):
    d = table(sample)
    blocks = LeftToRight(block_length)
    for context in ("present", "cached"):
        model = StaleModel(
            d, refresh=None, cache="dual", block_length=block_length, context=context
        )
        for strategy in (strategies.TopK(1, "confidence"), strategies.Threshold(0.6)):
            assert same_law(run(d, strategy, model, blocks=blocks), run(d, strategy, blocks=blocks))


@given(sample=laws.counted(max_length=5), block_length=st.integers(1, 3))
def test_a_prefix_before_the_first_mask_loses_nothing(sample, block_length):
    """Whatever the policy, as long as what is committed stays."""
    d = table(sample)
    model = StaleModel(d, refresh=None, cache="prefix", block_length=block_length)
    for blocks in (WholeCanvas(), Unlocking(block_length, 1, eager=False)):
        strategy = strategies.TopK(1, "confidence")
        assert same_law(run(d, strategy, model, blocks=blocks), run(d, strategy, blocks=blocks))


def equal_bits(n):
    return distributions.from_counts([[0] * n, [1] * n], [1, 1])


def test_a_dual_cache_on_the_whole_canvas():
    """Four equal bits in random order, two blocks of two, by hand.

    Block 0 is active first, and only the blank canvas has been refreshed. A bit of block 1 that is
    committed after the first round and before block 0 is full is a fair coin: all the others are
    certain. One wrong coin spoils the decode.
    """
    d = equal_bits(4)
    model = StaleModel(d, refresh=None, cache="dual", block_length=2)
    expected = Fraction(0)
    orders = list(oracle.orders(range(4)))
    for order in orders:
        last = max(order.index(0), order.index(1))
        coins = sum(0 < order.index(i) < last for i in (2, 3))
        expected += Fraction(1, 2) ** coins / len(orders)
    stale = infodecode.exact(d, Decoder(strategies.TopK(1)), model=model)
    assert stale.validity == pytest.approx(float(expected))
    assert stale.validity < 1
    assert infodecode.exact(d, Decoder(strategies.TopK(1))).validity == 1


def test_a_prefix_left_behind_is_stale():
    """Unlocking by the clock leaves masks in block 0, which answer as when block 1 opened."""
    d = distributions.concatenate(distributions.copy(1), equal_bits(3))
    blocks = Unlocking(3, 1)
    decoder = Decoder(Listed((0, 3, 1, 2)), blocks=blocks)
    assert infodecode.exact(d, decoder).validity == 1
    never = StaleModel(d, refresh=None, cache="prefix", blocks=blocks)
    # Position 3 is in the open block; 1 and 2 were last seen when only 0 was known: two coins.
    assert infodecode.exact(d, decoder, model=never).validity == pytest.approx(1 / 4)
    often = StaleModel(d, refresh=2, cache="prefix", blocks=blocks)
    # Refreshed when block 1 opened, and two rounds later: one coin, then certain.
    assert infodecode.exact(d, decoder, model=often).validity == pytest.approx(1 / 2)


@dataclass(frozen=True)
class Listed(Strategy):
    """One position a round, in the order given."""

    order: tuple[int, ...]

    def plan(self, state):
        key = np.zeros(state.canvas.shape)
        key[:, list(self.order)] = -np.arange(len(self.order))
        return Ranked(key, 1)


def test_context_hides_tokens_committed_in_the_cache():
    """Position 0, recomputed in the second round, cannot read position 2, cached as a mask."""
    d = equal_bits(4)
    named = {"refresh": None, "cache": "dual", "block_length": 2}
    decoder = Decoder(Listed((2, 0, 1, 3)))
    assert infodecode.exact(d, decoder, model=StaleModel(d, **named)).validity == 1
    hidden = StaleModel(d, **named, context="cached")
    assert infodecode.exact(d, decoder, model=hidden).validity == pytest.approx(1 / 2)


# What the model is asked ----------------------------------------------------------------


class Spy(LawModel):
    """Keeps the canvases it is asked about, with the positions masked in them."""

    def __init__(self, model):
        self.model, self.asked = model, []
        self.alphabet_sizes = model.alphabet_sizes
        self.off_support = model.off_support

    def laws(self, canvases, rows, positions):
        self.asked += [tuple(canvases[r].tolist()) for r in rows]
        return self.model.laws(canvases, rows, positions)


def test_copies_of_a_look_ahead_use_the_cache_of_their_round():
    d = distributions.permutations(4)
    spy = Spy(IdealModel(d))
    infodecode.decode(
        StaleModel(spy, refresh=2), Decoder(small_strategies.LeastUncertaintyAfter()), seed=3
    )
    shown = [sum(v >= 0 for v in canvas) for canvas in spy.asked]
    # Rounds 1 and 3 refresh and look one token further; in rounds 2 and 4 nobody looks ahead.
    changes = [shown[0], *(b for a, b in pairwise(shown) if a != b)]
    assert changes == [0, 1, 0, 2, 3, 2]
    spy.asked.clear()
    infodecode.decode(
        StaleModel(spy, refresh=None), Decoder(small_strategies.LeastUncertaintyAfter()), seed=3
    )
    later = spy.asked[-1]
    assert later == (MASK,) * 4
    assert {sum(v >= 0 for v in canvas) for canvas in spy.asked} == {0, 1}


def test_following_a_look_ahead_in_a_round_that_refreshes():
    d = equal_bits(3)
    again = infodecode.exact(
        d, Decoder(small_strategies.TryThenFollow()), model=StaleModel(d, refresh=None)
    )
    assert again.rounds.tolist() == [0, 1]
    assert again.validity == 1


def asked(model, canvas, memory, round_=0):
    """An evaluation of one canvas in a given round with a given memory."""
    rows = np.array([canvas], np.int32)
    state = State.start(rows, np.ones(1), np.zeros(1, np.uint64), model.tolerance, memory)
    return model.evaluate(state.with_(round=np.array([round_])), TokenRule())


def remembered(model, canvas, round_=0, memory=None):
    rows = np.array([canvas], np.int32)
    memory = model.start(rows) if memory is None else memory
    state = State.start(rows, np.ones(1), np.zeros(1, np.uint64), model.tolerance, memory)
    return dict(model.remember(state.with_(round=np.array([round_]))))


def test_visible_positions_answer_from_their_cache():
    """Leave-one-out laws, of the token that is there now."""
    d = uneven()
    model = StaleModel(d, refresh=None)
    memory = remembered(model, (-1, 1, -1))
    where = np.array([[True, True, False]])
    now = (2, 1, -1)
    ask = ("visible_probability", "visible_p1")
    found = asked(model, now, memory, 1).visible_scores(ask, where)
    law = translation.law(d)
    # Position 0 was masked at the refresh, position 1 was not: its own token is left out.
    assert found["visible_probability"][0, 0] == pytest.approx(
        float(marginals(law, (-1, 1, -1), 0)[2])
    )
    assert found["visible_probability"][0, 1] == pytest.approx(
        float(marginals(law, (-1, -1, -1), 1)[1])
    )
    assert found["visible_p1"][0, 0] == pytest.approx(
        float(max(marginals(law, (-1, 1, -1), 0).values()))
    )


def test_divergence_is_that_of_the_answers():
    """None between two rounds of one refresh; from the older answer at the next refresh."""
    d = uneven()
    model = StaleModel(d, refresh=2)
    start, middle, end = (-1, -1, -1), (0, -1, -1), (0, 1, -1)
    where = np.array([[False, False, True]])
    memory = remembered(model, start)
    memory["previous_canvas"] = np.array([start], np.int32)
    still = asked(model, middle, memory, 1).scores(["divergence"], where)
    assert still["divergence"][0, 2] == pytest.approx(0, abs=1e-12)
    memory.update(remembered(model, middle, 1, memory))
    memory["previous_canvas"] = np.array([middle], np.int32)
    found = asked(model, end, memory, 2).scores(["divergence"], where)["divergence"][0, 2]
    law = translation.law(d)
    now, before = marginals(law, end, 2), marginals(law, start, 2)
    expected = sum(
        float(p) * np.log2((float(p) + 1e-12) / (float(before[v]) + 1e-12)) for v, p in now.items()
    )
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="divergence of a look-ahead"):
        asked(model, end, memory, int(memory["seen_round"][0])).scores(["divergence"], where)


@dataclass(frozen=True)
class RemaskDoubtful(Strategy):
    """From the left, one a round; early on, what is less likely than 1/2 is masked again."""

    revising = True

    @property
    def needs(self):
        return frozenset({"visible_probability"})

    def plan(self, state):
        doubtful = ~state.masked & (state.scores["visible_probability"] < 0.5)
        early = (state.round < 6)[:, None]
        left = np.broadcast_to(-np.arange(state.canvas.shape[1]) * 1.0, state.canvas.shape)
        return Plan((Ranked(left, 1),), memory={"doubtful": doubtful & early})

    def start(self, canvas):
        return {"doubtful": np.zeros(canvas.shape, bool)}

    def revise(self, state):
        return Ranked(
            np.zeros(state.canvas.shape), state.canvas.shape[1], allowed=state.memory["doubtful"]
        )


def test_visible_scores_are_stale_for_rules_that_revise():
    """Token 0 at position 0 has 3/5 given position 1, but 1/4 once position 2 shows a 1."""
    d = distributions.from_counts([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]], [5, 1, 1, 3])
    d = distributions.concatenate(d, distributions.copy(1))
    decoder = Decoder(RemaskDoubtful())
    plain = infodecode.exact(d, decoder)
    stale = infodecode.exact(
        d, decoder, model=StaleModel(d, refresh=None, cache="prefix", block_length=2)
    )
    assert stale.unfinished == plain.unfinished == 0
    assert not same_law(stale, plain)


# Everywhere a model goes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "decoder"),
    [
        ({"refresh": 2}, Decoder(strategies.TopK(1, "confidence"))),
        ({"refresh": None, "cache": "dual", "block_length": 2}, Decoder(strategies.TopK(1))),
        ({"refresh": 2}, Decoder(strategies.Threshold(0.5), order="sample-then-choose")),
        ({"refresh": 3}, Decoder(small_strategies.LeastUncertaintyAfter())),
        ({"refresh": 2}, Decoder(small_strategies.StableConfidence(0.5))),
    ],
)
def test_simulation_follows_the_exact_law(options, decoder):
    d = uneven()
    model = StaleModel(d, **options)
    exactly = infodecode.exact(d, decoder, model=model, off_support="marginal")
    simulation = infodecode.simulate(
        d, decoder, model=model, samples=20_000, seed=3, confidence=1 - 1e-6, keep_sequences=True
    )
    assert_follows(simulation, exactly)
    few = [
        infodecode.simulate(
            d, decoder, model=model, samples=60, keep_sequences=True, batch=batch, threads=threads
        ).sequences
        for batch, threads in ((60, 1), (7, 2), (1, 1))
    ]
    np.testing.assert_array_equal(few[0], few[1])
    np.testing.assert_array_equal(few[0], few[2])


def test_absorbing_and_following():
    d = distributions.permutations(4)
    decoder = Decoder(strategies.TopK(1))
    model = StaleModel(d, refresh=2)
    dropped = infodecode.exact(d, decoder, model=model)
    assert dropped.off_support == "absorb"
    assert dropped.absorbed == pytest.approx(1 - 0.375)
    followed = infodecode.exact(d, decoder, model=model, off_support="marginal")
    assert dropped.validity == pytest.approx(followed.validity)
    assert dropped.kl == pytest.approx(followed.kl)
    assert dropped.followed.off_support == "marginal"
    uniform = StaleModel(IdealModel(d, off_support="uniform"), refresh=2)
    assert infodecode.exact(d, decoder, model=uniform).followed.off_support == "uniform"


def test_noise_goes_underneath():
    d = uneven()
    noisy = NoisyModel(d, 0.7, seed=2)
    decoder = Decoder(strategies.TopK(1))
    assert same_law(
        run(d, strategies.TopK(2), noisy), run(d, strategies.TopK(1), StaleModel(noisy, refresh=2))
    )
    assert infodecode.decode(StaleModel(noisy, refresh=2), decoder).finished.all()


def test_a_prompt_is_seen_from_the_start():
    d = distributions.permutations(4)
    trace = infodecode.decode(
        StaleModel(d, refresh=None), Decoder(strategies.TopK(1)),
        canvases=[2, -1, -1, -1], samples=50,
    )  # fmt: skip
    assert (trace.sequences[:, 1:] != 2).all()
    assert len({tuple(row) for row in trace.sequences.tolist()}) > 6


def test_refusals():
    d = distributions.permutations(3)
    with pytest.raises(TypeError, match=r"model must be a model with exact laws .* got 3"):
        StaleModel(3, refresh=2)
    with pytest.raises(TypeError, match="model must be a model with exact laws"):
        StaleModel(StaleModel(d, refresh=2), refresh=2)
    with pytest.raises(ValueError, match="refresh must be at least 1, got 0"):
        StaleModel(d, refresh=0)
    with pytest.raises(TypeError, match="refresh must be an integer, got True"):
        StaleModel(d, refresh=True)
    with pytest.raises(ValueError, match=r"cache must be one of 'all', 'prefix', 'dual', got 'kv'"):
        StaleModel(d, refresh=2, cache="kv")
    with pytest.raises(ValueError, match="context must be one of"):
        StaleModel(d, refresh=2, context="past")
    with pytest.raises(ValueError, match="block_length goes with cache 'prefix' or 'dual'"):
        StaleModel(d, refresh=2, block_length=2)
    with pytest.raises(ValueError, match="blocks goes with cache 'prefix' or 'dual'"):
        StaleModel(d, refresh=2, blocks=WholeCanvas())
    with pytest.raises(ValueError, match=r"cache='dual' needs block_length or blocks"):
        StaleModel(d, refresh=2, cache="dual")
    with pytest.raises(ValueError, match=r"needs block_length or blocks, one of them"):
        StaleModel(d, refresh=2, cache="dual", block_length=2, blocks=WholeCanvas())
    with pytest.raises(ValueError, match="block_length must be at least 1, got 0"):
        StaleModel(d, refresh=2, cache="dual", block_length=0)
    with pytest.raises(TypeError, match="blocks must be a BlockPolicy, got 2"):
        StaleModel(d, refresh=2, cache="dual", blocks=2)
    with pytest.raises(ValueError, match="leave model out"):
        infodecode.exact(
            d, Decoder(strategies.TopK(1)), model=StaleModel(d, refresh=2), arithmetic="rational"
        )
    with pytest.raises(ValueError, match="the model is not the ideal one"):
        infodecode.exact(
            d, Decoder(strategies.TopK(1)), model=StaleModel(d, refresh=2), orbits=True
        )


def test_it_prints_what_it_is():
    d = distributions.permutations(3)
    assert repr(StaleModel(d, refresh=2)) == "StaleModel(IdealModel, refresh=2, cache='all')"
    assert repr(StaleModel(d, refresh=None, cache="dual", block_length=2, context="cached")) == (
        "StaleModel(IdealModel, refresh=None, cache='dual', "
        "blocks=LeftToRight(block_length=2), context='cached')"
    )
