"""One position a round, in random order, choose then sample: what the network itself has learnt.

With conditional marginals that are exact this decoder has no error, so whatever is not valid is
the network's doing.
"""

from __future__ import annotations

import numpy as np
import torch

from infodecode._typing import IntArray
from infodecode.estimate import Estimate, proportion
from infodecode.masked_lm import Network
from llm.list_operations import OPERATIONS, Exercises, Operation, Vocabulary
from llm.stream import EVALUATION, generator

CHUNK = 500
"""Sequences decoded at once."""


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
    draw = generator(seed, EVALUATION, _number(operation, n))
    valid = 0
    for first in range(0, samples, CHUNK):
        size = min(CHUNK, samples - first)
        exercises = Exercises.draw(operation, n, size, vocabulary=vocabulary, generator=draw)
        answers = one_by_one(network, exercises, draw)
        valid += int(exercises.valid(answers).sum())
    return proportion(valid, samples, confidence)


def one_by_one(network: Network, exercises: Exercises, draw: np.random.Generator) -> IntArray:
    """Answers ``(R, m)``: the masked positions in uniformly random order, a token a round."""
    prompts = exercises.prompt_ids()
    size, m = len(exercises), exercises.answer_length
    masks = np.full((size, m), network.mask_id)
    canvas = torch.from_numpy(np.hstack([prompts, masks])).to(network.device)
    order = prompts.shape[1] + draw.random((size, m)).argsort(axis=1)
    rows = torch.arange(size, device=network.device)
    for column in torch.from_numpy(order).to(network.device).T:
        with torch.no_grad():
            logits = network.logits(network.hidden(canvas)[rows, column]).double()
        logits[:, network.mask_id] = -torch.inf
        noise = torch.from_numpy(draw.gumbel(size=logits.shape)).to(network.device)
        canvas[rows, column] = (logits + noise).argmax(dim=1)
    return canvas[:, prompts.shape[1] :].cpu().numpy()


def _number(operation: Operation, n: int) -> int:
    """Number of the stream of one row of the table."""
    return n * len(OPERATIONS) + list(OPERATIONS).index(operation.name)
