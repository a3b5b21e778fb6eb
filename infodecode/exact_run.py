"""What a decoder puts out, exactly, and how far it is from the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from infodecode._html import figures_table
from infodecode._rounding import DECODED_ZERO, ROUNDING, at_mode, nonnegative
from infodecode._typing import Array, FloatArray, IntArray
from infodecode.decoder import Decoder
from infodecode.distributions import TABLE_LIMIT, Joint, Table
from infodecode.orbits import Orbits
from infodecode.propagation import demand_finished, total_of
from infodecode.strategies import Strategy, WholeCanvas

if TYPE_CHECKING:
    from infodecode.exploration.caps import EntropyCap


@dataclass(frozen=True, eq=False, repr=False)
class ExactRun:
    """What a decoder puts out, exactly.

    Over orbits (see `exact`), each outcome stands for all sequences that the symmetry of the law
    turns it into, and its weight is theirs together. Every summary is that of the full output law;
    ``output`` is the law of the orbits.

    Probabilities are floats, or fractions with ``arithmetic="rational"``. Where canvases off the
    support were absorbed, the quantities that need the whole output law (``output``, ``entropy``,
    ``rounds`` and expectations) come from a second run that follows them by the model's own rule,
    marginals by default, made when first asked for: `followed`. What needs finished decodes raises
    ValueError when some are not.

    Attributes:
        distribution: the data law mu.
        decoder: what decoded it.
        off_support: what happened to canvases of data probability 0.
        outcomes: ``(M, n)`` finished sequences, in order of first appearance.
        weights: ``(M,)`` their probabilities under the output law nu.
        absorbed: probability of leaving the support where that was not followed.
        unfinished: probability of not having finished within ``max_rounds``.
        finished_by_round: entry t is the probability of finishing after t rounds; t = 0, 1, ….
        largest_round: distinct canvases (with memory) that the largest round started from.
        orbit_sizes: ``(M,)`` how many sequences each outcome stands for; None without orbits.
    """

    distribution: Joint
    decoder: Decoder
    off_support: str
    outcomes: IntArray
    weights: Array
    absorbed: float | Fraction
    unfinished: float | Fraction
    finished_by_round: Array
    largest_round: int
    orbit_sizes: tuple[int, ...] | None
    _calls: float | Fraction
    _evaluated: float | Fraction
    _log2_data: FloatArray
    _follow: Callable[[], ExactRun]
    _cap: Callable[[], EntropyCap]

    @property
    def probabilities(self) -> FloatArray:
        """``weights`` as floats."""
        return np.asarray(self.weights, dtype=np.float64)

    @cached_property
    def on_support(self) -> Array:
        """``(M,)``: which outcomes have positive data probability."""
        return np.isfinite(self._log2_data)

    @cached_property
    def validity(self) -> float | Fraction:
        """Probability that the output lies in the support of the data; at least ``2^-kl``."""
        if self.absorbed == 0 and self.unfinished == 0 and self.on_support.all():
            return _one(self.weights)
        return total_of(self.weights[self.on_support])

    @property
    def sequence_error_rate(self) -> float | Fraction:
        """1 - `validity`: how often the output is impossible under the data.

        Small where ``kl`` is (it is at most ``1 - 2^-kl``); but the ``reverse_kl`` is infinite as
        soon as it is positive.
        """
        return 1 - self.validity

    @cached_property
    def kl(self) -> float:
        """Forward KL(data || output) in bits; inf when some data outcome is never put out."""
        self._demand_finished("kl")
        if self.distribution.support_size is None:
            raise ValueError(f"kl needs the number of outcomes of {self.distribution.name}")
        if self._covers_all:
            log2_data = self._log2_data[self.on_support]
            log2_nu = self._log2_output[self.on_support]
            terms = self._data_mass * (log2_data - log2_nu)
            return nonnegative(math.fsum(terms), zero=DECODED_ZERO)
        return math.inf

    @cached_property
    def reverse_kl(self) -> float:
        """Reverse KL(output || data) in bits; inf when the output ever leaves the support."""
        self._demand_finished("reverse_kl")
        if self.absorbed > 0 or not self.on_support.all():
            return math.inf
        terms = self.probabilities * (self._log2_output - self._log2_data)
        return nonnegative(math.fsum(terms), zero=DECODED_ZERO)

    @cached_property
    def total_variation(self) -> float:
        """Total variation distance between data and output, in [0, 1]."""
        self._demand_finished("total_variation")
        excess = np.maximum(self._data_mass - self.probabilities[self.on_support], 0)
        missed = 0.0 if self._covers_all else 1.0 - math.fsum(self._data_mass)
        return nonnegative(math.fsum([*excess, missed]), zero=DECODED_ZERO)

    @cached_property
    def coverage(self) -> float:
        """Data probability of the outcomes that can be put out; 1.0 where ``kl`` is finite."""
        if self._covers_all:
            return 1.0
        return math.fsum(self._data_mass)

    @cached_property
    def mode_probability(self) -> float | Fraction:
        """Output probability of the data's most probable outcomes (all of them, if tied)."""
        peak = self.distribution.log2_mode()
        if peak is None:
            raise ValueError(f"mode_probability needs the modes of {self.distribution.name}")
        modes = at_mode(self._log2_data, peak)
        return self.validity if (modes == self.on_support).all() else total_of(self.weights[modes])

    @cached_property
    def followed(self) -> ExactRun:
        """This run, or one that follows canvases off the support if this one absorbed any."""
        return self._follow() if self.absorbed > 0 else self

    @property
    def output(self) -> Table:
        """The output law as a distribution over sequences (of floats, if counts would not fit).

        Over orbits of more than `TABLE_LIMIT` sequences in all, the law of those that stand for
        the orbits; ``orbit_sizes`` then says for how many each stands.
        """
        run = self.followed
        run._demand_finished("output")
        if run.orbit_sizes is not None and sum(run.orbit_sizes) <= TABLE_LIMIT:
            return run._spread_out()
        exact_weights = run._rational and math.lcm(*(w.denominator for w in run.weights)) < 2**53
        weights = run.weights if exact_weights else run.probabilities / math.fsum(run.weights)
        return run._table(run.outcomes, weights, ", up to symmetry" if run.orbit_sizes else "")

    def _spread_out(self) -> Table:
        """The output law over sequences, from its orbits."""
        orbits = Orbits(self.distribution)
        members = [orbits.members(sequence) for sequence in self.outcomes]
        each = np.repeat(np.exp2(self._log2_output), [len(rows) for rows in members])
        return self._table(np.concatenate(members), each / math.fsum(each))

    def _table(self, outcomes: IntArray, weights: Array, note: str = "") -> Table:
        """A law over sequences with the positions and alphabets of the data."""
        d = self.distribution
        return Table(
            outcomes,
            weights,
            alphabet_sizes=d.alphabet_sizes,
            labels=d.labels,
            names=d.names,
            template=d.template,
            name=f"{d.name} decoded by {self.decoder.strategy!r}{note}",
        )

    @property
    def entropy(self) -> float:
        """Entropy of the output law in bits (of its sequences, over orbits too)."""
        run = self.followed
        run._demand_finished("entropy")
        terms = -run.probabilities * run._log2_output
        return nonnegative(math.fsum(terms), zero=DECODED_ZERO)

    @cached_property
    def entropy_cap(self) -> EntropyCap:
        """What the confidence gate of a threshold decoder leaves of ``entropy``, and why.

        Another run, made when first asked for: `infodecode.exploration.entropy_cap`.
        """
        return self._cap()

    @property
    def rounds(self) -> Array:
        """Entry t: probability that decoding takes t rounds, t = 0, 1, …; adds up to 1."""
        if (known := self._known_rounds) is not None:
            return known
        self.followed._demand_finished("rounds")
        return self.followed.finished_by_round / self.followed._finished

    @property
    def expected_rounds(self) -> float | Fraction:
        """Expected number of rounds, under the output law."""
        rounds = self.rounds
        return total_of(np.arange(len(rounds)) * rounds)

    @property
    def expected_calls(self) -> float | Fraction:
        """Expected number of model calls; a batched look-ahead is one more call in its round."""
        if self._known_rounds is not None and not self._looks_ahead:
            return self.expected_rounds
        self.followed._demand_finished("expected_calls")
        return self.followed._calls / self.followed._finished

    @property
    def expected_evaluations(self) -> float | Fraction:
        """Expected number of sequences evaluated by the model."""
        self.followed._demand_finished("expected_evaluations")
        return self.followed._evaluated / self.followed._finished

    @cached_property
    def _known_rounds(self) -> Array | None:
        """`rounds` of a strategy whose sizes are given in advance: no need to follow anything."""
        sizes = self.decoder.strategy.sizes(self.distribution.length)
        if sizes is None or self.decoder.blocks != WholeCanvas() or not self.absorbed:
            return None
        if len(self.finished_by_round) <= len(sizes):
            return None
        one = _one(self.weights)
        return np.array([one * 0] * len(sizes) + [one])

    @property
    def _looks_ahead(self) -> bool:
        looks = type(self.decoder.strategy).explore is not Strategy.explore
        return looks or self.decoder.tokens.asks

    @property
    def _rational(self) -> bool:
        return self.weights.dtype == object

    @cached_property
    def _finished(self) -> float | Fraction:
        """Probability of having finished: 1, but for rounding when everything has."""
        return total_of(self.finished_by_round)

    @cached_property
    def _covers_all(self) -> bool:
        sizes = self.orbit_sizes or (1,) * len(self.outcomes)
        covered = sum(size for size, on in zip(sizes, self.on_support, strict=True) if on)
        return covered == self.distribution.support_size

    @cached_property
    def _log2_sizes(self) -> FloatArray:
        """log2 of how many sequences each outcome stands for, ``(M,)``."""
        if self.orbit_sizes is None:
            return np.zeros(len(self.outcomes))
        return np.array([math.log2(size) for size in self.orbit_sizes])

    @cached_property
    def _log2_output(self) -> FloatArray:
        """log2 of the output probability of each single sequence, ``(M,)``."""
        return np.asarray(np.log2(self.probabilities) - self._log2_sizes)

    @cached_property
    def _data_mass(self) -> FloatArray:
        """Data probability of what each outcome on the support stands for."""
        return np.exp2((self._log2_data + self._log2_sizes)[self.on_support])

    def _demand_finished(self, name: str) -> None:
        demand_finished(name, self, advice="; raise max_rounds")

    def summary(self) -> dict[str, float]:
        """The figures people look at first, as floats.

        Those that would need a second run (`followed`) or finished decodes are left out.
        """
        names = ["validity"]
        if self.unfinished <= ROUNDING:
            names += ["kl", "reverse_kl", "total_variation", "coverage", "mode_probability"]
            known = not self.absorbed or "followed" in self.__dict__
            if known and self.followed.unfinished <= ROUNDING:
                names += ["expected_rounds", "expected_calls", "entropy"]
        figures = {name: float(getattr(self, name)) for name in names}
        if "entropy_cap" in self.__dict__:
            figures["entropy_cap"] = self.entropy_cap.cap
        return figures

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value:.6g}" for name, value in self.summary().items())
        return f"<exact {self.distribution.name}, {self.decoder!r}: {figures}>"

    def _repr_html_(self) -> str:
        over = "" if self.orbit_sizes is None else ", over orbits"
        title = f"{self.distribution.name}, {self.decoder!r}, exactly{over}"
        return figures_table(title, {**self.summary(), "off_support": self.off_support})


def _one(weights: Array) -> float | Fraction:
    return Fraction(1) if weights.dtype == object else 1.0
