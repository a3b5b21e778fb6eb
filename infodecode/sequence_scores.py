"""Scores of finished sequences: what a model says of them, order by order.

A model of conditional marginals is not one law: revealing a sequence in another order scores it
differently, unless the model is ideal. So a score names its order, and the spread over orders says
how far the model is from any law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._kernels.random import uniforms_into
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key, streams_of
from infodecode._typing import FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.models import Model, TokenRule
from infodecode.rounds import counted
from infodecode.state import State

if TYPE_CHECKING:
    import pandas as pd

    from infodecode.trace import Trace

_TOKENS_AT_ONCE = 1 << 16
"""Most tokens of the canvases that a model is asked about in one call."""


@dataclass(frozen=True, eq=False, repr=False)
class SequenceScores:
    """What a model says of decoded sequences, in bits: -log2 of probabilities, ``(samples,)``.

    Attributes:
        rounds: as decoded: the sum of -log2 c over the committed tokens, several a round; c as in
            `Trace.probability`, so only comparable with the rest if the decoder's confidence is
            untempered. A strategy that masks again pays for every commit.
        decoding: one by one in the order of the decode (by position within a round).
        left_to_right: one by one from the left; the value From Bits to Rounds bounds rounds by.
        random: ``(samples, orders)`` one by one, in uniformly random orders.
        information: -log2 mu(x) under the data law, inf off its support; None without one.
    """

    rounds: FloatArray
    decoding: FloatArray
    left_to_right: FloatArray
    random: FloatArray
    information: FloatArray | None

    @property
    def spread(self) -> FloatArray:
        """``(samples,)``: largest less smallest score over all orders; 0 for an ideal model.

        Infinite where some orders alone find the sequence impossible.
        """
        every = np.column_stack([self.decoding, self.left_to_right, self.random])
        least, most = every.min(axis=1), every.max(axis=1)
        spread = np.zeros(len(least))
        np.subtract(most, least, out=spread, where=most > least)
        return spread

    @property
    def factorisation_error(self) -> FloatArray:
        """``(samples,)``: ``decoding - rounds``, signed: what drawing a round's tokens apart costs.

        Its mean over decodes is the KL, added up over rounds, from the product of marginals to
        the model's own law of the round, one by one. With a strategy that masks again it is less
        than that by the bits of the commits that were taken back.
        """
        return np.asarray(self.decoding - self.rounds)

    @property
    def model_error(self) -> FloatArray | None:
        """``(samples,)``: ``information - decoding``, signed: what the model is off, one by one.

        With `factorisation_error` it adds up to ``information - rounds``. Infinite off the support.
        """
        if self.information is None:
            return None
        out = np.full(len(self.information), np.inf)
        possible = np.isfinite(self.information)
        np.subtract(self.information, self.decoding, out=out, where=possible)
        return out

    def to_frame(self) -> pd.DataFrame:
        """One row a sample."""
        import pandas as pd

        columns = {
            "rounds": self.rounds,
            "decoding": self.decoding,
            "left_to_right": self.left_to_right,
            "random_mean": self.random.mean(axis=1),
            "spread": self.spread,
            "factorisation_error": self.factorisation_error,
        }
        if self.information is not None:
            columns |= {"information": self.information, "model_error": self.model_error}
        return pd.DataFrame(columns)

    def _means(self) -> dict[str, float]:
        return {str(name): float(values.mean()) for name, values in self.to_frame().items()}

    def __repr__(self) -> str:
        lines = [f"  {name:<20} {value:.4g}" for name, value in self._means().items()]
        return "\n".join([self._head, *lines])

    def _repr_html_(self) -> str:
        return figures_table(self._head, self._means())

    @property
    def _head(self) -> str:
        return f"Scores of {counted(len(self.rounds), 'sequence')}, mean bits"


def sequence_scores(
    trace: Trace,
    model: Model,
    *,
    orders: int = 8,
    seed: int = 0,
    distribution: Joint | None = None,
    information: FloatArray | None = None,
    progress: bool | None = None,
) -> SequenceScores:
    """Score finished sequences in several orders: see `SequenceScores`.

    Positions that are still masked (after an end of sequence) are left out of every score. Cost: n
    evaluations of ``samples x (orders + 2)`` canvases, a few hundred of them at a time if long.

    Args:
        trace: of `infodecode.decode`.
        model: what scores, a row for each of its samples: the model that decoded, or another.
        orders: random orders.
        seed: of these orders.
        distribution: the data law, for ``information`` and ``model_error``.
        information: ``(samples,)`` -log2 mu(x) instead, where the law has names of its own for the
            model's tokens.
        progress: show a bar; by default on a terminal, after a second.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> from infodecode import Decoder, decode, distributions, strategies
        >>> from infodecode.models import IdealModel
        >>> law = distributions.permutations(4)
        >>> trace = decode(law, Decoder(strategies.TopK(1)), samples=2)
        >>> scores = sequence_scores(trace, IdealModel(law), distribution=law)
        >>> scores.left_to_right.round(3), scores.spread.round(9)
        (array([4.585, 4.585]), array([0., 0.]))

    Reference: From Bits to Rounds (2025), section 5, scores from left to right.
    """
    number = _validation.integer("orders", orders, minimum=1)
    sequences = trace.sequences
    samples, n = sequences.shape
    if len(model.alphabet_sizes) != n:
        raise ValueError(
            f"model must have the {n} positions of the trace, got {len(model.alphabet_sizes)}"
        )
    streams = streams_of(seed_key(seed), 0, samples)
    keys = np.empty((number + 2, samples, n))
    keys[0] = _when(trace)
    keys[1] = np.arange(n)
    cells = np.divmod(np.arange(samples * n), n)
    for k in range(number):
        level = np.empty(samples * n)
        uniforms_into(streams, np.full(samples, k), *cells, 0, level)
        keys[2 + k] = level.reshape(samples, n)
    bits = _one_by_one(model, sequences, keys, progress)
    committed = trace.committed | trace.edited
    decoded = np.where(committed, trace.probability, 1.0)
    if distribution is not None:
        if information is not None:
            raise ValueError("information must be left out with a distribution, got both")
        information = -distribution.log2_probability(sequences) + 0.0
    elif information is not None:
        information = np.asarray(information, np.float64)
        if information.shape != (samples,) or not (information >= 0).all():
            raise ValueError(
                f"information must be {samples} numbers of at least 0 bits, "
                f"got {_validation.shown(information)}"
            )
    with np.errstate(divide="ignore"):
        rounds = np.asarray(-np.log2(decoded).sum(axis=(0, 2)) + 0.0)
    return SequenceScores(
        rounds=rounds,
        decoding=bits[0],
        left_to_right=bits[1],
        random=bits[2:].T,
        information=information,
    )


def _when(trace: Trace) -> IntArray:
    """``(samples, n)``: the round that committed each final token."""
    when = np.zeros(trace.sequences.shape, np.int64)
    for t, now in enumerate(trace.committed | trace.edited, start=1):
        when[now] = t
    return when


def _one_by_one(
    model: Model, sequences: IntArray, keys: FloatArray, progress: bool | None
) -> FloatArray:
    """``(orders, samples)``: bits of revealing sequences by ascending keys, ties by position."""
    orders, samples, n = keys.shape
    visible = sequences >= 0
    ranked = np.argsort(np.where(visible, keys, np.inf), axis=2, kind="stable")
    place = ranked.reshape(orders * samples, n)
    shown = np.tile(sequences, (orders, 1))
    length = np.tile(visible.sum(axis=1), orders)
    blank = np.full((samples, n), -1, np.int32)
    memory = {name: np.tile(array, (orders, *[1] * (array.ndim - 1)))
              for name, array in model.start(blank).items()}  # fmt: skip
    canvas = np.full(shown.shape, -1, np.int32)
    state = State.start(
        canvas, np.ones(len(canvas)), np.zeros(len(canvas), np.uint64), model.tolerance, memory
    )
    bits = np.zeros(len(canvas))
    most = max(1, _TOKENS_AT_ONCE // n)
    with progress_bar("tokens scored", n, progress) as advance:
        for step in range(int(length.max(initial=0))):
            every = np.flatnonzero(step < length)
            for rows in np.split(every, range(most, len(every), most)):
                at = place[rows, step]
                live = state.take(rows).with_(canvas=canvas[rows])
                evaluation = model.evaluate(live, TokenRule())
                tokens = shown[rows, at]
                found = evaluation.confidence_of(np.arange(len(rows)), at, tokens)
                with np.errstate(divide="ignore"):
                    bits[rows] -= np.log2(found)
                canvas[rows, at] = tokens
            advance(1)
    return np.asarray(bits.reshape(orders, samples) + 0.0)
