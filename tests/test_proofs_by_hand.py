"""Checks of closed forms, accuracies, rounds and exploration fail when an ingredient is wrong."""

from fractions import Fraction

import pytest
import sympy as sp

from infodecode.strategies import TopK
from proofs import closed_forms, exploration, rounds, sampling
from proofs.claim import Refuted


@pytest.mark.parametrize(
    ("module", "name", "value", "check"),
    [
        (closed_forms, "binary_entropy", lambda p: -p * sp.log(p), "replace_random"),
        (closed_forms, "_accuracy", lambda size, k: Fraction(1, size), "product_form"),
        (closed_forms, "_accuracy", lambda size, k: Fraction(1, 2), "pairs"),
        (sampling, "rounds_of", lambda size, k: [(size, size)], "greedy_replace"),
        (sampling, "rounds_of", lambda size, k: [(size, size)], "sampled_replace"),
        (sampling, "GREEDY", {"temperature": 1}, "replace_threshold"),
        (sampling, "LOWEST", {"temperature": 0}, "greedy_shuffle"),
        (sampling, "Threshold", lambda gamma, inclusive=False: TopK(1), "shuffle_threshold"),
        (sampling, "_masses", lambda law: {}, "chosen_first"),
        (rounds, "_least_rounds", lambda factor: 12, "exact_minimum"),
        (rounds, "_exp", lambda value, *, up: Fraction(3), "crossover"),
        (rounds, "Factor", lambda factor: TopK(2), "shuffle_twenty"),
        (rounds, "_one_slot_each", lambda law: ((0,), (1, 2, 3, 4)), "identifiers"),
        (exploration, "power", lambda law, alpha: dict(law), "local_tempering"),
        (exploration, "chain", lambda pi, q, order: sp.eye(3), "mixing"),
    ],
)
def test_a_wrong_ingredient_is_noticed(module, name, value, check, monkeypatch):
    monkeypatch.setattr(module, name, value)
    with pytest.raises(Refuted):
        getattr(module, check)()


def test_the_printed_closed_forms_fail_the_same_check(monkeypatch):
    """Equation (5) as printed, fed to the check that its correction passes."""

    def printed(size, k):
        double = sp.factorial2(size - 1) if k == size else sp.factorial2(size)
        return Fraction(int(sp.factorial(size)), int(double))

    monkeypatch.setattr(closed_forms, "_accuracy", printed)
    with pytest.raises(Refuted, match="n = 2, k = 2"):
        closed_forms.product_form()
    with pytest.raises(Refuted, match="n = 2"):
        closed_forms.pairs()


def test_a_reversed_chain_is_not_balanced():
    pi = list(sp.symbols("pi:3", positive=True))
    q = list(sp.symbols("q:3", positive=True))
    matrix = exploration.chain(pi, q, [0, 1, 2])
    assert sp.simplify(pi[0] * matrix[0, 1] - pi[1] * matrix[1, 0]) == 0
    assert sp.simplify(q[0] * matrix[0, 1] - q[1] * matrix[1, 0]) != 0


def test_same_sees_a_difference():
    with pytest.raises(Refuted, match="half: the difference is"):
        closed_forms.same(sp.log(closed_forms.n), sp.log(closed_forms.n + 1), "half")
