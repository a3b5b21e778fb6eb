"""Pictures of finished results. Each function takes ``ax=`` and returns the axes it drew on.

Colours are Okabe and Ito's, which stay apart in every common form of colour blindness; curves also
differ in line and marker.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from infodecode._typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from infodecode.exact import ExactRun
    from infodecode.frontier import Frontier
    from infodecode.report import Bounds
    from infodecode.simulate import Simulation

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
FAMILY_STYLES = (
    (ORANGE, "D"), (GREEN, "v"), ("#CC79A7", "^"), ("#000000", "s"), ("#E69F00", "P"),
    ("#56B4E9", "X"),
)  # fmt: skip
FIGURE_SIZE = (4.2, 3.0)
LONG = 40


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


def plot_frontier(frontier: Frontier, ax: Axes | None = None) -> Axes:
    """KL against expected rounds of every decoder, on the curves of `plot_bounds`.

    A colour and marker for each family of strategies; undominated points are filled. Decoders that
    never put out some possible sequence have infinite KL and are left out, as are simulated ones.

    Args:
        frontier: what `infodecode.frontier` returned.
        ax: axes to draw on; a new figure by default.
    """
    axes = plot_bounds(frontier.bounds, ax=ax)
    for k, family in enumerate(dict.fromkeys(point.family for point in frontier.points)):
        colour, marker = FAMILY_STYLES[k % len(FAMILY_STYLES)]
        for undominated in (True, False):
            mine = [
                (point.rounds, point.kl)
                for point in frontier.points
                if point.family == family
                and point.pareto == undominated
                and point.kl is not None
                and math.isfinite(point.kl)
            ]
            if mine:
                axes.plot(
                    *zip(*mine, strict=True), marker, color=colour, ms=6, ls="none", clip_on=False,
                    mfc=colour if undominated else "none", label=family if undominated else None,
                )  # fmt: skip
    axes.set_xlabel("rounds (expected)")
    _legend(axes)
    return axes


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
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", frameon=False, labelcolor="linecolor", fontsize="small")


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=FIGURE_SIZE, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
