"""Decoding beside plain decoders in numpy and torch: speed, and the same validity and KL.

``python -m benchmarks decoders`` runs three jobs with every decoder, in turn, one thread each:
*decodes* (outputs drawn, validity), *data path* (data revealed instead of drawn, path KL), and
*exact law* (every canvas followed, KL and validity). Ours is checked against its exact result, and
so are the others. torch is optional. Writes ``results/benchmarks/decoders.csv``.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import infodecode
from benchmarks import comparison, numpy_decoder
from infodecode import Decoder, Estimate, distributions, strategies
from infodecode.distributions import Joint
from infodecode.estimate import mean_of_values, proportion

RESULTS = Path("results/benchmarks/decoders.csv")
REPEAT = 7
PER_ROUND = 2
CONFIDENCE = 0.999
TOLERANCE = 1e-9
"""Of exact values, in bits."""

OURS, NUMPY, TORCH = 100_000, 100, 64
"""Sequences in one call of each decoder."""

STICKY = [[0.9, 0.1], [0.2, 0.8]]


@dataclass(frozen=True)
class Row:
    """One job on one law, ours beside a peer's.

    Attributes:
        job: ``decodes``, ``data path`` or ``exact law``.
        peer, law, strategy: which.
        ours, peers: sequences per second, medians; for an exact law, laws per second.
        ratio, low, high: ours over peer's: median over repetitions, least, largest.
        quantity: ``validity``, ``path KL`` or ``KL``, the last two in bits.
        exact: its value, by enumeration.
        ours_value, ours_low, ours_high: as ours found it, with a 99.9% interval (exact: no width).
        peers_value, peers_low, peers_high: as the peer found it.
    """

    job: str
    peer: str
    law: str
    strategy: str
    ours: float
    peers: float
    ratio: float
    low: float
    high: float
    quantity: str
    exact: float
    ours_value: float
    ours_low: float
    ours_high: float
    peers_value: float
    peers_low: float
    peers_high: float

    @property
    def met(self) -> bool:
        """Whether the exact value is in both intervals."""
        return all(
            low - TOLERANCE <= self.exact <= high + TOLERANCE
            for low, high in (
                (self.ours_low, self.ours_high), (self.peers_low, self.peers_high)
            )
        )  # fmt: skip


# Laws -------------------------------------------------------------------------------------------


def permutations(n: int) -> np.ndarray:
    return numpy_decoder.permutation_table(n)


def chain(n: int, samples: int) -> np.ndarray:
    return distributions.markov_chain(STICKY, length=n).sample(samples, seed=0).astype(np.int64)


def laws() -> dict[str, tuple[Joint, np.ndarray]]:
    """Name -> our law, and its rows for the others."""
    eight, sticky = permutations(8), chain(10, 5000)
    return {
        "permutations of 8, family": (distributions.permutations(8), eight),
        "permutations of 8, 40,320-row table": (distributions.permutations(8).table(), eight),
        "5,000 samples of a chain of 10": (distributions.from_samples(sticky), sticky),
    }


# Plain decoders ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """A plain decoder of one law, by one rule.

    Attributes:
        name: of the package.
        size: sequences in a call.
        decode: one call: which of its outputs are in the support.
        path: one call: bits lost along sequences of the data.
    """

    name: str
    size: int
    decode: Callable[[], np.ndarray]
    path: Callable[[], np.ndarray]


def numpy_plain(rows: np.ndarray, by: str, seed: int, size: int = NUMPY) -> Plain:
    """A decode at a time."""
    generator = np.random.default_rng(seed)
    support, mass = set(map(tuple, rows.tolist())), numpy_decoder.log2_mass(rows)

    def decode() -> np.ndarray:
        outputs = [numpy_decoder.decode(rows, PER_ROUND, generator, by) for _ in range(size)]
        return np.array([o is not None and tuple(o.tolist()) in support for o in outputs])

    def path() -> np.ndarray:
        return np.array(
            [numpy_decoder.path_bits(rows, mass, PER_ROUND, generator, by) for _ in range(size)]
        )

    return Plain("numpy", size, decode, path)


def torch_plain(rows: np.ndarray, by: str, seed: int, size: int = TORCH) -> Plain:
    """A batch at a time."""
    import torch

    from benchmarks import torch_decoder

    law = torch_decoder.Outcomes(torch.from_numpy(rows))
    mass = torch.from_numpy(numpy_decoder.log2_mass(rows))
    draw = torch.Generator().manual_seed(seed)
    support = set(map(tuple, rows.tolist()))

    def decode() -> np.ndarray:
        outputs = torch_decoder.decode(law, size, PER_ROUND, draw, by)
        return np.array([tuple(output) in support for output in outputs.tolist()])

    def path() -> np.ndarray:
        found: np.ndarray = torch_decoder.path_bits(law, mass, size, PER_ROUND, draw, by).numpy()
        return found

    return Plain("torch", size, decode, path)


def installed() -> list[Callable[..., Plain]]:
    """The plain decoders whose package is there."""
    return [numpy_plain, *([torch_plain] if find_spec("torch") else [])]


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread, as the others."""
    if not find_spec("torch"):
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# Measurements -----------------------------------------------------------------------------------


def per_second(
    seconds: dict[str, list[float]], ours: int, peers: int, peer: str
) -> tuple[float, float, float, float, float]:
    """Rates of both, and ours over the peer's."""
    found = comparison.ratio(seconds[peer], seconds["ours"], ours / peers)
    return (
        ours / float(np.median(seconds["ours"])), peers / float(np.median(seconds[peer])),
        found.value, found.low, found.high,
    )  # fmt: skip


def collected(peers: list[Plain], job: str, repeat: int, ours: Callable[[], Any]) -> tuple[
    dict[str, list[float]], dict[str, np.ndarray]
]:  # fmt: skip
    """Seconds of each decoder in turn, and all that the plain ones found."""
    values: dict[str, list[np.ndarray]] = {peer.name: [] for peer in peers}

    def call(peer: Plain) -> Callable[[], None]:
        return lambda: values[peer.name].append(getattr(peer, job)())

    work = {"ours": ours, **{peer.name: call(peer) for peer in peers}}
    seconds = comparison.in_turn(work, repeat=repeat)
    return seconds, {name: np.concatenate(found) for name, found in values.items()}


def share(valid: np.ndarray) -> Estimate:
    return proportion(int(valid.sum()), len(valid), CONFIDENCE)


def numbers(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def decodes(name: str, law: Joint, rows: np.ndarray, by: str, seed: int, *, ours: int = OURS,
            repeat: int = REPEAT) -> Iterator[Row]:  # fmt: skip
    """Outputs per second, and their validity."""
    decoder = Decoder(strategies.TopK(PER_ROUND, by=by))
    peers = [plain(rows, by, seed) for plain in installed()]

    def own() -> infodecode.Simulation:
        return infodecode.simulate(
            law, decoder, samples=ours, seed=seed, threads=1, confidence=CONFIDENCE
        )

    truth = float(infodecode.exact(law, decoder).validity)
    seconds, found = collected(peers, "decode", repeat, own)
    validity = own().validity
    for peer in peers:
        yield Row(
            "decodes", peer.name, name, f"top-{PER_ROUND}, {by}",
            *per_second(seconds, ours, peer.size, peer.name),
            "validity", truth, *numbers(validity), *numbers(share(found[peer.name])),
        )  # fmt: skip


def data_paths(name: str, law: Joint, rows: np.ndarray, by: str, seed: int, *,
               ours: int = OURS // 4, repeat: int = REPEAT) -> Iterator[Row]:  # fmt: skip
    """Sequences of the data per second, and the bits lost along them."""
    decoder = Decoder(strategies.TopK(PER_ROUND, by=by))
    peers = [plain(rows, by, seed) for plain in installed()]

    def own() -> infodecode.DataPathEstimate:
        return infodecode.data_path_estimate(
            law, decoder, samples=ours, seed=seed, confidence=CONFIDENCE
        )

    truth = infodecode.data_path(law, decoder).bits
    seconds, found = collected(peers, "path", repeat, own)
    bits = own().bits
    for peer in peers:
        yield Row(
            "data path", peer.name, name, f"top-{PER_ROUND}, {by}",
            *per_second(seconds, ours, peer.size, peer.name),
            "path KL", truth, *numbers(bits),
            *numbers(mean_of_values(found[peer.name], CONFIDENCE)),
        )  # fmt: skip


def exact_laws(name: str, rows: np.ndarray, *, repeat: int = 3) -> Row:
    """Exact laws per second, and their KL; the plain one follows canvases in a dictionary."""
    law, decoder = distributions.from_samples(rows), Decoder(strategies.TopK(PER_ROUND))

    def own() -> float:
        return infodecode.exact(law, decoder).kl

    def plain() -> tuple[float, float]:
        output = numpy_decoder.exact_law(rows, PER_ROUND)
        return numpy_decoder.validity_and_kl(rows, output)

    seconds = comparison.in_turn({"ours": own, "numpy": plain}, repeat=repeat)
    truth = infodecode.exact(law, decoder, arithmetic="rational").kl
    return Row(
        "exact law", "numpy", name, f"top-{PER_ROUND}, random",
        *per_second(seconds, 1, 1, "numpy"), "KL", truth, *(own(),) * 3, *(plain()[1],) * 3,
    )  # fmt: skip


def measure() -> Iterator[Row]:
    """Every job, in order."""
    known, seeds = laws(), itertools.count()
    with one_thread():
        for name, (law, rows) in known.items():
            for by in ("random", "confidence"):
                yield from decodes(name, law, rows, by, next(seeds))
        for name, by in (("permutations of 8, 40,320-row table", "random"),
                         ("5,000 samples of a chain of 10", "confidence")):  # fmt: skip
            yield from data_paths(name, *known[name], by, next(seeds))
        yield exact_laws("permutations of 6, 720-row table", permutations(6))
        yield exact_laws("500 samples of a chain of 8", chain(8, 500))


def main() -> int:
    """Exit code 1 when a value is off."""
    about = comparison.versions(*(["torch"] if find_spec("torch") else []))
    if not find_spec("torch"):
        print("not installed, left out: torch (pip install torch)")
    table = Table("job", "peer", "law", "strategy", "ours per s", "peer's per s", "ratio", "value",
                  "ours", "peer's", title=f"{about}, {comparison.machine()}")  # fmt: skip
    rows = []
    for row in measure():
        rows.append(row)
        table.add_row(
            row.job, row.peer, row.law, row.strategy, f"{row.ours:,.3g}", f"{row.peers:,.3g}",
            f"{comparison.times(row.ratio)} ({row.low:.3g} … {row.high:.3g})",
            f"{row.quantity} {row.exact:.4f}",
            f"{row.ours_value:.4f}", f"[{'green' if row.met else 'red'}]{row.peers_value:.4f}[/]",
        )  # fmt: skip
    Console(width=180).print(table)
    comparison.write(
        comparison.frame_of(rows),
        RESULTS,
        command="python -m benchmarks decoders",
        about=about,
        digits=6,
    )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
