"""Rounds against error: an altered ingredient of each kind of check makes it fail."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest

from infodecode import distributions, random_order_bits
from infodecode.proved_schedules import order_factors
from proofs import budgets, curves, exact_bits, examples, orders, searches, set_functions
from proofs.claim import Refuted
from proofs.exact_bits import whole

NOT_PROVED = r"not Shannon-provable|refuted"


# Random orders ----------------------------------------------------------------------------


def test_compositions():
    assert sorted(curves.compositions(3)) == [(1, 1, 1), (1, 2), (2, 1), (3,)]
    assert curves.known_before((2, 3, 1)) == [0, 2, 5]


@pytest.mark.parametrize("law", [distributions.permutations(4), distributions.markov_chain(
    [[0.75, 0.25], [0.5, 0.5]], length=4)], ids=lambda law: law.name)  # fmt: skip
def test_costs_in_mean_entropies(law):
    """The forms against the package: mean entropies from all sets."""
    by_mask = distributions.Table(*_table(law))
    sets = {k: [m for m in range(16) if m.bit_count() == k] for k in range(5)}
    entropy = {
        k: math.fsum(by_mask.entropy([i for i in range(4) if m >> i & 1]) for m in ms if m)
        / len(ms)
        for k, ms in sets.items()
    }
    for sizes in curves.compositions(4):
        value = math.fsum(float(c) * entropy[k] for k, c in curves.cost(sizes).items())
        assert value == pytest.approx(random_order_bits(by_mask, sizes), abs=1e-11)


def _table(law):
    table = law.table()
    return table.outcomes, table.weights


@pytest.mark.parametrize("sizes", [(3,), (1, 3), (2, 2), (3, 2, 1), (1, 1), (1, 2, 4)])
def test_constants_are_those_of_the_package(sizes):
    factors, found = order_factors(sizes), curves.constants(sizes)
    assert float(found.total) == factors.total_correlation
    assert float(found.dual) == factors.dual_total_correlation
    assert float(found.last) == factors.last_information


def test_the_mean_over_orders_is_no_other_formula():
    with pytest.raises(Refuted, match=r"sizes \(2, 1\)"):
        curves.all_orders(3, lambda sizes: curves.cost(sizes[::-1]))


def test_the_curve_does_not_fall():
    with pytest.raises(Refuted, match=NOT_PROVED):
        curves.curve_grows(3, sign=-1)


def test_smaller_factors_have_no_certificate():
    with pytest.raises(Refuted, match=NOT_PROVED):
        curves.bounds_certified(3, shrink=Fraction(99, 100))


@pytest.mark.parametrize("field", ["total", "dual", "last"])
def test_other_factors_are_not_attained(monkeypatch, field):
    true = curves.constants

    def larger(sizes):
        found = true(sizes)
        return dataclasses.replace(found, **{field: getattr(found, field) * 2})

    monkeypatch.setattr(curves, "constants", larger)
    with pytest.raises(Refuted, match="sizes"):
        curves.attained(3)


def one_larger(sizes):
    """The first round takes a position more, from the last."""
    if len(sizes) == 1:
        return sizes
    ends = (sizes[-1] - 1,) if sizes[-1] > 1 else ()
    return (sizes[0] + 1, *sizes[1:-1], *ends)


@pytest.mark.parametrize("name", ["tc_sizes", "dtc_sizes"])
def test_larger_schedules_have_no_certificate(monkeypatch, name):
    true = getattr(curves, name)
    monkeypatch.setattr(curves, name, lambda n, delta: one_larger(true(n, delta)))
    with pytest.raises(Refuted, match=NOT_PROVED):
        curves.schedules_certified(4)


def test_uneven_sizes_have_no_certificate(monkeypatch):
    monkeypatch.setattr(curves, "even_sizes", lambda n, t: (n - t + 1,) + (1,) * (t - 1))
    with pytest.raises(Refuted, match=NOT_PROVED):
        curves.even_certified(4)


@pytest.mark.parametrize("name", ["tc_sizes", "dtc_sizes"])
def test_slower_schedules_exceed_the_bound_on_rounds(monkeypatch, name):
    monkeypatch.setattr(curves, name, lambda n, delta: (1,) * n)
    with pytest.raises(Refuted, match=name[:-6].upper()):
        curves.rounds_bound()
    with pytest.raises(Refuted, match="against"):
        curves.rounds_saved()


@pytest.mark.parametrize("n", [2, 9, 40])
@pytest.mark.parametrize("delta", [Fraction(1, 10), Fraction(1, 2), Fraction(1)])
def test_published_sizes_obey_their_rule(n, delta):
    masked, known = n, 0
    for s in curves.published_tc(n, delta):
        assert s <= max(1, delta * (masked - s))
        assert s + 1 > max(1, delta * (masked - s - 1))
        masked -= s
    for s in curves.published_dtc(n, delta):
        assert s == min(max(1, math.floor(delta * (known + 1))), n - known)
        known += s
    assert (masked, known) == (0, n)


# Budgets ----------------------------------------------------------------------------------


def test_half_the_bound_on_rounds_fails():
    with pytest.raises(Refuted, match="eta = "):
        budgets.budget_on_data(Fraction(1, 2))


def test_what_is_spent_is_not_the_entropy_alone(monkeypatch):
    monkeypatch.setattr(budgets, "path_divergence", lambda law, rule: whole(0))
    with pytest.raises(Refuted, match=r"spent .*, H \+ KL"):
        budgets.budget_on_data()
    with pytest.raises(Refuted, match="along the path 0"):
        budgets.bounded_on_data()


def test_a_stake_is_no_lower_bound():
    with pytest.raises(Refuted, match=NOT_PROVED):
        budgets.stake_bounds_correlation(2, ">=")


def test_own_budgets_can_suffice(monkeypatch):
    true = examples.load

    def balanced(name):
        example = true(name)
        law = distributions.Table(example.law.outcomes, [1] * 5)
        return dataclasses.replace(example, law=law)

    monkeypatch.setattr(examples, "load", balanced)
    with pytest.raises(Refuted):
        budgets.own_budgets_fall_short("RT-6")


# Partitions and policies ------------------------------------------------------------------


def test_costs_without_what_is_known_do_not_telescope(monkeypatch):
    def unconditional(blocks):
        return [t for block in blocks for t in set_functions.floor_form((block,))]

    monkeypatch.setattr(orders, "floor_form", unconditional)
    with pytest.raises(Refuted, match="0"):
        orders.block_costs_telescope(3)


def test_another_partition_is_no_optimum(monkeypatch):
    class InOrder:
        def __init__(self, law):
            self.length = law.length

        def partition(self, rounds):
            rest = range(rounds - 1, self.length)
            return (*((i,) for i in range(rounds - 1)), tuple(rest))

    monkeypatch.setattr(orders, "optimal_partitions", InOrder)
    with pytest.raises(Refuted, match="T = "):
        orders.programme_is_exact()


def test_the_number_of_policies():
    """A set of three in a round; in two, one of three pairs or of three singles before the rest."""
    law = exact_bits.law_of(distributions.Table([[0, 0, 0], [1, 1, 1]]))
    assert [len(list(orders.policies(law, (0, 1, 2), t))) for t in (1, 2)] == [1, 7]
    assert len(list(orders.policies(law, (0, 1), 2))) == 3
    assert len(list(orders.policies(law, (0, 1, 2), 3))) == 1 + 3 + 3 * 3**2


def test_fixed_orders_are_not_the_best_policies(monkeypatch):
    monkeypatch.setattr(
        exact_bits, "best_adaptive", lambda law, t: exact_bits.best_fixed(law, t)[0]
    )
    orders.all_policies([exact_bits.law_of(orders.LAWS[0])], (1, 2, 3))
    with pytest.raises(Refuted, match="T = 3: 0 against"):
        orders.all_policies([examples.load("PB-5").mu], (3,))


def test_two_rounds_are_compared_exactly(monkeypatch):
    monkeypatch.setattr(exact_bits, "best_adaptive", lambda law, t: whole(0))
    with pytest.raises(Refuted, match="seed 0, T = 1"):
        orders.two_rounds_leave_no_choice(1, 3)


def test_errors_exceed_a_smaller_divergence(monkeypatch):
    true = exact_bits.divergence
    monkeypatch.setattr(exact_bits, "divergence", lambda mu, nu: true(mu, nu) * Fraction(1, 4))
    with pytest.raises(Refuted, match=r", \(\("):
        orders.errors_bounded()


# Searches ---------------------------------------------------------------------------------


def test_a_search_finds_what_there_is(monkeypatch):
    """Five outcomes have an example: the same loop must stop at it."""
    columns = list(zip(*examples.load("PB-5").law.outcomes.tolist(), strict=True))
    monkeypatch.setattr(searches, "four_outcomes", lambda heaviest: [(columns, [1] * 5)])
    with pytest.raises(Refuted, match="against 0"):
        searches.adaptivity()


def test_other_searches_find_what_there_is(monkeypatch):
    law = distributions.replace_random(3).table()
    monkeypatch.setattr(searches, "laws", lambda *given: [law])
    with pytest.raises(Refuted, match=r"L\*_2"):
        searches.two_outcomes()
    with pytest.raises(Refuted, match=r"sizes \(1, 2\)"):
        searches.below_floor()
    copies = distributions.Table([[0, 0], [1, 1]], [2, 1])
    monkeypatch.setattr(searches, "laws", lambda *given: [copies])
    with pytest.raises(Refuted, match="8, 9"):
        searches.bias()
    five = distributions.Table([[0] * 5, [1] * 5])
    monkeypatch.setattr(searches, "laws", lambda *given: [five])
    with pytest.raises(Refuted, match="eta = "):
        searches.budget_rounds()


@pytest.mark.parametrize("steps", [(1,), (3, 1), (0, 2, 5)])
def test_curve_costs(steps):
    """Against the sum over positions of Z_j - Z_N(j)."""
    n = len(steps) + 1
    curve = [sum(steps[:j]) for j in range(n)]
    for sizes in curves.compositions(n):
        known = curves.known_before(sizes)
        expected = sum(
            curve[a + i] - curve[a] for a, s in zip(known, sizes, strict=True) for i in range(s)
        )
        assert searches.curve_cost(steps, sizes) == expected


def test_four_outcomes_up_to_symmetry():
    """Two equally likely values for each of four positions and no others: by hand."""
    found = [c for c, w in searches.four_outcomes(1)]
    assert len(found) == len({tuple(c) for c in found}) == 168
    assert all(len(set(zip(*c, strict=True))) == 4 for c in found)
    assert all(len(set(column)) > 1 for c in found for column in c)
