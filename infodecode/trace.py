"""Traces: what was committed when, with which probability, and why."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, overload

import numpy as np

from infodecode import _validation
from infodecode._randomness import seed_key, streams_of
from infodecode._typing import BoolArray, FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.models import Model, model_of
from infodecode.simulate import sampled_rounds
from infodecode.state import State

if TYPE_CHECKING:
    import pandas as pd

    from infodecode.ledger import Ledger
    from infodecode.masked_lm.model import MaskedLM
    from infodecode.masked_lm.text_trace import TextTrace


@dataclass(frozen=True, eq=False)
class Trace:
    """A decode of several sequences, round by round.

    Attributes:
        canvases: ``(T + 1, samples, n)``: entry 0 is the start, entry t what round t left.
        forced: ``(T, samples)``: whether a round's commits were a fallback ("implicit
            exploration") rather than the rule's choice.
        probability: ``(T, samples, n)``: the model's probability of each token when it was
            committed (tempered if the decoder's confidence is); 0 elsewhere.
        calls, evaluated: ``(T, samples)`` model calls and sequences evaluated; 0 once finished.
        finished: ``(samples,)`` whether the decode ended within ``max_rounds``.
        labels, names: of tokens and positions; plain numbers unless a distribution was decoded.
    """

    canvases: IntArray
    forced: BoolArray
    probability: FloatArray
    calls: IntArray
    evaluated: IntArray
    finished: BoolArray
    labels: tuple[Sequence[str], ...]
    names: tuple[str, ...]

    @property
    def sequences(self) -> IntArray:
        """``(samples, n)``: the last canvases."""
        return np.asarray(self.canvases[-1])

    @property
    def rounds(self) -> IntArray:
        """``(samples,)``: rounds that each decode took."""
        return np.asarray((self.calls > 0).sum(axis=0))

    @property
    def committed(self) -> BoolArray:
        """``(T, samples, n)``: positions that went from mask to token in each round."""
        return np.asarray((self.canvases[:-1] < 0) & (self.canvases[1:] >= 0))

    @property
    def remasked(self) -> BoolArray:
        """``(T, samples, n)``: positions that went from token to mask in each round."""
        return np.asarray((self.canvases[:-1] >= 0) & (self.canvases[1:] < 0))

    @property
    def edited(self) -> BoolArray:
        """``(T, samples, n)``: positions whose token was overwritten by another in each round."""
        before, after = self.canvases[:-1], self.canvases[1:]
        return np.asarray((before >= 0) & (after >= 0) & (before != after))

    def to_frame(self) -> pd.DataFrame:
        """One row per commit, with round (from 1), position, token, probability and reason."""
        import pandas as pd

        t, sample, position = np.nonzero(self.committed)
        token = self.canvases[1:][t, sample, position]
        frame = pd.DataFrame(
            {
                "sample": sample,
                "round": t + 1,
                "position": position,
                "name": [self.names[i] for i in position],
                "token": token,
                "label": [self.labels[i][v] for i, v in zip(position, token, strict=True)],
                "probability": self.probability[t, sample, position],
                "forced": self.forced[t, sample],
            }
        )
        return frame.sort_values(["sample", "round", "position"], ignore_index=True)

    def ledger(self, factor: float, *, distribution: Joint | None = None) -> Ledger:
        """Bits and rounds by kind of round, beside the bounds: see `infodecode.ledger.Ledger`.

        Args:
            factor: f > 0 of the factor rule to hold the rounds against.
            distribution: the data law, for the information of rounds and sequences.
        """
        from infodecode.ledger import ledger

        return ledger(self, factor, distribution=distribution)

    def __str__(self) -> str:
        """The first sequence, a line a round; ``_`` is masked, ``*`` marks forced commits."""
        lines = []
        for t in range(int(self.rounds[0]) + 1):
            row = self.canvases[t, 0]
            tokens = ["_" if v < 0 else self.labels[i][v] for i, v in enumerate(row.tolist())]
            mark = "*" if t and self.forced[t - 1, 0] else " "
            lines.append(f"{t:>3}{mark} {' '.join(tokens)}")
        return "\n".join(lines)


@overload
def decode(
    model: MaskedLM,
    decoder: Decoder,
    *,
    prompts: str | Sequence[str | Sequence[int]],
    length: int,
    samples: int | None = None,
    seed: int = 0,
    max_rounds: int | None = None,
    **options: Any,
) -> TextTrace: ...


@overload
def decode(
    model: Model | Joint,
    decoder: Decoder,
    *,
    samples: int | None = None,
    seed: int = 0,
    canvases: object = None,
    max_rounds: int | None = None,
) -> Trace: ...


def decode(
    model: Model | Joint | MaskedLM,
    decoder: Decoder,
    *,
    prompts: str | Sequence[str | Sequence[int]] | None = None,
    length: int | None = None,
    samples: int | None = None,
    seed: int = 0,
    canvases: object = None,
    max_rounds: int | None = None,
    **options: Any,
) -> Trace:
    """Decode a few sequences and keep everything that happened.

    Args:
        model: a model, a distribution (then its `IdealModel`), or a masked language model from
            `infodecode.load_masked_lm`.
        decoder: strategy, token rule, blocks.
        prompts: for a masked language model: texts or token ids to continue.
        length: tokens to generate after each prompt.
        samples: how many sequences, by default one or as many as ``canvases``; sample k is the
            k-th of `simulate` with the same seed. With prompts: how many of each.
        seed: any integer >= 0.
        canvases: ``(n,)`` or ``(samples, n)`` to start from, -1 masked; all masked by default.
        max_rounds: stop there and report the decode as not finished.
        options: with prompts: ``guidance``, ``eos``, ``as_shipped``, ``noise``,
            ``batch_size`` and ``chat``
            as in `infodecode.masked_lm.model.PromptedModel`, and ``progress``.

    Returns:
        the canvases of every round, with what was committed, how probable it was, and why.

    Raises:
        TypeError, ValueError: an argument that cannot be (the message names it); canvases that do
            not fit the model, or not one per sample.

    Example:
        >>> from infodecode import distributions, strategies
        >>> trace = decode(distributions.permutations(4), Decoder(strategies.TopK(2)), seed=1)
        >>> trace.rounds
        array([2])
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"decoder must be a Decoder, got {_validation.shown(decoder)}")
    if _is_masked_lm(model):
        return _decode_prompts(model, decoder, prompts, length, samples, canvases, {
            "seed": seed, "max_rounds": max_rounds, **options
        })  # fmt: skip
    if prompts is not None or length is not None or options:
        extra = ["prompts"] * (prompts is not None) + ["length"] * (length is not None)
        raise TypeError(
            f"{', '.join([*extra, *options])} must go with a masked language model, got "
            f"{_validation.shown(model)}"
        )
    law = model if isinstance(model, Joint) else None
    used = model_of(model)
    count = 1 if samples is None else _validation.integer("samples", samples, minimum=1)
    n = len(used.alphabet_sizes)
    start: IntArray
    if canvases is None:
        start = np.full((count, n), -1, np.int32)
    else:
        start = _validation.canvases("canvases", canvases, used.alphabet_sizes)
        if samples is None:
            count = len(start)
        if len(start) == 1:
            start = np.repeat(start, count, axis=0)
        elif len(start) != count:
            raise ValueError(f"canvases must have one row or samples={count}, got {len(start)}")
    limit = decoder.round_limit(n, max_rounds)
    history = History(start)
    live = np.flatnonzero((start < 0).any(axis=1))
    if len(live):
        streams = streams_of(seed_key(seed), 0, count)
        rounds_of = sampled_rounds(start[live], streams[live], decoder, used, limit, record=True)
        for after in rounds_of:
            over = decoder.strategy.finished(after)
            history.add(live, after, over)
            live = live[~over]
    if law is not None:
        return history.trace(law.labels, law.names)
    codes = tuple(tuple(map(str, range(v))) for v in used.alphabet_sizes)
    return history.trace(codes, tuple(map(str, range(n))))


def _is_masked_lm(model: object) -> TypeGuard[MaskedLM]:
    """Whether it is one, without importing torch to find out."""
    if "infodecode.masked_lm.model" not in sys.modules:
        return False
    from infodecode.masked_lm.model import MaskedLM

    return isinstance(model, MaskedLM)


def _decode_prompts(
    model: MaskedLM,
    decoder: Decoder,
    prompts: str | Sequence[str | Sequence[int]] | None,
    length: int | None,
    samples: int | None,
    canvases: object,
    options: Mapping[str, Any],
) -> TextTrace:
    from infodecode.masked_lm.decoding import decode_prompts

    if prompts is None or length is None:
        raise TypeError("a masked language model needs prompts and length")
    if canvases is not None:
        raise TypeError("canvases must go with a model or a distribution; give prompts instead")
    each = 1 if samples is None else samples
    return decode_prompts(model, decoder, prompts=prompts, length=length, samples=each, **options)


class History:
    """Collects rounds of rows that leave one by one.

    Attributes:
        canvas: ``(samples, n)`` as the last round left it.
    """

    def __init__(self, start: IntArray) -> None:
        self._canvases = [start]
        self._forced: list[BoolArray] = []
        self._probability: list[FloatArray] = []
        self._costs: list[IntArray] = []
        self._finished: BoolArray = np.asarray(~(start < 0).any(axis=1))

    @property
    def canvas(self) -> IntArray:
        return self._canvases[-1]

    def add(self, live: IntArray, after: State, over: BoolArray) -> None:
        before = self._canvases[-1]
        canvas = before.copy()
        canvas[live] = after.canvas
        probability = np.zeros(canvas.shape)
        probability[live] = after.probability
        forced = np.zeros(len(before), bool)
        forced[live] = after.forced
        costs = np.zeros((2, len(before)), np.int64)
        costs[:, live] = after.calls, after.evaluated
        self._finished[live[over]] = True
        self._canvases.append(canvas)
        self._forced.append(forced)
        self._probability.append(probability)
        self._costs.append(costs)

    def trace(self, labels: tuple[Sequence[str], ...], names: tuple[str, ...]) -> Trace:
        rows, n = self._canvases[0].shape
        costs = np.array(self._costs).reshape(-1, 2, rows)
        return Trace(
            canvases=np.array(self._canvases),
            forced=np.array(self._forced, dtype=bool).reshape(-1, rows),
            probability=np.array(self._probability).reshape(-1, rows, n),
            calls=costs[:, 0],
            evaluated=costs[:, 1],
            finished=self._finished,
            labels=labels,
            names=names,
        )
