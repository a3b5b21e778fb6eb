"""SlowFast and block refinement, as shipped."""

from __future__ import annotations

from typing import Any

from infodecode import Decoder
from infodecode.strategies.block_refinement import BlockRefinement
from infodecode.strategies.slow_fast import SlowFast
from tests.recorded import Recording, as_shipped


def slow_fast(of: Recording) -> Decoder:
    rule = SlowFast(
        of.params["block_length"],
        exploration_steps=of.params["k_exploration_steps"],
        cycle_threshold=of.params["cycle_len_confidence_threshold"],
        window=of.params["cycle_length_stability_window"],
        deviation=of.params["cycle_length_stability_std_dev_threshold"],
        high_threshold=of.params["high_confidence_threshold"],
        as_shipped=True,
    )
    return as_shipped(rule)


def block_refinement(of: Recording) -> Decoder:
    rule = BlockRefinement(
        of.params["block_length"],
        of.params["num_inference_steps"],
        of.params["threshold"],
        of.params["editing_threshold"] or None,
        of.params["max_post_steps"],
        as_shipped=True,
    )
    return as_shipped(rule)


def single_precision(of: Recording) -> dict[str, Any]:
    return {"single": True}


DECODERS = {"slowfast": slow_fast, "diffusers_block_refinement": block_refinement}
"""Our decoder for a recording, by file."""

MODELS = {"diffusers_block_refinement": single_precision}
"""Options of the recorded model, by file."""
