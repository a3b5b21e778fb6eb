"""Random orders: what their rounds cost in steps of the information curve, for every law.

Z_j is the mean of I(Y_i; Y_S) over random S of j - 1 positions and i outside; d_k = Z_{k+1} - Z_k.
With H_k the mean entropy of k random positions, Z_j = H_1 - (H_j - H_{j-1}).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from infodecode.proved_schedules import dtc_sizes, tc_sizes
from infodecode.schedules import even_sizes
from proofs.claim import demand
from proofs.exact_bits import LN2
from proofs.set_functions import certified, floor_form, form, names

Sizes = tuple[int, ...]

Means = Mapping[int, Fraction]
"""Coefficient of the mean entropy of k random positions, by k."""


def compositions(n: int) -> Iterator[Sizes]:
    """All sizes >= 1 that add up to n."""
    for cuts in itertools.product((False, True), repeat=n - 1):
        ends = [k + 1 for k, cut in enumerate(cuts) if cut]
        yield tuple(b - a for a, b in itertools.pairwise((0, *ends, n)))


def known_before(sizes: Sizes) -> list[int]:
    """Positions known before each round."""
    return list(itertools.accumulate(sizes[:-1], initial=0))


def of_means(n: int, *parts: tuple[Fraction | int, Means]) -> str:
    """A sum of multiples of mean entropies, in joint entropies of Y1, ..., Yn."""
    pieces = []
    for k, value in summed(*parts).items():
        sets = itertools.combinations(names("Y", n), k)
        inside = " + ".join(f"H({','.join(chosen)})" for chosen in sets)
        sign = "-" if value < 0 else "+"
        pieces.append(f"{sign} {abs(value) / math.comb(n, k)} * ({inside})")
    return " ".join(pieces)


def summed(*parts: tuple[Fraction | int, Means]) -> Means:
    """The sum of multiples of mean entropies; no zeros, and H of no position is 0."""
    total: dict[int, Fraction] = {}
    for factor, means in parts:
        for k, value in means.items():
            total[k] = total.get(k, Fraction(0)) + factor * value
    return {k: value for k, value in total.items() if k and value}


def curve(j: int) -> Means:
    """Z_j."""
    result: dict[int, Fraction] = {}
    for k, value in ((1, 1), (j, -1), (j - 1, 1)):
        result[k] = result.get(k, Fraction(0)) + value
    return result


def cost(sizes: Sizes) -> Means:
    """Expected L of a random order: sum_j (Z_j - Z_{N(j)})."""
    result: dict[int, Fraction] = {}
    for known, size in zip(known_before(sizes), sizes, strict=True):
        for j in range(known + 1, known + size + 1):
            for sign, means in ((1, curve(j)), (-1, curve(known + 1))):
                for k, value in means.items():
                    result[k] = result.get(k, Fraction(0)) + sign * value
    return result


def nonnegative(n: int, *parts: tuple[Fraction | int, Means]) -> None:
    """Demand a certificate that a sum of multiples of mean entropies is >= 0."""
    if text := of_means(n, *parts):
        certified(f"{text} >= 0")


def total_correlation(n: int) -> Means:
    """TC = n H_1 - H_n."""
    return {1: Fraction(n), n: Fraction(-1)} if n > 1 else {}


def dual_total_correlation(n: int) -> Means:
    """DTC = H_n - n (H_n - H_{n-1})."""
    return {n: Fraction(1 - n), n - 1: Fraction(n)} if n > 1 else {}


# RT-1


def all_orders(most: int, told: Callable[[Sizes], Means] = cost) -> str:
    """The mean of L over all n! orders, as a form in the entropies of all sets, is the formula."""
    count = 0
    for n in range(1, most + 1):
        orders = list(itertools.permutations(range(n)))
        for sizes in compositions(n):
            ends = [*known_before(sizes), n]
            mean: dict[int, Fraction] = {}
            for order in orders:
                blocks = tuple(order[a:b] for a, b in itertools.pairwise(ends))
                for mask, c in form(*floor_form(blocks)).items():
                    mean[mask] = mean.get(mask, Fraction(0)) + c / len(orders)
            expected = {
                mask: value / math.comb(n, k)
                for k, value in told(sizes).items()
                for mask in range(1, 1 << n)
                if mask.bit_count() == k and value
            }
            found = {mask: c for mask, c in mean.items() if c}
            demand(found == expected, f"sizes {sizes}")
            count += 1
    return f"equal on all set functions, {count} choices of sizes, n <= {most}"


def random_places() -> str:
    """What is known before a position of a random order, and the position, are a uniform pair."""
    n, a, k = sp.symbols("n a k", integer=True, nonnegative=True)
    pairs = sp.binomial(n, a) * (n - a)
    orders_each = sp.factorial(a) * sp.factorial(n - a - 1)
    ratio = sp.gammasimp((pairs * orders_each / sp.factorial(n)).rewrite(sp.gamma))
    demand(ratio == 1, f"pairs times orders with this pair, over n!: {ratio}")
    extended = sp.binomial(n, k) * (n - k) / (sp.binomial(n, k + 1) * (k + 1))
    ratio = sp.gammasimp(extended.rewrite(sp.gamma))
    demand(ratio == 1, f"(k+1)-sets are met unequally often: {ratio}")
    return (
        "C(n,a)(n-a) pairs with a!(n-a-1)! orders each are all n!; a pair's union is uniform, too"
    )


def telescopes() -> str:
    """Mean L = sum_j h_{N(j)} - H_n = sum_j (h_{N(j)} - h_j), with h_j = H_j - H_{j-1}."""
    h1, hj, hn, before, now = sp.symbols("h_1 h_j h_N H_before H_now")
    demand(sp.expand((h1 - hj) - (h1 - hn) - (hn - hj)) == 0, "Z_j - Z_N = h_N - h_j")
    demand(sp.expand(before + (now - before) - now) == 0, "sum of h_j up to j is H_j")
    return "h_j = H_1 - Z_j; sum h_j = H_n from H_0 = 0, one h_j at a time"


def curve_adds_up(most: int) -> str:
    """sum_j Z_j = TC and n Z_n = TC + DTC, both directions, in the quantities themselves."""
    for n in range(2, most + 1):
        positions = names("Y", n)
        curve_text, last = [], []
        for j in range(2, n + 1):
            pairs = [
                f"I({y};{','.join(chosen)})"
                for chosen in itertools.combinations(positions, j - 1)
                for y in positions
                if y not in chosen
            ]
            curve_text.append(f"{Fraction(1, len(pairs))} * ({' + '.join(pairs)})")
            last = pairs
        everything = ",".join(positions)
        certified(f"{' + '.join(curve_text)} == TC({everything})")
        certified(f"{' + '.join(last)} == TC({everything}) + DTC({everything})")
    return f"n = 2 to {most}"


def curve_adds_up_always() -> str:
    """The same for all n, from mean entropies."""
    n, first, whole, rest = sp.symbols("n H_1 H_n H_r")
    last = whole - rest
    total, dual = n * first - whole, whole - n * last
    demand(sp.expand(n * (first - last) - total - dual) == 0, "n Z_n = TC + DTC")
    return "sum Z_j = n H_1 - H_n; n Z_n = n H_1 - sum H(Y_i | rest) = TC + DTC"


def curve_grows(most: int, sign: int = 1) -> str:
    """Z_{j+1} >= Z_j by certificates."""
    count = 0
    for n in range(2, most + 1):
        for j in range(1, n):
            nonnegative(n, (sign, curve(j + 1)), (-sign, curve(j)))
            count += 1
    return f"{count} steps, n = 2 to {most}"


def curve_grows_always() -> str:
    """A step is the mean of I(Y_i; Y_k | Y_S) over random S, i, k."""
    before, now, after, first = sp.symbols("H_before H_now H_after H_1")
    step = (first - (after - now)) - (first - (now - before))
    demand(sp.expand(step - (now + now - after - before)) == 0, f"{step}")
    return "Z_{j+1} - Z_j = 2 H_j - H_{j+1} - H_{j-1} = E I(Y_i; Y_k | Y_S), |S| = j - 1"


# RT-2 and RT-3


@dataclass(frozen=True)
class Constants:
    """Best factors of TC, DTC and Z_n for given sizes."""

    total: Fraction
    dual: Fraction
    last: Fraction


def constants(sizes: Sizes) -> Constants:
    """Largest (s-1)/(n-a-1), (s-1)/(a+1) and s-1 over rounds of several positions."""
    n = sum(sizes)
    rounds = [(s - 1, a) for s, a in zip(sizes, known_before(sizes), strict=True) if s > 1]
    return Constants(
        max((Fraction(s, n - a - 1) for s, a in rounds), default=Fraction(0)),
        max((Fraction(s, a + 1) for s, a in rounds), default=Fraction(0)),
        max((Fraction(s) for s, _ in rounds), default=Fraction(0)),
    )


def steps_of_a_round() -> str:
    """A round from a to a + s costs sum_k (a + s - k) d_k; TC = sum (n-k) d_k, DTC = sum k d_k."""
    a, s, k, n = sp.symbols("a s k n", positive=True, integer=True)
    factor = a + s - k
    demand(sp.expand(factor.subs(s, s + 1) - factor) == 1, "each earlier step once more")
    demand(sp.expand((a + s + 1 - k).subs(k, a + s)) == 1, "the new step once")
    demand(sp.expand(factor.subs({a: 0, s: n}) - (n - k)) == 0, "one round: TC")
    demand(sp.expand(n - (n - k) - k) == 0, "DTC = n Z_n - TC, Z_n = sum of all steps")
    return "with s + 1 positions Z_{a+s+1} - Z_{a+1} = d_{a+1} + ... + d_{a+s} comes on top"


def first_step_is_worst() -> str:
    """(a+s-k)/(n-k) and (a+s-k)/k fall in k, so k = a + 1 decides; a + s - k <= s - 1."""
    a, s, k, n = sp.symbols("a s k n", positive=True)
    for measure, slope in ((n - k, a + s - n), (k, -(a + s))):
        ratio = (a + s - k) / measure
        demand(sp.simplify(sp.diff(ratio, k) * measure**2 - slope) == 0, f"slope of {ratio}")
    worst = {k: a + 1}
    demand(sp.simplify(((a + s - k) / (n - k)).subs(worst) - (s - 1) / (n - a - 1)) == 0, "TC")
    demand(sp.simplify(((a + s - k) / k).subs(worst) - (s - 1) / (a + 1)) == 0, "DTC")
    demand(sp.expand((a + s - k).subs(worst) - (s - 1)) == 0, "Z_n")
    return (
        "slopes have the signs of a + s - n <= 0 and -(a + s) < 0; so KL <= max (s-1)/(n-a-1) TC, "
        "max (s-1)/(a+1) DTC, max (s-1) Z_n"
    )


def sizes_keep_bounds() -> str:
    """s - 1 = floor(delta (m-1)) and floor(delta (a+1)); the published sizes keep them, too."""
    m, s = sp.symbols("m s", positive=True)
    delta = sp.symbols("delta", positive=True)
    spare = delta * (m - s) - s
    slack = delta * (m - 1) - (s - 1)
    demand(sp.expand(slack - (spare + delta * (s - 1) + 1)) == 0, "published TC sizes")
    return (
        "floor(x) <= x; s <= delta (m-s) leaves delta (m-1) - (s-1) >= delta (s-1) + 1 > 0, and "
        "s <= delta N_a leaves 1: more positions fit"
    )


def published_tc(n: int, delta: Fraction) -> list[int]:
    """The largest s with s <= max(1, delta * (positions masked after the round))."""
    sizes, masked = [], n
    while masked:
        sizes.append(max(1, math.floor(delta * masked / (1 + delta))))
        masked -= sizes[-1]
    return sizes


def published_dtc(n: int, delta: Fraction) -> list[int]:
    """s = max(1, floor(delta N_a)), or what is left."""
    sizes, known = [], 0
    while known < n:
        sizes.append(min(max(1, math.floor(delta * (known + 1))), n - known))
        known += sizes[-1]
    return sizes


def rounds_saved() -> str:
    """Rounds of the larger sizes beside the published ones, at n = 100."""
    found = []
    for share in (Fraction(1, 10), Fraction(1, 2)):
        ours = len(tc_sizes(100, float(share))), len(dtc_sizes(100, float(share)))
        theirs = len(published_tc(100, share)), len(published_dtc(100, share))
        demand(ours[0] < theirs[0] and ours[1] < theirs[1], f"{ours} against {theirs}")
        found.append(
            f"delta = {share}: TC {ours[0]} for {theirs[0]}, DTC {ours[1]} for {theirs[1]}"
        )
    return f"rounds at n = 100: {'; '.join(found)}"


def leading_term_alone() -> str:
    """Two positions, delta = 1: two rounds of either kind, where 2 ln 2 < 2."""
    one = Fraction(1)
    demand(published_tc(2, one) == published_dtc(2, one) == [1, 1], "published sizes")
    demand((1 + 1 / one) * LN2[1] < 2, "(1 + 1/delta) ln 2")
    return "n = 2, delta = 1: T = 2 > (1 + 1/delta) ln n = 1.39"


def rounds_bound() -> str:
    """With u = m - 1 masked but one: u' < (1-delta) u; with N = a + 1: N' > (1+delta) N."""
    u, delta, rest, x = sp.symbols("u delta r x", positive=True)
    left = u - (1 + delta * u - rest) - (1 - delta) * u
    demand(sp.expand(left - (rest - 1)) == 0, "floor = delta u - r, 0 <= r < 1")
    grown = u + (1 + delta * u - rest) - (1 + delta) * u
    demand(sp.expand(grown - (1 - rest)) == 0, "N grows")
    excess = x - 1 - sp.log(x)
    demand(sp.expand(excess.subs(x, 1 - delta) - (-delta - sp.log(1 - delta))) == 0, "1 - delta")
    slack = excess.subs(x, 1 / (1 + delta)) - (sp.log(1 + delta) - delta / (1 + delta))
    demand(sp.simplify(sp.expand_log(slack, force=True)) == 0, "1/(1 + delta)")
    count = 0
    for n, share in itertools.product(range(2, 121), (Fraction(k, 20) for k in range(1, 21))):
        total, dual = len(tc_sizes(n, float(share))), len(dtc_sizes(n, float(share)))
        demand((1 - share) ** max(total - 2, 0) * (n - 1) >= 1, f"TC, n = {n}, delta = {share}")
        demand((1 + share) ** (dual - 1) <= n, f"DTC, n = {n}, delta = {share}")
        count += 1
    return (
        "u >= 1 after T - 2 rounds, so 1 <= (1-delta)^(T-2) (n-1); N <= n before the last, so "
        "(1+delta)^(T-1) <= n; -ln(1-delta) >= delta and ln(1+delta) >= delta/(1+delta); checked "
        f"in {count} cases besides"
    )


def bounds_certified(most: int, shrink: Fraction = Fraction(1)) -> str:
    """All three bounds for all sizes, as inequalities of Shannon's kind."""
    count = 0
    for n in range(2, most + 1):
        for sizes in compositions(n):
            if max(sizes) > 1:
                best = constants(sizes)
                for factor, measure in (
                    (best.total, total_correlation(n)),
                    (best.dual, dual_total_correlation(n)),
                    (best.last, curve(n)),
                ):
                    nonnegative(n, (factor * shrink, measure), (-1, cost(sizes)))
                    count += 1
    return f"{count} inequalities, all sizes with n <= {most}"


def bounds_step_by_step(most: int, shrink: Fraction = Fraction(1)) -> str:
    """The same with the multipliers written out: of each step d_k, a mean of elemental quantities.

    d_k = 2 H_k - H_{k+1} - H_{k-1} is the mean of I(Y_i; Y_j | Y_S), |S| = k - 1.
    """
    count = 0
    for n in range(2, most + 1):
        steps = [
            {j: Fraction(value) for j, value in ((k + 1, -1), (k, 2), (k - 1, -1)) if j}
            for k in range(1, n)
        ]
        for sizes in compositions(n):
            best = constants(sizes)
            rounds = list(zip(known_before(sizes), sizes, strict=True))
            paid = [sum(a + s - k for a, s in rounds if a < k < a + s) for k in range(1, n)]
            for factor, measure, weight in (
                (best.total * shrink, total_correlation(n), lambda k, n=n: n - k),
                (best.dual * shrink, dual_total_correlation(n), lambda k: k),
                (best.last * shrink, curve(n), lambda k: 1),
            ):
                multipliers = [factor * weight(k) - paid[k - 1] for k in range(1, n)]
                demand(min(multipliers) >= 0, f"sizes {sizes}: multipliers {multipliers}")
                slack = summed((factor, measure), (-1, cost(sizes)))
                told = summed(*zip(multipliers, steps, strict=True))
                demand(slack == told, f"sizes {sizes}: {slack} against {told}")
                count += 1
    return f"{count} inequalities with their multipliers, all sizes with n <= {most}"


def schedules_certified(most: int) -> str:
    """The schedules themselves at delta = 1/4, 1/2, 3/4, with their own delta as the factor."""
    count = 0
    for n in range(2, most + 1):
        for quarter in (1, 2, 3):
            share = Fraction(quarter, 4)
            for sizes, measure in (
                (tc_sizes(n, float(share)), total_correlation(n)),
                (dtc_sizes(n, float(share)), dual_total_correlation(n)),
            ):
                nonnegative(n, (share, measure), (-1, cost(sizes)))
                count += 1
    return f"{count} schedules, n = 2 to {most}"


def even_certified(most: int) -> str:
    """Equal sizes, or sizes that differ by one: (ceil(n/T) - 1) Z_n and (1/T) sum I(Y_i; rest)."""
    count = 0
    for n in range(2, most + 1):
        for rounds in range(1, n):
            sizes = even_sizes(n, rounds)
            for factor in (Fraction(-(-n // rounds) - 1), Fraction(n, rounds)):
                nonnegative(n, (factor, curve(n)), (-1, cost(sizes)))
                count += 1
    return f"{count} inequalities, n = 2 to {most}, all T < n"


def even_sizes_bound() -> str:
    """(s-1) Z_n <= s Z_n = (n/T) Z_n = (1/T) sum I(Y_i; rest)."""
    n, rounds, last = sp.symbols("n T Z_n", positive=True)
    size = n / rounds
    demand(sp.expand(size * last - (size - 1) * last - last) == 0, "slack Z_n")
    demand(sp.simplify(size * last - (n * last) / rounds) == 0, "n Z_n = sum I(Y_i; rest)")
    return "the slack of the second bound is Z_n >= 0; with ceil(n/T) - 1 < n/T for any T"


def attained(most: int) -> str:
    """Codes in which any k positions decide the rest: one step d_k, wherever it hurts most."""
    count = 0
    for n in range(2, most + 1):
        for sizes in compositions(n):
            ratios = []
            for k in range(1, n):
                ranks = {j: Fraction(min(j, k)) for j in range(n + 1)}
                lost, total, dual, last = (
                    sum(c * ranks[j] for j, c in means.items())
                    for means in (
                        cost(sizes), total_correlation(n), dual_total_correlation(n), curve(n),
                    )
                )  # fmt: skip
                ratios.append((lost / total, lost / dual, lost / last))
            worst = Constants(*(max(column) for column in zip(*ratios, strict=True)))
            demand(worst == constants(sizes), f"sizes {sizes}: {worst}")
            count += 1
    return f"{count} choices of sizes, n <= {most}: no smaller factors hold for all laws"


# RT-4


def profile_is_optimal() -> str:
    """Cost Z'/(2r) at r rounds per position; its gap to r_0 = sqrt(Z')/lambda, given sum of r."""
    slope, rate, price = sp.symbols("slope r lambda", positive=True)
    best = sp.sqrt(slope) / price
    cost_of = slope / (2 * rate)
    derivative = sp.diff(cost_of, rate)
    demand(sp.simplify(derivative.subs(rate, best) + price**2 / 2) == 0, "Euler-Lagrange")
    tangent = cost_of.subs(rate, best) - price**2 / 2 * (rate - best)
    gap = slope * (rate - best) ** 2 / (2 * rate * best**2)
    demand(sp.simplify(cost_of - tangent - gap) == 0, "gap to the tangent")
    demand(gap.is_nonnegative, "convex")
    return (
        "the derivative at r_0 is -lambda^2/2 everywhere, so among profiles of as many rounds the "
        "gap is the integral of Z'(r-r_0)^2/(2 r r_0^2) >= 0: s = 1/r proportional to 1/sqrt(Z')"
    )


def continuous_limit() -> str:
    """A round of s positions on a curve of constant slope d costs s(s-1)/2 d, not s^2/2 d."""
    s, k = sp.symbols("s k", positive=True, integer=True)
    a = sp.symbols("a", positive=True, integer=True)
    exact_cost = sp.summation(a + s - k, (k, a + 1, a + s - 1))
    demand(sp.simplify(exact_cost - s * (s - 1) / 2) == 0, f"{exact_cost}")
    demand(sp.limit(exact_cost / (s**2 / 2), s, sp.oo) == 1, "limit")
    return "s(s-1)/2 against s^2/2: the ratio tends to 1 for large rounds only"
