"""Token rules: what they draw, exactly and sampled, against the definitions."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import Decoder, distributions, exact, simulate, strategies
from infodecode._independent_metropolis import accepts, law_after
from infodecode._kernels.token_chains import after_moves_into
from infodecode.distributions import power
from infodecode.models import IdealModel, LawModel, NoisyModel
from infodecode.token_rules import (
    ExactPower,
    FromMarginal,
    LocalPower,
    MeanFieldPower,
    MetropolisHastings,
    TokenLaw,
)
from tests import laws, oracle, translation

KARAN_DU = distributions.Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5])
TWO_BITS = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [2, 1, 1, 2])
THREE_ONES = distributions.Table([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [1, 1, 2])

LEFT_TO_RIGHT = strategies.OneByOne("left_to_right")
RANDOM = strategies.OneByOne("random")

RULES = [
    LocalPower(2),
    ExactPower(2),
    MeanFieldPower(2),
    MetropolisHastings(2, proposals=2, steps=2),
    MetropolisHastings(2, proposals=3, joint=False),
    MetropolisHastings(2, proposals=3, bracket=False),
    MetropolisHastings(2, proposals=2, steps=2, weight="exact"),
    MetropolisHastings(2, proposals=3, weight="exact", joint=False),
]


def z(law, canvas, alpha):
    """Z_alpha(c): the powers of what remains."""
    rest = oracle.normalised(oracle.consistent(law, canvas))
    return sum((p**alpha for p in rest.values()), Fraction(0))


def mean_field(law, canvas, alpha):
    out = Fraction(1)
    for one in oracle.token_laws(law, canvas).values():
        out *= sum(p**alpha for p in one.values())
    return out


def chain_law(q, w, moves):
    """q P^moves, by the matrix, in fractions."""
    states = list(q)
    matrix = {}
    for a in states:
        for b in states:
            sure = w[a] == 0 or w[b] >= w[a]
            matrix[a, b] = q[b] * (1 if sure else w[b] / w[a])
        matrix[a, a] += 1 - sum(matrix[a, b] for b in states)
    law = dict(q)
    for _ in range(moves):
        law = {b: sum(law[a] * matrix[a, b] for a in states) for b in states}
    return law


def drawn(rule, law, canvas, chosen):
    """The law of the tokens drawn together at ``chosen``, from the rule's definition."""
    alpha = rule.alpha
    marginals = oracle.token_laws(law, canvas)
    local = {i: oracle.normalised({v: p**alpha for v, p in marginals[i].items()}) for i in chosen}
    weigh = mean_field
    if isinstance(rule, ExactPower) or getattr(rule, "weight", "") == "exact":
        weigh = z

    def alone(i):
        w = {v: weigh(law, oracle.fill(canvas, {i: v}), alpha) for v in local[i]}
        if isinstance(rule, LocalPower):
            return local[i]
        if isinstance(rule, MetropolisHastings):
            return chain_law(local[i], w, rule.moves)
        return oracle.normalised({v: p * w[v] for v, p in local[i].items()})

    if not (isinstance(rule, MetropolisHastings) and rule.joint):
        each = {i: alone(i) for i in chosen}
        return {tuple(sorted(t.items())): p for t, p in oracle.draws(each, chosen)}
    q, w = {}, {}
    whole = sum(oracle.consistent(law, canvas).values())
    for tokens, p in oracle.draws(local, chosen):
        state = tuple(sorted(tokens.items()))
        filled = oracle.fill(canvas, tokens)
        mass = sum(oracle.consistent(law, filled).values(), Fraction(0))
        product = Fraction(1)
        for i, v in tokens.items():
            product *= marginals[i][v]
        q[state] = p
        w[state] = weigh(law, filled, alpha) if mass else Fraction(0)
        if rule.bracket:
            w[state] *= (mass / whole / product) ** alpha
    return chain_law(q, w, rule.moves)


def decoded(rule, law, length, size, by):
    """Output law of ``size`` positions a round, by left to right or at random; None off support."""
    out = Counter()
    live = {(oracle.MASK,) * length: Fraction(1)}
    while live:
        after = Counter()
        for canvas, weight in live.items():
            open_ = oracle.masked(canvas)
            sets = list(itertools.combinations(open_, min(size, len(open_))))
            sets = sets[:1] if by == "left_to_right" else sets
            for chosen in sets:
                for tokens, p in drawn(rule, law, canvas, chosen).items():
                    child = oracle.fill(canvas, dict(tokens))
                    share = weight * p / len(sets)
                    if not oracle.consistent(law, child):
                        out[None] += share
                    elif oracle.MASK in child:
                        after[child] += share
                    else:
                        out[child] += share
        live = after
    return {y: p for y, p in out.items() if p and y is not None}


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(data=st.data())
def test_rules_have_their_exact_law(rule, arithmetic, data):
    if "bracket=False" in repr(rule):
        sample = data.draw(laws.counted(max_length=3, max_outcomes=30).filter(_full))
    else:
        sample = data.draw(laws.counted(max_length=3, max_outcomes=6))
    size, by = data.draw(st.sampled_from([1, 2])), data.draw(
        st.sampled_from(["left_to_right", "random"])
    )  # fmt: skip
    expected = decoded(rule, sample.law, sample.length, size, by)
    decoder = Decoder(strategies.TopK(size, by=by), tokens=rule)
    run = exact(translation.table(sample), decoder, arithmetic=arithmetic)
    got = translation.output(run)
    if arithmetic == "rational":
        assert got == expected
    else:
        assert got == pytest.approx({y: float(p) for y, p in expected.items()}, abs=1e-12)


def _full(sample):
    """Every sequence is possible: no canvas off the support is ever looked at."""
    return len(sample.law) == np.prod(sample.alphabet_sizes)


# The theory ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["float", "rational"])
@given(sample=laws.counted(), alpha=st.integers(1, 4),
       by=st.sampled_from(["random", "confidence", "entropy", "left_to_right"]),
       order=st.sampled_from(["choose-then-sample", "sample-then-choose"]))  # fmt: skip
def test_exact_powers_one_by_one_put_out_the_power_law(arithmetic, sample, alpha, by, order):
    """Unless positions are chosen by drawn tokens (BIAS-1)."""
    if order == "sample-then-choose" and by == "confidence":
        by = "margin"
    law = translation.table(sample)
    decoder = Decoder(strategies.OneByOne(by), tokens=ExactPower(alpha), order=order)
    run = exact(law, decoder, arithmetic=arithmetic)
    target = power(law, alpha)
    if arithmetic == "rational":
        assert translation.output(run) == translation.law(target)
    assert infodecode.kl_divergence(target, run.output) == 0.0
    assert infodecode.total_variation(target, run.output) <= 1e-12


@given(sample=laws.floating(), alpha=st.floats(0.2, 5))
def test_exact_powers_with_any_alpha(sample, alpha):
    law = translation.table(sample)
    run = exact(law, Decoder(RANDOM, tokens=ExactPower(alpha)))
    assert infodecode.kl_divergence(power(law, alpha), run.output) == 0.0


def test_karan_and_du():
    def ab(strategy, rule):
        return translation.output(exact(KARAN_DU, Decoder(strategy, tokens=rule)))[0, 1]

    right_to_left = strategies.FixedPartition([[1], [0]])
    assert power(KARAN_DU, 4).probabilities[0] == pytest.approx(0.766, abs=5e-4)
    assert ab(LEFT_TO_RIGHT, LocalPower(4)) == pytest.approx(0.291, abs=5e-4)
    assert ab(RANDOM, LocalPower(4)) == pytest.approx(0.570, abs=5e-4)
    assert ab(right_to_left, LocalPower(4)) == pytest.approx(0.849, abs=5e-4)
    for strategy in (LEFT_TO_RIGHT, RANDOM, right_to_left):
        for rule in (ExactPower(4), MeanFieldPower(4), MetropolisHastings(4, proposals=300)):
            assert ab(strategy, rule) == pytest.approx(0.766, abs=5e-4)


def test_two_bits_need_the_joint_weight():
    """With Z_alpha alone, alpha 1 weighs nothing: the product of marginals, uniform."""
    both = strategies.TopK(2)
    for rule in (
        MetropolisHastings(1, proposals=5, steps=9, weight="exact", joint=False),
        MetropolisHastings(1, proposals=5, steps=9, weight="exact", bracket=False),
        MetropolisHastings(1, proposals=5, steps=9, joint=False),
    ):
        run = exact(TWO_BITS, Decoder(both, tokens=rule), arithmetic="rational")
        assert run.weights.tolist() == [Fraction(1, 4)] * 4
    for weight in ("exact", "mean-field"):
        rule = MetropolisHastings(1, proposals=5, steps=9, weight=weight)
        run = exact(TWO_BITS, Decoder(both, tokens=rule))
        assert run.total_variation < 1e-8
        rule = MetropolisHastings(1, proposals=1, weight=weight)
        run = exact(TWO_BITS, Decoder(both, tokens=rule), arithmetic="rational")
        assert run.weights[0] == Fraction(5, 16)  # 1/4 + 1/4 (1/2)(1/2)


@given(sample=laws.counted(), alpha=st.integers(1, 3), moves=st.integers(0, 6))
def test_chains_approach_the_power_law(sample, alpha, moves):
    """At a fixed position: TV <= (1 - 1/w*)^(k+1), w* = max pi/q; exact in the limit."""
    alone = distributions.Table(
        [y[:1] for y in sample.weights], list(sample.weights.values()),
        alphabet_sizes=sample.alphabet_sizes[:1],
    )  # fmt: skip
    first = [[0], list(range(1, sample.length))] if sample.length > 1 else [[0]]
    law = translation.table(sample)
    target = power(law, alpha).table().marginal([0])
    proposal = power(alone, alpha)
    worst = max(
        2.0 ** float(target.log2_probability([[v]])[0] - proposal.log2_probability([[v]])[0])
        for (v,) in proposal.outcomes.tolist()
    )
    rule = MetropolisHastings(alpha, proposals=1, steps=moves, weight="exact")
    decoder = Decoder(strategies.FixedPartition(first), tokens=rule)
    run = exact(law, decoder, off_support="marginal")
    distance = infodecode.total_variation(target, run.output.marginal([0]))
    assert distance <= (1 - 1 / worst) ** (moves + 1) + 1e-12
    rule = MetropolisHastings(alpha, proposals=10_000, weight="exact")
    run = exact(law, Decoder(strategies.FixedPartition(first), tokens=rule))
    assert run.absorbed == pytest.approx(0, abs=1e-9)
    assert infodecode.kl_divergence(power(law, alpha), run.output) < 1e-9


@given(weights=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=6),
       moves=st.integers(0, 5))  # fmt: skip
def test_law_of_a_chain_is_that_of_its_matrix(weights, moves):
    q = oracle.normalised({k: share for k, (share, _) in enumerate(weights)})
    w = {k: Fraction(weight) for k, (_, weight) in enumerate(weights)}
    expected = list(chain_law(q, w, moves).values())
    start = np.array([0, len(q)])
    share, value = np.array(list(q.values())), np.array(list(w.values()))
    assert law_after(start, share, value, moves).tolist() == expected
    with np.errstate(divide="ignore"):
        log2 = np.log2(value.astype(float))
    found = law_after(start, share.astype(float), log2, moves)
    assert found == pytest.approx([float(p) for p in expected], abs=1e-14)
    assert (found >= 0).all()


def test_target_of_a_chain_is_stationary():
    q = oracle.normalised({0: 3, 1: 2, 2: 1, 3: 4})
    w = {0: Fraction(2), 1: Fraction(0), 2: Fraction(7), 3: Fraction(1, 2)}
    pi = oracle.normalised({k: q[k] * w[k] for k in q})
    far = law_after(np.array([0, 4]), np.array(list(q.values())), np.array(list(w.values())), 200)
    assert [float(p) for p in far] == pytest.approx([float(pi.get(k, 0)) for k in q], abs=1e-9)


def test_chain_kernel_runs_plain_and_on_several_chains():
    start, order = np.array([0, 2, 5]), np.array([1, 0, 2, 4, 3])
    proposal = np.array([0.5, 0.5, 0.2, 0.3, 0.5])
    ratio = np.array([0.25, 1.0, 1.0, 0.5, 1.0])
    out = np.empty((2, 3, 5))
    for run, (law, rejected, below) in zip(
        (after_moves_into, after_moves_into.py_func), out, strict=True
    ):
        run(start, order, proposal, ratio, 3, law, rejected, below)
    assert (out[0] == out[1]).all()
    q = {0: Fraction(1, 2), 1: Fraction(1, 2)}
    expected = chain_law(q, {0: Fraction(4), 1: Fraction(1)}, 3)
    assert out[0, 0, :2] == pytest.approx([float(p) for p in expected.values()], abs=1e-15)


def test_acceptance_of_impossible_states():
    low, high = np.array([-np.inf, -np.inf, 0.0, 0.0]), np.array([-np.inf, 0.0, -np.inf, -1.0])
    assert accepts(low, high, np.full(4, 0.4)).tolist() == [True, True, False, True]
    assert accepts(low, high, np.full(4, 0.6)).tolist() == [True, True, False, False]


def random_laws(count, make):
    generator = np.random.default_rng(7)
    outcomes = np.array(list(itertools.product(range(3), repeat=4)))
    for _ in range(count):
        weights = make(generator)
        yield distributions.Table(outcomes, weights / weights.sum(), alphabet_sizes=(3,) * 4)


def lost(law, strategy, rule):
    return infodecode.kl_divergence(
        power(law, 2), exact(law, Decoder(strategy, tokens=rule)).output
    )


def test_mean_field_lies_between_on_laws_without_rare_outcomes():
    for law in random_laws(25, lambda generator: generator.uniform(0.05, 1, 81)):
        for strategy in (LEFT_TO_RIGHT, RANDOM):
            local, field = (lost(law, strategy, r) for r in (LocalPower(2), MeanFieldPower(2)))
            assert 0 < field < local
            assert lost(law, strategy, ExactPower(2)) == 0.0


def test_mean_field_can_be_worse_than_local_tempering():
    """011, 101 and 110 with weights 1, 1, 2: the future is one choice, counted twice."""
    local = lost(THREE_ONES, LEFT_TO_RIGHT, LocalPower(2))
    field = lost(THREE_ONES, LEFT_TO_RIGHT, MeanFieldPower(2))
    assert (local, field) == pytest.approx((0.0303, 0.0392), abs=5e-5)


def test_mean_field_is_exact_where_the_rest_is_independent():
    law = distributions.concatenate(
        distributions.titanic().marginal([0, 3]), TWO_BITS.marginal([0])
    )
    for strategy in (RANDOM, LEFT_TO_RIGHT):
        assert lost(law, strategy, MeanFieldPower(2)) == pytest.approx(0, abs=1e-12)


# Sampled ------------------------------------------------------------------------------------


def assert_simulates(law, decoder, model=None, samples=6000):
    """The sampled loop puts out each outcome as often as it should, within five deviations."""
    off_support = "marginal" if model is None else model.off_support
    run = exact(law, decoder, model=model, off_support=off_support)
    drawn_ = simulate(law, decoder, model=model, samples=samples, keep_sequences=True)
    counts = Counter(map(tuple, drawn_.sequences.tolist()))
    expected = translation.output(run)
    assert set(counts) <= set(expected)
    chi = sum((counts[y] - samples * p) ** 2 / (samples * p) for y, p in expected.items())
    freedom = len(expected) - 1
    assert chi <= freedom + 5 * (2 * freedom) ** 0.5 + 5
    assert drawn_.expected_calls == pytest.approx(float(run.expected_calls), rel=0.05)
    assert drawn_.expected_evaluations == pytest.approx(float(run.expected_evaluations), rel=0.05)


CORRELATED = distributions.from_counts(
    [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 1], [2, 0, 1], [2, 1, 0]], [3, 1, 2, 2, 5, 1]
)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("order", ["choose-then-sample", "sample-then-choose"])
def test_simulation_agrees_with_exact(rule, order):
    decoder = Decoder(strategies.TopK(2, by="confidence"), tokens=rule, order=order)
    assert_simulates(CORRELATED, decoder)


@pytest.mark.parametrize(
    "model",
    [
        NoisyModel(CORRELATED, 0.7, seed=3),
        infodecode.StaleModel(CORRELATED, refresh=2),
        infodecode.GuidedModel(CORRELATED, 0.5, prompt=[0]),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize(
    "rule",
    [
        LocalPower(2),
        MeanFieldPower(2),
        MetropolisHastings(2, proposals=2, steps=2),
        MetropolisHastings(2, proposals=2, joint=False),
        ExactPower(2, distribution=CORRELATED),
    ],
    ids=repr,
)
def test_rules_on_other_models(rule, model):
    decoder = Decoder(strategies.TopK(2, by="random"), tokens=rule)
    assert_simulates(CORRELATED, decoder, model, samples=3000)


class Answers(LawModel):
    """Laws that are a fixed function of the canvas, none of them a conditional of another."""

    def __init__(self, sizes):
        self.alphabet_sizes = sizes

    def laws(self, canvases, rows, positions):
        code = (canvases[rows] + 2) @ np.arange(1, canvases.shape[1] + 1) + 5 * positions
        weights = 1 + (code[:, None] * np.array([3, 5, 7])[: max(self.alphabet_sizes)]) % 4
        return weights / weights.sum(axis=1, keepdims=True)


def test_a_model_is_asked_for_its_own_weights():
    """Mean-field weights and the chain rule are the model's, not those of any distribution."""
    law = distributions.Table(list(itertools.product(range(2), repeat=3)))
    model = Answers(law.alphabet_sizes)

    def marginal(canvas, i):
        return model.laws(np.array([canvas]), np.array([0]), np.array([i]))[0]

    def weight(tokens):
        a, b = tokens
        told = marginal((a, -1, -1), 1)[b] / marginal((-1, -1, -1), 1)[b]
        return told**2 * (marginal((a, b, -1), 2) ** 2).sum()

    q = {}
    for tokens in itertools.product(range(2), repeat=2):
        share = [marginal((-1, -1, -1), i) ** 2 for i in range(2)]
        q[tokens] = np.prod([p[v] / p.sum() for p, v in zip(share, tokens, strict=True)])
    expected = chain_law(q, {tokens: weight(tokens) for tokens in q}, 3)
    rule = MetropolisHastings(2, proposals=3)
    decoder = Decoder(strategies.FixedPartition([[0, 1], [2]]), tokens=rule)
    run = exact(law, decoder, model=model)
    found = run.output.marginal([0, 1])
    got = dict(zip(map(tuple, found.outcomes.tolist()), found.probabilities, strict=True))
    assert got == pytest.approx(expected, abs=1e-12)
    alone = Decoder(strategies.FixedPartition([[0], [1, 2]]), tokens=MeanFieldPower(2))
    found = exact(law, alone, model=model).output.marginal([0])
    values = [
        marginal((-1, -1, -1), 0)[v] ** 2
        * np.prod([(marginal((v, -1, -1), j) ** 2).sum() for j in (1, 2)])
        for v in range(2)
    ]
    assert found.probabilities[found.outcomes[:, 0].argsort()] == pytest.approx(
        np.array(values) / sum(values), abs=1e-12
    )


# Costs --------------------------------------------------------------------------------------


def costs(rule, size=2, order="choose-then-sample"):
    law = distributions.Table(list(itertools.product(range(2), repeat=4)))
    run = exact(law, Decoder(strategies.TopK(size, by="left_to_right"), tokens=rule, order=order))
    return run.expected_calls, run.expected_evaluations


def test_costs_of_a_round():
    """Four bits, two a round: two rounds, of which the last leaves nothing masked."""
    assert costs(FromMarginal()) == (2, 2)
    assert costs(LocalPower(3)) == (2, 2)
    assert costs(ExactPower(3)) == (2, 2)
    assert costs(MeanFieldPower(3)) == (4, 2 + 4 + 4)
    assert costs(MeanFieldPower(3), size=1) == (7, 4 + 3 * 2)
    assert costs(MeanFieldPower(3), order="sample-then-choose") == (4, 2 + 8 + 4)
    assert costs(MetropolisHastings(3, proposals=5, steps=2)) == (6, 2 + 11 * 2 + 11)
    assert costs(MetropolisHastings(3, proposals=5, steps=2, bracket=False)) == (4, 2 + 11)
    assert costs(MetropolisHastings(3, proposals=5, steps=2, joint=False)) == (6, 2 + 22 + 22)
    assert costs(MetropolisHastings(3, proposals=5, steps=0)) == (2, 2)
    assert costs(MetropolisHastings(3, proposals=5, weight="exact")) == (2, 2)


def test_only_drawn_candidates_are_evaluated():
    asked = []

    class Counting(IdealModel):
        def evaluate(self, state, rule):
            asked.append(state.rows)
            return super().evaluate(state, rule)

    law = distributions.permutations(5)
    rule = MetropolisHastings(2, proposals=3, steps=2)
    decoder = Decoder(strategies.TopK(2), tokens=rule)
    run = simulate(law, decoder, model=Counting(law), samples=10, threads=1, batch=10)
    assert sum(asked) == 10 * run.expected_evaluations
    assert asked == [10, 80, 60, 10, 80, 60, 10]


# The loop -----------------------------------------------------------------------------------


def test_the_default_changes_nothing():
    plain, named = Decoder(strategies.TopK(2)), Decoder(strategies.TopK(2), tokens=FromMarginal())
    assert plain == named
    assert repr(named) == "Decoder(TopK(k=2, by='random'))"
    one = simulate(CORRELATED, plain, samples=50, keep_sequences=True)
    two = simulate(CORRELATED, named, samples=50, keep_sequences=True)
    assert (one.sequences == two.sequences).all()


def test_names():
    assert repr(MetropolisHastings(4.0, proposals=3, joint=False)) == (
        "MetropolisHastings(4, proposals=3, joint=False)"
    )
    assert repr(Decoder(RANDOM, tokens=LocalPower(0.5))).endswith("tokens=LocalPower(0.5))")


@given(sample=laws.counted(max_length=3), temperature=st.sampled_from([1.0, 0.5]))
def test_local_tempering_is_a_temperature(sample, temperature):
    law = translation.table(sample)
    rule = Decoder(RANDOM, tokens=LocalPower(2), temperature=temperature)
    run = exact(law, rule, arithmetic="rational")
    other = exact(law, Decoder(RANDOM, temperature=temperature / 2), arithmetic="rational")
    assert translation.output(run) == translation.output(other)


def test_temperature_acts_on_the_law_of_the_rule():
    """At temperature 0 the mode of mu^alpha Z_alpha, which is not that of the marginal."""
    law = distributions.from_counts([[0, 0], [0, 1], [0, 2], [1, 0]], [2, 2, 2, 5])
    greedy = Decoder(LEFT_TO_RIGHT, temperature=0, tokens=ExactPower(4))
    assert exact(law, greedy).output.outcomes.tolist() == [[1, 0]]
    local = Decoder(LEFT_TO_RIGHT, temperature=0, tokens=LocalPower(4))
    assert exact(law, local).output.outcomes[:, 0].tolist() == [0, 0, 0]
    drawn_ = simulate(law, local, samples=200, keep_sequences=True)
    assert (drawn_.sequences[:, 0] == 0).all()


def test_confidence_stays_that_of_the_marginals():
    """With alpha 8 everything looks sure, yet the threshold sees the marginals."""
    law = distributions.replace_random(3)
    gate = strategies.Threshold(0.7)
    plain, raised = (exact(law, Decoder(gate, tokens=t)) for t in (FromMarginal(), LocalPower(8)))
    assert plain.rounds.argmax() == raised.rounds.argmax()
    drawn_ = infodecode.decode(law, Decoder(RANDOM, tokens=LocalPower(8)), samples=3)
    assert set(drawn_.probability[0][drawn_.probability[0] > 0].round(6)) <= {0.666667, 0.333333}


@pytest.mark.parametrize("rule", [LocalPower(2), ExactPower(2), MeanFieldPower(2), RULES[4]],
                         ids=repr)  # fmt: skip
@pytest.mark.parametrize("law", [distributions.permutations(4), distributions.replace_random(4)],
                         ids=lambda law: law.name)  # fmt: skip
def test_orbits(rule, law):
    decoder = Decoder(strategies.TopK(2, by="random"), tokens=rule)
    short, whole = (exact(law, decoder, orbits=orbits) for orbits in (True, False))
    assert short.validity == pytest.approx(whole.validity, abs=1e-12)
    assert short.kl == pytest.approx(whole.kl, abs=1e-12)
    assert short.followed.expected_evaluations == pytest.approx(whole.followed.expected_evaluations)


def test_joint_draws_do_not_follow_orbits():
    law, rule = distributions.permutations(10), MetropolisHastings(1, proposals=2)
    decoder = Decoder(strategies.TopK(1), tokens=rule)
    with pytest.raises(ValueError, match="draws the tokens of a round together"):
        exact(law, decoder, orbits=True)


def test_absorbing_and_following_agree():
    for rule in RULES:
        decoder = Decoder(strategies.TopK(2), tokens=rule)
        law = distributions.permutations(3)
        absorbed, followed = exact(law, decoder), exact(law, decoder, off_support="uniform")
        assert absorbed.absorbed + absorbed.validity == pytest.approx(1)
        assert absorbed.validity == pytest.approx(followed.validity)
        assert absorbed.kl == pytest.approx(followed.kl)


def test_a_revising_strategy_with_a_chain():
    law = distributions.from_counts([[0, 0], [1, 1]], [2, 1])
    rule = MetropolisHastings(2, proposals=4, weight="exact")
    decoder = Decoder(strategies.P2(4), tokens=rule)
    run = exact(law, decoder)
    assert float(np.sum(run.weights)) + run.unfinished == pytest.approx(1)
    assert_simulates(law, decoder)


# Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalPower(0), "alpha must be greater than 0, got 0"),
        (lambda: ExactPower(2, distribution=3), "distribution must be a distribution, got 3"),
        (lambda: MetropolisHastings(2, proposals=0), "proposals must be at least 1, got 0"),
        (lambda: MetropolisHastings(2, steps=-1), "steps must be at least 0, got -1"),
        (lambda: MetropolisHastings(2, proposals=101, steps=100), "at most 10,000, got 10,100"),
        (lambda: MetropolisHastings(2, weight="best"), "weight must be one of 'mean-field'"),
        (lambda: MetropolisHastings(2, joint=1), "joint must be True or False, got 1"),
        (lambda: MetropolisHastings(2, distribution=KARAN_DU), "goes with weight='exact'"),
        (lambda: Decoder(RANDOM, tokens=4), "tokens must be a TokenLaw, got 4"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_exact_weights_need_a_distribution():
    noisy = NoisyModel(CORRELATED, 0.5)
    for rule in (ExactPower(2), MetropolisHastings(2, weight="exact")):
        decoder = Decoder(RANDOM, tokens=rule)
        for run in (exact, simulate):
            with pytest.raises(ValueError, match="needs the distribution behind the model, which"):
                run(CORRELATED, decoder, model=noisy)
    other = Decoder(RANDOM, tokens=ExactPower(2, distribution=KARAN_DU))
    with pytest.raises(ValueError, match=r"distribution must have the alphabets \(3, 2, 2\)"):
        exact(CORRELATED, other)


def test_what_rational_arithmetic_refuses():
    for alpha in (0.5, 65):
        decoder = Decoder(RANDOM, tokens=LocalPower(alpha))
        with pytest.raises(ValueError, match="needs a whole alpha of a token rule up to 64, got"):
            exact(CORRELATED, decoder, arithmetic="rational")


def test_a_chain_has_temperature_one():
    decoder = Decoder(RANDOM, tokens=MetropolisHastings(2), temperature=0.5)
    with pytest.raises(ValueError, match=r"temperature must be 1 with MetropolisHastings, got 0.5"):
        exact(CORRELATED, decoder)


def test_too_many_combinations_are_counted():
    law = distributions.permutations(7)
    decoder = Decoder(strategies.TopK(7), tokens=MetropolisHastings(2))
    with pytest.raises(ValueError, match="823,543 combinations on a canvas, more than the 65,536"):
        exact(law, decoder)
    assert simulate(law, decoder, samples=20).expected_evaluations == 1 + 9 * 6


def test_a_rule_of_ones_own():
    """A token law is a class with `laws`: here whatever is possible, uniformly."""

    class Uniformly(TokenLaw):
        def laws(self, ask, rows, positions):
            possible = ask.marginal(rows, positions) > 0
            return possible / possible.sum(axis=1, keepdims=True)

    run = exact(KARAN_DU, Decoder(LEFT_TO_RIGHT, tokens=Uniformly()))
    assert run.output.probabilities.tolist() == [0.5, 0.25, 0.25]
