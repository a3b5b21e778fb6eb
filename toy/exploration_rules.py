"""Decoding rules on the scale from quality to exploration, and the exact law of what they put out.

A rule is one decoder, or Metropolis-Hastings on what a decoder proposes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import infodecode
from infodecode import Decoder, strategies
from infodecode.chance import TooManyCanvases
from infodecode.distributions import Joint, Table
from infodecode.exploration import ExactChain, exact_chain
from infodecode.token_rules import ExactPower, LocalPower, MeanFieldPower, MetropolisHastings

ALPHA = 2
"""Exponent of the target mu^alpha that rules aim at."""

STEPS = (1, 4, 16)
"""Moves after which sequence-level chains are looked at."""

MAX_CHILDREN = 300_000
DRAWN = "sample-then-choose"


@dataclass(frozen=True)
class Rule:
    """How sequences are made.

    Attributes:
        decoder: makes them, or proposes them.
        alpha: exponent of the law that the rule aims at; inf for its modes.
        moves: of a chain of whole sequences after the first; None where there is no chain.
    """

    decoder: Decoder
    alpha: float = 1
    moves: int | None = None


@dataclass(frozen=True)
class Output:
    """What a rule puts out on a law.

    Attributes:
        law: of the output.
        calls, evaluations: expected model calls and sequences evaluated, for one sequence.
    """

    law: Table
    calls: float
    evaluations: float


def rules(alpha: float = ALPHA) -> dict[str, Rule]:
    """The rules by name; all take one position a round unless the name says otherwise."""
    one, pairs = strategies.OneByOne(), strategies.TopK(2, by="confidence")
    first = strategies.OneByOne("confidence")
    gate = strategies.Threshold(0.9)
    chain = MetropolisHastings(alpha, proposals=4, steps=1)
    local = Decoder(one, tokens=LocalPower(alpha))
    parallel = Decoder(strategies.TopK(2))
    return {
        "random order": Rule(Decoder(one)),
        "confidence": Rule(Decoder(first)),
        "top-2 confidence": Rule(Decoder(pairs)),
        "threshold .9": Rule(Decoder(gate)),
        "drawn confidence": Rule(Decoder(first, order=DRAWN)),
        "drawn threshold .9": Rule(Decoder(gate, order=DRAWN)),
        "greedy": Rule(Decoder(first, temperature=0), math.inf),
        "local tempering": Rule(local, alpha),
        "local, left to right": Rule(
            replace(local, strategy=strategies.OneByOne("left_to_right")), alpha
        ),
        "mean-field": Rule(Decoder(one, tokens=MeanFieldPower(alpha)), alpha),
        "exact power": Rule(Decoder(one, tokens=ExactPower(alpha)), alpha),
        "token IMH": Rule(Decoder(one, tokens=chain), alpha),
        "token IMH, pairs": Rule(Decoder(parallel.strategy, tokens=replace(chain, steps=4)), alpha),
        **{f"sequence IMH, {m}": Rule(local, alpha, m) for m in STEPS},
        "pairs": Rule(parallel),
        **{f"pairs, repaired {m}": Rule(parallel, 1, m) for m in STEPS},
    }


class Measured:
    """A law with its exact runs and chains, each made once.

    Args:
        law: the data law.
    """

    def __init__(self, law: Joint) -> None:
        self.law = law
        self._chains: dict[tuple[Decoder, float], ExactChain] = {}
        self._outputs: dict[Decoder, Output] = {}

    def output(self, rule: Rule) -> Output | None:
        """The law of the output; None where that takes too many canvases."""
        try:
            if rule.moves is None:
                return self._decoded(rule.decoder)
            start = self._decoded(rule.decoder)
            chain = self.chain(rule.decoder, rule.alpha)
            return Output(
                chain.law(rule.moves),
                start.calls + rule.moves * chain.calls_per_step,
                start.evaluations + rule.moves * chain.evaluations_per_step,
            )
        except TooManyCanvases:
            return None

    def chain(self, decoder: Decoder, alpha: float) -> ExactChain:
        """Whole proposals by a decoder, target mu^alpha."""
        if (decoder, alpha) not in self._chains:
            self._chains[decoder, alpha] = exact_chain(
                self.law, decoder, alpha=alpha, max_children=MAX_CHILDREN, progress=False
            )
        return self._chains[decoder, alpha]

    def _decoded(self, decoder: Decoder) -> Output:
        if decoder not in self._outputs:
            run = infodecode.exact(
                self.law, decoder, off_support="marginal", max_children=MAX_CHILDREN, progress=False
            )
            self._outputs[decoder] = Output(
                run.output, float(run.expected_calls), float(run.expected_evaluations)
            )
        return self._outputs[decoder]
