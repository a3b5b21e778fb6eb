"""A network without weights: pairwise logits in closed form, for tests of what is built on one."""

from __future__ import annotations

import numpy as np
import torch

from infodecode.models import LawModel
from infodecode.state import State


class PairwiseNetwork:
    """Logits of a position: a bias, and a contribution of every token that it may attend to.

    ``hidden`` keeps the logits themselves as states, so that ``logits`` is the identity.
    """

    family, name, shifted, dtype, device = "pairwise", "pairwise", False, "float32", "cpu"
    bos_id = None
    max_length = 64

    def __init__(self, vocabulary: int = 7, *, seed: int = 0, scale: float = 1.0) -> None:
        draws = np.random.default_rng(seed)
        self.vocabulary_size = self.embedding_size = vocabulary
        self.mask_id, self.eos_id, self.pad_id = vocabulary - 1, 0, 0
        self.bias = scale * draws.normal(size=(64, vocabulary))
        self.pair = scale * draws.normal(size=(64, vocabulary, vocabulary))
        self.sequences = 0

    def hidden(self, ids, attention=None, positions=None):
        self.sequences += len(ids)
        return torch.tensor(self.table(ids.numpy(), attention), dtype=torch.float32)

    def logits(self, hidden):
        return hidden.clone()

    def table(self, ids, attention=None):
        """``(B, L, V)`` logits; distances count, so padding on the left changes nothing."""
        rows, length = ids.shape
        real = np.ones(ids.shape, bool) if attention is None else np.asarray(attention)
        from_end = length - 1 - np.arange(length)
        out = np.repeat(self.bias[from_end][None], rows, axis=0)
        for i in range(length):
            for j in range(length):
                if i == j:
                    continue
                told = real[:, j] & (ids[:, j] != self.mask_id)
                share = self.pair[abs(i - j), :, ids[:, j]]
                out[:, i] += np.where(told[:, None], share, 0.0)
        return out


class PairwiseLaws(LawModel):
    """The same laws as an exact model behind one prompt: the oracle of what runs on the device."""

    tolerance = 0.0

    def __init__(self, network: PairwiseNetwork, prompt, length: int, *, eos: bool = True) -> None:
        self.network, self.prompt, self.eos = network, np.asarray(prompt), eos
        self.alphabet_sizes = (network.vocabulary_size,) * length

    def laws(self, canvases, rows, positions):
        net = self.network
        ids = np.where(canvases < 0, net.mask_id, canvases)
        ids = np.hstack([np.repeat(self.prompt[None], len(ids), axis=0), ids])
        logits = net.table(ids)[rows, len(self.prompt) + positions]
        logits[:, net.mask_id] = -np.inf
        if not self.eos:
            logits[:, net.eos_id] = -np.inf
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)


def state_of(canvas, **memory) -> State:
    """A state at the start of a round."""
    canvas = np.asarray(canvas, np.int32)
    ready = {name: np.asarray(value) for name, value in memory.items()}
    rows = len(canvas)
    return State.start(canvas, np.ones(rows), np.arange(rows, dtype=np.uint64), 0.0, ready)
