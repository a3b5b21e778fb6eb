"""The same decoder in torch, a batch at a time: what one writes for a GPU.

With canvases and outcomes one hot, one product counts in how many positions each canvas agrees with
each outcome, and another, with the mask ``(B, N)`` of those that agree in all revealed positions,
how often every token occurs at every position.
"""

from __future__ import annotations

from typing import Any

import torch

Tensor = Any


class Outcomes:
    """A law as rows of tokens ``(N, n)``; repeated rows weigh more."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = torch.as_tensor(rows)
        self.size, self.length = self.rows.shape
        one_hot = torch.nn.functional.one_hot(self.rows)
        self.tokens = one_hot.shape[-1]
        self.one_hot = one_hot.reshape(self.size, -1).float()

    def counts(self, canvas: Tensor) -> Tensor:
        """How often each token occurs, ``(B, n, V)``, among the rows that agree."""
        shown = canvas >= 0
        revealed = torch.nn.functional.one_hot(canvas.clamp(min=0), self.tokens) * shown[..., None]
        alike = revealed.reshape(len(canvas), -1).float() @ self.one_hot.T
        agree = alike == shown.sum(-1, keepdim=True)
        return (agree.float() @ self.one_hot).reshape(len(canvas), self.length, self.tokens)


def chosen(
    counts: Tensor, canvas: Tensor, per_round: int, by: str, draw: torch.Generator
) -> Tensor:
    """Which masked positions to fill ``(B, n)``: any, or the most confident, ties at random."""
    key = torch.rand(canvas.shape, generator=draw, dtype=torch.float64)
    if by == "confidence":
        key += counts.amax(-1)
    key = key.masked_fill(canvas >= 0, -1)
    best = key.topk(per_round).indices
    return torch.zeros(canvas.shape, dtype=torch.bool).scatter(1, best, True) & (canvas < 0)


def decode(
    law: Outcomes, batch: int, per_round: int, draw: torch.Generator, by: str = "random"
) -> Tensor:
    """Top-k decodes at temperature 1 ``(batch, n)``; uniform tokens once off the support."""
    canvas = torch.full((batch, law.length), -1)
    while (canvas < 0).any():
        counts = law.counts(canvas)
        lost = counts.sum(-1, keepdim=True) == 0
        flat = torch.where(lost, 1.0, counts).reshape(-1, law.tokens)
        tokens = torch.multinomial(flat, 1, generator=draw).reshape(canvas.shape)
        canvas = torch.where(chosen(counts, canvas, per_round, by, draw), tokens, canvas)
    return canvas


def path_bits(
    law: Outcomes, mass: Tensor, batch: int, per_round: int, draw: torch.Generator,
    by: str = "random",
) -> Tensor:  # fmt: skip
    """Bits lost along sequences of the data: their own tokens are revealed, not drawn.

    ``mass`` is log2 of the probability of each row.
    """
    which = torch.randint(law.size, (batch,), generator=draw)
    data, spent = law.rows[which], mass[which]
    canvas = torch.full((batch, law.length), -1)
    while (canvas < 0).any():
        counts = law.counts(canvas).double()
        p = counts.gather(-1, data[..., None])[..., 0] / counts.sum(-1)
        where = chosen(counts, canvas, per_round, by, draw)
        spent = spent - torch.where(where, p, 1.0).log2().sum(-1)
        canvas = torch.where(where, data, canvas)
    return spent
