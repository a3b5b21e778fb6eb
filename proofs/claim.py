"""A claim, its verdict, and the checks that the verdict rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

VERDICTS = {
    "proved": "true as stated",
    "corrected": "proved with a corrected statement",
    "refuted": "refuted by a counterexample",
    "conditional": "true under a condition, which the entry names",
}

METHODS = {
    "symbolic": "algebra with symbols, for all values of the parameters",
    "induction": "base and step, both checked by algebra",
    "certificate": "a rational combination of elemental inequalities, checked exactly",
    "interval": "signs over intervals, in exact arithmetic",
    "enumeration": "every case of a finite set, in exact arithmetic",
    "counterexample": "one case, in exact arithmetic",
    "random laws": "many random cases; supports a verdict, never carries it alone",
}


class Refuted(AssertionError):
    """A check that did not come out as the ledger says."""


def demand(condition: object, message: str) -> None:
    """Raise `Refuted` unless the condition holds."""
    if not condition:
        raise Refuted(message)


@dataclass(frozen=True)
class Check:
    """One step of an argument that a machine carries out.

    Attributes:
        shows: what holds if it passes, as a sentence.
        method: one of `METHODS`.
        run: returns the evidence, one line that is the same in every run; raises `Refuted`.
        slow: takes more than about a second; the fast tests leave it out.
    """

    shows: str
    method: str
    run: Callable[[], str]
    slow: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")


@dataclass(frozen=True)
class Claim:
    """A statement of one of the papers and what became of it.

    Attributes:
        name: id, as ``PB-7``.
        statement: what is claimed, as printed, in our notation.
        source: paper, section, equation or theorem.
        verdict: one of `VERDICTS`.
        finding: what is true: the corrected statement, the condition, or the counterexample; or,
            where the claim stands, what the proof is.
        checks: what the verdict rests on; at least one, and at least one that is not random.
    """

    name: str
    statement: str
    source: str
    verdict: str
    finding: str
    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}, got {self.verdict!r}")
        if all(check.method == "random laws" for check in self.checks):
            raise ValueError(f"{self.name} needs a check that is not random")
