"""Every recorded decode of the original implementations, reproduced: canvases and model calls.

The recordings are found by `recorded.folder`: $INFODECODE_GOLDEN, shared/golden, or a sample.
"""

from __future__ import annotations

import json
from collections import ChainMap

import numpy as np
import pytest

from infodecode import Decoder, decode
from infodecode.chance import Sampled, allowed_of
from infodecode.distributions import copy
from infodecode.strategies import Independent
from infodecode.strategies.dream import DreamSchedule
from infodecode.strategies.quota import Quota
from infodecode.strategies.remdm import ReMDM, confidence_shares
from tests import recorded
from tests.dialects import refinements, revising, schedules, thresholds

GROUPS = (thresholds, schedules, revising, refinements)
DECODERS = ChainMap(*(group.DECODERS for group in GROUPS))
MODELS = ChainMap(*(group.MODELS for group in GROUPS))


REPLAYED = {"dream_origin"}
"""Files whose random numbers are recorded too."""


@pytest.mark.parametrize("name", sorted({*recorded.strategies()} - REPLAYED))
def test_recorded_decodes(name):
    if name not in DECODERS:
        pytest.fail(f"no dialect for {name}")
    for number, of in enumerate(recorded.recordings(name)):
        options = MODELS[name](of) if name in MODELS else {}
        ours = of.ours(DECODERS[name](of), **options)
        theirs = of.generated()
        where = f"{name}, trace {number}, {of.params}"
        assert ours.rounds.tolist() == [of.trace["n_calls"]], where
        assert ours.calls.sum() == of.trace["n_calls"], where
        assert ours.canvases[:, 0].tolist() == theirs.tolist(), where
        assert ours.finished.all(), where


def test_recorded_models():
    """Our copy of the toy models gives the recorded logits."""
    arrays = recorded._arrays(recorded.folder() / "models.npz")
    for name in sorted(
        {key.split("_")[0] for key in arrays if key.startswith("m") and "_base" in key}
    ):
        canvases = arrays[f"{name}_check_canvas"]
        canvases = np.where(canvases == arrays["mask_id"], -1, canvases)
        model = recorded.RecordedModel(name, [], canvases.shape[1])
        rows, at = np.divmod(np.arange(canvases.size), canvases.shape[1])
        logits = model.logits(canvases, rows, at)
        expected = arrays[f"{name}_check_logits"].reshape(canvases.size, -1)[:, : logits.shape[1]]
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-12)


def test_every_original_is_recorded():
    """Whichever folder is used: every decoder of ours that has an original is held against it."""
    assert set(recorded.strategies()) == {*DECODERS, *REPLAYED}
    for name in recorded.strategies():
        assert sum(1 for _ in recorded.recordings(name)) >= 2


def test_a_folder_that_is_not_there_is_not_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("INFODECODE_GOLDEN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="must name a folder with traces"):
        recorded.folder()


REMDM_SAMPLERS = {
    "mdlm": {"variant": "rescale", "eta": 0.0},
    "forward-backward": {"variant": "forward_backward"},
    "remdm-cap": {"variant": "cap"},
    "remdm-rescale": {"variant": "rescale"},
    "remdm-conf": {"variant": "conf"},
    "remdm-loop": {"variant": "loop"},
}
"""Our settings of the samplers in the recorded transitions."""


def remdm_transition(case, rule):
    """``q(x_s | x_t)`` ``(n, V + 1)`` of a recorded case, from our probabilities."""
    sigma, unmask = rule.transition(case["t"], max(case["t"] - case["dt"], 0))
    tokens, mask = np.array(case["x"]), case["mask_id"]
    visible = tokens != mask
    again = np.where(visible, sigma, 0)
    if case["sampler"] == "remdm-conf":
        probability = -np.where(visible, np.array(case["conf"], dtype=float), 0)
        again = sigma * confidence_shares(probability[None], visible[None])[0]
    q = np.where(visible[:, None], 1 - again[:, None], unmask) * np.array(case["p_x0"])
    q[:, mask] += np.where(visible, again, 1 - unmask)
    return q


def test_remdm_transitions():
    """As shipped always; by the published rule unless the loop's round crosses a border."""
    file = recorded.folder() / "remdm_q.json"
    if not file.exists():
        pytest.skip(f"no recorded transitions in {file.parent}")
    cases = [c for c in json.loads(file.read_text())["cases"] if not c["q_negative"]]
    assert cases
    for number, case in enumerate(cases):
        settings = dict(REMDM_SAMPLERS[case["sampler"]])
        settings |= {k: case[k] for k in ("eta", "t_on", "t_off", "alpha_on") if k in case}
        where = f"case {number}, {case['sampler']}, t={case['t']}"
        shipped = remdm_transition(case, ReMDM(1, **settings, as_shipped=True))
        np.testing.assert_allclose(shipped, case["q_xs"], rtol=0, atol=1e-9, err_msg=where)
        borders = (case["t_on"], case["t_off"]) if "t_on" in case else ()
        if not any(case["t"] - case["dt"] < border < case["t"] for border in borders):
            published = remdm_transition(case, ReMDM(1, **settings))
            np.testing.assert_allclose(published, case["q_xs"], rtol=0, atol=1e-9, err_msg=where)


class Replayed(Sampled):
    """Recorded uniforms decide: a round has one for every masked position, in ascending order."""

    def __init__(self, uniforms):
        super().__init__()
        self.uniforms = uniforms

    def choose(self, state, action, ties, purpose):
        assert isinstance(action, Independent)
        (where,) = np.nonzero(allowed_of(state, action)[0])
        uniform = np.array(self.uniforms[state.round[0]])
        assert len(uniform) == len(where)
        chosen = np.zeros(state.canvas.shape, bool)
        chosen[0, where] = uniform < action.probability[0, where]
        yield slice(None), chosen, state.weight


def test_recorded_coins():
    """Dream's ancestral sampler, step by step, and its probabilities to the last bit."""
    name = "dream_origin"
    if name not in recorded.strategies():
        pytest.skip(f"no recorded decodes of {name} in {recorded.folder()}")
    for number, of in enumerate(recorded.recordings(name)):
        decoder, model = DECODERS[name](of), of.model(**MODELS[name](of))
        where = f"{name}, trace {number}, {of.params}"
        assert decoder.strategy.shares.tolist() == of.trace["p_transfer_float32"], where
        published = DreamSchedule(of.params["steps"], eps=of.params["eps"])
        np.testing.assert_allclose(published.shares, decoder.strategy.shares, atol=1e-6)
        theirs = of.generated()
        blank = np.full((1, theirs.shape[1]), -1, np.int32)
        chance = Replayed(of.trace["uniforms"])
        state = decoder.start(blank, np.ones(1), np.zeros(1, np.uint64), model)
        for call in range(of.trace["n_calls"]):
            assert not decoder.strategy.finished(state).any(), where
            (state,) = decoder.step(state, model, chance)
            assert state.canvas[0].tolist() == theirs[call + 1].tolist(), where
        assert decoder.strategy.finished(state).all(), where


def recorded_counts(name):
    """Rows of one list of schedules.json, or a skip."""
    file = recorded.folder() / "schedules.json"
    if not file.exists():
        pytest.skip(f"no recorded schedules in {file.parent}")
    rows = json.loads(file.read_text())[name]
    assert rows
    return rows


def counts_of(rule, masks):
    """Positions committed in each round, on a law without surprises."""
    trace = decode(copy(masks), Decoder(rule))
    return trace.committed.sum(axis=(1, 2)).tolist()


def test_recorded_quotas():
    for masks, steps, quotas in recorded_counts("llada_quota"):
        rule = Quota(steps, "left_to_right", as_shipped=True)
        assert counts_of(rule, masks) == quotas, (masks, steps)


def test_recorded_dream_counts():
    """As shipped always; by the published rule unless 32-bit floats cross a whole number."""
    for masks, steps, eps, counts, same in recorded_counts("dream_counts"):
        shipped = DreamSchedule(steps, "left_to_right", eps, as_shipped=True)
        where = (masks, steps, eps)
        assert counts_of(shipped, masks) == counts, where
        assert list(shipped.sizes(masks)) == counts, where
        published = DreamSchedule(steps, "left_to_right", eps)
        assert (list(published.sizes(masks)) == counts) == same, where
