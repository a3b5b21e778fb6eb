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
    from infodecode.report import Bounds
    from infodecode.simulate import Simulation

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#5F5F5F"
COLUMN_WIDTH = (4.2, 3.0)
LONG = 40


def plot_bounds(bounds: Bounds, ax: Axes | None = None) -> Axes:
    """Bits lost against rounds: the best fixed partition and the best random-order sizes.

    The shaded region lies below :math:`L^*_T`: no decoder with a fixed ordered partition, and no
    model, reaches it. Laws of more than 40 positions have a logarithmic axis of rounds.

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
    top = max((float(bits[0]) for _, bits, _, _ in curves), default=0.0)
    axes.set_ylim(-0.03 * max(top, 0.1), 1.08 * max(top, 0.1))
    if long:
        axes.set_xscale("log")
    elif bounds.length <= 16:
        axes.set_xticks(rounds)
    axes.set_xlabel("rounds")
    axes.set_ylabel("KL(data ‖ output), bits")
    axes.set_title(bounds.name)
    if curves:
        axes.legend(loc="upper right", frameon=False, labelcolor="linecolor")
    return axes


def plot_run(
    run: ExactRun, bounds: Bounds, ax: Axes | None = None, *, label: str = "decoder"
) -> Axes:
    """An exact run as a point on the axes of `plot_bounds`.

    An infinite KL is drawn as an arrow at the upper edge. A run whose rounds are unknown (some of
    its mass was absorbed) is a horizontal line at its KL.

    Args:
        run: what `infodecode.exact` returned for the distribution of ``bounds``.
        bounds: what `infodecode.bounds` returned.
        ax: axes to draw on; a new figure by default.
        label: what to call the decoder.
    """
    axes = plot_bounds(bounds, ax)
    kl = float(run.kl)
    low, high = axes.get_ylim()
    if kl > high:
        high = 1.15 * kl if math.isfinite(kl) else high
        axes.set_ylim(low, high)
    finite = math.isfinite(kl)
    height = kl if finite else high
    text = f"{label}\n{kl:.3g} bits" if finite else f"{label}\ninfinite KL"
    if float(run.absorbed) > 0:
        rounds = float(axes.get_xlim()[1])
        axes.axhline(height, color=GREEN, linestyle=":", zorder=3)
        place, align = (-4, 4), "right"
    else:
        rounds = float(run.expected_rounds)
        marker = "D" if finite else "^"
        axes.plot(rounds, height, marker, color=GREEN, ms=7, clip_on=False, zorder=3)
        place, align = ((8, 0), "left") if rounds < 0.6 * bounds.length else ((-8, 4), "right")
    axes.annotate(
        text,
        (rounds, height),
        xytext=place,
        textcoords="offset points",
        ha=align,
        va="bottom" if finite else "top",
        color=GREEN,
    )
    return axes


def plot_rounds(simulation: Simulation, ax: Axes | None = None, *, label: str = "decoder") -> Axes:
    """Share of the simulated sequences by the number of rounds they took.

    Args:
        simulation: what `infodecode.simulate` returned.
        ax: axes to draw on; a new figure by default.
        label: what to call the decoder.
    """
    axes = _axes(ax)
    counts = np.asarray(simulation.rounds)
    used = np.flatnonzero(counts)
    axes.bar(used, counts[used] / simulation.samples, width=0.8, color=BLUE)
    if used[-1] - used[0] < 16:
        axes.set_xticks(np.arange(used[0], used[-1] + 1))
    axes.set_xlabel("rounds")
    axes.set_ylabel("share of sequences")
    validity, rounds = simulation.validity, simulation.expected_rounds
    axes.set_title(
        f"{label}: validity {validity.value:.4f} [{validity.low:.4f}, {validity.high:.4f}],\n"
        f"mean rounds {rounds.value:.3f} [{rounds.low:.3f}, {rounds.high:.3f}]",
        fontsize="medium",
    )
    return axes


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=COLUMN_WIDTH, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
