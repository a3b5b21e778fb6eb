"""One cell computed: a row of the table, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import infodecode
from infodecode import Bounds, Estimate, ExactRun, Simulation
from infodecode.chance import TooManyCanvases
from infodecode.sweeps._cell import DECODING, Cell, Law, law_of

WHOLE = 1e-9
"""Expected rounds this close below a whole number count as that number."""

EXACT = {
    "validity": "validity",
    "mode_probability": "mode_probability",
    "rounds": "expected_rounds",
    "calls": "expected_calls",
    "kl": "kl",
    "reverse_kl": "reverse_kl",
    "total_variation": "total_variation",
    "coverage": "coverage",
    "entropy": "entropy",
    "absorbed": "absorbed",
    "unfinished": "unfinished",
}
"""Columns of an exact run, and the attribute of `infodecode.ExactRun` that each is."""

FOLLOWED = ("rounds", "calls", "entropy")
"""Those that may need canvases off the support, and with them a larger run."""

CURVES = ("partition_bits", "random_order_bits", "adaptive_bits")
"""Columns that are the entry of a curve of `infodecode.Bounds` at ``whole_rounds``."""

COLUMNS = (
    "cell", "distribution", *DECODING, "off_support", "compute", "seed",
    "status", "method", "length", "samples",
    "validity", "validity_low", "validity_high",
    "mode_probability", "mode_low", "mode_high",
    "rounds", "rounds_low", "rounds_high", "calls",
    "kl", "reverse_kl", "total_variation", "coverage", "entropy", "absorbed", "unfinished",
    "law_entropy", "total_correlation", "dual_total_correlation", "whole_rounds", *CURVES,
    "infodecode", "message",
)  # fmt: skip
"""Of every table, in this order; docs/scaling_out.md says what they mean."""


def measure(cell: Cell) -> dict[str, object]:
    """The row of a cell. An error is recorded in it: ``status`` is ``failed``."""
    try:
        values = _measured(cell)
        status = "ok"
    except Exception as error:
        expected = isinstance(error, ValueError | TypeError)
        values = {"message": str(error) if expected else f"{type(error).__name__}: {error}"}
        status = "failed"
    return {**dict.fromkeys(COLUMNS), **cell.description, "status": status, **values}


def _measured(cell: Cell) -> dict[str, object]:
    law = law_of(cell.law)
    values: dict[str, object] = {"length": law.length, "method": cell.compute}
    notes: Mapping[str, str] = {}
    if cell.compute != "simulate":
        found = _exact(replace(cell, samples=0, seed=0))
        values |= found.values
        notes = found.notes
    if cell.compute == "simulate" or (cell.compute != "exact" and values.get("rounds") is None):
        known = values.get("validity") is not None
        values["method"] = "rounds simulated" if known else "simulated"
        values = _simulated(cell, values)
    elif cell.compute != "exact":
        values["method"] = "exact"
    if cell.bounds:
        beside, unknown = _beside(cell.law, values.get("rounds"))
        values |= beside
        notes = {**notes, **unknown}
    reasons = dict.fromkeys(note for name, note in notes.items() if values.get(name) is None)
    return {**values, "message": "; ".join(reasons) or None}


@dataclass(frozen=True)
class _Exact:
    """Figures of an exact run by column, and why some are None."""

    values: Mapping[str, float | None]
    notes: Mapping[str, str]


@lru_cache(maxsize=8)
def _exact(cell: Cell) -> _Exact:
    """The exact run of a cell, kept for its other seeds.

    Raises:
        TooManyCanvases: the run is too large, and the cell asks for nothing else.
    """
    law = law_of(cell.law)
    try:
        run = infodecode.exact(
            law,
            cell.decoding.read_decoder(),
            model=cell.decoding.read_model(law, cell.off_support or "absorb"),
            off_support=cell.off_support,
            max_children=cell.max_children,
            progress=False,
        )
    except TooManyCanvases as error:
        if cell.compute == "exact":
            raise
        return _Exact({}, dict.fromkeys(EXACT, str(error)))
    return _figures(run)


def _figures(run: ExactRun) -> _Exact:
    """Every figure that can be had."""
    values: dict[str, float | None] = dict.fromkeys(EXACT)
    notes: dict[str, str] = {}
    too_many: str | None = None
    for column, attribute in EXACT.items():
        try:
            if too_many is not None and column in FOLLOWED:
                raise ValueError(too_many)
            values[column] = float(getattr(run, attribute))
        except TooManyCanvases as error:
            too_many = notes[column] = str(error)
        except ValueError as error:
            notes[column] = str(error)
    return _Exact(values, notes)


def _simulated(cell: Cell, known: Mapping[str, object]) -> dict[str, object]:
    """What is ``known``, with estimates and their intervals for what is not."""
    law = law_of(cell.law)
    follow = None if cell.off_support == "absorb" else cell.off_support
    runs = infodecode.simulate(
        law,
        cell.decoding.read_decoder(),
        model=cell.decoding.read_model(law, follow or "marginal"),
        off_support=follow,
        samples=cell.samples,
        seed=cell.seed,
        threads=1,
        progress=False,
    )
    values = dict(known)
    for column, prefix, estimate in _estimates(runs):
        if values.get(column) is None and estimate is not None:
            values[column] = estimate.value
            values[f"{prefix}_low"], values[f"{prefix}_high"] = estimate.low, estimate.high
    for column, value in (
        ("calls", runs.expected_calls),
        ("unfinished", runs.unfinished / runs.samples),
    ):
        if values.get(column) is None:
            values[column] = value
    return {**values, "samples": runs.samples}


def _estimates(runs: Simulation) -> tuple[tuple[str, str, Estimate | None], ...]:
    """Column, prefix of the columns of its interval, estimate."""
    return (
        ("validity", "validity", runs.validity),
        ("mode_probability", "mode", runs.mode_probability),
        ("rounds", "rounds", runs.expected_rounds),
    )


@lru_cache(maxsize=8)
def _bounds(law: Law) -> Bounds:
    return infodecode.bounds(law_of(law))


def _beside(law: Law, rounds: object) -> tuple[dict[str, object], dict[str, str]]:
    """Bounds of the law, at so many whole rounds where that is known; and why some are None."""
    found = _bounds(law)
    values: dict[str, object] = {
        "law_entropy": found.entropy,
        "total_correlation": found.total_correlation,
        "dual_total_correlation": found.dual_total_correlation,
    }
    if isinstance(rounds, float):
        whole = min(max(1, int(rounds + WHOLE)), found.length)
        values["whole_rounds"] = whole
        for name in CURVES:
            curve = getattr(found, name)
            values[name] = None if curve is None else float(curve[whole - 1])
    return values, dict.fromkeys(values, " ".join(found.notes)) if found.notes else {}
