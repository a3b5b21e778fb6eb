"""Pass@k of every rule on toy reasoning problems, by draws and by model calls, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table

from infodecode.distributions import power
from infodecode.exploration import Problem, chain_pass, pass_at_k, trap_problems
from toy.exploration_rules import Measured, Rule, rules
from toy.study import TOLERANCE

KS = tuple(2**m for m in range(11))
ALPHAS = (2, 4)
WALK = "one chain"
"""One chain of whole sequences, every state of which is shown to the verifier."""


@dataclass(frozen=True)
class Row:
    """A rule on one prompt, or on all of them.

    Attributes:
        kind: ``prompt`` or ``mean``.
        rule: its name; ``power law`` is mu^alpha itself.
        alpha: exponent of the law that tempered rules aim at.
        prompt: which; empty for the mean.
        k: draws; 1 for a prompt.
        success: Pass@k: probability that one of k draws is right.
        calls: expected model calls for k draws; empty for the power law, which no model draws.
        entropy: of one draw, bits.
        closed: success by formula.
    """

    kind: str
    rule: str
    alpha: float
    prompt: str
    k: int
    success: float
    calls: float | None = None
    entropy: float | None = None
    closed: float | None = None


def measure(problems: Sequence[Problem] | None = None) -> list[Row]:
    """Every rule, towards each alpha."""
    asked = trap_problems() if problems is None else problems
    measured = [Measured(problem.law) for problem in asked]
    rows: list[Row] = []
    for alpha in ALPHAS:
        rows += power_rows(asked, alpha)
        for name, rule in rules(alpha).items():
            if rule.alpha == alpha or alpha == ALPHAS[0]:
                rows += rule_rows(asked, measured, name, rule)
        chained = next(rule for rule in rules(alpha).values() if rule.moves and rule.alpha == alpha)
        rows += walk_rows(asked, measured, chained)
    return rows


def power_rows(problems: Sequence[Problem], alpha: float) -> Iterator[Row]:
    """The law mu^alpha itself."""
    successes = []
    for problem in problems:
        target = power(problem.law, alpha).table()
        successes.append(float(problem.success(target)))
        yield Row(
            "prompt", "power law", alpha, problem.prompt, 1, successes[-1],
            entropy=target.entropy(), closed=closed_success(problem, alpha),
        )  # fmt: skip
    for k, value in zip(KS, pass_at_k(successes, KS), strict=True):
        yield Row("mean", "power law", alpha, "", k, float(value))


def closed_success(problem: Problem, alpha: float) -> float:
    """The success of mu^alpha from the shares of answers of equal probability."""
    shares = np.asarray(problem.law.probabilities)
    right = problem.accepts(problem.law.outcomes)
    sizes: dict[tuple[bool, float], int] = {}
    for ok, share in zip(right.tolist(), shares.tolist(), strict=True):
        sizes[ok, share] = sizes.get((ok, share), 0) + 1
    masses = {key: number ** (1 - alpha) * (number * key[1]) ** alpha
              for key, number in sizes.items()}  # fmt: skip
    return sum(m for (ok, _), m in masses.items() if ok) / sum(masses.values())


def rule_rows(
    problems: Sequence[Problem], measured: Sequence[Measured], name: str, rule: Rule
) -> Iterator[Row]:
    """A rule on each prompt, then for all k."""
    successes, calls = [], []
    for problem, law in zip(problems, measured, strict=True):
        found = law.output(rule)
        assert found is not None
        successes.append(float(problem.success(found.law)))
        calls.append(found.calls)
        yield Row(
            "prompt", name, rule.alpha, problem.prompt, 1, successes[-1], found.calls,
            found.law.entropy(),
        )  # fmt: skip
    mean = math.fsum(calls) / len(calls)
    for k, value in zip(KS, pass_at_k(successes, KS), strict=True):
        yield Row("mean", name, rule.alpha, "", k, float(value), k * mean)


def walk_rows(
    problems: Sequence[Problem], measured: Sequence[Measured], rule: Rule
) -> Iterator[Row]:
    """A chain of k states in all, each of which the verifier sees."""
    seen, calls = [], []
    for problem, law in zip(problems, measured, strict=True):
        chain = law.chain(rule.decoder, rule.alpha)
        seen.append(chain_pass(chain, problem.correct, KS[-1] - 1))
        start = law.output(Rule(rule.decoder))
        assert start is not None
        calls.append((start.calls, chain.calls_per_step))
    first, each = np.mean(calls, axis=0)
    mean = np.mean(seen, axis=0)
    for k in KS:
        yield Row(
            "mean", WALK, rule.alpha, "", k, float(mean[k - 1]), float(first + (k - 1) * each)
        )


def violations(rows: Iterable[Row]) -> list[str]:
    """Formulas that do not hold, and exact rules that differ from what they aim at."""
    found = []
    targets: dict[tuple[float, str], float] = {}
    for row in rows:
        where = f"{row.rule}, {row.prompt or f'k = {row.k}'}, alpha {row.alpha:g}"
        if row.closed is not None and abs(row.success - row.closed) > TOLERANCE:
            found.append(f"{where}: {row.success:.9g}, by formula {row.closed:.9g}")
        if row.kind == "prompt" and row.rule == "power law":
            targets[row.alpha, row.prompt] = row.success
        goal = targets.get((row.alpha, row.prompt))
        if row.rule == "exact power" and goal is not None and abs(row.success - goal) > TOLERANCE:
            found.append(f"{where}: {row.success:.9g}, the power law {goal:.9g}")
        if not -TOLERANCE <= row.success <= 1 + TOLERANCE:
            found.append(f"{where}: a probability of {row.success:.6g}")
    return found


SHOWN = (1, 4, 16, 64, 256, 1024)


def table(rows: Iterable[Row]) -> Table:
    """Pass@k of every rule for the terminal, within 80 columns."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    result.add_column("Pass@k", min_width=22, no_wrap=True)
    for heading in ("alpha", "calls", *map(str, SHOWN)):
        result.add_column(heading, justify="right", min_width=6, no_wrap=True)
    means: dict[tuple[str, float], dict[int, Row]] = {}
    for row in rows:
        if row.kind == "mean":
            means.setdefault((row.rule, row.alpha), {})[row.k] = row
    for (rule, alpha), by in means.items():
        calls = by[1].calls
        result.add_row(
            rule, f"{alpha:g}", "" if calls is None else f"{calls:.1f}",
            *(f"{by[k].success:.4f}" for k in SHOWN),
        )  # fmt: skip
    return result


def summary(rows: Iterable[Row]) -> str:
    """Who is best at one draw, and who at many."""
    means = {(row.rule, row.alpha, row.k): row.success for row in rows if row.kind == "mean"}
    mu, sharp, local = (
        [means[name, alpha, k] for k in KS]
        for name, alpha in (("random order", 1), ("power law", ALPHAS[0]),
                            ("local tempering", ALPHAS[0]))
    )  # fmt: skip
    crossing = next(k for k, a, b in zip(KS, mu, sharp, strict=True) if a > b)
    return (
        f"Pass@1 is {sharp[0]:.3f} under mu^{ALPHAS[0]}, {local[0]:.3f} by local tempering, "
        f"{mu[0]:.3f} under mu; from {crossing} draws on, mu is better: "
        f"Pass@{crossing} {mu[KS.index(crossing)]:.3f} against {sharp[KS.index(crossing)]:.3f}."
    )
