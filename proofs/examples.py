"""Counterexamples as data: ``proofs/counterexamples/NAME.json``, each computed again in fractions.

A file has the claim it belongs to, what it shows, a law (outcomes with integer weights, or a name
in the console's grammar), if need be a decoder in the same grammar with its options, exact values,
and how far it is minimal. `check` computes the values again; `proofs.searches` has the searches for
smaller ones.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from infodecode import Decoder, exact, information_curve
from infodecode.cli.parsing import parse_law, parse_strategy
from infodecode.distributions import Joint, Table
from infodecode.exact import ExactRun
from infodecode.proved_schedules import profile_sizes
from proofs import exact_bits, factor_rule, metropolis
from proofs.claim import Check, demand
from proofs.exact_bits import Bits, Law, Tokens

FOLDER = Path(__file__).with_name("counterexamples")


@dataclass(frozen=True)
class Example:
    """One counterexample.

    Attributes:
        name: of the file.
        claim: id of the claim.
        what: what it shows, one sentence.
        law: the data law.
        decoder: what decodes it, if anything does.
        off_support: as for `infodecode.exact`.
        values: exact values by name, as text: a fraction, or a sum of logarithms of primes.
        minimal: how far no smaller example exists.
    """

    name: str
    claim: str
    what: str
    law: Joint
    decoder: Decoder | None
    off_support: str
    values: Mapping[str, str]
    minimal: str

    @cached_property
    def mu(self) -> Law:
        """The law in fractions."""
        return exact_bits.law_of(self.law)

    @cached_property
    def run(self) -> ExactRun:
        """The decoder on the law, in fractions."""
        demand(self.decoder is not None, f"{self.name} has no decoder")
        return rational(self.law, self.decoder, self.off_support)

    @property
    def rule(self) -> Any:
        """The decoder's strategy, with its parameters."""
        demand(self.decoder is not None, f"{self.name} has no decoder")
        return self.decoder.strategy  # type: ignore[union-attr]


def rational(law: Joint, decoder: object, off_support: str = "absorb") -> ExactRun:
    """`infodecode.exact` in fractions."""
    return exact(law, decoder, arithmetic="rational", off_support=off_support)  # type: ignore[arg-type]


def output_of(run: ExactRun) -> dict[Tokens, Fraction]:
    """The output law of a run, absorbed sequences left out."""
    pairs = zip(map(tuple, run.outcomes.tolist()), run.weights, strict=True)
    return {y: Fraction(w) for y, w in pairs}


def names() -> list[str]:
    """All counterexamples."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Example:
    """The counterexample in ``NAME.json``."""
    return read(name, json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def read(name: str, data: Mapping[str, Any]) -> Example:
    """The counterexample that this content describes."""
    law = Table(data["outcomes"], data["weights"]) if "outcomes" in data else parse_law(data["law"])
    decoder = None
    if data.get("decoder"):
        decoder = Decoder(parse_strategy(data["decoder"]), **data.get("options", {}))
    return Example(
        name, data["claim"], data["what"], law, decoder, data.get("off_support", "absorb"),
        data["values"], data["minimal"],
    )  # fmt: skip


# Values


def best_fixed(example: Example, rounds: str) -> Bits:
    """L*_T."""
    return exact_bits.best_fixed(example.mu, int(rounds))[0]


def best_adaptive(example: Example, rounds: str) -> Bits:
    """V_T."""
    return exact_bits.best_adaptive(example.mu, int(rounds))


def largest_floor(example: Example) -> Bits:
    """Largest L of all ordered partitions with the decoder's sizes."""
    sizes = example.rule.sizes(example.law.length)
    h = exact_bits.entropies(example.mu)
    return max(
        exact_bits.partition_floor(h, blocks)
        for blocks in exact_bits.ordered_partitions(example.law.length, len(sizes))
        if tuple(map(len, blocks)) == tuple(sizes)
    )


def printed_rounds(surprisal: Bits, factor: Fraction) -> int:
    """The least integer not below I/f, I in nats: Theorem 3.2 where no factorisation error is."""
    rounds = math.ceil(float(surprisal) * math.log(2) / factor)
    low = exact_bits.whole((rounds - 1) * factor / exact_bits.LN2[0])
    high = exact_bits.whole(rounds * factor / exact_bits.LN2[1])
    demand(low < surprisal <= high, "ln 2 is not known well enough")
    return rounds


def worst_printed_rounds(example: Example) -> int:
    """`printed_rounds` of the rarest outcome at the decoder's factor."""
    surprisal = exact_bits.log2(1 / min(example.mu.values()))
    return printed_rounds(surprisal, Fraction(str(example.rule.factor)))


def claimed_with_total_error(example: Example) -> int:
    """Rounds claimed by |N| + (I - I_N - eps)/f, N the first round, eps of all rounds, f = 1/2."""
    blocks = example.rule.blocks
    y = next(iter(example.mu))
    first = exact_bits.marginal(example.mu, blocks[0])[tuple(y[i] for i in blocks[0])]
    product = exact_bits.ideal_output(example.mu, blocks)[y]
    error = exact_bits.log2(product / example.mu[y])
    left = exact_bits.log2(first / example.mu[y]) - error
    return 1 + printed_rounds(left, Fraction(1, 2))


def first_zero(example: Example) -> Fraction:
    """Probability that the first token comes out as 0."""
    return sum((p for y, p in output_of(example.run).items() if y[0] == 0), Fraction(0))


def naive_cap(example: Example) -> Bits:
    """h(tau) + (1 - tau) log2(V - 1): what a commit above tau may add."""
    tau, size = Fraction(str(example.rule.gamma)), len(example.mu)
    halves = exact_bits.log2(tau) * -tau + exact_bits.log2(1 - tau) * (tau - 1)
    return halves + exact_bits.log2(size - 1) * (1 - tau)


def tempered(example: Example, order: tuple[int, ...]) -> Fraction:
    """P(0, 1) of tokens drawn in this order from their marginals to the power 4."""
    value, y = Fraction(1), (0, 1)
    shown: tuple[int, ...] = ()
    for i in order:
        rest = exact_bits.given(example.mu, shown, tuple(y[j] for j in shown))
        raised = {v: p**4 for v, p in exact_bits.marginal(rest, [i]).items()}
        value *= raised[(y[i],)] / sum(raised.values())
        shown += (i,)
    return value


def power_law(example: Example) -> Fraction:
    """P(0, 1) under mu^4 / Z."""
    raised = {y: p**4 for y, p in example.mu.items()}
    return raised[0, 1] / sum(raised.values())


def power_sum(example: Example) -> Fraction:
    """Z_2 of the positions after the first, given that it is 1."""
    rest = exact_bits.given(example.mu, (0,), (1,))
    return sum((p**2 for p in rest.values()), Fraction(0))


def mean_field(example: Example) -> Fraction:
    """The same with a factor for each position by itself."""
    rest = exact_bits.given(example.mu, (0,), (1,))
    positions = range(1, example.law.length)
    laws = [exact_bits.marginal(rest, [i]).values() for i in positions]
    return math.prod((sum((p**2 for p in law), Fraction(0)) for law in laws), start=Fraction(1))


def on_data(example: Example) -> exact_bits.Traces:
    """The entropy budget along data."""
    return exact_bits.traces(example.mu, exact_bits.entropy_budget(Fraction(str(example.rule.eta))))


def budget_bound(example: Example) -> Bits:
    """1 + 2 (H + KL_path)/eta, of which H + KL_path is what data traces spend."""
    spent = on_data(example).spent * (2 / Fraction(str(example.rule.eta)))
    return exact_bits.whole(1) + spent


def new_item_first(law: Law) -> dict[Tokens, Fraction]:
    """All drawn: one that is not its position's likeliest is committed alone, else two."""
    positions = range(exact_bits.length_of(law))
    alone = [exact_bits.marginal(law, [i]) for i in positions]
    kept = [max(p, key=lambda v, p=p: p[v])[0] for p in alone]  # type: ignore[misc]
    output: dict[Tokens, Fraction] = {}
    for drawn, p in exact_bits.independent(law, positions).items():
        new = [i for i in positions if drawn[i] != kept[i]]
        pairs: list[tuple[int, ...]] = list(itertools.combinations(positions, 2))
        sets: list[tuple[int, ...]] = [(i,) for i in new] or pairs
        for chosen in sets:
            rest = exact_bits.given(law, chosen, tuple(drawn[i] for i in chosen))
            left = [i for i in positions if i not in chosen]
            for tokens, q in exact_bits.independent(rest, left).items():
                shown = {i: drawn[i] for i in chosen} | dict(zip(left, tokens, strict=True))
                y = tuple(shown[i] for i in positions)
                output[y] = output.get(y, Fraction(0)) + p * q / len(sets)
    return output


def off_support_output(example: Example, rule: str) -> Fraction:
    """Probability of putting out 0, 1, 0 with a model that follows this rule where data ends."""
    return output_of(rational(example.law, example.decoder, rule))[0, 1, 0]


def account(example: Example) -> factor_rule.Account:
    """Forced and passing rounds of the factor rule."""
    return factor_rule.account(example.mu, Fraction(str(example.rule.factor)))


def budgets(example: Example, *, own: bool) -> Bits:
    """Mean sum of (sum H - max H) of the entropy-bounded rule."""
    rule = exact_bits.entropy_bounded(Fraction(str(example.rule.gamma)))
    return exact_bits.traces(example.mu, rule, own=own).at_stake


MEASURES: Mapping[str, Callable[..., object]] = {
    r"L\*_(\d+)": best_fixed,
    r"V_(\d+)": best_adaptive,
    r"C": lambda e: exact_bits.total_correlation(e.mu, range(e.law.length)),
    r"C\(A\) \+ C\(B\|A\)": lambda e: exact_bits.partition_floor(
        exact_bits.entropies(e.mu), ((0,), tuple(range(1, e.law.length)))
    ),
    r"positions in the last block of every best partition in (\d+) rounds": lambda e, t: max(
        len(blocks[-1]) for blocks in exact_bits.best_fixed(e.mu, int(t))[1]
    ),
    r"validity": lambda e: e.run.validity,
    r"sequence error rate": lambda e: e.run.sequence_error_rate,
    r"expected rounds": lambda e: e.run.expected_rounds,
    r"reverse KL": lambda e: "infinite" if e.run.absorbed else "finite",
    r"output KL": lambda e: exact_bits.divergence(e.mu, output_of(e.run)) or "infinite",
    r"output entropy": lambda e: exact_bits.entropy(output_of(e.run), range(e.law.length)),
    r"P\(first = 0\)": first_zero,
    r"largest L of these sizes": largest_floor,
    r"sizes of the profile": lambda e: "-".join(
        map(str, profile_sizes(information_curve(e.law), len(e.rule.sizes(e.law.length))))
    ),
    r"n!/n!!": lambda e: Fraction(
        math.factorial(e.law.length), math.prod(range(e.law.length, 0, -2))
    ),
    r"n!/\(n-1\)!!": lambda e: Fraction(
        math.factorial(e.law.length), math.prod(range(e.law.length - 1, 0, -2))
    ),
    r"rounds as printed, at least": worst_printed_rounds,
    r"rounds with the total eps, at least": claimed_with_total_error,
    r"naive cap": naive_cap,
    r"P\(01\), mu\^4": power_law,
    r"P\(01\), left to right": lambda e: tempered(e, (0, 1)),
    r"P\(01\), right to left": lambda e: tempered(e, (1, 0)),
    r"P\(01\), random order": lambda e: (tempered(e, (0, 1)) + tempered(e, (1, 0))) / 2,
    r"Z_2 given 1": power_sum,
    r"mean field given 1": mean_field,
    r"P\(0...0\)": lambda e: e.mu[(0,) * e.law.length],
    r"P\(0...0\) from marginals": lambda e: exact_bits.independent(e.mu, range(e.law.length))[
        (0,) * e.law.length
    ],
    r"L of its blocks": lambda e: exact_bits.partition_floor(
        exact_bits.entropies(e.mu), e.rule.blocks
    ),
    r"P\(010\), (marginal|uniform) off the support": off_support_output,
    r"output KL, a new item first": lambda e: exact_bits.divergence(e.mu, new_item_first(e.mu)),
    r"P\(first = 0\), weighed by tokens": lambda e: metropolis.first_zero(
        e.mu, with_positions=False
    ),
    r"P\(first = 0\), weighed by tokens and positions": lambda e: metropolis.first_zero(
        e.mu, with_positions=True
    ),
    r"forced rounds": lambda e: account(e).rounds[0],
    r"bits of forced rounds": lambda e: account(e).bits[0],
    r"bits of passing rounds": lambda e: account(e).bits[1],
    r"rounds on data": lambda e: on_data(e).rounds,
    r"bound on data rounds": budget_bound,
    r"budgets over data": lambda e: budgets(e, own=False),
    r"budgets over the decoder's own canvases": lambda e: budgets(e, own=True),
}
"""What a value's name means; numbers in the name are passed on."""


def measure(example: Example, name: str) -> object:
    """The value of this name, computed anew."""
    for pattern, compute in MEASURES.items():
        if match := re.fullmatch(pattern, name):
            return compute(example, *match.groups())
    raise ValueError(f"a value must be one of {', '.join(MEASURES)}, got {name!r}")


def recheck(example: Example) -> str:
    """Every value computed again; says what they are, and how far the example is minimal."""
    found = []
    for name, told in example.values.items():
        value = measure(example, name)
        demand(str(value) == told, f"{example.name}: {name} is {value}, not {told}")
        found.append(f"{name} = {_shown(value)}")
    return f"{'; '.join(found)}. Minimal: {example.minimal}."


def _shown(value: object) -> str:
    """With three decimals where that helps."""
    simple = isinstance(value, int | str) or len(text := str(value)) <= 3
    return str(value) if simple else f"{text} ({float(value):.3f})"  # type: ignore[arg-type]


def check(name: str) -> Check:
    """The check that the values of a counterexample are what its file says."""
    example = load(name)
    return Check(example.what, "counterexample", partial(recheck, example))
