"""Traces of text: which token came in which round, and how to look at it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from infodecode._typing import FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.ledger import LABELS
from infodecode.rounds import counted
from infodecode.sequence_scores import SequenceScores, sequence_scores
from infodecode.trace import Trace

if TYPE_CHECKING:
    from rich.text import Text

    from infodecode.masked_lm.model import MaskedLM

EXPLOITED, FORCED, EXPLORED = LABELS
COLOURS = "viridis"
"""Colour map of rounds, from the first (dark) to the last (light)."""


@dataclass(frozen=True, eq=False, repr=False)
class TextTrace(Trace):
    """A decode of prompts by a network, round by round.

    Beside what every `Trace` has. In a notebook it shows each text with its tokens coloured by the
    round that committed them; ``show()`` does so in a terminal.

    Attributes:
        model: what decoded.
        decoder: how.
        prompts: token ids of each sample's prompt.
        latency: ``(T,)`` seconds of each round of the whole batch, forward passes included.
        seed: sample k depends on (seed, k) and its prompt alone.
        options: ``guidance``, ``eos``, ``as_shipped`` and ``noise`` of the decode.
    """

    model: MaskedLM
    decoder: Decoder
    prompts: tuple[tuple[int, ...], ...]
    latency: FloatArray
    seed: int
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        rounds = self.rounds
        taken = (
            f"{rounds.min()}" if rounds.min() == rounds.max() else f"{rounds.min()}–{rounds.max()}"
        )
        return (
            f"<{counted(len(self.prompts), 'decode')} of {self.canvases.shape[2]} tokens by "
            f"{self.model.name}, {self.decoder!r}: {taken} rounds>"
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Each continuation up to its end of sequence, as text, without what is still masked."""
        return tuple(self.model.text(ids) for ids in self._ids())

    @property
    def text(self) -> str:
        """The continuation of the first sample."""
        return self.texts[0]

    @cached_property
    def committed_in(self) -> IntArray:
        """``(samples, n)``: the last round (from 1) that committed each token; 0 if masked."""
        when = np.zeros(self.sequences.shape, np.int64)
        changed = self.committed | self.edited
        for t, now in enumerate(changed, start=1):
            when[now] = t
        return np.where(self.sequences >= 0, when, 0)

    @property
    def tokens_per_round(self) -> FloatArray:
        """``(samples,)``: tokens committed a round, the measure ParallelBench compares at."""
        filled = (self.sequences >= 0).sum(axis=1)
        return np.asarray(filled / np.maximum(self.rounds, 1))

    def scores(
        self,
        *,
        orders: int = 8,
        seed: int = 0,
        information: FloatArray | None = None,
        batch_size: int = 32,
        progress: bool | None = None,
    ) -> SequenceScores:
        """What the model says of the finished texts, order by order: see `SequenceScores`.

        The model as it decoded: with the same guidance and the same tokens suppressed.

        Args:
            orders, seed: random orders.
            information: ``(samples,)`` -log2 of the true law, where it is known.
            batch_size, progress: of the evaluation.
        """
        n = self.canvases.shape[2]
        prompted = self.model.prompted(self.prompts, n, batch_size=batch_size, **self.options)
        return sequence_scores(
            self, prompted, orders=orders, seed=seed, information=information, progress=progress
        )

    def reason(self, sample: int, round_: int) -> str:
        """Why a round (from 1) committed what it did: exploited, forced or explored."""
        if self.calls[round_ - 1, sample] > 1:
            return EXPLORED
        return FORCED if self.forced[round_ - 1, sample] else EXPLOITED

    def records(self) -> Iterator[dict[str, Any]]:
        """One JSON-ready dictionary a sample: texts, and of every token what is known.

        ``round``, ``reason``, ``probability`` and ``bits`` are of the commit that lasted, None (0)
        where a position is masked; ``taken_back`` lists the commits that did not last, with the
        round ``until`` which masked or overwrote them.
        """
        for k, ids in enumerate(self.sequences.tolist()):
            when = self.committed_in[k].tolist()
            probability = [
                float(self.probability[t - 1, k, i]) if t else None for i, t in enumerate(when)
            ]
            yield {
                "sample": k,
                "model": self.model.name,
                "decoder": repr(self.decoder),
                "seed": self.seed,
                "options": dict(self.options),
                "prompt": self.model.text(self.prompts[k]),
                "text": self.texts[k],
                "rounds": int(self.rounds[k]),
                "calls": int(self.calls[:, k].sum()),
                "evaluated": int(self.evaluated[:, k].sum()),
                "finished": bool(self.finished[k]),
                "tokens": ids,
                "round": when,
                "reason": [self.reason(k, t) if t else None for t in when],
                "probability": probability,
                "bits": [None if p is None else _bits(p) for p in probability],
                "taken_back": list(self._taken_back(k)),
                "seconds": [float(s) for s in self.latency[: int(self.rounds[k])]],
            }

    def _taken_back(self, sample: int) -> Iterator[dict[str, Any]]:
        changed = (self.committed | self.edited)[:, sample]
        canvases = self.canvases[1:, sample]
        for t, i in np.argwhere(changed).tolist():
            token = int(canvases[t, i])
            lost = np.flatnonzero(canvases[t:, i] != token)
            if len(lost):
                probability = float(self.probability[t, sample, i])
                yield {
                    "position": i, "token": token, "round": t + 1, "until": int(t + 1 + lost[0]),
                    "reason": self.reason(sample, t + 1), "probability": probability,
                    "bits": _bits(probability),
                }  # fmt: skip

    def to_jsonl(self, path: str | Path) -> Path:
        """Write `records` as JSON Lines."""
        lines = [json.dumps(record, ensure_ascii=False) for record in self.records()]
        target = Path(path)
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return target

    def rich(self, sample: int = 0) -> Text:
        """One continuation for a terminal, its tokens coloured by round."""
        from rich.text import Text

        out = Text()
        palette = _palette(len(self.latency))
        for token, t in zip(self._tokens(sample), self.committed_in[sample], strict=False):
            out.append(token, style=f"on {palette[t - 1]} {_ink(palette[t - 1])}" if t else "dim")
        return out

    def show(self) -> None:
        """Print every continuation, coloured by round, with its counts."""
        from rich.console import Console

        console = Console()
        for k in range(len(self.prompts)):
            console.print(self.rich(k), soft_wrap=True)
            console.print(self._counts(k), style="dim")

    def _repr_html_(self) -> str:
        palette = _palette(len(self.latency))
        parts = []
        for k in range(len(self.prompts)):
            spans = []
            for i, token in enumerate(self._tokens(k)):
                t = int(self.committed_in[k, i])
                shown = html.escape(token).replace("\n", "<br>")
                if not t:
                    spans.append(f'<span style="opacity:.4">{shown}</span>')
                    continue
                colour = palette[t - 1]
                title = html.escape(
                    f"round {t}, {self.reason(k, t)}, probability "
                    f"{self.probability[t - 1, k, i]:.3g}"
                )
                spans.append(
                    f'<span title="{title}" style="background:{colour};'
                    f'color:{_ink(colour)};padding:1px 2px;border-radius:2px">{shown}</span>'
                )
            prompt = html.escape(self.model.text(self.prompts[k]))
            parts.append(
                f'<p style="margin:.3em 0"><span style="opacity:.6">{prompt}</span> '
                f"{''.join(spans)}<br><small>{html.escape(self._counts(k))}</small></p>"
            )
        return "".join(parts)

    def _counts(self, sample: int) -> str:
        rounds = int(self.rounds[sample])
        seconds = float(self.latency[:rounds].sum())
        return (
            f"{counted(rounds, 'round')}, "
            f"{counted(int(self.calls[:, sample].sum()), 'model call')}, "
            f"{self.tokens_per_round[sample]:.2f} tokens a round, {seconds:.2f} s"
            + ("" if self.finished[sample] else ", not finished")
        )

    def _ids(self) -> Iterator[list[int]]:
        end = self.model.network.eos_id
        for row in self.sequences.tolist():
            ids = row[: row.index(end)] if end is not None and end in row else row
            yield [v for v in ids if v >= 0]

    def _tokens(self, sample: int) -> list[str]:
        """Each token as text, its space in front of it where the tokenizer puts one there."""
        model, out, before = self.model, [], ""
        known: list[int] = []
        for token in self.sequences[sample].tolist():
            if token < 0:
                out.append("▢")
                continue
            known.append(token)
            text = model.raw_text(known)
            out.append(text[len(before) :] if text.startswith(before) else model.token(token))
            before = text
        return out


def _bits(probability: float) -> float | None:
    return float(-np.log2(probability)) + 0.0 if probability > 0 else None


def _palette(rounds: int) -> list[str]:
    """A colour for each round, as ``#rrggbb``."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = np.linspace(0.0, 1.0, max(rounds, 1))
    return [to_hex(colormaps[COLOURS](shade)) for shade in shades]


def _ink(colour: str) -> str:
    """Black or white, whichever can be read on the colour."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return "#000000" if 0.3 * red + 0.59 * green + 0.11 * blue > 128 else "#ffffff"
