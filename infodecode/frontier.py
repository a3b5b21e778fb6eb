"""Frontiers: expected rounds against error over the settings of each strategy."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from infodecode import _validation
from infodecode._progress import progress_bar
from infodecode._randomness import seed_key, streams_of
from infodecode._rounding import ROUNDING
from infodecode.chance import TooManyCanvases
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.distributions._joint import require
from infodecode.estimate import Estimate, mean_of_counts, proportion
from infodecode.exact import exact
from infodecode.models import IdealModel
from infodecode.report import Bounds, bounds
from infodecode.simulate import decode_batch, simulate
from infodecode.strategies import Strategy, Threshold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Thresholds that `oracle_threshold` chooses from by default."""


@dataclass(frozen=True)
class Point:
    """One decoder on a frontier.

    Attributes:
        family: class of its strategy.
        decoder: the decoder.
        method: ``"exact"`` or ``"simulated"``.
        rounds: expected number of rounds under the output law.
        validity: probability that an output is possible under the data.
        kl: forward KL in bits; None where simulated.
        entropy: of the output law in bits; None where simulated, or where it was not asked for.
        pareto: no other point has at most its rounds and at most its error (``kl``, or
            ``1 - validity`` where that is all there is) and less of one; of equals the first.
    """

    family: str
    decoder: Decoder
    method: str
    rounds: float
    validity: float
    kl: float | None
    entropy: float | None
    pareto: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Frontier:
    """What `frontier` returns.

    Attributes:
        distribution: the data law.
        points: every decoder, in the order asked for.
        bounds: of the distribution, for the curves beside the points. They bound fixed orders, and
            mean random ones; a decoder that adapts to values, or a mixture of orders, may lie
            below.
    """

    distribution: Joint
    points: tuple[Point, ...]
    bounds: Bounds

    @property
    def pareto(self) -> tuple[Point, ...]:
        """The undominated points, by rounds."""
        return tuple(sorted((p for p in self.points if p.pareto), key=lambda p: p.rounds))

    def to_frame(self) -> pd.DataFrame:
        """One row per decoder, with the bounds at as many rounds (whole ones, rounded down)."""
        import pandas as pd

        rows = []
        for point in self.points:
            whole = max(1, math.floor(point.rounds + ROUNDING))
            row = {
                "family": point.family,
                "decoder": repr(point.decoder),
                "method": point.method,
                "rounds": point.rounds,
                "kl": point.kl,
                "validity": point.validity,
                "entropy": point.entropy,
                "pareto": point.pareto,
            }
            for name in ("partition_bits", "random_order_bits", "adaptive_bits"):
                curve = getattr(self.bounds, name)
                if curve is not None:
                    row[name] = float(curve[min(whole, len(curve)) - 1])
            rows.append(row)
        return pd.DataFrame(rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """KL against expected rounds, beside the bounds; undominated points are filled."""
        from infodecode.plotting import plot_frontier

        return plot_frontier(self, ax=ax)

    def __repr__(self) -> str:
        lines = [f"Frontier of {self.distribution.name}: {len(self.points)} decoders, undominated:"]
        for point in self.pareto:
            error = f"validity {point.validity:.4g}" if point.kl is None else f"{point.kl:.4g} bits"
            lines.append(f"  {point.rounds:7.3f} rounds  {error:<20} {point.decoder!r}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        table = self.to_frame().to_html(float_format="{:.4g}".format, index=False)
        return f"<div><b>{html.escape(self.distribution.name)}</b>{table}</div>"


def frontier(
    distribution: Joint,
    strategies: Iterable[type[Strategy] | Strategy | Decoder],
    *,
    temperature: float = 1.0,
    samples: int = 20_000,
    seed: int = 0,
    entropy: bool = False,
    max_children: int = 1_000_000,
    progress: bool | None = None,
) -> Frontier:
    """Expected rounds against error, over a grid of settings of each strategy.

    Args:
        distribution: the data law, decoded by its ideal model.
        strategies: classes of strategies, each with its own grid (`Strategy.grid`); or strategies,
            or whole decoders, as single points.
        temperature: of strategies and classes; decoders keep theirs.
        samples, seed: of runs too large to be exact.
        entropy: also the entropy of the output law, which follows canvases off the support.
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

    Reference: ParallelBench (Kang et al. 2025), section 5, on exact laws.
    """
    law = require("distribution", distribution)
    wanted = [
        decoder
        for k, entry in enumerate(_validation.iterate("strategies", strategies))
        for decoder in _decoders(f"strategies[{k}]", entry, law.length, temperature)
    ]
    if not wanted:
        raise ValueError("strategies must hold at least one strategy, got none")
    points = []
    with progress_bar("decoders", len(wanted), progress) as advance:
        for decoder in wanted:
            points.append(_point(law, decoder, samples, seed, entropy, max_children))
            advance(1)
    return Frontier(law, _marked(points), bounds(law))


@dataclass(frozen=True)
class OracleThreshold:
    """What an oracle gains that knows each sample's best threshold.

    Attributes:
        validity: share of samples valid under some threshold.
        rounds: mean rounds of the oracle: the fewest with which the sample is valid, or those of
            the strictest threshold where it never is.
    """

    validity: Estimate
    rounds: Estimate


def oracle_threshold(
    distribution: Joint,
    gammas: Sequence[float] = THRESHOLDS,
    *,
    samples: int = 10_000,
    seed: int = 0,
    temperature: float = 1.0,
    confidence: float = 0.95,
) -> OracleThreshold:
    """The best threshold of every sample, chosen after the fact.

    Sample k uses the same random numbers at (round, position) under every threshold: that coupling
    is part of the definition, and another one gives another oracle. The adaptive optimum does not
    bound it, for it sees what it drew.

    Args:
        distribution: the data law, decoded by its ideal model.
        gammas: thresholds in [0, 1].
        samples, seed, temperature, confidence: as in `infodecode.simulate`.

    Example:
        >>> from infodecode import distributions
        >>> best = oracle_threshold(distributions.replace_random(6), samples=2000)
        >>> best.validity.value, best.rounds.value < 4.0
        (1.0, True)

    Reference: ParallelBench (Kang et al. 2025), Figure 7.
    """
    law = require("distribution", distribution)
    decoders = [
        Decoder(Threshold(gamma), temperature=temperature)
        for gamma in sorted(_validation.iterate("gammas", gammas))
    ]
    if not decoders:
        raise ValueError("gammas must hold at least one threshold, got none")
    count = _validation.integer("samples", samples, minimum=1)
    model = IdealModel(law)
    streams = streams_of(seed_key(seed), 0, count)
    fewest = np.full(count, np.iinfo(np.int64).max)
    for decoder in decoders:
        blank = np.full((count, law.length), -1, np.int32)
        batch = decode_batch(blank, streams, decoder, model, decoder.round_limit(law.length, None))
        valid = np.isfinite(law._log2_mass(batch.sequences))
        fewest = np.where(valid, np.minimum(fewest, batch.rounds), fewest)
    found = fewest < np.iinfo(np.int64).max
    taken = np.where(found, fewest, batch.rounds)
    return OracleThreshold(
        validity=proportion(int(found.sum()), count, confidence),
        rounds=mean_of_counts(np.bincount(taken).tolist(), confidence),
    )


def _decoders(name: str, entry: object, length: int, temperature: float) -> list[Decoder]:
    if isinstance(entry, Decoder):
        return [entry]
    if isinstance(entry, Strategy):
        return [Decoder(entry, temperature=temperature)]
    if isinstance(entry, type) and issubclass(entry, Strategy):
        grid = entry.grid(length)
        if not grid:
            raise ValueError(
                f"{name} must be a strategy with settings, since {entry.__name__} has no grid"
            )
        return [Decoder(strategy, temperature=temperature) for strategy in grid]
    raise TypeError(
        f"{name} must be a class of strategies, a strategy or a decoder, "
        f"got {_validation.shown(entry)}"
    )


def _point(
    law: Joint, decoder: Decoder, samples: int, seed: int, entropy: bool, max_children: int
) -> Point:
    family = type(decoder.strategy).__name__
    try:
        run = exact(law, decoder, max_children=max_children, progress=False)
        bits = run.entropy if entropy else None
        rounds = float(run.expected_rounds)
        return Point(family, decoder, "exact", rounds, float(run.validity), run.kl, bits)
    except TooManyCanvases:
        runs = simulate(law, decoder, samples=samples, seed=seed, progress=False)
    if runs.expected_rounds is None:
        raise ValueError(f"no sample of {decoder!r} finished on {law.name}")
    return Point(
        family, decoder, "simulated", runs.expected_rounds.value, runs.validity.value, None, None
    )


def _marked(points: list[Point]) -> tuple[Point, ...]:
    """Points with the undominated ones marked, of equals the first; KL and validity kept apart."""
    error = [1 - p.validity if p.kl is None else p.kl for p in points]
    marked = []
    for k, point in enumerate(points):
        dominated = any(
            (other.kl is None) == (point.kl is None)
            and other.rounds <= point.rounds + ROUNDING
            and error[j] <= error[k] + ROUNDING
            and (j < k or other.rounds < point.rounds - ROUNDING or error[j] < error[k] - ROUNDING)
            for j, other in enumerate(points)
        )
        marked.append(replace(point, pareto=not dominated and math.isfinite(error[k])))
    return tuple(marked)
