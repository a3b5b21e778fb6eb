"""Guidance: its law, what it leaves alone, and the recorded decodes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infodecode import Decoder, IdealModel, NoisyModel, decode, distributions, exact, simulate
from infodecode.guided_model import GuidedModel
from infodecode.models import LawEvaluation, TokenRule
from infodecode.strategies import TopK
from infodecode.strategies.quota import Quota
from tests import oracle, recorded, scalar_rules
from tests.test_simulate_against_exact import assert_follows, uneven
from tests.translation import table

EXACT = 1e-12


def asked(canvas):
    """Arguments of a model's `laws` for every masked position of one canvas."""
    positions = np.array(oracle.masked(canvas))
    return np.array([canvas], np.int32), np.zeros(len(positions), np.int64), positions


def without(canvas, prompt):
    return tuple(oracle.MASK if i in prompt else v for i, v in enumerate(canvas))


@given(
    start=scalar_rules.partly_filled(),
    weight=st.integers(0, 3),
    prompt=st.sets(st.integers(0, 3)),
)
def test_law_of_a_position(start, weight, prompt):
    """By both formulas: the ratio of laws, and how well the token explains the prompt."""
    sample, canvas = start
    prompt = {i for i in prompt if i < sample.length}
    got = GuidedModel(table(sample), weight, prompt=prompt).laws(*asked(canvas))
    given_, free = (
        oracle.token_laws(sample.law, shown) for shown in (canvas, without(canvas, prompt))
    )
    for row, i in zip(got, oracle.masked(canvas), strict=True):
        ratio = oracle.normalised(
            {v: p ** (weight + 1) / free[i][v] ** weight for v, p in given_[i].items()}
        )
        explained = oracle.normalised(
            {v: p * explains(sample.law, canvas, prompt, i, v) ** weight
             for v, p in given_[i].items()}
        )  # fmt: skip
        assert ratio == explained
        assert row.tolist() == pytest.approx(
            [float(ratio.get(v, 0)) for v in range(len(row))], abs=EXACT
        )
        assert {int(v) for v in np.flatnonzero(row)} == set(given_[i])


def explains(law, canvas, prompt, position, token):
    """Probability of the prompt's tokens given the rest and this token."""
    filled = oracle.fill(canvas, {position: token})
    rest = oracle.fill(without(canvas, prompt), {position: token})
    return Fraction(
        sum(oracle.consistent(law, filled).values()), sum(oracle.consistent(law, rest).values())
    )


def test_weight_zero_changes_nothing():
    law = uneven()
    for guided in (GuidedModel(law, 0, prompt=[0]), GuidedModel(law, 3.5, prompt=[])):
        ours = exact(law, Decoder(TopK(2)), model=guided)
        theirs = exact(law, Decoder(TopK(2)))
        assert ours.outcomes.tolist() == theirs.outcomes.tolist()
        assert ours.weights.tolist() == theirs.weights.tolist()


def test_a_masked_prompt_guides_nothing():
    law = uneven()
    at = asked((-1, 1, -1))
    laws_ = GuidedModel(law, 4.0, prompt=[0, 2]).laws(*at)
    np.testing.assert_allclose(laws_, IdealModel(law).laws(*at), atol=EXACT)


def test_by_hand():
    """p_c = (4, 1)/5 and p_u = (6, 4)/10: squares over p_u, 16/25 / .6 against 1/25 / .4."""
    law = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 1, 2, 3])
    one = GuidedModel(law, 1, prompt=0).laws(*asked((0, -1)))[0]
    a, b = 16 / 25 / 0.6, 1 / 25 / 0.4
    assert one.tolist() == pytest.approx([a / (a + b), b / (a + b)], abs=EXACT)
    run = exact(law, Decoder(TopK(1, "left_to_right")), model=GuidedModel(law, 1, prompt=0))
    outputs = dict(zip(map(tuple, run.outcomes.tolist()), run.weights.tolist(), strict=True))
    assert outputs[0, 0] == pytest.approx(a / (a + b) / 2, abs=EXACT)
    assert run.kl > 0


@pytest.mark.parametrize("weight", [1e-9, 1.0, 50.0, 1e6, 1e100])
def test_no_weight_breaks_the_law(weight):
    law = distributions.Table([[0, 0], [0, 1], [1, 1], [1, 2]], [1, 2, 1, 10**6])
    for shown in ((0, -1), (1, -1), (-1, 1)):
        at = asked(shown)
        guided = GuidedModel(law, weight, prompt=[0, 1]).laws(*at)
        assert np.isfinite(guided).all()
        assert guided.sum(axis=1) == pytest.approx(1, abs=EXACT)
        assert (guided[IdealModel(law).laws(*at) == 0] == 0).all()


@pytest.mark.parametrize("weight", [0.5, 2.0, 1e100])
def test_off_the_support_the_limit_is_taken(weight):
    """(0, 1, ?) has no law: by marginals token 2 is possible, given the rest alone it is not."""
    law = distributions.Table([[0, 0, 0], [1, 1, 1], [0, 2, 2], [1, 1, 0]], [1, 1, 2, 1])
    one = GuidedModel(law, weight, prompt=[0]).laws(*asked((0, 1, -1)))[0]
    assert one.tolist() == [0, 0, 1]
    marginal, free = (IdealModel(law).laws(*asked(c))[0] for c in ((0, 1, -1), (-1, 1, -1)))
    assert (marginal[2], free[2]) == (pytest.approx(0.4), 0)


def test_over_a_noisy_model():
    law = uneven()
    noisy = NoisyModel(law, 0.5, seed=1)
    at = asked((1, -1, -1))
    guided = GuidedModel(noisy, 2.0, prompt=[0]).laws(*at)
    given_, free = noisy.laws(*at), noisy.laws(*asked((-1, -1, -1)))[-2:]
    expected = np.where(given_ > 0, given_**3 / np.where(free > 0, free, 1) ** 2, 0)
    np.testing.assert_allclose(guided, expected / expected.sum(axis=1, keepdims=True), atol=EXACT)
    assert math.isfinite(exact(law, Decoder(TopK(1)), model=GuidedModel(noisy, 1, prompt=0)).kl)


def test_simulation_follows_the_exact_law():
    law = uneven()
    options = {"model": GuidedModel(law, 1.5, prompt=[1]), "off_support": "marginal"}
    decoder = Decoder(TopK(2, "confidence"), order="sample-then-choose")
    run = exact(law, decoder, **options)
    again = simulate(
        law, decoder, samples=5000, seed=3, confidence=1 - 1e-6, keep_sequences=True, **options
    )
    assert_follows(again, run)


class WithPrompt(recorded.RecordedModel):
    """The recorded network on whole canvases, prompt included."""

    def laws(self, canvases, rows, positions):
        logits = self.logits(canvases, rows, positions)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)


def test_recorded_guidance():
    """LLaDA's guided decodes of a single block, the prompt on the canvas."""
    seen = 0
    for of in recorded.recordings("llada_low_confidence"):
        if not of.params["cfg_scale"] or of.params["block_length"] < of.trace["gen_length"]:
            continue
        prompt = of.trace["prompt"]
        whole = np.array(of.trace["canvases"])
        model = WithPrompt(of.trace["model"], [], whole.shape[1])
        guided = GuidedModel(model, of.params["cfg_scale"], prompt=range(len(prompt)))
        decoder = recorded.as_shipped(Quota(of.params["steps"], as_shipped=True))
        start = np.where(whole[0] == of.mask_id, -1, whole[0])
        ours = decode(guided, decoder, canvases=start)
        assert ours.canvases[:, 0].tolist() == np.where(whole == of.mask_id, -1, whole).tolist()
        seen += 1
    assert seen


def test_visible_positions_are_guided_too():
    """A rule that revises sees the guided law of what is there."""
    law = distributions.Table([[0, 0], [0, 1], [1, 0], [1, 1]], [4, 1, 2, 3])
    guided = GuidedModel(law, 1, prompt=0)
    masked = guided.laws(*asked((0, -1)))
    canvas, zero, one = np.array([[0, 1]], np.int32), np.array([0]), np.array([1])
    scores = LawEvaluation(guided, canvas, TokenRule()).visible_scores(
        ["visible_probability"], np.array([[False, True]])
    )
    assert scores["visible_probability"][zero, one] == pytest.approx(masked[0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: GuidedModel(3, 1.0, prompt=0), TypeError, "model must be a model with exact laws"),
        (lambda: GuidedModel(uneven(), -1, prompt=0), ValueError, "weight must be at least 0"),
        (lambda: GuidedModel(uneven(), math.nan, prompt=0), ValueError, "weight must be finite"),
        (
            lambda: GuidedModel(uneven(), 1, prompt=[3]),
            ValueError,
            r"prompt\[0\] must be at most 2",
        ),
        (lambda: GuidedModel(uneven(), 1, prompt=[0, 0]), ValueError, "each position once"),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
