"""Thresholds, factors and entropy bounds as shipped."""

from __future__ import annotations

import math

from infodecode import Decoder, strategies
from infodecode.strategies import LeftToRight
from tests.recorded import Recording, as_shipped


def threshold(of: Recording) -> Decoder:
    rule = strategies.Threshold(of.params["threshold"], inclusive=True)
    return as_shipped(rule, blocks=LeftToRight(of.params["block_length"]))


def factor(of: Recording) -> Decoder:
    rule = strategies.Factor(of.params["factor"])
    return as_shipped(rule, blocks=LeftToRight(of.params["block_length"]))


def factor_code(of: Recording) -> Decoder:
    rule = strategies.Factor(of.params["factor"], as_shipped=True)
    return as_shipped(rule, blocks=LeftToRight(of.params["block_length"]))


def entropy_bounded(of: Recording) -> Decoder:
    return as_shipped(strategies.EntropyBounded(of.params["gamma"] / math.log(2)))


DECODERS = {
    "eb_sampler": entropy_bounded,
    "factor_published": factor,
    "fastdllm_factor_code": factor_code,
    "fastdllm_threshold": threshold,
}
"""Our decoder for a recording, by file."""

MODELS: dict[str, object] = {}
"""Options of the recorded model, by file."""
