"""Entropy caps: against a slow account of every round, attained where they can be, and refused."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infodecode import Decoder, NoisyModel, bounds, distributions, exact, strategies
from infodecode.exploration import entropy_cap, gate_bits
from infodecode.state import State
from infodecode.strategies import Plan, Ranked, Strategy
from infodecode.token_rules import LocalPower, MeanFieldPower, MetropolisHastings
from tests import laws, oracle, translation

DRAWN = "sample-then-choose"


def entropy(law):
    return -math.fsum(float(p) * math.log2(p) for p in law if p > 0)


def probabilities(size):
    return st.lists(st.floats(0.001, 1), min_size=size, max_size=size).map(
        lambda w: np.array(w) / sum(w)
    )


@given(st.integers(1, 5).flatmap(probabilities), st.floats(0, 1))
def test_no_token_that_passes_has_more_entropy(law, share):
    """Both gates, at every threshold that the law passes."""
    for tau in (share * law.max(), law.max()):
        assert entropy(law) <= gate_bits(tau, len(law)) + 1e-9
        passing = (law >= tau).sum()
        assert math.log2(passing) <= gate_bits(tau, len(law), drawn=True, inclusive=True) + 1e-12
        strictly = max(1, (law > tau).sum())
        assert math.log2(strictly) <= gate_bits(tau, len(law), drawn=True) + 1e-12


@pytest.mark.parametrize(("tau", "size"), [(0.9, 4), (0.3, 4), (0.25, 4), (1.0, 3), (0.5, 2)])
def test_the_gate_on_the_largest_is_attained(tau, size):
    law = [tau] + [(1 - tau) / (size - 1)] * (size - 1)
    assert entropy(law) == pytest.approx(gate_bits(tau, size), abs=1e-12)


@pytest.mark.parametrize(
    ("tau", "strict", "inclusive"),
    [(0.5, 1, 2), (1 / 3, 2, 3), (1 / 49, 48, 49), (0.4, 2, 2), (0.0, 60, 60), (1.0, 1, 1)],
)
def test_how_many_drawn_tokens_can_pass(tau, strict, inclusive):
    assert 2 ** gate_bits(tau, 60, drawn=True) == pytest.approx(strict)
    assert 2 ** gate_bits(tau, 60, drawn=True, inclusive=True) == pytest.approx(inclusive)


def slow_account(sample, strategy, gate, inclusive, dialect):
    """Gated and forced commits and bits, one canvas at a time (lowest ties, choosing first)."""
    sizes = sample.alphabet_sizes
    each = [gate_bits(gate, v) for v in sizes]
    live, totals = {(oracle.MASK,) * len(sizes): 1.0}, np.zeros(4)
    while live:
        after = {}
        for canvas, weight in live.items():
            tokens = oracle.token_laws(sample.law, canvas)
            confidence = {i: float(max(law.values())) for i, law in tokens.items()}
            order = sorted(confidence, key=lambda i: (-round(confidence[i], 9), i))
            passing = [i for i in order if confidence[i] > strategy.gamma + 1e-12]
            chosen = passing or order[:1]
            for i in chosen:
                edge = confidence[i] - gate
                passed = edge >= -1e-12 if inclusive else edge > 1e-12
                part = (1, 0, each[i], 0) if passed else (0, 1, 0, entropy(tokens[i].values()))
                totals += weight * np.array(part)
            for drawn in itertools.product(*(tokens[i].items() for i in chosen)):
                child, share = list(canvas), weight
                for i, (token, p) in zip(chosen, drawn, strict=True):
                    child[i], share = token, share * float(p)
                after[tuple(child)] = after.get(tuple(child), 0) + share
        live = {c: w for c, w in after.items() if oracle.MASK in c}
    return totals


@settings(max_examples=60)
@given(st.data())
def test_it_is_the_slow_account(data):
    sample = data.draw(laws.counted(max_length=3))
    # off the support the model's convention would count: all outcomes are possible here
    every = list(itertools.product(*map(range, sample.alphabet_sizes)))
    weights = {y: sample.weights.get(y, 0) + 1 for y in every}
    sample = laws.Sample(oracle.normalised(weights), weights, sample.alphabet_sizes)
    gamma = data.draw(st.sampled_from([0.3, 0.5, 0.6, 0.75, 0.9]))
    decoder = Decoder(strategies.Threshold(gamma), position_ties="lowest")
    cap = entropy_cap(translation.table(sample), decoder)
    gated, forced, gated_bits, forced_bits = slow_account(
        sample, decoder.strategy, gamma, False, None
    )
    assert (cap.gated, cap.forced) == pytest.approx((gated, forced), abs=1e-10)
    assert (cap.gated_bits, cap.forced_bits) == pytest.approx((gated_bits, forced_bits), abs=1e-10)
    assert cap.position_information == cap.choice_bits == 0
    assert cap.slack == pytest.approx(gated_bits + forced_bits - cap.entropy, abs=1e-10)


@settings(max_examples=150)
@given(st.data())
def test_no_decoder_exceeds_it(data):
    """Every rule, dialect and order, at its own gate or at any."""
    sample = data.draw(laws.counted())
    strategy, dialect = data.draw(laws.decoders(sample.law))
    decoder = translation.decoder(strategy, dialect)
    own = isinstance(decoder.strategy, strategies.Threshold)
    gate = None if own and data.draw(st.booleans()) else data.draw(st.floats(0, 1))
    law = translation.table(sample)
    cap = entropy_cap(law, decoder, gate=gate)
    assert cap.entropy == pytest.approx(exact(law, decoder, off_support="marginal").entropy)
    assert cap.gated + cap.forced == pytest.approx(law.length)
    assert cap.entropy <= cap.cap + 1e-9
    assert cap.slack >= 0
    if decoder.draws_first:
        assert cap.position_information is None
    else:
        assert 0 <= cap.position_information <= cap.choice_bits + 1e-9
        if decoder.position_ties == "lowest" and getattr(decoder.strategy, "by", "") != "random":
            assert cap.position_information == cap.choice_bits == 0


def independent(law, length, **options):
    rows = list(itertools.product(range(len(law)), repeat=length))
    return distributions.Table(rows, [math.prod(law[v] for v in y) for y in rows], **options)


def test_attained_by_gated_commits():
    law = independent([0.7, 0.1, 0.1, 0.1], 2)
    cap = entropy_cap(law, Decoder(strategies.Threshold(0.7, inclusive=True)))
    assert (cap.gated, cap.forced, cap.slack) == (2, 0, 0)
    assert cap.entropy == pytest.approx(2 * gate_bits(0.7, 4))
    assert cap.entropy == pytest.approx(cap.naive)


def test_attained_by_forced_commits_that_the_naive_cap_forgets():
    cap = entropy_cap(distributions.Table([[0], [1], [2], [3]]), Decoder(strategies.Threshold(0.9)))
    assert (cap.entropy, cap.cap, cap.slack) == (2, 2, 0)
    assert cap.naive == pytest.approx(0.62749, abs=1e-5)


def test_attained_by_drawn_tokens():
    law = independent([0.5, 0.5], 3)
    decoder = Decoder(strategies.Threshold(0.5, inclusive=True), order=DRAWN)
    cap = entropy_cap(law, decoder)
    assert (cap.entropy, cap.cap, cap.choice_bits, cap.gated) == (3, 3, 0, 3)


def test_what_random_choices_tell_must_be_counted():
    law = distributions.permutations(4)
    cap = entropy_cap(law, Decoder(strategies.TopK(2, by="confidence")), gate=0.6)
    assert cap.entropy > cap.gated_bits + cap.forced_bits + 1
    assert cap.position_information == pytest.approx(cap.entropy - cap.gated_bits - cap.forced_bits)
    assert cap.position_information < cap.choice_bits == pytest.approx(math.log2(6))
    fixed = Decoder(strategies.TopK(2, by="confidence"), position_ties="lowest")
    assert entropy_cap(law, fixed, gate=0.6).position_information == 0


def test_sharper_draws_and_other_models():
    law = distributions.markov_chain([[0.9, 0.1], [0.3, 0.7]], length=4)
    gate = strategies.Threshold(0.8)
    for decoder in (
        Decoder(gate, tokens=LocalPower(3)),
        Decoder(gate, temperature=0.5),
        Decoder(gate, temperature=0),
        Decoder(gate, temperature=2, confidence="tempered"),
        Decoder(gate, tokens=MeanFieldPower(0.5), order=DRAWN),
        Decoder(gate, tokens=MetropolisHastings(2), order=DRAWN),
        Decoder(strategies.Threshold(0.8, at_least=2)),
    ):
        run = exact(law, decoder)
        assert run.entropy_cap.entropy == pytest.approx(run.entropy)
        assert run.entropy_cap.cap >= run.entropy - 1e-12
    noisy = NoisyModel(law, 0.7, seed=3)
    run = exact(law, Decoder(gate), model=noisy)
    assert run.entropy_cap.entropy == pytest.approx(run.entropy)
    assert run.entropy_cap.entropy != pytest.approx(exact(law, Decoder(gate)).entropy)
    assert run.entropy_cap.cap >= run.entropy - 1e-12


def test_a_hotter_draw_breaks_the_bound_and_is_refused():
    law = distributions.Table([[0], [1]], [9, 1])
    gate = strategies.Threshold(0.9, inclusive=True)
    for decoder in (
        Decoder(gate, temperature=2),
        Decoder(gate, tokens=LocalPower(0.5)),
        Decoder(gate, tokens=LocalPower(1.5), temperature=2),
    ):
        assert exact(law, decoder).entropy > gate_bits(0.9, 2)
        with pytest.raises(ValueError, match="at least as sharply"):
            entropy_cap(law, decoder)
    with pytest.raises(ValueError, match="at least as sharply"):
        entropy_cap(law, Decoder(gate, tokens=MeanFieldPower(2)))


def test_a_run_shows_it_once_asked():
    run = exact(distributions.permutations(4), Decoder(strategies.Threshold(0.9)))
    assert "entropy cap" not in run._repr_html_()
    cap = run.entropy_cap
    assert "entropy cap" in run._repr_html_()
    assert run.summary()["entropy_cap"] == cap.cap == pytest.approx(5.21245, abs=1e-5)
    assert "cap 5.21245" in repr(cap)
    assert "forced bits" in cap._repr_html_()
    rational = exact(cap.distribution, cap.decoder, arithmetic="rational")
    assert rational.entropy_cap.cap == pytest.approx(cap.cap)


@given(st.data())
def test_the_cap_before_running_holds_with_what_was_forced(data):
    sample = data.draw(laws.counted())
    law = translation.table(sample)
    gamma = data.draw(st.sampled_from([0.4, 0.6, 0.9]))
    cap = entropy_cap(law, Decoder(strategies.Threshold(gamma), position_ties="lowest"))
    before = bounds(law).entropy_cap(gamma, forced=min(cap.forced, law.length))
    assert before >= cap.cap - 1e-9


def test_the_cap_before_running_by_hand():
    report = bounds(distributions.Table([[0, 0, 0], [1, 3, 1]], alphabet_sizes=(2, 4, 2)))
    none = 2 * gate_bits(0.9, 2) + gate_bits(0.9, 4)
    assert report.entropy_cap(0.9) == pytest.approx(none)
    assert report.entropy_cap(0.9, forced=1) == pytest.approx(none + 2 - gate_bits(0.9, 4))
    assert report.entropy_cap(0.9, forced=3) == pytest.approx(4)
    half = report.entropy_cap(0.9, forced=1.5) - report.entropy_cap(0.9, forced=1)
    assert half == pytest.approx((1 - gate_bits(0.9, 2)) / 2)
    for bad in (-0.1, 3.5):
        with pytest.raises(ValueError, match="forced"):
            report.entropy_cap(0.9, forced=bad)


class OwnTokens(Strategy):
    """Commits zeros from the left."""

    def plan(self, state: State) -> Plan | Ranked:
        key = np.broadcast_to(-np.arange(state.canvas.shape[1], dtype=float), state.canvas.shape)
        return Ranked(key, 1, tokens=np.zeros(state.canvas.shape, np.int32))


def test_refusals():
    law = distributions.permutations(3)
    gate = Decoder(strategies.Threshold(0.9))
    with pytest.raises(ValueError, match=r"gate must be given: TopK\(k=1"):
        entropy_cap(law, Decoder(strategies.OneByOne()))
    with pytest.raises(ValueError, match="commit for good"):
        entropy_cap(law, Decoder(strategies.WINO()), gate=0.5)
    with pytest.raises(ValueError, match="draw the tokens it commits"):
        entropy_cap(law, Decoder(OwnTokens()), gate=0.5)
    with pytest.raises(ValueError, match="gate must be at most 1"):
        entropy_cap(law, gate, gate=1.5)
    with pytest.raises(ValueError, match="max_children=2"):
        entropy_cap(law, gate, max_children=2)
    with pytest.raises(ValueError, match="off_support must be one of"):
        entropy_cap(law, gate, off_support="absorb")
    with pytest.raises(TypeError, match="decoder must be a Decoder"):
        entropy_cap(law, strategies.Threshold(0.9))
    with pytest.raises(ValueError, match="size must be at least 1"):
        gate_bits(0.5, 0)
