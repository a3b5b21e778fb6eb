"""One position a round, in random order, choose then sample: what the network itself has learnt.

With conditional marginals that are exact this decoder has no error, so whatever is not valid is
the network's doing.
"""

from __future__ import annotations

from infodecode import Decoder, strategies
from infodecode.estimate import Estimate, proportion
from infodecode.masked_lm import MaskedLM, Network
from llm.answering import answered
from llm.list_operations import Operation, Vocabulary

ONE_BY_ONE = Decoder(strategies.TopK(1))


def validity(
    network: Network,
    operation: Operation,
    n: int,
    *,
    vocabulary: Vocabulary,
    samples: int,
    seed: int,
    confidence: float = 0.95,
) -> Estimate:
    """Share of valid answers to lists of n items, at temperature 1, with its interval."""
    found = answered(
        MaskedLM(network), ONE_BY_ONE, operation.name, n, samples=samples, seed=seed,
        vocabulary=vocabulary,
    )  # fmt: skip
    return proportion(int(found.valid.sum()), samples, confidence)
