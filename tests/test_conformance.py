"""Every recorded decode of the original implementations, reproduced: canvases and model calls.

The recordings are found by `recorded.folder`: $INFODECODE_GOLDEN, shared/golden, or a sample.
"""

from __future__ import annotations

import json
from collections import ChainMap

import numpy as np
import pytest

import recorded
from dialects import refinements, revising, schedules, thresholds

GROUPS = (thresholds, schedules, revising, refinements)
DECODERS = ChainMap(*(group.DECODERS for group in GROUPS))
MODELS = ChainMap(*(group.MODELS for group in GROUPS))


@pytest.mark.parametrize("name", recorded.strategies())
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
    for name in sorted({key.split("_")[0] for key in arrays if key.startswith("m") and "_base" in key}):
        canvases = arrays[f"{name}_check_canvas"]
        canvases = np.where(canvases == arrays["mask_id"], -1, canvases)
        model = recorded.RecordedModel(name, [], canvases.shape[1])
        rows, at = np.divmod(np.arange(canvases.size), canvases.shape[1])
        logits = model.logits(canvases, rows, at)
        expected = arrays[f"{name}_check_logits"].reshape(canvases.size, -1)[:, : logits.shape[1]]
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-12)


def test_factor_steps():
    cases = json.loads((recorded.folder() / "factor_steps.json").read_text())
    assert cases
