"""Exercises answered by a network with any decoder: what every experiment on lists is made of."""

from __future__ import annotations

from dataclasses import dataclass

import infodecode
from infodecode import Decoder
from infodecode._typing import BoolArray
from infodecode.estimate import Estimate, mean_of_values, proportion
from infodecode.masked_lm import MaskedLM
from infodecode.masked_lm.text_trace import TextTrace
from llm.list_operations import OPERATIONS, Exercises, Vocabulary
from llm.stream import EVALUATION, generator

CONFIDENCE = 0.95
SEED = 0


@dataclass(frozen=True)
class Answered:
    """Exercises of one kind and what a decoder made of them.

    Attributes:
        exercises: the prompts.
        trace: the decode, a row for each.
        valid: ``(R,)`` which answers are right.
    """

    exercises: Exercises
    trace: TextTrace
    valid: BoolArray

    @property
    def validity(self) -> Estimate:
        """Share of right answers."""
        return proportion(int(self.valid.sum()), len(self.valid), CONFIDENCE)

    @property
    def rounds(self) -> Estimate:
        """Mean rounds."""
        return mean_of_values(self.trace.rounds.astype(float), CONFIDENCE)


def answered(
    model: MaskedLM,
    decoder: Decoder,
    task: str,
    n: int,
    *,
    samples: int,
    seed: int = SEED,
    vocabulary: Vocabulary | None = None,
) -> Answered:
    """Answers to ``samples`` exercises of a task on lists of n items.

    The exercises depend on seed, task and n alone: decoders are compared on the same ones.
    """
    operation = OPERATIONS[task]
    words = Vocabulary() if vocabulary is None else vocabulary
    stream = generator(seed, EVALUATION, 1000 + n * len(OPERATIONS) + list(OPERATIONS).index(task))
    exercises = Exercises.draw(operation, n, samples, vocabulary=words, generator=stream)
    trace = infodecode.decode(
        model,
        decoder,
        prompts=exercises.prompt_ids().tolist(),
        length=exercises.answer_length,
        seed=seed,
        batch_size=1024,
        progress=False,
    )
    return Answered(exercises, trace, exercises.valid(trace.sequences))
