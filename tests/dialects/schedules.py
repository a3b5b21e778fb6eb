"""Rules by the clock and by memory, as shipped."""

from __future__ import annotations

import math
from typing import Any

from infodecode import Decoder
from infodecode.strategies import Clocked, LeftToRight
from infodecode.strategies.dream import DreamSchedule, DreamThreshold
from infodecode.strategies.klass import KLASS
from infodecode.strategies.pc_sampler import PCSampler
from infodecode.strategies.quota import Quota
from tests.recorded import Recording, as_shipped

DREAM_ORDERS = {
    "maskgit_plus": "confidence",
    "topk_margin": "margin",
    "entropy": "entropy",
    "origin": "origin",
}
"""Our names of Dream's algorithms."""


def clock(of: Recording) -> tuple[int, Clocked]:
    """Rounds of a block, and LLaDA's blocks: each takes its share of the steps."""
    length = of.params["block_length"]
    steps = of.params["steps"] // (of.trace["gen_length"] // length)
    return steps, Clocked(length, steps)


def low_confidence(of: Recording) -> Decoder:
    steps, blocks = clock(of)
    return as_shipped(Quota(steps, as_shipped=True), blocks=blocks)


def entropy_margin(of: Recording) -> Decoder:
    steps, blocks = clock(of)
    return as_shipped(Quota(steps, of.params["score"], as_shipped=True), blocks=blocks)


def pc_sampler(of: Recording) -> Decoder:
    steps, blocks = clock(of)
    rule = PCSampler(
        steps,
        frequencies=of.model().frequencies,
        decay=of.params["lambda"],
        clip=of.params["alpha"],
        as_shipped=True,
    )
    return as_shipped(rule, blocks=blocks)


def dream(of: Recording) -> Decoder:
    by = DREAM_ORDERS[of.params["alg"]]
    return as_shipped(DreamSchedule(of.params["steps"], by, of.params["eps"], as_shipped=True))


def dream_threshold(of: Recording) -> Decoder:
    return as_shipped(DreamThreshold(of.params["steps"], of.params["threshold"]))


def klass(of: Recording) -> Decoder:
    steps, _ = clock(of)
    rule = KLASS(
        confidence=of.params["conf_threshold"],
        divergence=of.params["kl_threshold"] / math.log(2),
        history=of.params["kl_history_length"],
        unmask=of.params["unmask_strategy"],
        steps=steps,
    )
    return as_shipped(rule, blocks=LeftToRight(of.params["block_length"]))


def guidance(of: Recording) -> dict[str, Any]:
    return {"guidance": of.params["cfg_scale"]}


def shift(of: Recording) -> dict[str, Any]:
    return {"shifted": of.params["logits_convention"] == "shifted"}


DECODERS = {
    "dream_origin": dream,
    "dream_topk": dream,
    "fastdllm_dream_confidence_threshold": dream_threshold,
    "klass": klass,
    "llada_low_confidence": low_confidence,
    "pc_sampler": pc_sampler,
    "pcrepo_entropy_margin": entropy_margin,
}
"""Our decoder for a recording, by file."""

MODELS = {
    "dream_origin": shift,
    "dream_topk": shift,
    "fastdllm_dream_confidence_threshold": shift,
    "llada_low_confidence": guidance,
}
"""Options of the recorded model, by file."""
