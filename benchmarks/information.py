"""Total and dual total correlation beside numpy, pyitlib, hoi and dit: speed, and the same bits.

``python -m benchmarks information`` starts every package from the same array of samples. What is
timed is the way from that array to the number; and once more where the law exists already, as ours
and dit's may. The others start from the samples every time. Packages that are not installed are
named and left out: ``pip install dit hoi pyitlib``. Writes ``results/benchmarks/information.csv``.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import infodecode
from benchmarks import comparison
from infodecode import distributions

RESULTS = Path("results/benchmarks/information.csv")
REPEAT = 3

Samples = np.ndarray
Call = Callable[[], float]

EXACT, SINGLE = 1e-9, 1e-4
"""How far apart values may be, in bits: in double precision, and in single."""


@dataclass(frozen=True)
class Peer:
    """Another package.

    Attributes:
        name: of the package.
        build: makes its law from samples ``(N, n)``; the samples themselves where it has none.
        quantities: name -> function from that law to bits.
        tolerance: of its values, in bits.
    """

    name: str
    build: Callable[[Samples], Any]
    quantities: Mapping[str, Callable[[Any], float]]
    tolerance: float = EXACT


@dataclass(frozen=True)
class Row:
    """One quantity of one law, ours beside a peer's.

    Attributes:
        peer, quantity, law: which.
        ours, peers: seconds from the array of samples to the number, medians.
        ratio, low, high: peer's over ours: median over repetitions, least, largest.
        ours_built, peers_built: seconds where the law exists already; NaN without such a thing.
        built_ratio, built_low, built_high: peer's over ours of these.
        ours_bits, peers_bits, difference: the values, and how far apart they are.
        tolerance: how far apart they may be.
    """

    peer: str
    quantity: str
    law: str
    ours: float
    peers: float
    ratio: float
    low: float
    high: float
    ours_built: float
    peers_built: float
    built_ratio: float
    built_low: float
    built_high: float
    ours_bits: float
    peers_bits: float
    difference: float
    tolerance: float

    @property
    def met(self) -> bool:
        """Whether both say the same."""
        return self.difference <= self.tolerance


OURS: Mapping[str, Callable[[distributions.Table], float]] = {
    "total correlation": infodecode.total_correlation,
    "dual total correlation": infodecode.dual_total_correlation,
}


# Peers ------------------------------------------------------------------------------------------


def unique_entropy(samples: Samples) -> float:
    """Entropy by numpy.unique(axis=0)."""
    counts = np.unique(samples, axis=0, return_counts=True)[1]
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def unique_total_correlation(samples: Samples) -> float:
    """Sum of the entropies of single positions, less the entropy of all."""
    alone = sum(unique_entropy(samples[:, [i]]) for i in range(samples.shape[1]))
    return alone - unique_entropy(samples)


def unique_dual_total_correlation(samples: Samples) -> float:
    """Entropies of all positions but one, summed, less n - 1 times the entropy of all."""
    n = samples.shape[1]
    rest = sum(unique_entropy(np.delete(samples, i, axis=1)) for i in range(n))
    return rest - (n - 1) * unique_entropy(samples)


def numpy_peer() -> Peer:
    """What one writes with numpy alone."""
    return Peer(
        "numpy",
        lambda samples: samples,
        {
            "total correlation": unique_total_correlation,
            "dual total correlation": unique_dual_total_correlation,
        },
    )


def pyitlib_peer() -> Peer:
    """pyitlib, from samples."""
    from pyitlib import discrete_random_variable as variable

    return Peer(
        "pyitlib",
        lambda samples: samples,
        {
            "total correlation": lambda x: float(variable.information_multi(x.T)),
            "dual total correlation": lambda x: float(variable.information_binding(x.T)),
        },
    )


def hoi_peer() -> Peer:
    """hoi, from samples, in single precision; its progress bars are kept off the screen."""
    from hoi.metrics import DTC, TC

    def value(metric: Any, samples: Samples) -> float:
        n = samples.shape[1]
        with contextlib.redirect_stderr(io.StringIO()):
            found = metric(samples, verbose=False).fit(minsize=n, maxsize=n, method="binning")
        return float(np.asarray(found).item())

    return Peer(
        "hoi",
        lambda samples: samples,
        {
            "total correlation": lambda x: value(TC, x),
            "dual total correlation": lambda x: value(DTC, x),
        },
        SINGLE,
    )


def dit_peer() -> Peer:
    """dit, from a distribution of distinct outcomes."""
    import dit

    def law(samples: Samples) -> Any:
        outcomes, counts = np.unique(samples, axis=0, return_counts=True)
        return dit.Distribution(
            [tuple(row) for row in outcomes.tolist()], (counts / counts.sum()).tolist()
        )

    return Peer(
        "dit",
        law,
        {
            "total correlation": lambda d: float(dit.multivariate.total_correlation(d)),
            "dual total correlation": lambda d: float(dit.multivariate.dual_total_correlation(d)),
        },
    )


PEERS: Mapping[str, Callable[[], Peer]] = {
    "numpy": numpy_peer, "pyitlib": pyitlib_peer, "hoi": hoi_peer, "dit": dit_peer,
}  # fmt: skip


def installed() -> tuple[list[str], list[str]]:
    """Names of the peers that are there, and of those that are not."""
    there = [name for name in PEERS if find_spec(name) is not None]
    return there, [name for name in PEERS if name not in there]


# Measurements -----------------------------------------------------------------------------------


def laws() -> dict[str, tuple[Samples, tuple[str, ...]]]:
    """Name -> samples, and what is asked of them."""
    generator = np.random.default_rng(0)
    both = tuple(OURS)
    return {
        "permutations of 8, 40,320 rows": (
            np.array(list(itertools.permutations(range(8)))), both[:1],
        ),
        "random, 5,000 samples, 8 positions of 4 tokens": (
            generator.integers(0, 4, (5000, 8)), both,
        ),
        "random, 100,000 samples, 6 positions of 3 tokens": (
            generator.binomial(2, 0.3, (100_000, 6)), both,
        ),
    }  # fmt: skip


def compared(peer: Peer, quantity: str, law: str, samples: Samples, repeat: int = REPEAT) -> Row:
    """One quantity of one law, the calls in turn."""
    own, other = OURS[quantity], peer.quantities[quantity]
    built, foreign = distributions.from_samples(samples), peer.build(samples)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: own(distributions.from_samples(samples)),
        "ours built": lambda: own(built),
        "peer": lambda: other(peer.build(samples)),
    }
    if foreign is not samples:
        work["peer built"] = lambda: other(foreign)
    seconds = comparison.in_turn(work, repeat=repeat)
    seconds.setdefault("peer built", [math.nan] * repeat)
    rows = comparison.ratio(seconds["peer"], seconds["ours"])
    law_there = comparison.ratio(seconds["peer built"], seconds["ours built"])
    mine, theirs = own(built), other(foreign)
    middle = {name: float(np.median(found)) for name, found in seconds.items()}
    return Row(
        peer.name, quantity, law,
        middle["ours"], middle["peer"], rows.value, rows.low, rows.high,
        middle["ours built"], middle["peer built"],
        law_there.value, law_there.low, law_there.high,
        mine, theirs, abs(mine - theirs), peer.tolerance,
    )  # fmt: skip


def measure(names: list[str]) -> Iterator[Row]:
    """Every quantity of every law beside every peer that is named."""
    for name in names:
        peer = PEERS[name]()
        for law, (samples, quantities) in laws().items():
            for quantity in quantities:
                yield compared(peer, quantity, law, samples)


def main() -> int:
    """Exit code 1 when values disagree."""
    there, missing = installed()
    if missing:
        print(f"not installed, left out: {', '.join(missing)} (pip install {' '.join(missing)})")
    about = comparison.versions(*(name for name in there if name != "numpy"))
    table = Table("peer", "of", "law", "ours", "peer's", "ratio", "law built", "difference",
                  title=f"{about}, {comparison.machine()}")  # fmt: skip
    rows = []
    for row in measure(there):
        rows.append(row)
        table.add_row(
            row.peer, row.quantity, row.law,
            comparison.duration(row.ours), comparison.duration(row.peers),
            f"{comparison.times(row.ratio)} ({row.low:.3g} … {row.high:.3g})",
            "" if math.isnan(row.built_ratio) else comparison.times(row.built_ratio),
            f"[{'green' if row.met else 'red'}]{row.difference:.0e} bits[/]",
        )  # fmt: skip
    Console(width=160).print(table)
    comparison.write(
        comparison.frame_of(rows),
        RESULTS,
        command="python -m benchmarks information",
        about=about,
        digits=6,
    )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
