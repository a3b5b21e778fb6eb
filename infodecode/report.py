"""Everything theory says about a distribution, in one report."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from infodecode import _validation, adaptive, information, partitions, schedules
from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.partitions import OptimalPartitions, Partition
from infodecode.schedules import OptimalSchedule

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SHOWN_ROUNDS = 12

ADAPTIVE_PAIRS_HERE = 1 << 20
"""Most pairs of a canvas and a set with which the adaptive optimum is part of the report."""

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False, repr=False)
class Bounds:
    """What no decoder can beat on a distribution, and what good schedules attain.

    Everything is in bits. A field is None where it could not be computed; ``notes`` says why.

    Attributes:
        name: of the distribution.
        length: n, its number of positions.
        entropy: H(Y).
        total_correlation: TC = sum of position entropies minus H(Y): the least KL of one-round
            decoding, by any model (ParallelBench, eq. 1).
        dual_total_correlation: DTC = H(Y) - sum_i H(Y_i | rest).
        information_curve: ``(n,)`` Z_j, what a random position shares with j - 1 random others.
        partition_bits: ``(n,)`` L*_T at entry T - 1: the least forward KL over all orders fixed in
            advance, by any model (ParallelBench, Theorems 1 and 2). Orders that are random or
            depend on revealed values are not covered.
        random_order_bits: ``(n,)`` expected KL of a uniformly random order with the best T sizes.
        adaptive_bits: ``(n,)`` V_T: the least path KL of policies that adapt to revealed values,
            in at most T rounds (`infodecode.adaptive_optimum`); never above ``partition_bits``.
            Computed here up to 2^20 pairs of a canvas and a set (10 binary positions).
        notes: what was left out, and why.
    """

    name: str
    length: int
    entropy: float | None
    total_correlation: float | None
    dual_total_correlation: float | None
    information_curve: FloatArray | None
    partition_bits: FloatArray | None
    random_order_bits: FloatArray | None
    adaptive_bits: FloatArray | None
    notes: tuple[str, ...]
    _alphabet_sizes: tuple[int, ...]
    _partitions: OptimalPartitions | None
    _schedule: OptimalSchedule | None

    def partition(self, rounds: int) -> Partition:
        """An ordered partition that attains ``partition_bits[rounds - 1]``."""
        return self._require(self._partitions, "partition").partition(rounds)

    def random_order_sizes(self, rounds: int) -> tuple[int, ...]:
        """Round sizes that attain ``random_order_bits[rounds - 1]`` in a random order."""
        return self._require(self._schedule, "random_order_sizes").sizes(rounds)

    def rounds_for(self, bits: float = 0.1) -> int:
        """Fewest rounds T with L*_T <= ``bits``."""
        allowed = _validation.number("bits", bits, minimum=0)
        curve = self._require(self.partition_bits, "rounds_for")
        return int(np.argmax(curve <= allowed + ROUNDING)) + 1

    @property
    def validity_floor(self) -> FloatArray | None:
        """``(n,)`` 2^-L*_T: a perfect model on the best partition is valid at least this often."""
        return None if self.partition_bits is None else np.exp2(-self.partition_bits)

    def entropy_cap(self, gate: float, *, forced: float = 0.0) -> float:
        """The most entropy, in bits, that a threshold decoder can put out, before it is run.

        For decoders that choose positions before they draw, at temperature at most 1, positions
        following from the canvas; `infodecode.exploration.entropy_cap` says it of a decoder with
        what it really forces, and of the others.

        Args:
            gate: its threshold, in [0, 1].
            forced: expected commits that do not pass; a decoder without quotas forces one in each
                round in which none passes, so that ``forced`` is at most its expected rounds.
        """
        from infodecode.exploration.caps import gate_bits

        number = _validation.number("forced", forced, minimum=0, maximum=self.length)
        each = np.array([gate_bits(gate, size) for size in self._alphabet_sizes])
        gains = np.sort(np.log2(self._alphabet_sizes) - each)[::-1]
        counted = np.clip(number - np.arange(self.length), 0, 1)
        return float(each.sum() + counted @ gains)

    def to_frame(self) -> pd.DataFrame:
        """One row per number of rounds: the curves, the floor, a best partition and best sizes."""
        import pandas as pd

        columns: dict[str, object] = {"rounds": np.arange(1, self.length + 1)}
        for name in ("partition_bits", "random_order_bits", "adaptive_bits", "validity_floor",
                     "information_curve"):  # fmt: skip
            if (values := getattr(self, name)) is not None:
                columns[name] = values
        rounds = range(1, self.length + 1)
        if self._partitions is not None and self.length <= _SHOWN_ROUNDS:
            columns["partition"] = [_blocks(self.partition(t)) for t in rounds]
        if self._schedule is not None and self.length <= _SHOWN_ROUNDS:
            columns["random_order_sizes"] = [
                "+".join(map(str, self.random_order_sizes(t))) for t in rounds
            ]
        return pd.DataFrame(columns)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Bits against rounds, on ``ax`` or a new figure."""
        from infodecode.plotting import plot_bounds

        return plot_bounds(self, ax=ax)

    def __repr__(self) -> str:
        lines = [
            f"Bounds of {self.name} ({self.length} positions), in bits",
            f"  entropy                  {_figure(self.entropy)}",
            f"  total correlation        {_figure(self.total_correlation)}",
            f"  dual total correlation   {_figure(self.dual_total_correlation)}",
        ]
        curves = [
            (title, values)
            for title, values in (
                ("best partition", self.partition_bits),
                ("adaptive", self._shown_adaptive),
                ("random order", self.random_order_bits),
                ("validity floor", self.validity_floor),
            )
            if values is not None
        ]
        if curves:
            lines.append("  rounds  " + "  ".join(f"{title:>14}" for title, _ in curves))
            for t in self._shown():
                lines.append(f"  {t:>6}  " + "  ".join(f"{v[t - 1]:>14.6g}" for _, v in curves))
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])

    def _repr_html_(self) -> str:
        frame = self.to_frame().set_index("rounds").loc[self._shown()]
        head = (
            f"<b>{html.escape(self.name)}</b>: {self.length} positions, "
            f"entropy {_figure(self.entropy)}, "
            f"total correlation {_figure(self.total_correlation)}, "
            f"dual total correlation {_figure(self.dual_total_correlation)} bits"
        )
        notes = "".join(f"<br><i>{html.escape(note)}</i>" for note in self.notes)
        return f"<div>{head}{frame.to_html(float_format='{:.6g}'.format)}{notes}</div>"

    @property
    def _shown_adaptive(self) -> FloatArray | None:
        """The adaptive optimum where it gains on fixed partitions, or there are none."""
        best, adaptive_bits = self.partition_bits, self.adaptive_bits
        if best is None or adaptive_bits is None:
            return adaptive_bits
        return adaptive_bits if (best - adaptive_bits > ROUNDING).any() else None

    def _shown(self) -> list[int]:
        if self.length <= _SHOWN_ROUNDS:
            return list(range(1, self.length + 1))
        return sorted({int(t) for t in np.geomspace(1, self.length, _SHOWN_ROUNDS).round()})

    def _require(self, value: Result | None, name: str) -> Result:
        if value is None:
            raise ValueError(
                f"{name} could not be computed for {self.name}: {' '.join(self.notes)}"
            )
        return value


def bounds(distribution: Joint) -> Bounds:
    """Everything theory says about decoding a distribution in parallel.

    Args:
        distribution: any law. Exact for tables of up to 18 positions, and for thousands of
            positions where entropies depend on the number of positions only.

    Returns:
        the report; what could not be computed is None, and its notes say why.

    Raises:
        TypeError: ``distribution`` is none.

    Example:
        >>> from infodecode import distributions
        >>> b = bounds(distributions.permutations(5))
        >>> round(b.total_correlation, 4), b.rounds_for(bits=1.0), b.partition(2)
        (4.7027, 3, ((0, 1, 2), (3, 4)))

    Reference: ParallelBench (Kang et al. 2025), section 4; Chen, Cong, Li 2025.
    """
    require("distribution", distribution)
    notes: list[str] = []
    differences = distribution.mean_gains()
    by_mask = None
    if distribution.size_entropies() is None and (
        differences is None or distribution.length <= partitions.PARTITIONS_LENGTH
    ):
        by_mask = _attempt(lambda: information.subset_entropies(distribution), notes)
    if differences is None and by_mask is not None:
        differences = np.diff(information.mean_entropies(by_mask))
    gains = None if differences is None else information.gains_of(differences)
    schedule = _attempt(lambda: _schedule(distribution, gains), notes)
    best = _attempt(lambda: _partitions(distribution, by_mask, schedule), notes)
    policies = _attempt(
        lambda: adaptive.adaptive_optimum(distribution, max_pairs=ADAPTIVE_PAIRS_HERE), notes
    )
    return Bounds(
        name=distribution.name,
        length=distribution.length,
        entropy=_attempt(distribution.entropy, notes),
        total_correlation=_attempt(lambda: information.total_correlation(distribution), notes),
        dual_total_correlation=_attempt(
            lambda: information.dual_total_correlation(distribution), notes
        ),
        information_curve=None if gains is None else information.curve_of(gains),
        partition_bits=None if best is None else best.bits,
        random_order_bits=None if schedule is None else schedule.bits,
        adaptive_bits=None if policies is None else policies.bits,
        notes=tuple(dict.fromkeys(notes)),
        _alphabet_sizes=distribution.alphabet_sizes,
        _partitions=best,
        _schedule=schedule,
    )


def _schedule(distribution: Joint, gains: FloatArray | None) -> OptimalSchedule | None:
    if gains is None:
        return None
    schedules.demand_schedule_fits(distribution)
    return schedules.schedule_of(gains)


def _partitions(
    distribution: Joint, by_mask: FloatArray | None, schedule: OptimalSchedule | None
) -> OptimalPartitions | None:
    if distribution.size_entropies() is not None:
        return None if schedule is None else partitions.of_sizes(schedule)
    partitions.demand_partitions_fit(distribution)
    return None if by_mask is None else partitions.partitions_of(by_mask)


def _attempt(compute: Callable[[], Result | None], notes: list[str]) -> Result | None:
    try:
        return compute()
    except ValueError as reason:
        notes.append(f"{reason}.")
        return None


def _blocks(partition: Partition) -> str:
    return " | ".join(",".join(map(str, block)) for block in partition)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
