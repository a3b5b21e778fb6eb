"""Frontiers: expected rounds against error over the settings of each strategy."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from infodecode import _validation
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key
from infodecode._rounding import ROUNDING
from infodecode._typing import FloatArray
from infodecode.adaptive import LeastBits
from infodecode.decoder import ORDERS, Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.estimate import Estimate
from infodecode.frontier_point import Point as Point
from infodecode.frontier_point import measured
from infodecode.oracle import THRESHOLDS, OracleThreshold
from infodecode.oracle import oracle_threshold as oracle_threshold
from infodecode.regret import convex_bits
from infodecode.report import ADAPTIVE_PAIRS_HERE, Bounds, bounds
from infodecode.strategies import Strategy, Threshold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLUMNS = (
    "kind", "method", "rounds", "calls", "data_rounds", "kl", "path_kl", "regret", "validity",
    "entropy", "unfinished", "pareto",
)  # fmt: skip
_CURVE_POINTS = 64
"""Numbers of rounds at which the adaptive curve is certain; corners between are left out."""


@dataclass(frozen=True, eq=False, repr=False)
class Frontier:
    """What `frontier` returns.

    What bounds what: L*_T bounds the KL of every order fixed in advance, at its whole number of
    rounds. Random choices among such orders have a random T; their expected path KL is at least
    the lower convex hull of L*_T at E[T]. Every commit-only policy that chooses before it draws
    has a path KL of at least the adaptive optimum at E_mu[T], its expected rounds on data
    (`adaptive_curve`, itself a convex hull). None of them bounds the KL of an output that mixes
    several paths, nor decoders of another kind: `Point.kind` says which those are.

    Attributes:
        distribution: the data law.
        points: every decoder, in the order asked for.
        bounds: of the distribution, for the curves beside the points.
        oracle: the best threshold of every sample, if it was asked for.
    """

    distribution: Joint
    points: tuple[Point, ...]
    bounds: Bounds
    oracle: OracleThreshold | None
    _least: LeastBits | None

    @property
    def pareto(self) -> tuple[Point, ...]:
        """The undominated points, by rounds."""
        return tuple(sorted((p for p in self.points if p.pareto), key=lambda p: p.rounds))

    @cached_property
    def adaptive_curve(self) -> FloatArray | None:
        """``(M, 2)`` corners of the adaptive optimum: expected rounds on data, least path KL.

        In bits; straight lines join them: random choices among two policies. None beyond the
        size up to which `infodecode.bounds` has the adaptive optimum.
        """
        return None if self._least is None else self._least.corners(_CURVE_POINTS)

    def beside(self, point: Point) -> dict[str, float]:
        """Least path KL in bits with as many expected rounds as a point, where it is known.

        ``partition_bits`` of fixed orders, ``random_order_bits`` of random orders, and
        ``adaptive_bits`` of all policies, random choices among them allowed: at ``data_rounds``,
        or at ``rounds`` where the point has none.
        """
        if not math.isfinite(point.rounds):
            return {}
        at = max(1.0, point.rounds if point.data_rounds is None else point.data_rounds)
        found = {}
        for name in ("partition_bits", "random_order_bits"):
            if (curve := getattr(self.bounds, name)) is not None:
                found[name] = convex_bits(curve, at)
        if self._least is not None:
            found["adaptive_bits"] = self._least.at(at)
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row per decoder, and one for the oracle; what does not exist is ``<NA>``.

        The last columns are those of `beside`; simulated quantities have columns with the ends of
        their intervals too.
        """
        import pandas as pd

        rows = [
            {
                "family": point.family,
                "decoder": repr(point.decoder),
                **{name: getattr(point, name) for name in _COLUMNS},
                **self.beside(point),
                **_intervals(*point.intervals),
            }
            for point in self.points
        ]
        if (best := self.oracle) is not None:
            rows.append(
                {"family": "oracle threshold", "decoder": f"best of {best.gammas}",
                 "kind": "oracle", "method": best.method, "rounds": best.rounds.value,
                 "validity": best.validity.value, "pareto": False,
                 **_intervals(best.validity, best.rounds)}
            )  # fmt: skip
        columns = list(dict.fromkeys(name for row in rows for name in row))
        frame = pd.DataFrame([[row.get(name) for name in columns] for row in rows], columns=columns)
        numbers = frame.columns.difference(["family", "decoder", "kind", "method", "pareto"])
        return frame.astype(dict.fromkeys(numbers, "Float64"))

    def plot(self, ax: Axes | None = None, *, quantity: str = "kl") -> Axes:
        """Expected rounds against ``"kl"``, ``"validity"`` or ``"entropy"``, beside the bounds."""
        from infodecode.plotting import plot_frontier

        return plot_frontier(self, ax=ax, quantity=quantity)

    def __repr__(self) -> str:
        lines = [f"Frontier of {self.distribution.name}: {len(self.points)} decoders, undominated:"]
        for point in self.pareto:
            error = f"validity {point.validity:.4g}" if point.kl is None else f"{point.kl:.4g} bits"
            lines.append(
                f"  {point.rounds:7.3f} rounds  {error:<20} {point.kind:<12} {point.label}"
            )
        if (best := self.oracle) is not None:
            lines.append(
                f"  oracle threshold ({best.coupling} randomness): {best.rounds} rounds, "
                f"validity {best.validity}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format="{:.4g}".format, index=False, na_rep="")
        return f"<div><b>{html.escape(self.distribution.name)}</b>{table}</div>"


def frontier(
    distribution: Joint,
    strategies: Iterable[type[Strategy] | Strategy | Decoder],
    *,
    temperature: float = 1.0,
    order: str = "choose-then-sample",
    samples: int = 20_000,
    seed: int = 0,
    entropy: bool = False,
    oracle: bool = False,
    max_children: int = 1_000_000,
    progress: bool | None = None,
) -> Frontier:
    """Expected rounds against error, over a grid of settings of each strategy.

    Any decoder may stand here, whatever `infodecode.regret` thinks of it: commit-only policies that
    choose before they draw have a path KL and a regret, all others are shown beside them.

    Cost: `bounds`, and one `exact` and `data_path`, or ``samples`` decodes of each, for every
    decoder.

    Args:
        distribution: the data law, decoded by its ideal model.
        strategies: classes of strategies, each with its own grid (`Strategy.grid`); or strategies,
            or whole decoders, as single points.
        temperature, order: of strategies and classes; decoders keep theirs. A strategy that scores
            drawn tokens always draws first.
        samples, seed: of runs too large to be exact, and of the oracle.
        entropy: also the entropy of the output law, which follows canvases off the support.
        oracle: also `oracle_threshold`, of the thresholds on this frontier, or `THRESHOLDS`.
        max_children: as in `infodecode.exact`; larger runs are simulated, without KL.
        progress: as in `infodecode.exact`.

    Returns:
        the points with their bounds; undominated ones are marked.

    Raises:
        TypeError, ValueError: an argument that cannot be; a class without a grid.

    Example:
        >>> from infodecode import distributions, strategies
        >>> law = distributions.replace_random(6)
        >>> front = frontier(law, [strategies.Threshold, strategies.Factor])
        >>> len(front.points), [round(p.rounds, 2) for p in front.pareto]
        (21, [1.0, 2.0, 2.48, 2.96, 4.33])

        A decoder that draws first may go below every policy that does not:

        >>> law = distributions.replace_random(3)
        >>> drawn = Decoder(strategies.Factor(1.2), order="sample-then-choose")
        >>> front = frontier(law, [drawn])
        >>> point, best = front.points[0], front.beside(front.points[0])
        >>> point.kind, round(point.rounds, 2), point.kl, round(best["adaptive_bits"], 3)
        ('draws first', 2.22, 0.0, 0.168)

    Reference: ParallelBench (Kang et al. 2025), section 5, on exact laws.
    """
    law = require("distribution", distribution)
    heat = _validation.number("temperature", temperature, minimum=0)
    _validation.choice("order", order, ORDERS)
    count = _validation.integer("samples", samples, minimum=1)
    seed_key(seed)
    _validation.flag("entropy", entropy)
    limit = _validation.integer("max_children", max_children, minimum=1)
    wanted = [
        decoder
        for k, entry in enumerate(_validation.iterate("strategies", strategies))
        for decoder in _decoders(f"strategies[{k}]", entry, law.length, heat, order)
    ]
    if not wanted:
        raise ValueError("strategies must hold at least one strategy, got none")
    best = None
    if _validation.flag("oracle", oracle):
        gammas = _thresholds(wanted) or THRESHOLDS
        best = oracle_threshold(law, gammas, samples=count, seed=seed, temperature=heat)
    known = bounds(law)
    least = None
    if known.adaptive_bits is not None:
        least = LeastBits(law, max_pairs=ADAPTIVE_PAIRS_HERE)
    points = []
    with progress_bar("decoders", len(wanted), progress) as advance:
        for decoder in wanted:
            point = measured(
                law, decoder, known, least, samples=count, seed=seed, entropy=entropy,
                max_children=limit,
            )  # fmt: skip
            points.append(point)
            advance(1)
    return Frontier(law, _marked(points), known, best, least)


def _intervals(validity: Estimate | None, rounds: Estimate | None) -> dict[str, float]:
    ends: dict[str, float] = {}
    for name, estimate in (("validity", validity), ("rounds", rounds)):
        if estimate is not None:
            ends |= {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return ends


def _decoders(
    name: str, entry: object, length: int, temperature: float, order: str
) -> list[Decoder]:
    if isinstance(entry, Decoder):
        return [entry]
    if isinstance(entry, Strategy):
        grid: Sequence[Strategy] = [entry]
    elif isinstance(entry, type) and issubclass(entry, Strategy):
        grid = entry.grid(length)
        if not grid:
            raise ValueError(
                f"{name} must be a strategy with settings, since {entry.__name__} has no grid"
            )
    else:
        raise TypeError(
            f"{name} must be a class of strategies, a strategy or a decoder, "
            f"got {_validation.shown(entry)}"
        )
    return [
        Decoder(
            strategy,
            temperature=temperature,
            order=ORDERS[1] if "drawn_probability" in strategy.needs else order,
        )
        for strategy in grid
    ]


def _thresholds(decoders: Sequence[Decoder]) -> tuple[float, ...]:
    """Thresholds of plain threshold decoders, whatever their temperature."""
    strategies = [decoder.strategy for decoder in decoders]
    return tuple(
        s.gamma for s in strategies if isinstance(s, Threshold) and s == Threshold(s.gamma)
    )


def _marked(points: Sequence[Point]) -> tuple[Point, ...]:
    """Points with the undominated ones marked, of equals the first."""
    marked = []
    for k, point in enumerate(points):
        by_validity = point.kl is None
        mine = _error(point, by_validity)
        dominated = point.unfinished > 0 or any(
            other.rounds <= point.rounds + ROUNDING
            and (theirs := _error(other, by_validity)) <= mine + ROUNDING
            and (j < k or other.rounds < point.rounds - ROUNDING or theirs < mine - ROUNDING)
            for j, other in enumerate(points)
            if not other.unfinished
        )
        marked.append(replace(point, pareto=not dominated and math.isfinite(mine)))
    return tuple(marked)


def _error(point: Point, by_validity: bool) -> float:
    """What points are compared by: those without KL with all others, those with KL by it."""
    if by_validity:
        return 1 - point.validity
    return math.inf if point.kl is None else point.kl
