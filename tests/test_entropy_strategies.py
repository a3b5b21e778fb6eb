"""Entropy-bounded and entropy-budget rounds: the rules, their exact laws, and what is proved."""

import json
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, decode, distributions, exact, simulate, strategies
from infodecode.chance import CHOOSE, Enumerated
from infodecode.models import IdealModel, LawModel, TokenRule
from infodecode.state import State
from infodecode.strategies.entropy_bounded import EntropyBounded
from infodecode.strategies.entropy_budget import EntropyBudget, entropy_budget_bound
from tests import laws, oracle
from tests.translation import table

EXACT = 1e-12
LN2 = math.log(2)
ETAS = [0.05, 0.3, 0.9, 1.0, 1.5, 2.0, 2.7, 4.0, 100.0]
GAMMAS = [0.0, 0.2, 0.5, 0.8, 1.0, 1.3, 2.0, 5.0]

TOYS = [
    distributions.permutations(4),
    distributions.replace_random(5),
    distributions.copy(3),
    distributions.parity(4),
    distributions.linear_code([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]),
    distributions.insert_random(4),
    distributions.derangements(4),
    distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=5),
    distributions.mixture([distributions.permutations(3), distributions.copy(3)], [1, 2]),
    distributions.remove_random(4),
]

toys = pytest.mark.parametrize("law", TOYS, ids=lambda law: law.name)


# Along data ------------------------------------------------------------------------------


@dataclass(frozen=True)
class DataTraces:
    """Means over canvases met while the tokens asked for are those of a data sequence."""

    rounds: float
    kl: float
    spent: float
    at_stake: float


def along_data(law, strategy, ties="random"):
    """Follow the strategy on every outcome of the table; every random set, with its share."""
    outcomes = law.table()
    mass = np.exp2(outcomes.log2_probability(outcomes.outcomes))
    model = IdealModel(law)
    live = {(-1,) * law.length: (1.0, np.arange(len(mass)))}
    rounds, surprise, spent, at_stake = 0.0, [], 0.0, 0.0
    while live:
        after = defaultdict(lambda: [0.0, None])
        for canvas, (share, agree) in live.items():
            weight = share * mass[agree].sum()
            rounds += weight
            one = np.array([canvas], np.int32)
            state = State.start(one, np.ones(1), np.zeros(1, np.uint64), model.tolerance, {})
            state = state.with_(feasible=state.masked)
            evaluation = model.evaluate(state, TokenRule())
            fields = strategy.needs | {"entropy"}
            state = state.with_(scores=evaluation.scores(fields, state.feasible))
            entropy = state.scores["entropy"][0]
            chance = Enumerated(None, max_children=10**6, width=max(law.alphabet_sizes))
            marginals = law.marginals(one)[0]
            for _, sets, shares in chance.choose(state, strategy.plan(state), ties, CHOOSE):
                for chosen, part in zip(sets, shares, strict=True):
                    spent += weight * part * entropy[chosen].sum()
                    at_stake += weight * part * (entropy[chosen].sum() - entropy[chosen].max())
                    where = np.flatnonzero(chosen)
                    tokens = outcomes.outcomes[agree][:, where]
                    bits = -np.log2(marginals[where, tokens]).sum(axis=1)
                    surprise.append(share * part * math.fsum(mass[agree] * bits))
                    if set(where) == set(np.flatnonzero(one[0] < 0)):
                        continue
                    for values in np.unique(tokens, axis=0):
                        child = one[0].copy()
                        child[where] = values
                        entry = after[tuple(child.tolist())]
                        entry[0] += share * part
                        entry[1] = agree[(tokens == values).all(axis=1)]
        live = dict(after)
    return DataTraces(rounds, math.fsum(surprise) - law.entropy(), spent, at_stake)


@toys
@pytest.mark.parametrize("eta", ETAS)
def test_rounds_of_an_entropy_budget(law, eta):
    """RT-5, over data: s h > eta / 2 in every round but the last, and the s h add up to H + KL."""
    path = along_data(law, EntropyBudget(eta))
    run = exact(law, Decoder(EntropyBudget(eta)))
    assert path.spent == pytest.approx(law.entropy() + path.kl, abs=1e-10)
    assert path.rounds <= entropy_budget_bound(law, eta, max(path.kl, 0)) + EXACT
    assert (path.rounds - 1) * eta / 2 <= path.spent + EXACT
    assert run.kl <= path.kl + 1e-10
    assert path.kl <= path.at_stake + 1e-10
    assert path.kl <= eta * path.rounds + EXACT


@given(laws.counted(max_length=4, max_outcomes=8), st.sampled_from(ETAS) | st.floats(0.01, 8))
def test_rounds_of_an_entropy_budget_on_random_laws(sample, eta):
    law = table(sample)
    path = along_data(law, EntropyBudget(eta))
    assert path.rounds <= entropy_budget_bound(law, eta, max(path.kl, 0)) + EXACT
    assert exact(law, Decoder(EntropyBudget(eta))).kl <= path.kl + 1e-10
    assert path.kl <= path.at_stake + 1e-10


def test_a_certain_law_takes_the_one_round_of_the_bound():
    path = along_data(distributions.copy(4), EntropyBudget(0.1))
    assert path.rounds == 1.0
    assert entropy_budget_bound(distributions.copy(4), 0.1, 0.0) == 1.0


@pytest.mark.parametrize("n", [4, 6, 10])
def test_the_decoders_own_rounds_exceed_the_bound_of_data(n):
    """A contradiction leaves every position uncertain that data make certain."""
    law = distributions.Table([[0] * n, [1] * n], [1, 1])
    path = along_data(law, EntropyBudget(2.0))
    assert path.rounds == pytest.approx(2)
    assert path.kl == pytest.approx(1)
    assert entropy_budget_bound(law, 2.0, 1.0) == 3
    run = exact(law, Decoder(EntropyBudget(2.0)), off_support="marginal")
    assert run.expected_rounds == pytest.approx(1 + n / 4)


class InOrder(EntropyBudget):
    """The same sizes, lowest positions first: no mixture, so that the output has the path's KL."""

    def plan(self, state):
        return replace(super().plan(state), ties="lowest")


def test_the_decoders_own_rounds_exceed_the_bound_on_full_support():
    """All orders of an exchangeable law have the same KL."""
    n, noise, eta = 10, 1e-6, 2.001
    outcomes = list(product([0, 1], repeat=n))
    same = np.array([len(set(y)) == 1 for y in outcomes])
    law = distributions.Table(outcomes, np.where(same, (1 - noise) / 2, 0) + noise / 2**n)
    kl_path = exact(law, Decoder(InOrder(eta))).kl
    assert kl_path == pytest.approx(1, abs=1e-3)
    run = exact(law, Decoder(EntropyBudget(eta)))
    assert run.absorbed == 0
    assert run.kl <= kl_path
    assert run.expected_rounds > 1.15 * entropy_budget_bound(law, eta, kl_path)


def test_the_bound_needs_its_kl():
    """Copies of a bit: a round for two of them, and one to finish."""
    law = distributions.Table([[0] * 4, [1] * 4], [1, 1])
    path = along_data(law, EntropyBudget(2.9))
    assert path.rounds > entropy_budget_bound(law, 2.9, 0.0) + 0.3
    assert path.rounds < entropy_budget_bound(law, 2.9, path.kl)


@toys
@pytest.mark.parametrize("by", ["entropy", "confidence", "margin"])
def test_error_of_entropy_bounded_rounds(law, by):
    """RT-6, over data."""
    for gamma in GAMMAS:
        rule = EntropyBounded(gamma, by=by)
        path = along_data(law, rule, ties="lowest")
        run = exact(law, Decoder(rule, position_ties="lowest"))
        assert run.kl == pytest.approx(path.kl, abs=1e-10)
        assert run.kl <= path.at_stake + 1e-10
        assert path.at_stake <= gamma * path.rounds + 1e-10
        mixed = along_data(law, rule)
        assert exact(law, Decoder(rule)).kl <= mixed.kl + 1e-10
        assert mixed.kl <= mixed.at_stake + 1e-10


@given(
    laws.counted(max_length=4, max_outcomes=8) | laws.floating(max_length=4, max_outcomes=8),
    st.sampled_from(GAMMAS) | st.floats(0, 4),
    st.sampled_from(["entropy", "confidence", "margin"]),
)
def test_error_of_entropy_bounded_rounds_on_random_laws(sample, gamma, by):
    law, rule = table(sample), EntropyBounded(gamma, by=by)
    path = along_data(law, rule, ties="lowest")
    run = exact(law, Decoder(rule, position_ties="lowest"))
    assert run.kl == pytest.approx(path.kl, abs=1e-10)
    assert path.kl <= path.at_stake + 1e-10
    assert path.at_stake <= gamma * path.rounds + 1e-10


def over_output(law, strategy):
    """Mean budget used on the decoder's own canvases, all of them of positive probability."""
    model = IdealModel(law)
    live, total = {(-1,) * law.length: 1.0}, 0.0
    while live:
        after = defaultdict(float)
        for canvas, weight in live.items():
            one = np.array([canvas], np.int32)
            state = State.start(one, np.ones(1), np.zeros(1, np.uint64), model.tolerance, {})
            state = state.with_(feasible=state.masked)
            scores = model.evaluate(state, TokenRule()).scores(strategy.needs, state.feasible)
            state = state.with_(scores=scores)
            chance = Enumerated(None, max_children=10**6, width=max(law.alphabet_sizes))
            marginals = law.marginals(one)[0]
            for _, sets, shares in chance.choose(state, strategy.plan(state), "lowest", CHOOSE):
                (chosen,), (part,) = sets, shares
                entropy = scores["entropy"][0, chosen]
                total += weight * part * (entropy.sum() - entropy.max())
                where = np.flatnonzero(chosen)
                for tokens in product(*(np.flatnonzero(marginals[i]) for i in where)):
                    child = one[0].copy()
                    child[where] = tokens
                    if (child < 0).any():
                        p = math.prod(marginals[i, v] for i, v in zip(where, tokens, strict=True))
                        after[tuple(child.tolist())] += weight * part * p
        live = dict(after)
    return total


def test_budgets_of_the_decoders_own_canvases_bound_nothing():
    """RT-6 holds over data only: a bit that decides whether two more bits are to be lost.

    The first round draws two copies of it, which agree on 1 half as often as in data.
    """
    law = distributions.Table(
        [[1, 1, 1, 1], [1, 1, 2, 2], [0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
        [2500, 2500, 4980, 10, 10],
    )
    rule = EntropyBounded(1.01)
    run = exact(law, Decoder(rule, position_ties="lowest"))
    assert run.kl <= along_data(law, rule, ties="lowest").at_stake
    assert run.kl > 1.15 * over_output(law, rule)


# The rules -------------------------------------------------------------------------------


@cache
def bits(probabilities):
    return float(oracle.entropy_key(probabilities)) / LN2


def entropies(token_laws):
    return {i: bits(tuple(sorted(one.values()))) for i, one in token_laws.items()}


def budget_sets(eta, token_laws):
    """Sets that the entropy budget may commit, all alike."""
    h = sum(entropies(token_laws).values()) / len(token_laws)
    fits = [s for s in range(1, len(token_laws) + 1) if s * h <= eta + 1e-11]
    return list(combinations(token_laws, max(fits, default=1)))


def bounded_sets(gamma, by, token_laws):
    """Sets that the entropy-bounded rule may commit, all alike."""
    h = entropies(token_laws)
    key = {i: (-oracle.score(by, i, one, None), round(h[i], 10)) for i, one in token_laws.items()}
    ranked = sorted(token_laws, key=key.get)
    fits = [
        k for k in range(1, len(ranked) + 1)
        if sum(h[i] for i in ranked[:k]) - max(h[i] for i in ranked[:k]) <= gamma + 1e-11
    ]  # fmt: skip
    count = max(fits)
    cut = key[ranked[count - 1]]
    sure = tuple(i for i in ranked if key[i] < cut)
    tied = [i for i in ranked if key[i] == cut]
    return [(*sure, *rest) for rest in combinations(tied, count - len(sure))]


def recursion(law, length, sets_of):
    """Output law of a decoder, canvas by canvas, in fractions; off the support absorbed."""
    live, done = {(oracle.MASK,) * length: Fraction(1)}, defaultdict(Fraction)
    while live:
        after = defaultdict(Fraction)
        for canvas, weight in live.items():
            token_laws = oracle.token_laws(law, canvas)
            sets = sets_of(token_laws)
            for chosen in sets:
                for tokens, p in oracle.draws(token_laws, chosen):
                    child = oracle.fill(canvas, tokens)
                    if oracle.consistent(law, child):
                        place = after if oracle.MASK in child else done
                        place[child] += weight * p / len(sets)
        live = after
    return done


def assert_same(run, expected):
    got = dict(zip(map(tuple, run.outcomes.tolist()), run.weights.tolist(), strict=True))
    assert set(got) == set(expected)
    for outcome, weight in got.items():
        assert weight == pytest.approx(float(expected[outcome]), abs=EXACT)


@given(laws.counted(max_length=4, max_outcomes=7), st.sampled_from(ETAS))
def test_exact_law_of_an_entropy_budget(sample, eta):
    expected = recursion(sample.law, sample.length, lambda held: budget_sets(eta, held))
    assert_same(exact(table(sample), Decoder(EntropyBudget(eta))), expected)


@given(
    laws.counted(max_length=4, max_outcomes=7),
    st.sampled_from(GAMMAS),
    st.sampled_from(["entropy", "confidence", "margin"]),
)
def test_exact_law_of_entropy_bounded_rounds(sample, gamma, by):
    expected = recursion(sample.law, sample.length, lambda held: bounded_sets(gamma, by, held))
    run = exact(table(sample), Decoder(EntropyBounded(gamma, by=by)))
    assert_same(run, expected)


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@pytest.mark.parametrize("rule", [EntropyBudget(1.2), EntropyBounded(0.7)])
def test_fractions_and_samples(rule, arithmetic):
    law = distributions.replace_random(4)
    run = exact(law, Decoder(rule), arithmetic=arithmetic, off_support="marginal")
    samples = 4000
    drawn = simulate(law, Decoder(rule), samples=samples)
    deviation = math.sqrt(float(run.validity) * (1 - float(run.validity)) / samples)
    assert abs(drawn.validity.value - float(run.validity)) <= 5 * deviation + EXACT


@pytest.mark.parametrize("rule", [EntropyBudget(3.0), EntropyBudget(9.0), EntropyBounded(2.0)])
@pytest.mark.parametrize("make", [distributions.permutations, distributions.replace_random])
def test_orbits_give_the_same_law(rule, make):
    law = make(5)
    one, all_ = (exact(law, Decoder(rule), orbits=orbits) for orbits in (True, False))
    assert one.kl == pytest.approx(all_.kl, abs=1e-11)
    assert one.validity == pytest.approx(all_.validity, abs=EXACT)
    assert exact(make(40), Decoder(rule)).validity > 0


def first_sets(law, rule, ties="random"):
    """Which positions the first round commits, over many samples."""
    trace = decode(law, Decoder(rule, position_ties=ties), samples=40)
    return {tuple(np.flatnonzero(row)) for row in trace.committed[0]}


FAIR = distributions.Table(list(product([0, 1], repeat=4)), np.ones(16, int))


@pytest.mark.parametrize(
    ("eta", "size"), [(0.5, 1), (1.0, 1), (1.999, 1), (2.0, 2), (2.001, 2), (3.0, 3), (4.0, 4)]
)
def test_size_of_an_entropy_budget(eta, size):
    assert {len(chosen) for chosen in first_sets(FAIR, EntropyBudget(eta))} == {size}
    chosen = first_sets(FAIR, EntropyBudget(eta), ties="lowest")
    assert len(chosen) == math.comb(4, size)


@pytest.mark.parametrize("size", range(1, 8))
def test_a_budget_of_exactly_that_many_positions(size):
    """h = log2(7) is no round number in binary; the boundary holds all the same."""
    law, h = distributions.permutations(7), math.log2(7)
    for eta, expected in [(size * h, size), (size * h - 1e-9, max(size - 1, 1))]:
        assert {len(s) for s in first_sets(law, EntropyBudget(eta))} == {expected}


@pytest.mark.parametrize(
    ("gamma", "size"),
    [(0.0, 1), (0.999, 1), (1.0, 2), (1.5, 2), (2.0, 3), (2.999, 3), (3.0, 4), (9.0, 4)],
)
def test_size_of_an_entropy_bounded_round(gamma, size):
    assert first_sets(FAIR, EntropyBounded(gamma), ties="lowest") == {tuple(range(size))}
    assert len(first_sets(FAIR, EntropyBounded(gamma))) == math.comb(4, size)


def test_certain_positions_come_at_once():
    """They cost nothing, and the next one is the largest of its prefix."""
    law = distributions.concatenate(distributions.copy(3), distributions.parity(3))
    assert first_sets(law, EntropyBounded(0.0), ties="lowest") == {(0, 1, 2, 3)}
    assert first_sets(distributions.copy(3), EntropyBudget(0.01)) == {(0, 1, 2)}


def independent(*rows):
    """Independent positions with these integer weights."""
    outcomes = list(product(*(range(len(row)) for row in rows)))
    weights = [math.prod(r[v] for r, v in zip(rows, y, strict=True)) for y in outcomes]
    sizes = [len(row) for row in rows]
    return distributions.Table(outcomes, weights, alphabet_sizes=sizes)


def test_positions_are_ranked_by_what_was_asked_for():
    """Confidences .6, .5, .5, margins .45, 0, .25, entropies 1.6, 1, 1.5 bits."""
    law = independent([12, 3, 3, 2], [10, 10], [10, 5, 5])
    assert first_sets(law, EntropyBounded(0.0)) == {(1,)}
    assert first_sets(law, EntropyBounded(1.2)) == {(1, 2)}
    assert first_sets(law, EntropyBounded(0.0, by="confidence")) == {(0,)}
    assert first_sets(law, EntropyBounded(1.2, by="confidence")) == {(0, 1)}
    assert first_sets(law, EntropyBounded(1.2, by="margin")) == {(0,)}
    assert first_sets(law, EntropyBounded(1.8, by="margin")) == {(0, 2)}


def test_equal_confidences_come_lowest_entropy_first():
    law = independent([2, 1, 1], [2, 2], [2, 2])
    for ties in ("random", "lowest"):
        assert first_sets(law, EntropyBounded(1.0, by="confidence"), ties) == {(1, 2)}
    assert first_sets(law, EntropyBounded(0.9, by="confidence"), "lowest") == {(1,)}
    assert first_sets(law, EntropyBounded(0.9, by="confidence")) == {(1,), (2,)}


def test_blocks_open_the_positions_that_count():
    law = distributions.permutations(6)
    for rule in (EntropyBudget(100.0), EntropyBounded(100.0)):
        run = exact(law, Decoder(rule, blocks=strategies.LeftToRight(2)), off_support="marginal")
        assert run.expected_rounds == pytest.approx(3)


class Recorded(LawModel):
    """The toy network of the recorded decodes: logits from pairs of tokens."""

    tolerance = 0.0

    def __init__(self, arrays, name, length):
        self.base, self.pair = (np.float64(arrays[f"{name}_{part}"]) for part in ("base", "pair"))
        self.alphabet_sizes = (self.base.shape[1],) * length

    def laws(self, canvases, rows, positions):
        out = np.empty((len(rows), self.base.shape[1]))
        for k, (row, i) in enumerate(zip(rows, positions, strict=True)):
            shown = np.flatnonzero(canvases[row] >= 0)
            logits = self.base[i] + self.pair[i, shown, :, canvases[row, shown]].sum(axis=0)
            weights = np.exp(logits - logits.max())
            out[k] = weights / weights.sum()
        return out


def test_entropy_bounded_decodes_as_recorded(golden):
    """Same canvases in every round; the original's gamma is in nats."""
    recorded = json.loads((golden / "traces" / "eb_sampler.json").read_text())
    assert recorded["traces"]
    with np.load(golden / "models.npz") as arrays:
        loaded = {key: arrays[key] for key in arrays.files}
    for trace in recorded["traces"]:
        canvases = np.array(trace["canvases"])
        canvases[canvases == recorded["mask_id"]] = -1
        model = Recorded(loaded, trace["model"], canvases.shape[1])
        rule = EntropyBounded(trace["params"]["gamma"] / LN2)
        decoder = Decoder(rule, temperature=0, token_ties="lowest", position_ties="lowest")
        ours = decode(model, decoder, canvases=canvases[0])
        assert ours.canvases[:, 0].tolist() == canvases.tolist()
        assert ours.rounds.tolist() == [trace["n_calls"]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: EntropyBudget(0), ValueError, "eta must be greater than 0, got 0"),
        (lambda: EntropyBudget("1"), TypeError, "eta must be a real number, got '1'"),
        (lambda: EntropyBounded(-0.1), ValueError, "gamma must be at least 0, got -0.1"),
        (lambda: EntropyBounded(math.nan), ValueError, "gamma must be finite, got nan"),
        (lambda: EntropyBounded(1, by="random"), ValueError, "by must be one of 'entropy', 'conf"),
        (lambda: entropy_budget_bound(FAIR, 0.0, 1.0), ValueError, "eta must be greater than 0"),
        (lambda: entropy_budget_bound(FAIR, 1.0, -1.0), ValueError, "kl_path must be at least 0"),
        (lambda: entropy_budget_bound(3, 1.0, 1.0), TypeError, "distribution must be a distrib"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
