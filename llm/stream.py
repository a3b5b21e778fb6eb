"""The training data: an endless stream of batches, each a function of the seed and its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from infodecode import _validation
from infodecode._randomness import seed_key
from infodecode._typing import BoolArray, FloatArray, IntArray
from llm.list_operations import OPERATIONS, Exercises, Operation, Vocabulary

TRAINING, EVALUATION = range(2)
"""Purposes of random numbers; part of the counter, so that no two purposes share one."""


def generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    """Random numbers of one batch: they depend on these three arguments alone."""
    key = int(seed_key(seed))
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, purpose, number]))


@dataclass(frozen=True)
class Group:
    """Sequences of one length, prompts with their answers; no padding.

    Attributes:
        ids: token ids with every answer revealed, ``(B, L)``.
        masked: positions to mask and to predict, all of them in answers, ``(B, L)``.
        weight: of each masked position of a row in the loss, one over their number, ``(B,)``.
    """

    ids: IntArray
    masked: BoolArray
    weight: FloatArray


@dataclass(frozen=True)
class Stream:
    """Batches of exercises. The number of masks is uniform on 1 .. answer length, as in LLaDA.

    A batch has a few groups, each of one length of sequence; the quantiles of that length are
    spread over the groups, so that every batch has short and long ones.

    Args:
        vocabulary: words of the prompts.
        shortest: fewest items in a list.
        longest: most items in a list.
        batch: sequences in a batch.
        groups: groups in a batch; divides ``batch``.
        shares: relative frequency of each operation, 1 for those not named; within an operation
            lists of n items are as frequent as n.
        seed: of the stream.
    """

    vocabulary: Vocabulary
    shortest: int
    longest: int
    batch: int
    groups: int
    shares: Mapping[str, float]
    seed: int

    def __post_init__(self) -> None:
        _validation.integer("longest", self.longest, minimum=1, maximum=self.vocabulary.longest)
        _validation.integer("shortest", self.shortest, minimum=2, maximum=self.longest)
        _validation.integer("batch", self.batch, minimum=1)
        _validation.integer("groups", self.groups, minimum=1)
        if self.batch % self.groups:
            raise ValueError(f"groups must divide batch, {self.batch}, got {self.groups}")
        for name, share in self.shares.items():
            _validation.choice("shares", name, tuple(OPERATIONS))
            _validation.number(f"shares[{name!r}]", share, above=0)

    @cached_property
    def _cells(self) -> list[tuple[int, list[tuple[Operation, int]], FloatArray]]:
        """By length of sequence: operations with their n, and their shares."""
        by_length: dict[int, list[tuple[Operation, int]]] = {}
        for operation in OPERATIONS.values():
            for n in range(self.shortest, self.longest + 1):
                length = operation.prompt_length(n) + operation.answer_length(n)
                by_length.setdefault(length, []).append((operation, n))
        return [
            (length, cells, np.array([n * self.shares.get(op.name, 1.0) for op, n in cells]))
            for length, cells in sorted(by_length.items())
        ]

    @property
    def max_length(self) -> int:
        """Positions of the longest sequence."""
        return self._cells[-1][0]

    def batch_at(self, number: int) -> Iterator[Group]:
        """The groups of batch ``number``, whatever was drawn before."""
        draw = generator(self.seed, TRAINING, number)
        total = np.cumsum([shares.sum() for _, _, shares in self._cells])
        for k in range(self.groups):
            quantile = (k + draw.random()) / self.groups * total[-1]
            place = min(int(np.searchsorted(total, quantile, side="right")), len(total) - 1)
            _, cells, shares = self._cells[place]
            counts = draw.multinomial(self.batch // self.groups, shares / shares.sum())
            yield self._group(cells, counts.tolist(), draw)

    def _group(
        self, cells: list[tuple[Operation, int]], counts: list[int], draw: np.random.Generator
    ) -> Group:
        ids, masked, weight = [], [], []
        for (operation, n), count in zip(cells, counts, strict=True):
            if count == 0:
                continue
            drawn = Exercises.draw(operation, n, count, vocabulary=self.vocabulary, generator=draw)
            prompts = drawn.prompt_ids()
            m = drawn.answer_length
            number = draw.integers(1, m + 1, size=count)
            rank = draw.random((count, m)).argsort(axis=1).argsort(axis=1)
            ids.append(np.hstack([prompts, drawn.answers(draw)]))
            masked.append(np.hstack([np.zeros(prompts.shape, bool), rank < number[:, None]]))
            weight.append(1 / number)
        return Group(np.concatenate(ids), np.concatenate(masked), np.concatenate(weight))
