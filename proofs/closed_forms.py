"""ParallelBench: total correlations of the list tasks, for every number of items."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.distributions import Joint
from infodecode.strategies import TopK
from proofs import exact_bits, examples, recurrences, searches
from proofs.claim import Check, Claim, demand
from proofs.curves import compositions, known_before
from proofs.exact_bits import Bits
from proofs.set_functions import certified, names

PAPER = "ParallelBench"
n, m, j, k = sp.symbols("n m j k", positive=True, integer=True)

CERTAIN: dict[str, Callable[[int], Joint]] = {
    "copy": distributions.copy,
    "reverse": distributions.reverse,
    "sort": distributions.sort,
    "replace_index": lambda size: distributions.replace_index(size, 0),
    "insert_index": lambda size: distributions.insert_index(size, 0),
    "remove_index": lambda size: distributions.remove_index(size, 0),
}


def binary_entropy(p: sp.Expr) -> sp.Expr:
    """In nats: every identity here is homogeneous in the logarithm."""
    return -p * sp.log(p) - (1 - p) * sp.log(1 - p)


def same(left: sp.Expr, right: sp.Expr, what: str) -> None:
    """Demand that two expressions agree for all values of their symbols."""
    gap = sp.simplify(sp.expand_log(sp.expand(left - right), force=True))
    demand(gap == 0, f"{what}: the difference is {gap}")


# Tasks without dependence


def one_outcome() -> str:
    """Each token is a function of the input: given the input there is one outcome."""
    for name, make in CERTAIN.items():
        for size in range(2, 13):
            found = make(size).support_size
            demand(found == 1, f"{name}({size}) has {found} outcomes")
    return f"{', '.join(CERTAIN)}: one outcome, n = 2 to 12"


def certain_positions(most: int) -> str:
    """If H of each position is 0, so is C: no law needs to be looked at."""
    for size in range(2, most + 1):
        positions = names("Y", size)
        certified(f"C({','.join(positions)}) == 0", given=[f"H({y}) == 0" for y in positions])
        rest = [f"H({y}) == 0" for y in positions[1:]]
        certified(f"C({','.join(positions)}) == 0", given=rest)
    return f"n = 2 to {most}, also if one position is free"


def one_solution() -> str:
    """A puzzle whose clues leave one grid is a point mass."""
    grid = distributions.sudoku().table().outcomes[0]
    clues = "".join(str(int(v) + 1) for v in grid[:-3]) + "..."
    solved = distributions.sudoku(clues)
    demand(solved.support_size == 1, f"{clues} has {solved.support_size} solutions")
    return f"4x4 clues {clues}: one grid, entropy 0"


# Replace Random and Shuffle in one round


def replace_random() -> str:
    """n h(1/n) - log n for all n."""
    same(
        n * binary_entropy(1 / n) - sp.log(n),
        (n - 1) * (sp.log(n) - sp.log(n - 1)),
        "TC of Replace Random",
    )
    limit = sp.limit((n - 1) * sp.log(n / (n - 1)), n, sp.oo)
    demand(limit == 1, f"limit {limit} nats")
    return "n h(1/n) - log n = (n-1)(log n - log(n-1)) -> 1 nat = log2 e bits"


def correlations(make: Callable[[int], Joint], told: Callable[[int], Bits], most: int) -> str:
    """The closed form beside the table of outcomes, in exact logarithms."""
    for size in range(2, most + 1):
        found = exact_bits.total_correlation(exact_bits.law_of(make(size)), range(size))
        demand(found == told(size), f"n = {size}: {found} against {told(size)}")
    return f"n = 2 to {most}, outcome by outcome"


def replaced(size: int) -> Bits:
    """(n-1)(log2 n - log2(n-1))."""
    return (exact_bits.log2(size) - exact_bits.log2(size - 1)) * (size - 1)


def shuffled(size: int) -> Bits:
    """n log2 n - log2 n!."""
    return exact_bits.log2(size) * size - exact_bits.log2(math.factorial(size))


def shuffle_one_round() -> str:
    """n log n - log n!: each item is uniform; the increments tend to one nat."""
    increment = (n + 1) * sp.log(n + 1) - n * sp.log(n) - sp.log(n + 1)
    same(increment, n * sp.log((n + 1) / n), "C(n+1) - C(n)")
    limit = sp.limit(n * sp.log(1 + 1 / n), n, sp.oo)
    demand(limit == 1, f"increments tend to {limit}")
    return "C(1) = 0 and C(n+1) - C(n) = n log(1 + 1/n) -> 1 nat, so C -> infinity"


def shuffle_rounds() -> str:
    """A block of s when k items are left: each uniform on them, k!/(k-s)! fillings alike."""
    size, after = sp.symbols("s after", positive=True, integer=True)
    left = after + size
    fillings = sp.factorial(left) / sp.factorial(after)
    cost = size * sp.log(left) - sp.log(fillings)
    spent = sp.Symbol("A")  # sum of s log k of the later blocks, which order ``after`` items
    later = spent - sp.log(sp.factorial(after))
    same(cost + later, size * sp.log(left) + spent - sp.log(sp.factorial(left)), "one block more")
    return (
        "from no items: C of a block + [A - log (k-s)!] = [s log k + A] - log k!, so L telescopes"
    )


def shuffle_rounds_counted(most: int) -> str:
    """Every choice of sizes, from the table of orders."""
    count = 0
    for length in range(2, most + 1):
        h = exact_bits.entropies(exact_bits.law_of(distributions.permutations(length)))
        for sizes in compositions(length):
            starts = known_before(sizes)
            blocks = tuple(tuple(range(a, a + s)) for a, s in zip(starts, sizes, strict=True))
            told = exact_bits.total(
                exact_bits.log2(length - a) * s for a, s in zip(starts, sizes, strict=True)
            ) - exact_bits.log2(math.factorial(length))
            found = exact_bits.partition_floor(h, blocks)
            demand(found == told, f"sizes {sizes}: {found} against {told}")
            count += 1
    return f"{count} choices of sizes, n = 2 to {most}, in exact logarithms"


def shuffle_pairs() -> str:
    """T = n/2 pairs: the ratio of consecutive even n is n/(n-1); the logarithm diverges."""
    ratio = (2 * m) ** 2 * sp.factorial(2 * m - 2) / sp.factorial(2 * m)
    demand(sp.simplify(sp.combsimp(ratio) - 2 * m / (2 * m - 1)) == 0, "even n")
    odd = (2 * m + 1) ** 2 * sp.factorial(2 * m - 1) / sp.factorial(2 * m + 1)
    demand(sp.simplify(sp.combsimp(odd) - (2 * m + 1) / (2 * m)) == 0, "odd n, one item last")
    tail = sp.Sum(1 / (2 * j), (j, 1, sp.oo))
    demand(tail.is_convergent() == sp.false, "sum of 1/(2j) diverges")
    return "n!!/(n-1)!! gains the factor n/(n-1) from n-2 to n, for even and odd n; -> infinity"


# Accuracy of Shuffle


def product_form() -> str:
    """Distinct draws from m items: (m)_j / m^j, by induction on the draws."""
    step = (m - j) / m
    falling = sp.gamma(m + 1) / sp.gamma(m + 1 - j) / m**j
    ratio = sp.gammasimp(falling.subs(j, j + 1) / falling)
    demand(sp.simplify(ratio - step) == 0, "one more draw misses j of m items")
    demand(falling.subs(j, 0) == 1, "no draws")
    for size in range(2, 6):
        for per_round in range(1, size + 1):
            run = exact(
                distributions.permutations(size), Decoder(TopK(per_round)), arithmetic="rational"
            )
            demand(run.validity == _accuracy(size, per_round), f"n = {size}, k = {per_round}")
    return (
        "from 1 at j = 0: one more draw misses the j before it with probability (m-j)/m; a valid "
        "round leaves Shuffle of m - j; beside exact runs in fractions for all k, n = 2 to 5"
    )


def _accuracy(size: int, per_round: int) -> Fraction:
    result, left = Fraction(1), size
    while left:
        taken = min(per_round, left)
        for drawn in range(taken):
            result *= Fraction(left - drawn, left)
        left -= taken
    return result


def all_at_once() -> str:
    """k = n: n!/n^n, which tends to 0."""
    ratio = sp.simplify(
        sp.combsimp(sp.factorial(n + 1) / sp.factorial(n)) * n**n / (n + 1) ** (n + 1)
        - (n / (n + 1)) ** n
    )
    demand(ratio == 0, "ratio of consecutive n")
    limit = sp.limit((n / (n + 1)) ** n, n, sp.oo)
    demand(limit == sp.exp(-1), f"ratios tend to {limit}")
    return "from n to n + 1 it shrinks by (n/(n+1))^n -> 1/e, so n!/n^n -> 0"


def pairs() -> str:
    """k = 2: (n-1)!!/n!!, for even and odd n."""
    even = sp.factorial2(2 * m - 1) / sp.factorial2(2 * m)
    bound = (2 * m - 1) / (2 * m + 1) - ((2 * m - 1) / (2 * m)) ** 2
    demand(sp.simplify(bound - (2 * m - 1) / (4 * m**2 * (2 * m + 1))) == 0, "bound, even n")
    bound = 2 * m / (2 * m + 2) - (2 * m / (2 * m + 1)) ** 2
    demand(sp.simplify(bound - 2 * m / ((2 * m + 2) * (2 * m + 1) ** 2)) == 0, "bound, odd n")
    for value in range(1, 8):
        demand(
            Fraction(int(even.subs(m, value).p), int(even.subs(m, value).q))
            == _accuracy(2 * value, 2),
            f"n = {2 * value}",
        )
    demand(Fraction(1, 2) ** 2 <= Fraction(1, 3), "bound, n = 2; at n = 1 it is 1 <= 1")
    draw = sp.Integer(1) * (2 * m) * (2 * m - 1) / (2 * m) ** 2
    demand(sp.simplify(draw - (2 * m - 1) / (2 * m)) == 0, "step from n - 2 to even n")
    draw = (2 * m + 1) * (2 * m) / (2 * m + 1) ** 2
    demand(sp.simplify(draw - 2 * m / (2 * m + 1)) == 0, "step from n - 2 to odd n")
    return (
        "each pair multiplies by (n-1)/n, for even and odd n; base n = 1, 2: 1, 1/2; the square is "
        "at most 1/(n+1) and 2/(n+1), by the same steps, so it -> 0"
    )


def printed_forms() -> str:
    """n!/(n-1)!! = n!! and n!/n!! = (n-1)!!: neither is a probability."""
    for start in (1, 2):
        demand(
            sp.factorial(start) == sp.factorial2(start) * sp.factorial2(start - 1), f"n = {start}"
        )
    step = (n + 2) * (n + 1) / ((n + 2) * (n + 1))
    demand(sp.simplify(step) == 1, "n! and n!! (n-1)!! both gain (n+2)(n+1)")
    values = [(sp.factorial(v) / sp.factorial2(v - 1), sp.factorial(v) / sp.factorial2(v))
              for v in (3, 4, 5)]  # fmt: skip
    demand(all(a > 1 and b > 1 for a, b in values), f"{values}")
    return "n!! and (n-1)!!: 3 and 2 at n = 3, 8 and 3 at n = 4, 15 and 8 at n = 5"


CLAIMS = (
    Claim(
        "PB-6",
        "Copy and Replace Index (and Reverse, Sort, Insert Index, Remove Index, a Sudoku with one "
        "solution) have total correlation 0.",
        f"{PAPER}, section 4.1 and Table 1",
        "proved",
        "Given the input there is one outcome, so every entropy is 0. The same holds if one "
        "position is free.",
        (
            Check(
                "Positions that are certain, for all n.",
                "induction",
                recurrences.functions_of_the_input,
            ),
            Check("The same by certificate, n <= 8.", "certificate", partial(certain_positions, 8)),
            Check("The tasks have one outcome.", "enumeration", one_outcome),
            Check("A puzzle with one solution.", "enumeration", one_solution),
        ),
    ),
    Claim(
        "PB-7",
        "Replace Random: C = (n-1)[log2 n - log2(n-1)] -> log2 e.",
        f"{PAPER}, equation (3)",
        "proved",
        "Each position is new with probability 1/n; the sequence is one of n, equally likely.",
        (
            Check("The closed form and its limit, for all n.", "symbolic", replace_random),
            Check(
                "Beside the table.",
                "enumeration",
                partial(correlations, distributions.replace_random, replaced, 12),
            ),
        ),
    ),
    Claim(
        "PB-8",
        "Shuffle: C = n log2 n - log2 n! -> infinity.",
        f"{PAPER}, equation (4)",
        "proved",
        "Each position is uniform on n items, the sequence on n! orders.",
        (
            Check("A position of Shuffle.", "symbolic", recurrences.shuffle_canvas),
            Check("Increments tend to one nat.", "induction", shuffle_one_round),
            Check(
                "Beside the table.",
                "enumeration",
                partial(correlations, distributions.permutations, shuffled, 6),
            ),
        ),
    ),
    Claim(
        "PB-9",
        "Shuffle with fixed sizes: L_T = sum_t |S_t| log2 k_t - log2 n!, with k_t items left; for "
        "T = n/2 it is log2(n!!/(n-1)!!) -> infinity.",
        f"{PAPER}, section 4.1, appendix A",
        "proved",
        "For odd n the same with T = (n+1)/2, the last round of one item.",
        (
            Check("The general form.", "induction", shuffle_rounds),
            Check("Beside the table.", "enumeration", partial(shuffle_rounds_counted, 5)),
            Check("Pairs.", "induction", shuffle_pairs),
        ),
    ),
    Claim(
        "PB-10",
        "Shuffle, k items a round: accuracy is a product over rounds; in closed form n!/(n-1)!! "
        "for k = n and n!/n!! for k = 2.",
        f"{PAPER}, equation (5)",
        "corrected",
        "The product over rounds of (m)_j/m^j (m items left, j drawn) is right, for any k, with a "
        "shorter last round. Its closed forms are n!/n^n for k = n and (n-1)!!/n!! for k = 2 "
        "(odd n too), both -> 0, and 1 for k = 1. The printed ones equal n!! and (n-1)!!, which "
        "exceed 1 from n = 2 and n = 3 on, though the limits that stand beside them are right.",
        (
            Check("The product form.", "induction", product_form),
            Check("k = n.", "symbolic", all_at_once),
            Check("k = 2.", "induction", pairs),
            Check("The printed forms exceed 1.", "counterexample", printed_forms),
            examples.check("PB-10"),
            examples.check("PB-10-all"),
            searches.check("PB-10"),
            searches.check("PB-10-all"),
        ),
    ),
)
