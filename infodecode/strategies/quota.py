"""Quota: the masks of a block, split evenly among a fixed number of rounds."""

from __future__ import annotations

from dataclasses import dataclass

from infodecode import _validation
from infodecode.schedules import even_sizes
from infodecode.state import State
from infodecode.strategies._base import Plan
from infodecode.strategies._clock import ClockedSchedule, distinct_rounds
from infodecode.strategies.top_k import ORDERS, ranked


@dataclass(frozen=True)
class Quota(ClockedSchedule):
    r"""LLaDA's schedule: ``steps`` rounds for the masks of a block, all of about the same size.

    A block that opens with n masks commits in round i = 0, 1, …, steps - 1

    .. math:: \lfloor n / \text{steps} \rfloor + [\, i < n \bmod \text{steps} \,]

    positions: 10 masks in 3 rounds go 4, 3, 3. That is the masks left over the rounds left, rounded
    up, which is how it is computed. Blocks are the decoder's. LLaDA itself counts by the clock:
    ``blocks=Clocked(block_length, steps)``, with its ``steps / blocks`` as ``steps``; under
    `LeftToRight` a block ends when it is full, under `WholeCanvas` there is one block.

    With more rounds than masks, the first n rounds commit one position each and the others are
    idle: model calls that change nothing. The decode ends when nothing is masked.

    LLaDA draws first and decodes greedily: ``order="sample-then-choose"``, ``temperature=0``,
    lowest ties. Its ``remasking="low_confidence"`` is ``by="confidence"``; ``"random"`` is
    ``by="random"``. Its ``cfg_scale`` is `infodecode.GuidedModel`.

    Attributes:
        steps: rounds of a block, at least 1.
        by: the order, as in `TopK`: ``"confidence"``, ``"margin"``, ``"entropy"``, ``"random"``,
            ``"left_to_right"``.
        as_shipped: as in the released code, idle rounds at the end of the last block are taken too.

    Example:
        >>> from infodecode import Decoder, distributions, exact
        >>> rule = Quota(3, "random")
        >>> rule.sizes(10)
        (4, 3, 3)
        >>> float(exact(distributions.replace_random(6), Decoder(rule)).validity)
        0.7335...

    Reference: LLaDA (Nie et al. 2025, arXiv 2502.09992), algorithms 4 and 5; ``generate.py`` of
    ML-GSAI/LLaDA.
    """

    by: str = "confidence"

    def __post_init__(self) -> None:
        super().__post_init__()
        _validation.choice("by", self.by, ORDERS)

    @classmethod
    def grid(cls, length: int) -> tuple[Quota, ...]:
        return tuple(
            cls(steps, by) for by in ("random", "confidence") for steps in distinct_rounds(length)
        )

    def sizes(self, length: int) -> tuple[int, ...] | None:
        if self.as_shipped and self.steps > length:
            return None
        return even_sizes(length, min(self.steps, length))

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | ({self.by} - {"random", "left_to_right"})

    def plan(self, state: State) -> Plan:
        step, memory = self.clock(state)
        return Plan((ranked(state, self.by, self.quota(state, step)),), memory)
