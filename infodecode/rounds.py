"""Bits to rounds: what a confidence rule can carry in a round, and how many rounds that takes.

The factor rule lets a round commit n tokens of model probabilities c_i if every one of them has
``(n + 1)(1 - c_i) <= factor``. The bounds hold for decodes that obey it throughout; real ones do
not: `infodecode.ledger` takes account of that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray, IntArray
from infodecode.schedules import even_sizes

if TYPE_CHECKING:
    pass

ROUNDS_LENGTH = 100_000
"""Most positions of which rounds are bounded (a tenth of a second, 50 MB)."""

_SHOWN_SIZES = 12


def round_information(size: int, factor: float) -> float:
    r"""Most joint information that a round of ``size`` tokens carries under the factor rule.

    .. math:: -\log_2 \mu(x_S \mid x_U) \le a(k) = -\log_2\Bigl(1 - \frac{k f}{k+1}\Bigr),
              \qquad k = |S|

    by Fréchet's inequality, :math:`\mu(x_S \mid x_U) \ge 1 - \sum_i (1 - c_i)`, for c the exact
    marginals of the committed tokens. It is attained: let the k tokens err with
    probability f / (k + 1) each, never two of them together.

    For f <= 1 it grows with k, concave, to -log2(1 - f) (infinite at f = 1). For f > 1 it is
    infinite from k = 1 / (f - 1) on: such a round may carry any amount.

    Args:
        size: tokens committed in the round, k >= 1.
        factor: f > 0.

    Returns:
        bits; inf where the rule allows any amount.

    Example:
        >>> round_information(1, 1.0), round_information(3, 1.5)
        (1.0, inf)

    Reference: From Bits to Rounds (2025), appendix A, eq. 8.
    """
    k = _validation.integer("size", size, minimum=1)
    f = _validation.number("factor", factor, above=0)
    return float(_informations(f, np.array([float(k)]))[0])


def round_surprisal(size: int, factor: float) -> float:
    r"""Most surprisal that the tokens of a round of ``size`` have under the factor rule.

    .. math:: \sum_{i \in S} -\log_2 c_i \le g(k) = k \log_2 \frac{k+1}{k+1-f}

    This is arithmetic: it holds whatever model the probabilities come from. The sum is the round's
    joint information when its tokens are independent given the canvas; g <= `round_information`.
    Concave in k for f <= 4/3; beyond, convex up to k + 1 = f / (2 - f) and concave after.

    Args:
        size: tokens committed in the round, k >= 1.
        factor: f > 0.

    Returns:
        bits; inf for k + 1 <= f, where tokens of any probability pass.

    Example:
        >>> round_surprisal(1, 1.0), round_surprisal(1, 2.0)
        (1.0, inf)

    Reference: From Bits to Rounds (2025), appendix A, eq. 10.
    """
    k = _validation.integer("size", size, minimum=1)
    f = _validation.number("factor", factor, above=0)
    return float(_surprisals(f, np.array([float(k)]))[0])


def largest_round_surprisal(factor: float) -> float:
    r"""Least upper bound of `round_surprisal` over all sizes: a round's budget.

    .. math:: G(f) = \sup_{k \ge 1} g(k) = \max\{f / \ln 2,\; g(1)\},
              \qquad g(1) = \log_2 \frac{2}{2 - f}

    The limit k → ∞ is f nats. As g is convex, then concave and rising to that limit, no other size
    but 1 can exceed it; size 1 does from f = 1.5936… on, the root of :math:`2 - f = 2 e^{-f}`.
    Above it the published budget of f nats is too small (f = 1.9: 2.996 nats in one token).

    Args:
        factor: f > 0.

    Returns:
        bits; inf for f >= 2, where a single token of any probability passes.

    Example:
        >>> import math
        >>> [round(largest_round_surprisal(f) * math.log(2), 3) for f in (0.5, 1.5, 1.6, 1.9)]
        [0.5, 1.5, 1.609, 2.996]

    Reference: From Bits to Rounds (2025), Theorem 3.2, with f nats, which is right up to 1.5936.
    """
    f = _validation.number("factor", factor, above=0)
    return max(f / math.log(2), float(_surprisals(f, np.array([1.0]))[0]))


def rounds_curve(
    factor: float, length: int, *, approximation_error: float | None = None
) -> FloatArray:
    r"""Most bits that exactly T rounds of the factor rule carry, for T = 1..n at once.

    .. math:: \max \Bigl\{ \sum_t a(n_t) : n_t \ge 1,\ \sum_t n_t = n \Bigr\}

    with a of `round_information`. If the approximation error ε of a run is known, its bits are also
    at most ε plus the same maximum with g of `round_surprisal`; the lower one counts.

    No dynamic programming is needed: some best composition has rounds of one token and, for the
    other positions, rounds whose sizes differ by one at most. For f <= 1 both a and g are concave,
    so that all sizes are nearly equal. For f > 1, moving a token from the smaller to the larger of
    two rounds p <= q pays in a just when p + q >= 1/(f-1) - 1: equal sizes, or all but one round of
    one token. For g above 4/3, let e(y) = g(1+y) - g(1), convex and then concave: where e(y)/y
    rises for ever (f >= 1.5936) e is superadditive, and one round takes all it can; else rounds
    that are not single have about the size at which e(y)/y is largest.

    O(n) time and memory. Infinite entries: a round may carry any amount. Nondecreasing for f <= 1,
    not always above.

    Args:
        factor: f > 0.
        length: n positions decoded, at most 100,000.
        approximation_error: ε in bits, an upper bound on
            ``|log2 mu(x) - sum log2 c_i|`` over all tokens; None if unknown.

    Returns:
        ``(n,)`` bits, T rounds at entry T - 1.

    Example:
        >>> rounds_curve(1.0, 4).round(3)
        array([2.322, 3.17 , 3.585, 4.   ])

    Reference: sharpens From Bits to Rounds (2025), Theorem 3.2, at a given length.
    """
    f, n, error = _inputs(factor, length, approximation_error)
    return _Capacity(f, n, error).bits


@dataclass(frozen=True, repr=False)
class RoundsBound:
    """Fewest rounds in which the factor rule lets a sequence be decoded.

    Attributes:
        bits: information I = -log2 mu(x) of the sequence.
        factor: f of the rule.
        length: n, positions decoded.
        approximation_error: ε in bits; None if unknown.
        rounds: smallest T such that `rounds_curve` at T reaches ``bits``. No run of commit-only
            rounds that all obey the rule takes fewer. None: no number of rounds is enough, so that
            any decode of the sequence has a round outside the rule. The bound is attained by some
            law if f <= 1 or ε is unknown.
        frechet_rounds: the same from joint information alone, whatever the error; None as above.
        linear_rounds: the same from surprisals alone, at the error given, or else at error 0: then
            it speaks of runs whose tokens are independent given the canvas and is no part of
            ``rounds``. None as above.
        frechet: closed form I / -log2(1 - f), not rounded up; None for f >= 1, where it is void.
        linear: closed form max(0, I - ε) / G(f), not rounded up, with ε as in ``linear_rounds``
            and G of `largest_round_surprisal`; 0.0 for f >= 2, where it is void.
        sizes: tokens per round of a composition with ``rounds`` rounds that carries ``bits``; None
            where ``rounds`` is. Beyond f = 1 at a known error, the joint information and the
            surprisals may reach ``bits`` in different compositions only; this is then one of them.
        most_bits: the largest value of `rounds_curve`: ``rounds`` is None just for more bits. For
            f <= 1 it is ``n log2(2 / (2 - f))``, one token a round.
        most_sizes: a composition that carries ``most_bits``, with the same reservation.
    """

    bits: float
    factor: float
    length: int
    approximation_error: float | None
    rounds: int | None
    frechet_rounds: int | None
    linear_rounds: int | None
    frechet: float | None
    linear: float
    sizes: tuple[int, ...] | None
    most_bits: float
    most_sizes: tuple[int, ...]

    @property
    def certificate(self) -> str:
        """What was proved, in a sentence."""
        rule = f"{counted(self.length, 'token')} in rounds that all obey factor {self.factor:g}"
        if self.approximation_error is not None:
            rule += f", with an approximation error of {self.approximation_error:.6g} bits,"
        if self.rounds is None:
            return (
                f"{rule} carry at most {self.most_bits:.6g} bits (sizes {_listed(self.most_sizes)})"
                f", less than {self.bits:.6g}: some round must break the rule"
            )
        if self.rounds == 1:
            return f"{rule} may carry {self.bits:.6g} bits in a single round: nothing is excluded"
        return (
            f"{rule} carry {self.bits:.6g} bits in no fewer than {self.rounds} rounds "
            f"(sizes {_listed(self.sizes or ())})"
        )

    def _figures(self) -> dict[str, str]:
        known = self.approximation_error is not None
        error = f"error {self.approximation_error:.6g} bits" if known else "if error 0"
        return {
            "rounds": _whole(self.rounds),
            "Fréchet": f"{_whole(self.frechet_rounds)} (closed form {_closed(self.frechet)})",
            f"linear, {error}": f"{_whole(self.linear_rounds)} (closed form {self.linear:.6g})",
            "most bits": f"{self.most_bits:.6g}",
        }

    def __repr__(self) -> str:
        lines = [f"{name:<28} {value}" for name, value in self._figures().items()]
        return "\n  ".join([f"Rounds bound: {self.certificate}.", *lines])

    def _repr_html_(self) -> str:
        return figures_table(f"{self.certificate}.", self._figures())


def min_rounds(
    bits: float, factor: float, length: int, *, approximation_error: float | None = None
) -> RoundsBound:
    r"""Bits to rounds: fewest rounds in which a decode under the factor rule carries ``bits``.

    .. math:: T \ge \min \Bigl\{ T : n_t \ge 1,\ \sum_{t=1}^T n_t = n,\
              \sum_t a(n_t) \ge I \Bigr\} \ge \frac{I}{-\log_2 (1 - f)}

    and, when the approximation error ε is known, the same with g and I - ε, at least
    :math:`(I - \varepsilon) / G(f)`: see `rounds_curve`.

    It holds for commit-only decodes of a sequence of positive probability in which **every**
    committed token of **every** round obeys the rule. Decoders that force their best token when
    nothing passes, or draw an unlikely token at a position that passes, leave it and can take fewer
    rounds: `corrected_bound` holds for them. The bound concerns one sequence x; its mean over
    outputs involves the mean of -log2 mu(x) under the decoder, not the entropy.

    Without an error the linear form says nothing. An error of 0 claims that every round's tokens
    are independent given the canvas.

    For f >= 1 the Fréchet form only limits rounds of fewer than 1 / (f - 1) tokens. For f >= 2 a
    single token of any probability passes, and no more than 2 rounds can be proved, those only from
    a known error.

    Cost: O(n), for all T at once.

    Args:
        bits: I = -log2 mu(x), finite, >= 0.
        factor: f > 0.
        length: n positions to decode, 1 to 100,000.
        approximation_error: ε in bits, >= 0.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> import math
        >>> bound = min_rounds(bits=10 / math.log(2), factor=0.8, length=32)
        >>> bound.rounds, round(bound.frechet, 1), bound.sizes
        (12, 6.2, (3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2))
        >>> min_rounds(bits=10 / math.log(2), factor=0.5, length=32).rounds is None
        True

    Reference: From Bits to Rounds (2025), Theorem 3.2; the exact form at a given length is ours.
    """
    information = _validation.number("bits", bits, minimum=0)
    f, n, error = _inputs(factor, length, approximation_error)
    capacity = _Capacity(f, n, error)
    needed = information - (error or 0.0)
    first = _first(capacity.bits, information)
    best = int(np.argmax(capacity.bits)) + 1
    budget = largest_round_surprisal(f)
    return RoundsBound(
        bits=information,
        factor=f,
        length=n,
        approximation_error=error,
        rounds=first,
        frechet_rounds=_first(capacity.information, information),
        linear_rounds=_first(capacity.surprisal, needed),
        frechet=information * math.log(2) / -math.log1p(-f) if f < 1 else None,
        linear=max(0.0, needed) / budget,
        sizes=None if first is None else capacity.sizes(first),
        most_bits=float(capacity.bits[best - 1]),
        most_sizes=capacity.sizes(best),
    )


class _Capacity:
    """Most bits of T = 1..n rounds, by joint information, by surprisal, and both."""

    def __init__(self, factor: float, length: int, error: float | None) -> None:
        size = np.arange(1.0, length + 1)
        laws = (_informations(factor, size), _surprisals(factor, size))
        self._length, self._error = length, error
        self._parts = np.concatenate([_parts(values) for values in laws])
        self._options = tuple(np.stack([_carried(v, u) for u in self._parts]) for v in laws)
        self.information, self.surprisal = (bits.max(axis=0) for bits in self._options)
        self.bits = self._limited(self.information, self.surprisal)

    def sizes(self, rounds: int) -> tuple[int, ...]:
        """The composition with this many rounds that carries most."""
        information, surprisal = (bits[:, rounds - 1] for bits in self._options)
        best = int(np.argmax(self._limited(information, surprisal)))
        parts = int(self._parts[best, rounds - 1])
        return even_sizes(self._length - rounds + parts, parts) + (1,) * (rounds - parts)

    def _limited(self, information: FloatArray, surprisal: FloatArray) -> FloatArray:
        if self._error is None:
            return information
        return np.minimum(information, surprisal + self._error)


def _parts(values: FloatArray) -> IntArray:
    """Candidates ``(4, n)``: of T rounds, how many share evenly what the single tokens leave."""
    n = len(values)
    rounds = np.arange(1, n + 1)
    spare = n - rounds
    stretch = 1
    if n > 1 and np.isfinite(values[0]):
        stretch = int(np.argmax((values[1:] - values[0]) / rounds[:-1])) + 1
    options = np.stack([rounds, np.ones_like(rounds), spare // stretch, -(-spare // stretch)])
    return np.asarray(np.clip(options, 1, rounds))


def _carried(values: FloatArray, parts: IntArray) -> FloatArray:
    """Bits of T = 1..n rounds, ``parts`` of them of nearly equal size and the others single."""
    n = len(values)
    ones = np.arange(1, n + 1) - parts
    size, larger = np.divmod(n - ones, parts)
    above = np.where(larger > 0, values[np.minimum(size, n - 1)], 0.0)
    single = np.where(ones > 0, values[0], 0.0)
    return np.asarray((parts - larger) * values[size - 1] + larger * above + ones * single)


def _informations(factor: float, size: FloatArray) -> FloatArray:
    """`round_information` of every size; beyond factor 2 all of them may carry anything."""
    certain = 1 + size * (1 - min(factor, 2.0))
    bounded = certain > ROUNDING * (size + 1)
    ratio = np.divide(size, certain, out=np.full_like(size, np.inf), where=bounded)
    return np.asarray(np.log1p(factor * ratio) / math.log(2))


def _surprisals(factor: float, size: FloatArray) -> FloatArray:
    """`round_surprisal` of every size."""
    room = size + 1 - factor
    bounded = room > ROUNDING * (size + 1)
    ratio = np.divide(factor, room, out=np.full_like(size, np.inf), where=bounded)
    return np.asarray(size * np.log1p(ratio) / math.log(2))


def _first(curve: FloatArray, bits: float) -> int | None:
    enough = curve >= bits - ROUNDING * max(1.0, bits)
    return int(np.argmax(enough)) + 1 if enough.any() else None


def _inputs(factor: object, length: object, error: object) -> tuple[float, int, float | None]:
    f = _validation.number("factor", factor, above=0)
    n = _validation.integer("length", length, minimum=1, maximum=ROUNDS_LENGTH)
    if error is None:
        return f, n, None
    return f, n, _validation.number("approximation_error", error, minimum=0)


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _whole(rounds: int | None) -> str:
    return "infeasible" if rounds is None else str(rounds)


def _closed(rounds: float | None) -> str:
    return "void" if rounds is None else f"{rounds:.6g}"


def _listed(sizes: Sequence[int]) -> str:
    shown = "+".join(map(str, sizes[:_SHOWN_SIZES]))
    return shown if len(sizes) <= _SHOWN_SIZES else f"{shown}+…"
