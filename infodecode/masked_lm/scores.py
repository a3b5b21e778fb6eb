"""Score fields, draws and laws from a network's logits, where the logits are.

Nothing as wide as the vocabulary leaves the device. Logits are asked for at pairs (row, position),
in chunks of `CHUNK_BYTES`; scores and draws take at most five times that at once, and less where
fewer pairs are open. The scores of a round go back in one transfer of a few numbers a pair; tokens
that are drawn after the choice of positions, in a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from infodecode._kernels.rows import pairs_of
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.masked_lm.wide import (
    DAMAGED,
    entropy_bits,
    gumbel,
    inverted,
    leading,
    log2_power_sums,
    probability_of,
)
from infodecode.models import FLOOR, Evaluation, TokenRule

CHUNK_BYTES = 64 << 20
"""Most bytes that the logits of one chunk of positions take, in single precision."""

_DOUBLE_SHARE = 8
"""Parts that a chunk is taken in where whole laws are compared."""

LAW_NUMBERS = 1 << 24
"""Most probabilities that are handed out as whole laws (small vocabularies, `infodecode.exact`)."""

Logits = Callable[[IntArray, IntArray], torch.Tensor]
"""``(K,)`` rows and positions -> ``(K, V)`` logits in single precision, free to be overwritten."""


class NetworkEvaluation(Evaluation):
    """What a network says about the canvases of one call.

    Args:
        logits: of any pairs of this call.
        canvas: ``(R, n)``.
        vocabulary: V.
        rule: how tokens are drawn.
        columns: logits that each pair takes on their way here, if not V.
        noise: ``"inversion"`` or ``"gumbel"``: how a token is drawn.
        previous: logits of the call on ``memory["previous_canvas"]`` and which rows ``(R,)`` had
            one, for ``divergence``.
    """

    def __init__(
        self,
        logits: Logits,
        canvas: IntArray,
        vocabulary: int,
        rule: TokenRule,
        previous: tuple[Logits, BoolArray] | None = None,
        noise: str = "inversion",
        *,
        columns: int | None = None,
    ) -> None:
        self._source, self._canvas, self._rule = logits, canvas, rule
        self._vocabulary, self._previous, self._noise = vocabulary, previous, noise
        self._chunk = max(1, CHUNK_BYTES // (4 * (columns or vocabulary)))
        self._place: IntArray | None = None
        self._kept: torch.Tensor | None = None
        self._tied = np.zeros(canvas.shape, bool)
        self._modes = np.full(canvas.shape, -1, np.int64)
        self._tokens = self._modes.copy()
        self._probability = np.zeros(canvas.shape)

    def scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        wanted = frozenset(fields)
        if not wanted:
            return {}
        if wanted == {"token1"} and (self._modes[where] >= 0).all():
            return {"token1": np.where(where, self._modes, 0)}
        rows, positions = pairs_of(where)
        parts = [
            self._summary(logits, wanted, rows[span], positions[span])
            for span, logits in self._chunks(rows, positions, keep=True)
        ]
        columns = _to_numpy(parts, 6)
        token1 = columns[1].astype(np.int64)
        self._note(rows, positions, token1, columns[0])
        self._modes[rows, positions] = token1
        self._tied[rows, positions] = columns[5] > 0
        named = {
            "p1": columns[0], "confidence": columns[0], "token1": token1, "p2": columns[2],
            "margin": columns[0] - columns[2], "entropy": columns[3], "divergence": columns[4],
        }  # fmt: skip
        return {name: _spread(named[name], rows, positions, where.shape) for name in wanted}

    def visible_scores(self, fields: Iterable[str], where: BoolArray) -> dict[str, Array]:
        wanted = frozenset(fields)
        if not wanted:
            return {}
        rows, positions = pairs_of(where)
        tokens = self._canvas[rows, positions]
        parts = []
        for span, logits in self._chunks(rows, positions):
            scaled = self._for_scores(logits)
            second = "visible_p2" in wanted
            p1, token1, p2, total, top = leading(scaled, second)
            index = torch.as_tensor(tokens[span], dtype=torch.long, device=scaled.device)
            there = scaled.gather(1, index[:, None])[:, 0]
            parts.append(torch.stack([p1, token1, p2, (there - top).double().exp() / total]))
        columns = _to_numpy(parts, 4)
        named = {
            "visible_p1": columns[0], "visible_token1": columns[1].astype(np.int64),
            "visible_p2": columns[2], "visible_probability": columns[3],
        }  # fmt: skip
        return {name: _spread(named[name], rows, positions, where.shape) for name in wanted}

    def law(self, rows: IntArray, positions: IntArray) -> Array:
        return self._rule.temper(self.marginal(rows, positions), 0.0)

    def marginal(self, rows: IntArray, positions: IntArray) -> Array:
        if len(rows) * self._vocabulary > LAW_NUMBERS:
            raise ValueError(
                f"laws of {len(rows):,} positions over {self._vocabulary:,} tokens are too many "
                "to hand out; simulate, or decode with a token rule that does without"
            )
        laws = np.empty((len(rows), self._vocabulary))
        for span, logits in self._chunks(rows, positions):
            laws[span] = torch.softmax(logits.double(), dim=1).cpu().numpy()
        return laws

    def draw_power(
        self, rows: IntArray, positions: IntArray, alpha: float, uniform: FloatArray
    ) -> IntArray:
        parts = []
        for span, logits in self._chunks(rows, positions):
            level = torch.as_tensor(uniform[span], dtype=torch.float64, device=logits.device)
            parts.append(inverted(alpha * logits, level)[None].double())
        return np.asarray(_to_numpy(parts, 1)[0].astype(np.int64))

    def log2_probability_of(
        self, rows: IntArray, positions: IntArray, tokens: IntArray
    ) -> FloatArray:
        parts = []
        for span, logits in self._chunks(rows, positions):
            index = torch.as_tensor(tokens[span], dtype=torch.long, device=logits.device)
            parts.append(probability_of(logits, index).log2()[None])
        return np.asarray(_to_numpy(parts, 1)[0])

    def log2_power_sums(self, rows: IntArray, positions: IntArray, alpha: float) -> FloatArray:
        parts = []
        for _, logits in self._chunks(rows, positions):
            parts.append(log2_power_sums(logits, alpha)[None])
        return np.asarray(_to_numpy(parts, 1)[0])

    def draw(self, rows: IntArray, positions: IntArray, uniform: FloatArray) -> IntArray:
        rule = self._rule
        if rule.temperature == 0:
            tokens = self._modes[rows, positions]
            sure = rule.ties == "lowest" or not self._tied[rows, positions].any()
            if sure and not (tokens < 0).any():
                return np.asarray(tokens)
        parts = []
        for span, logits in self._chunks(rows, positions):
            level = torch.as_tensor(uniform[span], dtype=torch.float64, device=logits.device)
            parts.append(self._drawn_here(logits, level))
        columns = _to_numpy(parts, 2)
        tokens = columns[0].astype(np.int64)
        self._note(rows, positions, tokens, columns[1])
        return np.asarray(tokens)

    def confidence_of(self, rows: IntArray, positions: IntArray, tokens: IntArray) -> FloatArray:
        if (self._tokens[rows, positions] == tokens).all():
            return np.asarray(self._probability[rows, positions])
        parts = []
        for span, logits in self._chunks(rows, positions):
            scaled = self._for_scores(logits)
            index = torch.as_tensor(tokens[span], dtype=torch.long, device=scaled.device)
            parts.append(probability_of(scaled, index)[None])
        return np.asarray(_to_numpy(parts, 1)[0])

    def _note(
        self, rows: IntArray, positions: IntArray, tokens: IntArray, probability: FloatArray
    ) -> None:
        """Remember probabilities of tokens that are likely to be asked for again."""
        self._tokens[rows, positions] = tokens
        self._probability[rows, positions] = probability

    def _chunks(
        self, rows: IntArray, positions: IntArray, *, keep: bool = False
    ) -> Iterator[tuple[slice, torch.Tensor]]:
        """Logits of the pairs, chunk by chunk; those of a single chunk are kept when asked."""
        if not len(rows):
            return
        if self._place is not None and self._kept is not None:
            place = self._place[rows, positions]
            if (place >= 0).all():
                if len(place) == len(self._kept) and (np.diff(place) == 1).all():
                    yield slice(None), self._kept
                    return
                index = torch.as_tensor(place, device=self._kept.device)
                yield slice(None), self._kept[index]
                return
        if keep and len(rows) <= self._chunk:
            self._kept = self._source(rows, positions)
            self._place = np.full(self._canvas.shape, -1, np.int64)
            self._place[rows, positions] = np.arange(len(rows))
            yield slice(None), self._kept
            return
        for begin in range(0, len(rows), self._chunk):
            span = slice(begin, begin + self._chunk)
            yield span, self._source(rows[span], positions[span])

    def _for_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits of the law that score fields come from."""
        rule = self._rule
        if not rule.tempered_confidence or rule.temperature == 1:
            return logits
        if rule.temperature == 0:
            top = logits.amax(dim=1, keepdim=True)
            return torch.where(logits == top, 0.0, -torch.inf)
        return logits / rule.temperature

    def _summary(
        self, logits: torch.Tensor, wanted: frozenset[str], rows: IntArray, positions: IntArray
    ) -> torch.Tensor:
        """``(6, K)``: p1, token1, p2, entropy, divergence, whether the mode is tied."""
        scaled = self._for_scores(logits)
        p1, token1, p2, total, top = leading(scaled, not wanted.isdisjoint({"p2", "margin"}))
        nothing = torch.zeros_like(p1)
        entropy = divergence = tied = nothing
        if "entropy" in wanted:
            entropy = entropy_bits(scaled, total, top)
        if "divergence" in wanted:
            divergence = self._divergence(scaled, rows, positions)
        if self._rule.temperature == 0 and self._rule.ties == "random":
            most = logits.amax(dim=1, keepdim=True)
            tied = ((logits == most).sum(dim=1) > 1).double()
        return torch.stack([p1, token1, p2, entropy, divergence, tied])

    def _divergence(
        self, scaled: torch.Tensor, rows: IntArray, positions: IntArray
    ) -> torch.Tensor:
        """KL(now || before) in bits, `FLOOR` inside both logarithms; before the first call 0."""
        if self._previous is None:
            raise ValueError('divergence needs memory["previous_canvas"]')
        source, known = self._previous
        asked = np.flatnonzero(known[rows])
        earlier = None
        if len(asked):
            earlier = self._for_scores(source(rows[asked], positions[asked]))
        out = torch.empty(len(rows), dtype=torch.float64, device=scaled.device)
        # Laws in double precision are many times as wide as the logits: a few rows at a time.
        step = max(1, self._chunk // _DOUBLE_SHARE)
        for begin in range(0, len(rows), step):
            now = torch.softmax(scaled[begin : begin + step].double(), dim=1)
            before = torch.zeros_like(now)
            low, high = np.searchsorted(asked, [begin, begin + step])
            if earlier is not None and high > low:
                index = torch.as_tensor(asked[low:high] - begin, device=now.device)
                before[index] = torch.softmax(earlier[low:high].double(), dim=1)
            ratio = (now + FLOOR).div_(before.add_(FLOOR)).log2_()
            out[begin : begin + step] = ratio.mul_(now).sum(dim=1)
        return out

    def _drawn_here(self, logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """``(2, K)``: tokens drawn by inversion, and the probabilities that score fields use."""
        rule = self._rule
        if rule.temperature == 0 and rule.ties == "lowest" and not rule.tempered_confidence:
            p1, token1, *_ = leading(logits, False)
            return torch.stack([token1, p1])
        if rule.temperature == 0:
            equal = logits == logits.amax(dim=1, keepdim=True)
            nth = (uniform * equal.sum(dim=1)).long() + 1 if rule.ties == "random" else 1
            token = (equal.cumsum(dim=1) == torch.as_tensor(nth).view(-1, 1)).long().argmax(dim=1)
        elif self._noise == "gumbel":
            token = gumbel(logits, uniform, rule.temperature)
        else:
            token = inverted(logits / rule.temperature, uniform)
        probability = probability_of(self._for_scores(logits), token)
        return torch.stack([token.double(), probability])


def _to_numpy(parts: list[torch.Tensor], fields: int) -> FloatArray:
    """Columns of all chunks, in one transfer."""
    if not parts:
        return np.zeros((fields, 0))
    whole = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    columns = np.asarray(whole.cpu().numpy(), np.float64)
    if np.isnan(columns).any():
        raise FloatingPointError(DAMAGED)
    return columns


def _spread(values: Array, rows: IntArray, positions: IntArray, shape: tuple[int, ...]) -> Array:
    out = np.zeros(shape, values.dtype)
    out[rows, positions] = values
    return out
