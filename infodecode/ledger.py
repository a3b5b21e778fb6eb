"""Ledgers: what the rounds of real decodes carried, obeying the factor rule or not.

A round obeys if its committed tokens all satisfy the rule of `infodecode.rounds`. Decoders that
force a token when none passes, or draw an unlikely one where some passed, break it: the printed
bound fails then, the corrected one counts such rounds apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._html import figures_table
from infodecode._rounding import ROUNDING, nonnegative
from infodecode._typing import Array, BoolArray, FloatArray, IntArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.rounds import counted, largest_round_surprisal

if TYPE_CHECKING:
    import pandas as pd

    from infodecode.trace import Trace

LABELS = ("exploited", "forced", "explored")
KINDS = (*LABELS, "obeying", "breaking")
"""Kinds of rounds: by what the decoder did, and by the factor rule."""

_SINGLE = 1e-6
"""How far above 1 single precision may put a probability."""


def obeys_factor(probabilities: Sequence[float] | FloatArray, factor: float) -> bool:
    """Whether the tokens committed in a round obey the factor rule.

    True iff ``(n + 1)(1 - c_i) <= factor + 1e-12`` for each of the n committed tokens. What counts
    is the probability of the token that was *committed*, not the largest one at its position.

    Args:
        probabilities: ``(n,)`` of the committed tokens, in (0, 1]; a round of none obeys.
        factor: f > 0.

    Example:
        >>> obeys_factor([0.9, 0.9], 0.5), obeys_factor([0.9, 0.9, 0.8], 0.5)
        (True, False)

    Reference: From Bits to Rounds (2025), Assumption 3.1; Fast-dLLM (Wu et al. 2025).
    """
    f = _validation.number("factor", factor, above=0)
    one = _probabilities("probabilities", probabilities)
    return bool(obeying(np.array(len(one)), np.array(one.min(initial=1.0)), f))


def corrected_bound(probabilities: Sequence[Sequence[float] | FloatArray], factor: float) -> float:
    r"""Fewest rounds of a decode, counting the rounds outside the factor rule one by one.

    .. math:: T \ge |N| + \frac{1}{G(f)} \sum_{t \in E} \sum_{i \in S_t} -\log_2 c_i

    E are the rounds whose committed tokens all obey the rule (`obeys_factor`), N all others,
    whatever the decoder calls them, and G is `largest_round_surprisal`. It holds for every decode
    by every model, on and off the support, for each is one round and no round of E carries more
    than G. See `Ledger` for the forms that involve the information of the sequence.

    Args:
        probabilities: for each round, those of its committed tokens.
        factor: f > 0.

    Returns:
        rounds, not rounded up.

    Example:
        >>> corrected_bound([[1 / 16]], 0.5)  # a forced token; the printed theorem asks for 5.5
        1.0

    Reference: corrects From Bits to Rounds (2025), Theorem 3.2, as applied in its section 5.
    """
    return float(ledger_of(probabilities, factor).linear_bound[0])


@dataclass(frozen=True, eq=False, repr=False)
class Ledger:
    """Bits and rounds of decodes, by kind of round, beside the bounds.

    A round *obeys* if its committed tokens all satisfy the factor rule (E), otherwise it *breaks*
    it (N). Independently of that, a round has *explored* if it looked ahead (more than one model
    call: "targeted exploration"); of the others, the decoder labels one *forced* when nothing
    passed and it committed a fallback ("implicit exploration"), else it *exploits*. The labels
    cannot replace E and N: a drawn token may be unlikely at a position that passes, and a forced
    round may obey.

    Every array is ``(samples,)``; rounds that commit nothing belong to no kind.

    Attributes:
        factor: f of the rule.
        rounds: T.
        obeying_rounds, breaking_rounds: ``|E|`` and ``|N|``.
        exploited_rounds, forced_rounds, explored_rounds: by label.
        bits: surprisal, the sum of -log2 c over all committed tokens.
        obeying_bits, breaking_bits, exploited_bits, forced_bits, explored_bits: its parts.
        information: I = -log2 mu(x | start), inf off the support; None without a distribution.
        obeying_information: the joint information I_E = sum over E of -log2 mu(tokens | canvas).
            A round that leaves the support counts as inf, those after it as 0. Decoders that mask
            again reveal more than the sequence holds: then I_E <= I need not hold.
        exploited_information, forced_information, explored_information: the same by label.
        linear_bound: ``|N|`` + obeying_bits / G(f), as `corrected_bound`. On the support and with
            commits only this is ``|N|`` + (I - I_N - ε_E) / G(f), I_N = I - I_E.
        frechet_bound: ``|N|`` + sum over E of min(1, information / -log2(1 - f)); None for
            f >= 1 or without a distribution. With the exact marginals of the distribution no round
            reaches 1 and this is ``|N|`` + (I - I_N) / -log2(1 - f).
        weights: probability of each row where they are outcomes of an exact run; None: samples,
            which count alike.
        printed_bound: the published max of I / -log2(1 - f) (f < 1) and (I - ε) / f nats, ε the
            error of the whole decode; None without a distribution. It may exceed ``rounds`` where
            rounds break the rule, or where f > 1.5936.

    Reference: From Bits to Rounds (2025), Theorem 3.2 (printed) and Figure 2 (shares).
    """

    factor: float
    rounds: IntArray
    obeying_rounds: IntArray
    breaking_rounds: IntArray
    exploited_rounds: IntArray
    forced_rounds: IntArray
    explored_rounds: IntArray
    bits: FloatArray
    obeying_bits: FloatArray
    breaking_bits: FloatArray
    exploited_bits: FloatArray
    forced_bits: FloatArray
    explored_bits: FloatArray
    information: FloatArray | None
    obeying_information: FloatArray | None
    exploited_information: FloatArray | None
    forced_information: FloatArray | None
    explored_information: FloatArray | None
    linear_bound: FloatArray
    frechet_bound: FloatArray | None
    printed_bound: FloatArray | None
    weights: FloatArray | None = None

    @property
    def bound(self) -> FloatArray:
        """``(samples,)`` the larger corrected bound; above ``rounds`` by rounding at most."""
        if self.frechet_bound is None:
            return self.linear_bound
        return np.asarray(np.maximum(self.linear_bound, self.frechet_bound))

    @property
    def obeying_error(self) -> FloatArray | None:
        """``(samples,)`` the signed ε_E = I_E - obeying_bits; inf off the support."""
        if self.information is None or self.obeying_information is None:
            return None
        error = self.obeying_information - self.obeying_bits
        return np.where(np.isfinite(self.information), error, np.inf)

    def error(self, kind: str) -> FloatArray | None:
        """``(samples,)`` the signed approximation error of the rounds of a kind, in bits.

        Their joint information less their surprisal, I - sum of -log2 c: what their product of
        marginals overstates; inf if one of them left the support. None without a distribution.

        Args:
            kind: ``"exploited"``, ``"forced"``, ``"explored"``, ``"obeying"`` or ``"breaking"``.
        """
        _validation.choice("kind", kind, KINDS)
        if kind == "breaking":
            parts = [part for label in LABELS if (part := self.error(label)) is not None]
            if not parts or (obeying := self.error("obeying")) is None:
                return None
            whole = np.sum(parts, axis=0)
            error = np.full(whole.shape, np.inf)
            np.subtract(whole, obeying, out=error, where=np.isfinite(whole))
            return error
        information = getattr(self, f"{kind}_information")
        return None if information is None else np.asarray(information - self._bits(kind))

    def _bits(self, kind: str) -> FloatArray:
        return np.asarray(getattr(self, f"{kind}_bits"))

    def shares(self) -> pd.DataFrame:
        """All samples together: mean rounds and bits of each kind, and their shares.

        ``efficiency`` is the share of bits over the share of rounds, ``error`` the mean `error`
        where a distribution is known. Kinds without a round are left out.
        """
        import pandas as pd

        rows = {}
        rounds, bits = self.mean(self.rounds), self.mean(self.bits)
        for kind in KINDS:
            taken = self.mean(getattr(self, f"{kind}_rounds"))
            carried = self.mean(getattr(self, f"{kind}_bits"))
            if taken:
                part, share = taken / rounds, carried / bits if bits else 0.0
                error = self.error(kind)
                lost = () if error is None else (self.mean(error),)
                rows[kind] = (taken, carried, part, share, share / part, *lost)
        columns = ["rounds", "bits", "share_of_rounds", "share_of_bits", "efficiency"]
        if self.obeying_information is not None:
            columns.append("error")
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def mean(self, values: Array) -> float:
        """Mean ``(samples,)`` of a field over samples, or its expectation over outcomes."""
        if self.weights is None:
            return math.fsum(values) / len(values)
        return math.fsum(self.weights * values)

    def to_frame(self) -> pd.DataFrame:
        """One row per sample: every field that is known."""
        import pandas as pd

        known = {
            spec.name: value
            for spec in fields(self)
            if isinstance(value := getattr(self, spec.name), np.ndarray)
        }
        return pd.DataFrame({"sample": np.arange(len(self.rounds)), **known})

    def _figures(self) -> dict[str, float]:
        means = {"mean rounds": self.rounds, "mean corrected bound": self.bound}
        if self.printed_bound is not None:
            means["mean printed bound"] = self.printed_bound
        return {name: self.mean(values) for name, values in means.items()}

    def __repr__(self) -> str:
        lines = [f"Ledger of {counted(len(self.rounds), 'decode')} at factor {self.factor:g}"]
        lines += [f"  {name:<21} {value:.6g}" for name, value in self._figures().items()]
        table = self.shares()
        return "\n".join(lines + ([] if table.empty else [table.to_string(float_format="%.4g")]))

    def _repr_html_(self) -> str:
        head = f"Ledger of {counted(len(self.rounds), 'decode')} at factor {self.factor:g}"
        table = self.shares().to_html(float_format="{:.4g}".format)
        return f"<div>{figures_table(head, self._figures())}{table}</div>"


def ledger_of(
    probabilities: Sequence[Sequence[float] | FloatArray],
    factor: float,
    *,
    forced: Sequence[bool] | BoolArray | None = None,
    explored: Sequence[bool] | BoolArray | None = None,
    information: Sequence[float] | FloatArray | None = None,
) -> Ledger:
    """`Ledger` of one decode, from the probabilities of its tokens.

    Args:
        probabilities: for each round, those of its committed tokens, in (0, 1]; an empty round is
            one that committed nothing.
        factor: f > 0.
        forced: for each round, whether it was a fallback; by default none was.
        explored: for each round, whether it looked ahead; by default none did.
        information: for each round, -log2 mu(its tokens | canvas) >= 0, their joint information.

    Raises:
        TypeError, ValueError: an argument that cannot be; the message names it.

    Example:
        >>> book = ledger_of([[0.95, 0.9], [0.25]], 0.5, forced=[False, True])
        >>> book.obeying_rounds, book.linear_bound.round(3)
        (array([1]), array([1.313]))
    """
    f = _validation.number("factor", factor, above=0)
    rounds = [
        _probabilities(f"probabilities[{t}]", one)
        for t, one in enumerate(_validation.iterate("probabilities", probabilities))
    ]
    joint = None
    if information is not None:
        given = [
            math.inf if value == math.inf
            else _validation.number(f"information[{t}]", value, minimum=0)
            for t, value in enumerate(_validation.iterate("information", information))
        ]  # fmt: skip
        _demand_rounds("information", len(given), len(rounds))
        joint = np.array(given).reshape(-1, 1)
    return _ledger(
        f,
        size=np.array([len(one) for one in rounds], np.int64).reshape(-1, 1),
        least=np.array([one.min(initial=1.0) for one in rounds]).reshape(-1, 1),
        surprisal=np.array([_surprisal(one) for one in rounds]).reshape(-1, 1),
        forced=_flags("forced", forced, len(rounds)),
        explored=_flags("explored", explored, len(rounds)),
        joint=joint,
        rounds=np.array([len(rounds)]),
    )


def _flags(name: str, given: Sequence[bool] | BoolArray | None, rounds: int) -> BoolArray:
    """``(T, 1)``; all False by default."""
    values = [False] * rounds if given is None else _validation.iterate(name, given)
    flags = [_validation.flag(f"{name}[{t}]", value) for t, value in enumerate(values)]
    _demand_rounds(name, len(flags), rounds)
    return np.array(flags, bool).reshape(-1, 1)


def ledger(trace: Trace, factor: float, *, distribution: Joint | None = None) -> Ledger:
    """`Ledger` of every sample of a trace.

    Args:
        trace: of `infodecode.decode`, by any decoder.
        factor: f > 0 of the rule to hold the rounds against; the decoder need not use it.
        distribution: the data law, for the information of rounds and sequences.

    Raises:
        TypeError, ValueError: an argument that cannot be (the message names it); a distribution
            that does not fit the trace; a committed token of probability 0.

    Example:
        >>> from infodecode import Decoder, decode, distributions, strategies
        >>> law = distributions.permutations(20)
        >>> trace = decode(law, Decoder(strategies.Factor(0.5)))
        >>> book = ledger(trace, 0.5, distribution=law)
        >>> int(book.rounds[0]), float(book.bound[0]), float(book.printed_bound[0].round(1))
        (20, 19.0, 84.7)
    """
    from infodecode.trace import Trace

    if not isinstance(trace, Trace):
        raise TypeError(f"trace must be a Trace, got {_validation.shown(trace)}")
    f = _validation.number("factor", factor, above=0)
    committed = trace.committed
    probability = np.where(committed, trace.probability, 1.0)
    if not ((probability > 0) & (probability <= 1 + _SINGLE)).all():
        raise ValueError("trace must give every committed token a probability in (0, 1]")
    joint = information = None
    if distribution is not None:
        joint = _joint_information(trace, distribution)
        information = revealed_bits(distribution, trace.canvases[0], trace.canvases[-1], math.inf)
    return _ledger(
        f,
        size=committed.sum(axis=2),
        least=probability.min(axis=2, initial=1.0),
        surprisal=_surprisal(probability),
        forced=trace.forced,
        explored=trace.calls > 1,
        joint=joint,
        rounds=trace.rounds,
        information=information,
    )


def _ledger(
    factor: float,
    *,
    size: IntArray,
    least: FloatArray,
    surprisal: FloatArray,
    forced: BoolArray,
    explored: BoolArray,
    joint: FloatArray | None,
    rounds: IntArray,
    information: FloatArray | None = None,
) -> Ledger:
    """From figures of each round, all ``(T, samples)``."""
    active = size > 0
    obeys = active & obeying(size, least, factor)
    labels = active & np.array([~forced & ~explored, forced & ~explored, explored])
    kinds = (obeys, active & ~obeys, *labels)
    counts = [np.asarray(where.sum(axis=0)) for where in kinds]
    parts = [_sum(surprisal, where) for where in kinds]
    by_label = [None if joint is None else _sum(joint, where) for where in labels]
    bits = _sum(surprisal, active)
    total = within = frechet = printed = None
    if joint is not None:
        total = _sum(joint, active) if information is None else information
        within = _sum(joint, obeys)
        printed = printed_bounds(bits, total, factor)
        if factor < 1:
            frechet = counts[1] + _sum(np.minimum(1.0, joint / frechet_budget(factor)), obeys)
    return Ledger(
        factor=factor,
        rounds=rounds,
        obeying_rounds=counts[0],
        breaking_rounds=counts[1],
        exploited_rounds=counts[2],
        forced_rounds=counts[3],
        explored_rounds=counts[4],
        bits=bits,
        obeying_bits=parts[0],
        breaking_bits=parts[1],
        exploited_bits=parts[2],
        forced_bits=parts[3],
        explored_bits=parts[4],
        information=total,
        obeying_information=within,
        exploited_information=by_label[0],
        forced_information=by_label[1],
        explored_information=by_label[2],
        linear_bound=counts[1] + parts[0] / largest_round_surprisal(factor),
        frechet_bound=frechet,
        printed_bound=printed,
    )


def frechet_budget(factor: float) -> float:
    """Most bits of joint information in a round of any size, for factors below 1."""
    return -math.log1p(-factor) / math.log(2)


def printed_bounds(bits: FloatArray, information: FloatArray, factor: float) -> FloatArray:
    """The published bound of every decode, from its surprisal and its information."""
    linear = np.minimum(bits, 2 * information - bits) * math.log(2) / factor
    if factor >= 1:
        return np.asarray(linear)
    return np.asarray(np.maximum(linear, information / frechet_budget(factor)))


def _joint_information(trace: Trace, distribution: Joint) -> FloatArray:
    """Bits ``(T, samples)`` of each round's tokens together, given the canvas before it."""
    _demand_fits(trace, distribution)
    committed = trace.committed
    out = np.zeros(committed.shape[:2])
    t, sample = np.nonzero(committed.any(axis=2))
    before = trace.canvases[t, sample]
    after = np.where(committed[t, sample], trace.canvases[t + 1, sample], before)
    if len(t):
        out[t, sample] = revealed_bits(distribution, before, after, 0.0)
    return out


def revealed_bits(law: Joint, before: IntArray, after: IntArray, off_support: float) -> FloatArray:
    """Bits ``(B,)`` from canvas to canvas; ``off_support`` where there is no telling."""
    known, reached = law._log2_mass(before), law._log2_mass(after)
    possible = np.isfinite(known)
    bits = np.full(len(known), off_support)
    np.subtract(known, reached, out=bits, where=possible)
    return nonnegative(bits, scale=float(np.max(-known, where=possible, initial=1.0)))


def _demand_fits(trace: Trace, distribution: Joint) -> None:
    law = require("distribution", distribution)
    if trace.canvases.shape[2] != law.length:
        raise ValueError(
            f"distribution must have the {trace.canvases.shape[2]} positions of the trace, "
            f"got {law.length}"
        )
    if (trace.canvases >= np.array(law.alphabet_sizes)).any():
        raise ValueError(f"distribution must have the tokens of the trace, got {law!r}")


def obeying(size: IntArray, least: FloatArray, factor: float) -> BoolArray:
    """Which rounds obey the factor rule, from their sizes and their least probable tokens."""
    return np.asarray((size + 1) * (1 - least) <= factor + ROUNDING)


def _surprisal(probability: FloatArray) -> FloatArray:
    """Sum of -log2 over the last axis; what single precision puts above 1 counts as 1."""
    return np.asarray(np.sum(np.abs(np.log2(np.minimum(probability, 1.0))), axis=-1))


def _sum(values: FloatArray, where: BoolArray) -> FloatArray:
    return np.asarray(np.sum(values, axis=0, where=where))


def _probabilities(name: str, value: object) -> FloatArray:
    checked = [
        _validation.number(f"{name}[{i}]", p, above=0, maximum=1 + _SINGLE)
        for i, p in enumerate(_validation.iterate(name, value))
    ]
    return np.array(checked, float)


def _demand_rounds(name: str, given: int, rounds: int) -> None:
    if given != rounds:
        raise ValueError(f"{name} must have one entry for each of {rounds} rounds, got {given}")
