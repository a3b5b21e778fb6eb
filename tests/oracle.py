"""The oracle: a second decoding loop, slow, obvious and exact.

Every probability is a `Fraction`, a law is a dict ``{outcome: probability}``, a canvas
is a tuple with -1 at the masked positions, and a decode is a recursion over canvases that
tries every choice of positions and every draw of tokens. It is written from the definitions
and shares no code with the library, so that agreement between the two means something.
Comparisons are exact: the library's tolerance of 1e-12 has to reproduce them.

Pass probabilities, thresholds and factors as Fractions (``Fraction("0.9")``, not ``0.9``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from itertools import permutations as orders
from math import fsum, inf, log2

MASK = -1
Canvas = tuple[int, ...]
Law = dict[Canvas, Fraction]
TokenLaw = dict[int, Fraction]
Model = Callable[[Canvas], dict[int, TokenLaw]]
"""Canvas -> the token law of each masked position; tokens of probability zero left out."""


# Laws -----------------------------------------------------------------------------------


def normalised(weights: dict) -> dict:
    """The weights over their sum, without the zeros."""
    total = sum(map(Fraction, weights.values()))
    return {key: Fraction(w) / total for key, w in weights.items() if w}


def permutations(n: int) -> Law:
    """Shuffle: uniform over the n! orders of range(n)."""
    return normalised(dict.fromkeys(orders(range(n)), 1))


def replace_random(n: int) -> Law:
    """Exactly one of n positions is new (1), the others are kept (0)."""
    return normalised({tuple(int(i == j) for i in range(n)): 1 for j in range(n)})


def consistent(law: Law, canvas: Canvas) -> dict[Canvas, Fraction]:
    """The outcomes that agree with what the canvas shows, with their (joint) probabilities."""
    return {
        y: p
        for y, p in law.items()
        if all(shown in (MASK, token) for shown, token in zip(canvas, y, strict=True))
    }


def marginal(law: Law, positions: Iterable[int]) -> Law:
    """Law of the given positions (weights need not add up to one: they are normalised)."""
    positions, weights = tuple(positions), defaultdict(Fraction)
    for y, p in law.items():
        weights[tuple(y[i] for i in positions)] += p
    return normalised(weights)


def masked(canvas: Canvas) -> list[int]:
    return [i for i, token in enumerate(canvas) if token == MASK]


def token_laws(law: Law, canvas: Canvas) -> dict[int, TokenLaw]:
    """Exact conditional law of each masked position, on a canvas of positive probability."""
    rest = consistent(law, canvas)
    return {i: {y[0]: p for y, p in marginal(rest, [i]).items()} for i in masked(canvas)}


# Dialects and strategies ----------------------------------------------------------------


@dataclass(frozen=True)
class Dialect:
    """Everything about a decoder except its strategy. 1 / temperature must be an integer."""

    temperature: Fraction = Fraction(1)
    order: str = "choose-then-sample"
    token_ties: str = "random"
    position_ties: str = "random"
    confidence: str = "untempered"
    block_length: int | None = None


@dataclass(frozen=True)
class TopK:
    """Round t commits sizes[t - 1] positions; the last size repeats."""

    sizes: tuple[int, ...]
    by: str = "random"

    def count(self, confidences: Sequence[Fraction], number: int) -> int:
        return self.sizes[min(number, len(self.sizes)) - 1]


@dataclass(frozen=True)
class Threshold:
    """All positions whose confidence is > gamma (>= if inclusive); `fallback` best if none."""

    gamma: Fraction
    inclusive: bool = False
    at_least: int = 1
    fallback: int = 1
    by: str = "confidence"

    def count(self, confidences: Sequence[Fraction], number: int) -> int:
        passing = sum(c > self.gamma or (self.inclusive and c == self.gamma) for c in confidences)
        return max(passing or self.fallback, self.at_least)


@dataclass(frozen=True)
class Factor:
    """Largest m with (m + 1)(1 - c_(m)) < factor, else 1; or what Fast-dLLM's code does."""

    factor: Fraction
    as_shipped: bool = False
    by: str = "confidence"

    def count(self, confidences: Sequence[Fraction], number: int) -> int:
        ranked = sorted(confidences, reverse=True)
        if self.as_shipped:
            return self._shipped(ranked)
        passing = [m for m, c in enumerate(ranked, 1) if (m + 1) * (1 - c) < self.factor]
        return max(passing, default=1)

    def _shipped(self, ranked: list[Fraction]) -> int:
        thresholds = [1 - self.factor / (m + 1) for m in range(1, len(ranked) + 1)]
        thresholds[0] = Fraction(-1)
        failing = [i for i, c in enumerate(ranked) if c < thresholds[i]]
        index = failing[0] if failing else len(ranked) - 1
        return index + 1 if index in (0, len(ranked) - 1) else index


@dataclass(frozen=True)
class FixedPartition:
    """Round t commits blocks[t - 1], whatever the canvas shows."""

    blocks: tuple[tuple[int, ...], ...]
    by: str = "random"


Strategy = TopK | Threshold | Factor | FixedPartition


# One round ------------------------------------------------------------------------------


def feasible(canvas: Canvas, block_length: int | None) -> list[int]:
    """Masked positions; of the leftmost unfinished block only when there are blocks."""
    open_positions = masked(canvas)
    if block_length is None:
        return open_positions
    current = open_positions[0] // block_length
    return [i for i in open_positions if i // block_length == current]


def tempered(law: TokenLaw, dialect: Dialect) -> TokenLaw:
    """The law tokens are drawn from: p ** (1 / temperature), or the arg-max at temperature 0."""
    if dialect.temperature:
        exponent = 1 / Fraction(dialect.temperature)
        assert exponent.denominator == 1, "only powers that stay rational"
        return normalised({token: p ** int(exponent) for token, p in law.items()})
    best = sorted(token for token, p in law.items() if p == max(law.values()))
    return normalised(dict.fromkeys(best[:1] if dialect.token_ties == "lowest" else best, 1))


@cache
def entropy_key(probabilities: tuple[Fraction, ...]) -> Decimal:
    """Entropy in nats to 30 decimals. Sorted probabilities in, so equal multisets tie exactly."""
    with localcontext(prec=40):
        values = [Decimal(p.numerator) / Decimal(p.denominator) for p in probabilities]
        return round(-sum((p * p.ln() for p in values), Decimal(0)), 30)


def score(by: str, position: int, law: TokenLaw, drawn: int | None) -> Fraction | Decimal:
    """How much a position asks to be committed: the larger, the sooner."""
    ranked = [*sorted(law.values(), reverse=True), Fraction(0)]
    if by == "confidence":
        return ranked[0] if drawn is None else law[drawn]
    if by == "margin":
        return ranked[0] - ranked[1]
    if by == "entropy":
        return -entropy_key(tuple(sorted(law.values())))
    return Fraction(-position if by == "left_to_right" else 0)


def best(scores: dict, count: int, ties: str) -> list[tuple[tuple[int, ...], Fraction]]:
    """The `count` best positions, with the probability of each way to break a tie at the cut."""
    if count >= len(scores):
        return [(tuple(scores), Fraction(1))]
    cut = sorted(scores.values(), reverse=True)[count - 1]
    sure = tuple(i for i in scores if scores[i] > cut)
    tied = sorted(i for i in scores if scores[i] == cut)
    picks = list(combinations(tied, count - len(sure)))
    if ties == "lowest":
        picks = picks[:1]
    return [(sure + pick, Fraction(1, len(picks))) for pick in picks]


def choices(
    strategy: Strategy, number: int, scores: dict, dialect: Dialect
) -> list[tuple[tuple[int, ...], Fraction]]:
    """The sets of positions that round `number` may commit, and their probabilities."""
    if isinstance(strategy, FixedPartition):
        return [(strategy.blocks[number - 1], Fraction(1))]
    ties = "random" if strategy.by == "random" else dialect.position_ties
    return best(scores, strategy.count(list(scores.values()), number), ties)


def draws(laws: dict[int, TokenLaw], positions: Iterable[int]) -> Iterator:
    """All joint draws of independent tokens at the positions, with their probabilities."""
    positions = list(positions)
    for tokens in product(*(laws[i] for i in positions)):
        probability = Fraction(1)
        for i, token in zip(positions, tokens, strict=True):
            probability *= laws[i][token]
        yield dict(zip(positions, tokens, strict=True)), probability


def fill(canvas: Canvas, tokens: dict[int, int]) -> Canvas:
    return tuple(tokens.get(i, token) for i, token in enumerate(canvas))


def one_round(
    canvas: Canvas, number: int, strategy: Strategy, dialect: Dialect, raw: dict[int, TokenLaw]
) -> dict[Canvas, Fraction]:
    """Law of the next canvas, given the model's token laws of this one."""
    positions = feasible(canvas, dialect.block_length)
    drawable = {i: tempered(raw[i], dialect) for i in positions}
    seen = drawable if dialect.confidence == "tempered" else raw
    children: dict[Canvas, Fraction] = defaultdict(Fraction)
    if dialect.order == "choose-then-sample":
        scores = {i: score(strategy.by, i, seen[i], None) for i in positions}
        for chosen, p in choices(strategy, number, scores, dialect):
            for tokens, q in draws(drawable, chosen):
                children[fill(canvas, tokens)] += p * q
    else:
        for tokens, q in draws(drawable, positions):
            scores = {i: score(strategy.by, i, seen[i], tokens[i]) for i in positions}
            for chosen, p in choices(strategy, number, scores, dialect):
                children[fill(canvas, {i: tokens[i] for i in chosen})] += p * q
    return children


# The whole decode -----------------------------------------------------------------------


def decode(
    law: Law,
    strategy: Strategy,
    dialect: Dialect | None = None,
    *,
    model: Model | None = None,
    off_support: str = "absorb",
    alphabet_sizes: Sequence[int] = (),
) -> dict[tuple[Canvas | None, int], Fraction]:
    """Exact law of (output, rounds).

    A canvas of probability zero under `law` is absorbed: its output is None and its rounds
    are those until it left the support. Or it is followed with the unconditional law of each
    position ("marginal") or the uniform law on each alphabet ("uniform").
    `model` (canvas -> token laws) replaces the ideal model on the support.
    """
    dialect = dialect or Dialect()
    everything_masked = (MASK,) * len(next(iter(law)))

    def laws_at(canvas: Canvas, possible: bool) -> dict[int, TokenLaw]:
        if possible:
            return model(canvas) if model else token_laws(law, canvas)
        if off_support == "uniform":
            return {
                i: normalised(dict.fromkeys(range(alphabet_sizes[i]), 1)) for i in masked(canvas)
            }
        prior = token_laws(law, everything_masked)
        return {i: prior[i] for i in masked(canvas)}

    @cache
    def future(canvas: Canvas, done: int) -> dict[tuple[Canvas | None, int], Fraction]:
        possible = bool(consistent(law, canvas))
        if off_support == "absorb" and not possible:
            return {(None, done): Fraction(1)}
        if MASK not in canvas:
            return {(canvas, done): Fraction(1)}
        result: dict[tuple[Canvas | None, int], Fraction] = defaultdict(Fraction)
        raw = laws_at(canvas, possible)
        for child, p in one_round(canvas, done + 1, strategy, dialect, raw).items():
            for end, q in future(child, done + 1).items():
                result[end] += p * q
        return result

    return dict(future(everything_masked, 0))


def output_law(run: dict[tuple[Canvas | None, int], Fraction]) -> Law:
    """Law of the finished outputs; what was absorbed is left out, so it may add up to < 1."""
    outputs: Law = defaultdict(Fraction)
    for (outcome, _), p in run.items():
        if outcome is not None:
            outputs[outcome] += p
    return dict(outputs)


def rounds_law(run: dict[tuple[Canvas | None, int], Fraction]) -> dict[int, Fraction]:
    """Law of the number of rounds (until absorption for what was absorbed)."""
    rounds: dict[int, Fraction] = defaultdict(Fraction)
    for (_, number), p in run.items():
        rounds[number] += p
    return dict(rounds)


def validity(law: Law, run: dict[tuple[Canvas | None, int], Fraction]) -> Fraction:
    """Probability that the output is an outcome of the data."""
    return sum((p for y, p in output_law(run).items() if y in law), Fraction(0))


# Information, in bits -------------------------------------------------------------------


def log2_fraction(p: Fraction) -> float:
    return log2(p.numerator) - log2(p.denominator)


def entropy(law: dict) -> float:
    return fsum(-float(p) * log2_fraction(p) for p in law.values())


def kl_divergence(p: Law, q: Law) -> float:
    """KL(p || q); infinite when q misses an outcome of p. q may add up to less than one."""
    if any(y not in q for y in p):
        return inf
    return fsum(float(w) * log2_fraction(w / q[y]) for y, w in p.items())


def total_variation(p: Law, q: Law) -> Fraction:
    """Largest difference in probability; p adds up to one, what q lacks is off p's support."""
    return sum((max(w - q.get(y, 0), Fraction(0)) for y, w in p.items()), Fraction(0))


def total_correlation(law: Law, positions: Iterable[int]) -> float:
    positions = list(positions)
    return fsum(entropy(marginal(law, [i])) for i in positions) - entropy(marginal(law, positions))


def partition_bits(law: Law, blocks: Sequence[Sequence[int]]) -> float:
    """L_T: the expected conditional total correlation of each block, value by value."""
    known: list[int] = []
    costs = []
    for block in blocks:
        for values, p in marginal(law, known).items():
            context = fill((MASK,) * len(next(iter(law))), dict(zip(known, values, strict=True)))
            costs.append(float(p) * total_correlation(consistent(law, context), block))
        known += block
    return fsum(costs)
