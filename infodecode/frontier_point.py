"""One decoder on a frontier: measured exactly as far as that goes, and by samples beyond."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from infodecode._rounding import ROUNDING
from infodecode.adaptive import LeastBits
from infodecode.chance import TooManyCanvases
from infodecode.data_path import DataPath, data_path
from infodecode.decoder import Decoder
from infodecode.distributions import Joint
from infodecode.estimate import Estimate
from infodecode.exact import ExactRun, exact
from infodecode.propagation import Unfinished
from infodecode.regret import BOUNDED, MIXED, outside, regret_bits
from infodecode.report import Bounds
from infodecode.simulate import Simulation, simulate

Result = TypeVar("Result")


@dataclass(frozen=True)
class Point:
    """One decoder on a frontier.

    ``kl`` and what follows from data (``path_kl``, ``data_rounds``, ``regret``) are None where they
    are not defined, or too large to compute.

    Attributes:
        family: class of its strategy.
        decoder: the decoder.
        kind: one of `infodecode.regret.KINDS`: what the adaptive optimum says about it.
        method: ``"exact"``; ``"simulated"`` (no KL); or ``"rounds simulated"``: what it puts out is
            exact, but the canvases off the support, which the rounds need, were too many.
        rounds: E_nu[T], expected number of rounds of what it puts out: what decoding costs.
        calls: expected number of model calls, where a look-ahead counts as one more.
        validity: probability that an output is possible under the data.
        kl: forward KL(data || output) in bits.
        entropy: of the output law in bits; None also where it was not asked for.
        data_rounds: E_mu[T], expected number of rounds along data.
        path_kl: KL along its path on data in bits, at least ``kl``.
        regret: bits by which ``path_kl`` exceeds the adaptive optimum at ``data_rounds``; None also
            where that optimum is unknown.
        pareto: no other point has at most its ``rounds`` and at most its error, and less of one;
            of equals the first. The error is ``kl``, or ``1 - validity`` of both where it has none.
        unfinished: share of the samples that did not end within the rounds allowed: ``rounds`` is
            then that of the others (inf if there are none), ``validity`` counts them as invalid,
            and the point is not marked.
        simulation: the samples, with their intervals, behind what was simulated.
    """

    family: str
    decoder: Decoder
    kind: str
    method: str
    rounds: float
    validity: float
    calls: float | None = None
    kl: float | None = None
    entropy: float | None = None
    data_rounds: float | None = None
    path_kl: float | None = None
    regret: float | None = None
    pareto: bool = False
    unfinished: float = 0.0
    simulation: Simulation | None = field(default=None, repr=False)

    @property
    def intervals(self) -> tuple[Estimate | None, Estimate | None]:
        """Of ``validity`` and ``rounds``, where they were simulated."""
        if self.simulation is None:
            return None, None
        exactly = self.method == "rounds simulated"
        return None if exactly else self.simulation.validity, self.simulation.expected_rounds

    @property
    def group(self) -> str:
        """Its family, with the kind where the adaptive optimum does not bound it."""
        return self.family if self.kind in BOUNDED else f"{self.family}, {self.kind}"

    @property
    def settings(self) -> str:
        """The strategy by what is not a default: ``Threshold(gamma=0.9)``."""
        strategy = self.decoder.strategy
        if is_dataclass(strategy) and strategy.__dataclass_params__.repr:
            return f"{type(strategy).__name__}({', '.join(_options(strategy))})"
        return repr(strategy)

    @property
    def label(self) -> str:
        """The decoder likewise: ``Threshold(gamma=0.9), temperature=0.0``."""
        options = (text for text in _options(self.decoder) if not text.startswith("strategy="))
        return ", ".join([self.settings, *options])


def measured(
    law: Joint, decoder: Decoder, known: Bounds, least: LeastBits | None, *, samples: int,
    seed: int, entropy: bool, max_children: int,
) -> Point:  # fmt: skip
    """A decoder's point; ``known`` and ``least`` are the law's bounds and adaptive optimum."""
    method = "exact"
    run = _unless_too_many(lambda: exact(law, decoder, max_children=max_children, progress=False))
    values: dict[str, Any] = {}
    if run is not None and run.unfinished <= ROUNDING:
        values = _exact_values(run, entropy)
    if values.get("rounds") is None:
        method = "rounds simulated" if values else "simulated"
        values |= _simulated_values(law, decoder, samples, seed, values)
    kind = outside(decoder)
    if kind is None and known.entropy is not None:
        kind, path = _along_data(law, decoder, values.get("kl"), max_children)
        if path is not None:
            values |= {"data_rounds": path.expected_rounds, "path_kl": path.bits}
            if least is not None:
                values["regret"] = regret_bits(path.bits, least.at(path.expected_rounds))
    return Point(type(decoder.strategy).__name__, decoder, kind or "inside", method, **values)


def _along_data(
    law: Joint, decoder: Decoder, kl: float | None, max_children: int
) -> tuple[str, DataPath | None]:
    """The kind of a decoder that may be bounded, and its path where that is not too large."""
    try:
        path = data_path(law, decoder, max_children=max_children, progress=False)
    except (TooManyCanvases, Unfinished):
        return "inside", None
    except ValueError:
        return "greedy", None
    mixed = kl is not None and kl < path.bits - MIXED
    return "mixture" if mixed else "inside", path


def _exact_values(run: ExactRun, entropy: bool) -> dict[str, Any]:
    known = run.distribution.support_size is not None
    return {
        "validity": float(run.validity),
        "kl": run.kl if known else None,
        "rounds": _unless_too_many(lambda: float(run.expected_rounds)),
        "calls": _unless_too_many(lambda: float(run.expected_calls)),
        "entropy": _unless_too_many(lambda: run.entropy) if entropy else None,
    }


def _simulated_values(
    law: Joint, decoder: Decoder, samples: int, seed: int, known: Mapping[str, Any]
) -> dict[str, Any]:
    runs = simulate(law, decoder, samples=samples, seed=seed, progress=False)
    return {
        "validity": runs.validity.value,
        **known,
        "rounds": math.inf if runs.expected_rounds is None else runs.expected_rounds.value,
        "unfinished": runs.unfinished / runs.samples,
        "calls": runs.expected_calls,
        "simulation": runs,
    }


def _options(instance: Any) -> list[str]:
    return [
        f"{spec.name}={getattr(instance, spec.name)!r}"
        for spec in fields(instance)
        if spec.repr and getattr(instance, spec.name) != spec.default
    ]


def _unless_too_many(compute: Callable[[], Result]) -> Result | None:
    try:
        return compute()
    except TooManyCanvases:
        return None
