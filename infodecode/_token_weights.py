"""What the future of a candidate token, or of several together, weighs under a power.

Candidates of a row are ``tokens`` (C, n): what they put where, -1 elsewhere. Weights are log2, or
fractions where the model is rational.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from infodecode._kernels.rows import count_in_row, pairs_of
from infodecode._typing import Array, BoolArray, IntArray
from infodecode.distributions import Joint, Table
from infodecode.distributions._power_sums import fraction_futures, log2_futures, log2_powers

if TYPE_CHECKING:
    from infodecode.token_evaluation import RuledEvaluation


@dataclass(frozen=True, eq=False)
class Costs:
    """What drawing tokens costs each row.

    Attributes:
        calls: ``(R,)`` model calls.
        evaluated: ``(R,)`` sequences evaluated.
    """

    calls: IntArray
    evaluated: IntArray


def exact_weights(
    ask: RuledEvaluation, law: Joint, rows: IntArray, tokens: IntArray, alpha: float, *, joint: bool
) -> Array:
    r"""Weights ``(C,)`` from a distribution: Z_alpha(c, x_S), with ``joint`` times the bracket.

    With the bracket it is the power mass of the filled canvas over
    :math:`\prod \mu(x_i|c)^\alpha`, up to a factor that c alone decides.
    """
    filled = np.where(tokens >= 0, tokens, ask.canvas[rows])
    if ask.rational:
        assert isinstance(law, Table)
        assert isinstance(alpha, int)
        futures, masses = fraction_futures(law, filled, alpha)
        if not joint:
            return futures
        return np.asarray(futures * (masses / _drawn(ask, rows, tokens, 0)) ** alpha)
    if not joint:
        return log2_futures(law, filled, alpha)
    return np.asarray(log2_powers(law, filled, alpha) - alpha * _drawn(ask, rows, tokens, 0))


def mean_field_weights(
    ask: RuledEvaluation, rows: IntArray, tokens: IntArray, alpha: float, *, bracket: bool
) -> Array:
    """Weights ``(C,)`` from one batched model call: power sums of what is masked, and the bracket.

    Only canvases that can make a difference are evaluated (`mean_field_canvases`).
    """
    canvas = ask.canvas[rows]
    filled = np.where(tokens >= 0, tokens, canvas)
    open_ = np.flatnonzero(count_in_row(filled < 0) > 0)
    candidate, position = _later(tokens) if bracket else (np.empty(0, np.int64),) * 2
    chosen = tokens[candidate]
    before = np.where(np.arange(tokens.shape[1]) < position[:, None], chosen, -1)
    prefixes = np.where(chosen >= 0, before, canvas[candidate])
    if not len(open_) + len(candidate):
        return _product(ask.power_sums(ask, candidate, position, alpha), candidate, len(tokens))
    looked = ask.look(
        np.concatenate([rows[open_], rows[candidate]]), np.concatenate([filled[open_], prefixes])
    )
    masked = np.zeros((len(open_) + len(candidate), tokens.shape[1]), bool)
    masked[: len(open_)] = filled[open_] < 0
    row, place = pairs_of(masked)
    sums = ask.power_sums(looked, row, place, alpha)
    weights = _product(sums, open_[row], len(tokens))
    if len(candidate):
        after = np.arange(len(candidate)) + len(open_)
        told = ask.probability(looked, after, position, chosen[np.arange(len(after)), position])
        joint = _product(told, candidate, len(tokens))
        alone = _drawn(ask, rows, tokens, 1)
        if ask.rational:
            return np.asarray(weights * (joint / alone) ** alpha)
        weights = weights + alpha * (joint - alone)
    return weights


def mean_field_canvases(canvas: IntArray, where: BoolArray, *, bracket: bool = False) -> IntArray:
    """Canvases ``(R,)`` that a mean-field weight of candidates at ``where`` (R, n) evaluates.

    One if anything stays masked, and with the bracket a prefix for each drawn position but one.
    """
    left = count_in_row((canvas < 0) & ~where) > 0
    prefixes = np.maximum(count_in_row(where) - 1, 0) if bracket else 0
    return np.asarray(left + prefixes, np.int64)


def _later(tokens: IntArray) -> tuple[IntArray, IntArray]:
    """Candidates and positions of all drawn tokens but the leftmost of each candidate."""
    drawn = tokens >= 0
    drawn[np.arange(len(tokens)), drawn.argmax(axis=1)] = False
    rows, positions = pairs_of(drawn)
    return rows, positions


def _drawn(ask: RuledEvaluation, rows: IntArray, tokens: IntArray, skip: int) -> Array:
    """Product ``(C,)`` of the marginals of the candidates' tokens, with ``skip`` but the first."""
    candidate, position = _later(tokens) if skip else pairs_of(tokens >= 0)
    values = ask.probability(ask, rows[candidate], position, tokens[candidate, position])
    return _product(values, candidate, len(tokens))


def _product(values: Array, group: IntArray, count: int) -> Array:
    """Products ``(count,)`` of fractions, or sums of log2, by group."""
    if values.dtype == object:
        out = np.full(count, Fraction(1), dtype=object)
        np.multiply.at(out, group, values)
        return out
    return np.bincount(group, values, minlength=count)
