"""Rules that mask again, as shipped."""

from __future__ import annotations

from infodecode import Decoder
from infodecode.strategies import Clocked, LeftToRight, Unlocking
from infodecode.strategies.p2 import P2
from infodecode.strategies.rcr import RCR
from infodecode.strategies.remdm_llada import ReMDMLLaDA
from infodecode.strategies.wino import WINO
from tests.recorded import Recording, as_shipped


def remdm_llada(of: Recording) -> Decoder:
    block = of.params["block_length"]
    steps = of.params["steps"] * block // of.trace["gen_length"]
    rule = ReMDMLLaDA(steps, of.params["remdm_steps"], of.params["remdm_number"])
    return as_shipped(rule, blocks=Clocked(block, rule.rounds))


def rcr(of: Recording) -> Decoder:
    block = of.params["block_length"]
    steps = max(1, of.params["steps"] * block // of.trace["gen_length"])
    rule = RCR(steps, of.params["mode"], as_shipped=True)
    return as_shipped(rule, blocks=Unlocking(block, steps, eager=False))


def p2(of: Recording) -> Decoder:
    rule = P2(
        of.params["num_steps"],
        of.params["eta"],
        of.params["kappa"],
        {"logP": "log_probability", "diff_top2": "margin"}[of.params["score"]],
        as_shipped=True,
    )
    return as_shipped(rule)


def wino(of: Recording) -> Decoder:
    rule = WINO(of.params["threshold"], of.params["threshold_back"])
    return as_shipped(rule, blocks=LeftToRight(of.params["block_length"]))


DECODERS = {"p2": p2, "rcr": rcr, "remdm_llada": remdm_llada, "wino": wino}
"""Our decoder for a recording, by file."""

MODELS = {"rcr": lambda of: {"single": True}}
"""Options of the recorded model, by file."""
