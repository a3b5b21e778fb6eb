"""Pictures of finished results. Each function takes ``ax=`` and returns the axes it drew on.

Colours are Okabe and Ito's, which stay apart in every common form of colour blindness; curves also
differ in line and marker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from infodecode import _validation
from infodecode._typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from infodecode.exact_run import ExactRun
    from infodecode.frontier import Frontier
    from infodecode.report import Bounds
    from infodecode.simulate import Simulation

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
BLACK = "#000000"
COLOURS = (ORANGE, GREEN, "#CC79A7", BLACK, "#E69F00", "#56B4E9")
MARKERS = ("D", "v", "^", "s", "P", "X", "p")
"""Families of strategies take these in turn; they have no common divisor, so 42 are told apart."""

QUANTITIES = {
    "kl": "KL(data ‖ output), bits",
    "validity": "validity",
    "entropy": "entropy of the output, bits",
}
"""What `plot_frontier` draws, and the label of its axis."""

FIGURE_SIZE = (4.2, 3.0)
LONG = 40
LEGEND_INSIDE = 5


def plot_bounds(bounds: Bounds, ax: Axes | None = None) -> Axes:
    """Bits lost against rounds: the best fixed partition and the best random-order sizes.

    The shaded region lies below :math:`L^*_T`: no decoder with a fixed ordered partition, and no
    model, reaches it. Laws of more than 40 positions have a logarithmic axis of rounds. Where
    neither curve could be computed there is one point: a single round loses the total correlation.

    Args:
        bounds: what `infodecode.bounds` returned.
        ax: axes to draw on; a new figure by default.

    Returns:
        the axes; ``axes.figure.savefig(...)`` writes a file.
    """
    axes = _axes(ax)
    curves: list[tuple[str, FloatArray, str, str]] = []
    best, random = bounds.partition_bits, bounds.random_order_bits
    if best is not None and random is not None and np.allclose(best, random, atol=1e-9):
        curves.append(("best fixed partition $L^*_T$,\nand best random order", best, BLUE, "o-"))
    else:
        if random is not None:
            curves.append(("best random order (mean)", random, ORANGE, "s--"))
        if best is not None:
            curves.append(("best fixed partition $L^*_T$", best, BLUE, "o-"))
    rounds = np.arange(1, bounds.length + 1)
    if best is not None:
        axes.fill_between(rounds, best, color=BLUE, alpha=0.10, linewidth=0)
    long = bounds.length > LONG
    for label, bits, colour, style in curves:
        axes.plot(rounds, bits, style[1:] if long else style, color=colour, ms=4, label=label)
    total = bounds.total_correlation
    if total is None:
        raise ValueError(f"nothing could be computed for {bounds.name}: {' '.join(bounds.notes)}")
    if not curves:
        axes.plot(1, total, "o", color=BLUE, label="total correlation")
        axes.set_xlim(0.5, bounds.length + 0.5)
    top = max(total, 0.1)
    axes.set_ylim(-0.03 * top, 1.08 * top)
    if long:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    elif bounds.length <= 16:
        axes.set_xticks(rounds)
    axes.set_xlabel("rounds")
    axes.set_ylabel("KL(data ‖ output), bits")
    axes.set_title(bounds.name, fontsize="medium", wrap=True)
    _legend(axes)
    return axes


def plot_frontier(frontier: Frontier, ax: Axes | None = None, *, quantity: str = "kl") -> Axes:
    """A quantity of every decoder against its expected rounds; undominated points are filled.

    A colour and marker for each family of strategies and kind of decoder (`Point.group`). What is
    unknown or infinite is left out.

    - ``"kl"``: on the curves of `plot_bounds`, with the adaptive optimum dotted, at expected rounds
      on data. A thin line leads from a decoder to its path on data (rounds and path KL), which
      no dotted curve exceeds; the markers themselves may lie below it (`Frontier` says when).
    - ``"validity"``: above the floor 2^-L*_T of the best fixed partitions, with the oracle
      threshold as a star where it is known.
    - ``"entropy"``: beside that of the data.

    Args:
        frontier: what `infodecode.frontier` returned; with ``entropy=True`` for the entropies.
        ax: axes to draw on; a new figure by default.
        quantity: one of the three.

    Raises:
        ValueError: another quantity, or entropies that were not asked for.
    """
    _validation.choice("quantity", quantity, tuple(QUANTITIES))
    values = [getattr(point, quantity) for point in frontier.points]
    if quantity == "entropy" and not any(value is not None for value in values):
        raise ValueError("quantity='entropy' needs a frontier with entropy=True")
    axes = _beside_frontier(frontier, ax, quantity)
    groups = list(dict.fromkeys(point.group for point in frontier.points))
    labelled: set[str] = set()
    shown = []
    for point, value in zip(frontier.points, values, strict=True):
        if value is None or not math.isfinite(value):
            continue
        shown.append((point.rounds, value))
        k = groups.index(point.group)
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        if quantity == "kl" and point.path_kl is not None and point.data_rounds is not None:
            ends = (point.rounds, point.data_rounds), (value, point.path_kl)
            axes.plot(*ends, color=colour, lw=0.7, alpha=0.6, zorder=2.5)
            shown.append((point.data_rounds, point.path_kl))
        label = None if point.group in labelled else point.group
        labelled.add(point.group)
        axes.plot(
            point.rounds, value, marker, color=colour, ms=6, ls="none", clip_on=False, zorder=3,
            mfc=colour if point.pareto else "none", label=label,
        )  # fmt: skip
    _fit(axes, shown)
    axes.set_xlabel("expected rounds")
    _legend(axes)
    return axes


def _beside_frontier(frontier: Frontier, ax: Axes | None, quantity: str) -> Axes:
    """The curves that decoders are compared with."""
    bounds = frontier.bounds
    if quantity == "kl":
        axes = plot_bounds(bounds, ax=ax)
        if (curve := frontier.adaptive_curve) is not None:
            axes.plot(*curve.T, ":", color=BLACK, lw=1.5, label="adaptive optimum (on data)")
        return axes
    axes = _axes(ax)
    if quantity == "validity":
        if (floor := bounds.validity_floor) is not None:
            rounds = np.arange(1, bounds.length + 1)
            axes.plot(rounds, floor, "o-", color=BLUE, ms=4, label="floor $2^{-L^*_T}$")
        if (best := frontier.oracle) is not None:
            axes.plot(
                best.rounds.value, best.validity.value, "*", color=BLUE, ms=12, mec=BLACK,
                ls="none", clip_on=False, zorder=4, label=f"oracle threshold ({best.coupling})",
            )  # fmt: skip
        axes.set_ylim(0, 1.03)
    elif bounds.entropy is not None:
        axes.axhline(bounds.entropy, color=BLUE, label="entropy of the data")
        axes.set_ylim(0, 1.08 * max(bounds.entropy, 0.1))
    axes.set_title(bounds.name, fontsize="medium", wrap=True)
    axes.set_ylabel(QUANTITIES[quantity])
    if bounds.length <= 16:
        axes.set_xticks(range(1, bounds.length + 1))
    return axes


def _fit(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Widen the axes to points beyond their ends."""
    if not points:
        return
    rounds, heights = zip(*points, strict=True)
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.set_xlim(left, max(right, 1.03 * max(rounds)))
    axes.set_ylim(low, high if max(heights) <= high else 1.05 * max(heights))


def plot_run(
    run: ExactRun, bounds: Bounds, ax: Axes | None = None, *, label: str = "decoder"
) -> Axes:
    """An exact run as a point on the axes of `plot_bounds`.

    An infinite KL is drawn as an arrow at the upper edge. A run that absorbed
    mass is a horizontal line at its KL: its rounds would take a second run.

    Args:
        run: what `infodecode.exact` returned for the distribution of ``bounds``.
        bounds: what `infodecode.bounds` returned.
        ax: axes to draw on; a new figure by default.
        label: what to call the decoder.
    """
    axes = plot_bounds(bounds, ax)
    kl = float(run.kl)
    low, high = axes.get_ylim()
    if math.isfinite(kl):
        height, label = kl, f"{label}: {kl:.3g} bits"
        axes.set_ylim(low, max(high, 1.08 * kl))
    else:
        height, label = high, f"{label}: infinite KL"
    if float(run.absorbed) > 0:
        axes.axhline(height, color=GREEN, linestyle=":", label=label, zorder=3)
    else:
        rounds, marker = float(run.expected_rounds), "D" if math.isfinite(kl) else "^"
        axes.plot(rounds, height, marker, color=GREEN, ms=7, label=label, clip_on=False, zorder=3)
    _legend(axes)
    return axes


def plot_rounds(simulation: Simulation, ax: Axes | None = None, *, label: str = "decoder") -> Axes:
    """Share of the simulated sequences by the number of rounds they took.

    Args:
        simulation: what `infodecode.simulate` returned.
        ax: axes to draw on; a new figure by default.
        label: what to call the decoder.
    """
    axes = _axes(ax)
    used = np.flatnonzero(simulation.rounds)
    axes.bar(used, simulation.rounds[used] / simulation.samples, width=0.8, color=BLUE)
    if used.size > 0 and used[-1] - used[0] < 16:
        axes.set_xticks(np.arange(used[0], used[-1] + 1))
        axes.set_xlim(used[0] - 1, used[-1] + 1)
    axes.set_xlabel("rounds")
    axes.set_ylabel("share of sequences")
    axes.set_title(
        f"{label}\nvalidity {simulation.validity}\nmean rounds {simulation.expected_rounds}",
        fontsize="small",
    )
    return axes


def _legend(axes: Axes) -> None:
    """Inside the axes, or beside them where there is much to name."""
    if number := len(axes.get_legend_handles_labels()[0]):
        place: dict[str, Any] = {"loc": "upper right"}
        if number > LEGEND_INSIDE:
            place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        axes.legend(frameon=False, labelcolor="linecolor", fontsize="small", **place)


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=FIGURE_SIZE, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
