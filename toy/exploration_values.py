"""Values to hold power laws against: printed ones, and what mean-field weights gain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table as Grid

import infodecode
from infodecode import Decoder
from infodecode.distributions import Table, power
from infodecode.strategies import FixedPartition, OneByOne, Strategy
from infodecode.token_rules import ExactPower, LocalPower, MeanFieldPower, TokenLaw

LAWS = 100
SEED = 7
LENGTH, WIDTH = 4, 3
ORDERS = ("left to right", "random")
KINDS = ("Dirichlet(1)", "Dirichlet(0.1)", "20 of 81 outcomes")


@dataclass(frozen=True)
class Row:
    """A value, or the range of one over random laws.

    Attributes:
        value: what was computed.
        law, order, rule: on what, and how.
        found: the value, or the median over random laws.
        low, high: smallest and largest over random laws.
        printed: what has been printed of it.
        laws: how many random laws.
        above: of these, on how many the mean-field KL is no smaller than that of local tempering.
    """

    value: str
    law: str
    order: str
    rule: str
    found: float
    low: float | None = None
    high: float | None = None
    printed: float | None = None
    laws: int | None = None
    above: int | None = None


def measure() -> list[Row]:
    """Every value."""
    return [*karan_du(), counterexample("local"), counterexample("mean-field"), *ranges()]


def karan_du() -> Iterator[Row]:
    """P(ab) on the law of the power-sampling literature: ab .4, ba .25, bb .25, normalised."""
    law = Table([[0, 1], [1, 0], [1, 1]], [8, 5, 5], labels=[["a", "b"]] * 2, name="Karan and Du")
    orders: dict[str, tuple[Strategy, float]] = {
        "left to right": (OneByOne("left_to_right"), 0.291),
        "random": (OneByOne(), 0.570),
        "right to left": (FixedPartition(((1,), (0,))), 0.849),
    }
    found = float(power(law, 4).table().probabilities[0])
    yield Row("P(ab), alpha 4", law.name, "", "target", found, printed=0.766)
    for order, (strategy, printed) in orders.items():
        for name, tokens in (("local", LocalPower(4)), ("mean-field", MeanFieldPower(4)),
                             ("exact", ExactPower(4))):  # fmt: skip
            output = infodecode.exact(law, Decoder(strategy, tokens=tokens)).output
            chance = float(np.exp2(output.log2_probability([[0, 1]])[0]))
            yield Row(
                "P(ab), alpha 4", law.name, order, name, chance,
                printed=printed if name == "local" else 0.766,
            )  # fmt: skip


def counterexample(rule: str) -> Row:
    """A law on which mean-field weights do worse than none."""
    law = Table([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [1, 1, 2], name="011, 101, 110 twice")
    tokens = LocalPower(2) if rule == "local" else MeanFieldPower(2)
    bits = _kl(law, OneByOne("left_to_right"), tokens)
    return Row("KL, alpha 2", law.name, "left to right", rule, bits)


def ranges() -> Iterator[Row]:
    """KL(mu^2 ‖ output) on random laws of 4 positions and 3 tokens, one by one."""
    for kind in KINDS:
        generator = np.random.default_rng(SEED)
        drawn = [random_law(kind, generator) for _ in range(LAWS)]
        for order in ORDERS:
            strategy = OneByOne(order.replace(" ", "_"))
            bits = {
                name: np.array([_kl(law, strategy, tokens) for law in drawn])
                for name, tokens in (("local", LocalPower(2)), ("mean-field", MeanFieldPower(2)),
                                     ("exact", ExactPower(2)))
            }  # fmt: skip
            for name, values in bits.items():
                yield Row(
                    "KL, alpha 2", kind, order, name, float(np.median(values)),
                    float(values.min()), float(values.max()), laws=LAWS,
                    above=int((values >= bits["local"]).sum()) if name == "mean-field" else None,
                )  # fmt: skip


def random_law(kind: str, generator: np.random.Generator) -> Table:
    """A law of a family by name."""
    rows = np.array(np.unravel_index(range(WIDTH**LENGTH), (WIDTH,) * LENGTH)).T
    number = len(rows)
    if kind == KINDS[2]:
        weights = np.zeros(number)
        weights[generator.choice(number, 20, replace=False)] = generator.dirichlet(np.ones(20))
    else:
        weights = generator.dirichlet(np.full(number, float(kind[10:-1])))
        weights = np.maximum(weights, 1e-12)
    return Table(rows, weights / weights.sum(), alphabet_sizes=(WIDTH,) * LENGTH)


def _kl(law: Table, strategy: Strategy, tokens: TokenLaw) -> float:
    output = infodecode.exact(law, Decoder(strategy, tokens=tokens)).output
    return infodecode.kl_divergence(power(law, 2), output)


def violations(rows: Iterable[Row]) -> list[str]:
    """Printed values that differ, exact sampling that is not exact."""
    found = []
    for row in rows:
        if row.printed is not None and abs(row.found - row.printed) > 0.0005:
            found.append(f"{row.law}, {row.order} {row.rule}: {row.found:.6g}, not {row.printed}")
        if row.rule == "exact" and row.high is not None and row.high > 1e-9:
            found.append(f"{row.law}, {row.order}: exact sampling loses {row.high:.3g} bits")
    return found


def table(rows: Iterable[Row]) -> Grid:
    """For the terminal, within 80 columns."""
    result = Grid(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    for heading, width in (("law", 20), ("order", 13), ("rule", 10)):
        result.add_column(heading, min_width=width, no_wrap=True)
    for heading in ("value", "low", "high", "above"):
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    for row in rows:
        ends = ("" if v is None else f"{v:.4f}" for v in (row.low, row.high))
        above = "" if row.above is None else f"{row.above}/{row.laws}"
        result.add_row(row.law, row.order, row.rule, f"{row.found:.4f}", *ends, above)
    return result
