"""ParallelBench: total correlations of the list tasks, for every number of items."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import sympy as sp

from infodecode import Decoder, distributions, exact
from infodecode.distributions import Joint
from infodecode.strategies import TopK
from proofs import examples, searches
from proofs.claim import Check, Claim, demand

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


def at_most_one_free() -> str:
    """If all positions but one are constant, sum H(Y_i) = H(Y)."""
    one = sp.symbols("H", nonnegative=True)
    demand(sp.expand((one + 0 * n) - one) == 0, "C = H + 0 - H")
    for name, make in CERTAIN.items():
        for size in range(2, 7):
            table = make(size).table().outcomes
            free = sum(len(set(column)) > 1 for column in table.T.tolist())
            demand(free <= 1, f"{name}({size}) has {free} positions that vary")
    return f"{', '.join(CERTAIN)}: no two positions vary, n = 2 to 6"


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


def shuffle_one_round() -> str:
    """n log n - log n!: each item is uniform; the increments tend to one nat."""
    increment = (n + 1) * sp.log(n + 1) - n * sp.log(n) - sp.log(n + 1)
    same(increment, n * sp.log((n + 1) / n), "C(n+1) - C(n)")
    limit = sp.limit(n * sp.log(1 + 1 / n), n, sp.oo)
    demand(limit == 1, f"increments tend to {limit}")
    return "C(1) = 0 and C(n+1) - C(n) = n log(1 + 1/n) -> 1 nat, so C -> infinity"


def shuffle_rounds() -> str:
    """A position drawn when k items are left is uniform on them, whatever they are."""
    size, left = sp.symbols("s k", positive=True, integer=True)
    chain = sp.log(sp.factorial(left)) - sp.log(sp.factorial(left - size))
    cost = size * sp.log(left) - chain
    total = sp.Sum(sp.log(j), (j, left - size + 1, left))
    for s, r in ((1, 1), (2, 5), (3, 3), (4, 9)):
        given = {size: s, left: r}
        demand(
            sp.simplify(sp.expand_log(cost.subs(given) - s * sp.log(r) + total.subs(given).doit()))
            == 0,
            f"block of {s} from {r}",
        )
    for law_size, rounds in ((4, (2, 2)), (5, (3, 1, 1)), (6, (2, 3, 1))):
        from infodecode import partition_bits

        starts = [sum(rounds[:t]) for t in range(len(rounds))]
        blocks = [range(a, a + s) for a, s in zip(starts, rounds, strict=True)]
        told = sum(
            s * sp.log(law_size - a, 2) for a, s in zip(starts, rounds, strict=True)
        ) - sp.log(sp.factorial(law_size), 2)
        ours = partition_bits(distributions.permutations(law_size), blocks)
        demand(abs(float(told) - ours) < 1e-12, f"sizes {rounds}: {float(told)} against {ours}")
    return "sum over blocks of s log k telescopes against log n!; partition_bits agrees"


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
    demand(
        sp.simplify(sp.combsimp(sp.ff(m, j + 1) / sp.ff(m, j)).rewrite(sp.gamma) / m - step) == 0
        or sp.simplify(sp.gammasimp((sp.ff(m, j + 1) / sp.ff(m, j)).rewrite(sp.gamma)) / m - step)
        == 0,
        "one more draw misses j of m items",
    )
    for size in range(2, 7):
        for per_round in range(1, size + 1):
            run = exact(
                distributions.permutations(size), Decoder(TopK(per_round)), arithmetic="rational"
            )
            demand(run.validity == _accuracy(size, per_round), f"n = {size}, k = {per_round}")
    return "equals exact runs in fractions for all k, n = 2 to 6"


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
    for value in range(1, 8):
        demand(
            Fraction(int(even.subs(m, value).p), int(even.subs(m, value).q))
            == _accuracy(2 * value, 2),
            f"n = {2 * value}",
        )
    draw = sp.Integer(1) * (2 * m) * (2 * m - 1) / (2 * m) ** 2
    demand(sp.simplify(draw - (2 * m - 1) / (2 * m)) == 0, "step from n - 2 to even n")
    draw = (2 * m + 1) * (2 * m) / (2 * m + 1) ** 2
    demand(sp.simplify(draw - 2 * m / (2 * m + 1)) == 0, "step from n - 2 to odd n")
    return "each pair multiplies by (n-1)/n, for even and odd n; base n = 1, 2: 1, 1/2"


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
        "At most one position varies, so the position entropies add up to that of the sequence.",
        (
            Check("No two positions vary.", "enumeration", at_most_one_free),
            Check("A puzzle with one solution.", "enumeration", one_solution),
        ),
    ),
    Claim(
        "PB-7",
        "Replace Random: C = (n-1)[log2 n - log2(n-1)] -> log2 e.",
        f"{PAPER}, equation (3)",
        "proved",
        "Each position is new with probability 1/n; the sequence is one of n, equally likely.",
        (Check("The closed form and its limit, for all n.", "symbolic", replace_random),),
    ),
    Claim(
        "PB-8",
        "Shuffle: C = n log2 n - log2 n! -> infinity.",
        f"{PAPER}, equation (4)",
        "proved",
        "Each position is uniform on n items, the sequence on n! orders.",
        (Check("Increments tend to one nat.", "induction", shuffle_one_round),),
    ),
    Claim(
        "PB-9",
        "Shuffle with fixed sizes: L_T = sum_t |S_t| log2 k_t - log2 n!, with k_t items left; for "
        "T = n/2 it is log2(n!!/(n-1)!!) -> infinity.",
        f"{PAPER}, section 4.1, appendix A",
        "proved",
        "For odd n the same with T = (n+1)/2, the last round of one item.",
        (
            Check("The general form.", "symbolic", shuffle_rounds),
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
        "exceed 1 from n = 2 and n = 3 on; they look like numerators whose denominators were lost.",
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
