"""Checks of closed forms, accuracies, rounds and caps fail when an ingredient is wrong."""

from fractions import Fraction

import pytest
import sympy as sp

from infodecode import Decoder
from infodecode.exact_ledger import exact_ledger
from infodecode.strategies import Factor, TopK
from proofs import (
    caps,
    closed_forms,
    curves,
    exact_bits,
    examples,
    exploration,
    factor_rule,
    metropolis,
    recurrences,
    rounds,
    sampling,
    searches,
)
from proofs.claim import Refuted

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("module", "name", "value", "check"),
    [
        (closed_forms, "binary_entropy", lambda p: -p * sp.log(p), "replace_random"),
        (closed_forms, "_accuracy", lambda size, k: Fraction(1, size), "product_form"),
        (closed_forms, "_accuracy", lambda size, k: HALF, "pairs"),
        (closed_forms, "CERTAIN", {"shuffle": closed_forms.distributions.permutations},
         "one_outcome"),
        (sampling, "rounds_of", lambda size, k: [(size, size)], "greedy_replace"),
        (sampling, "rounds_of", lambda size, k: [(size, size)], "sampled_replace"),
        (sampling, "GREEDY", {"temperature": 1}, "replace_threshold"),
        (sampling, "GREEDY", {"temperature": 1}, "table_one"),
        (sampling, "LOWEST", {"temperature": 0}, "greedy_shuffle"),
        (sampling, "Threshold", lambda gamma, inclusive=False: TopK(1), "shuffle_threshold"),
        (sampling, "_masses", lambda law: {}, "chosen_first"),
        (recurrences, "none_new", lambda m, k: 1 - k / m, "replace_canvas"),
        (recurrences, "one_new", lambda m, k: k / m, "replace_canvas"),
        (recurrences, "one_new", lambda m, k: k / m, "sampled_recurrence"),
        (recurrences, "none_new", lambda m, k: 1 - k / m, "sampled_recurrence"),
        (recurrences, "greedy_round", lambda m: "keep", "greedy_recurrence"),
        (recurrences, "greedy_round", lambda m: "replace", "threshold_recurrence"),
        (recurrences, "replace_chain", lambda n, takes, greedy=False: HALF,
         "threshold_recurrence"),
        (recurrences, "on_top", lambda m: 1 / (m + 1), "exchangeable_ties"),
        (rounds.factor_rule, "carried", lambda sizes, f: 1 - f, "programme_finds_the_least"),
        (rounds, "_exp", lambda value, *, up: Fraction(3), "crossover"),
        (rounds, "Factor", lambda factor: TopK(2), "shuffle_twenty"),
        (rounds, "_one_slot_each", lambda law: ((0,), (1, 2, 3, 4)), "identifiers"),
        (factor_rule, "obeys", lambda confidences, factor: True, "other_tokens_do_not"),
        (factor_rule, "carried", lambda sizes, factor: HALF, "every_size_is_attained"),
        (caps, "cap", lambda tau, size: exact_bits.NOTHING, "attained_cap"),
        (exploration, "power", lambda law, alpha: dict(law), "token_form"),
        (exploration, "completions", lambda law, shown, alpha: Fraction(1), "token_form"),
        (metropolis, "rational_chain", lambda pi, q: [list(q)] * len(q), "chains"),
    ],
)  # fmt: skip
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


def test_same_sees_a_difference():
    with pytest.raises(Refuted, match="half: the difference is"):
        closed_forms.same(sp.log(closed_forms.n), sp.log(closed_forms.n + 1), "half")
    with pytest.raises(Refuted, match="half: the difference is"):
        recurrences.same(sp.factorial(recurrences.m), recurrences.m**2, "half")


def test_another_closed_form_is_not_that_of_the_table():
    with pytest.raises(Refuted, match="n = 3"):
        closed_forms.correlations(closed_forms.distributions.permutations, closed_forms.replaced, 3)


def test_free_positions_are_not_certain(monkeypatch):
    """Two free positions: a constraint less than the check takes."""
    true = closed_forms.certified
    monkeypatch.setattr(closed_forms, "certified", lambda claim, given: true(claim, given[1:]))
    with pytest.raises(Refuted, match=r"C\(Y1,Y2\)"):
        closed_forms.certain_positions(3)


# Recurrences ------------------------------------------------------------------------------


def test_the_chain_of_single_draws():
    """Two positions by hand: one new of two draws of 1/2; one by one the second is certain."""
    assert recurrences.replace_chain(2, lambda left: 2) == HALF
    assert recurrences.replace_chain(2, lambda left: 1) == 1
    assert recurrences.replace_chain(3, lambda left: left) == Fraction(4, 9)
    assert recurrences.replace_chain(3, lambda left: left, greedy=True) == 0
    assert recurrences.replace_chain(4, lambda left: 2, greedy=True) == HALF
    assert recurrences.replace_chain(0, lambda left: 1) == 0


def test_what_greedy_does_must_be_decided():
    masked = sp.Symbol("masked", positive=True, integer=True)
    with pytest.raises(Refuted, match="the sign of masked - 2 is open"):
        recurrences.greedy_round(masked)
    assert [recurrences.greedy_round(sp.Integer(m)) for m in (1, 2, 3)] == [
        "replace", "tie", "keep",
    ]  # fmt: skip


def test_another_share_of_items():
    with pytest.raises(Refuted, match="an item at a position"):
        recurrences.shuffle_canvas(1 / (recurrences.m + 1))


# The factor rule --------------------------------------------------------------------------


def test_the_theorem_fails_on_rounds_outside_its_assumption():
    """Fed with every trace, as if each round obeyed the rule."""
    with pytest.raises(Refuted, match="I = "):
        factor_rule.theorem_on_traces(lambda confidences, factor: True)


def test_the_corrected_bound_is_no_larger():
    with pytest.raises(Refuted, match=r"-ln c of E|I - I_N"):
        factor_rule.correction_on_traces(Fraction(3, 5))


def test_traces_by_hand():
    law = {(0, 0): HALF, (1, 1): HALF}
    together, apart = (factor_rule.trace(law, b, (1, 1)) for b in (((0, 1),), ((1,), (0,))))
    assert [(r.confidences, r.joint) for r in together] == [((HALF, HALF), HALF)]
    assert [(r.confidences, r.joint) for r in apart] == [((HALF,), HALF), ((1,), 1)]
    assert factor_rule.obeys([HALF], Fraction(1))
    assert not factor_rule.obeys([HALF, HALF], Fraction(1))


def test_least_rounds_may_not_exist():
    assert factor_rule.least_rounds(HALF, 2, Fraction(1, 100).__ge__) is None
    assert factor_rule.least_rounds(HALF, 2, Fraction(2, 3).__ge__) == 1
    assert factor_rule.least_rounds(HALF, 2, Fraction(9, 16).__ge__) == 2


@pytest.mark.parametrize("name", ["permutations", "replace_random", "variable_names", "BR-8"])
def test_accounts_are_those_of_the_ledger(name):
    if name == "BR-8":
        law = examples.load(name).law
    else:
        law = getattr(rounds.distributions, name)(*[4][: name != "variable_names"])
    ours = factor_rule.account(exact_bits.law_of(law), HALF)
    book = exact_ledger(law, Decoder(Factor(0.5)), 0.5, progress=False)
    theirs = book.shares()["efficiency"]["forced"]
    assert ours.efficiency == pytest.approx(float(theirs), abs=1e-12)
    assert float(sum(ours.rounds)) == pytest.approx(book.mean(book.rounds), abs=1e-12)
    assert ours.favours_forced == (ours.efficiency > 1) - (ours.efficiency < 1)


def test_forced_rounds_need_not_carry_more(monkeypatch):
    monkeypatch.setattr(factor_rule.distributions, "replace_random",
                        lambda n: examples.load("BR-8").law)  # fmt: skip
    with pytest.raises(Refuted, match=r"0\.90"):
        factor_rule.forced_rounds_carry_more()


# Caps -------------------------------------------------------------------------------------


def test_the_naive_cap_is_exceeded():
    with pytest.raises(Refuted, match="above"):
        caps.cap_a_on_laws(counted=False)


def test_cap_b_needs_what_the_flags_tell():
    with pytest.raises(Refuted, match="above"):
        caps.cap_b_on_laws(told=False)


def test_the_most_entropy_peaks_at_equal_tokens():
    with pytest.raises(Refuted, match="the slope's sign"):
        caps.most_entropy(lambda c, v: 1 / (v + 1))


def test_decoders_are_told_apart():
    """The output of drawing first is not that of choosing first."""
    law = exact_bits.law_of(next(caps.full_laws(1)))
    first, drawn = (
        caps.account(law, Fraction(3, 5), rule) for rule in (caps.chosen_first, caps.drawn_first)
    )
    assert sum(first.output.values()) == sum(drawn.output.values()) == 1
    assert first.output != drawn.output
    assert first.gated + first.forced == drawn.gated + drawn.forced == 3
    assert first.told == exact_bits.NOTHING


# Metropolis-Hastings ----------------------------------------------------------------------


def test_another_acceptance_is_not_balanced():
    with pytest.raises(Refuted, match="flows"):
        metropolis.detailed_balance(power=2)


def test_the_rate_is_no_better():
    with pytest.raises(Refuted, match="left"):
        metropolis.rate(share=2)
    with pytest.raises(Refuted, match="k = 0"):
        metropolis.chains(sharper=1)


def test_positions_must_not_enter():
    with pytest.raises(Refuted, match="Fraction"):
        metropolis.only_tokens_enter(with_positions=True)


def test_other_weights_of_a_round(monkeypatch):
    monkeypatch.setattr(metropolis.exact_bits, "independent", lambda law, positions: dict(law))
    with pytest.raises(Refuted):
        metropolis.repair()


def test_the_chain_by_hand():
    third = Fraction(1, 3)
    assert metropolis.rational_chain([2 * third, third], [HALF, HALF]) == [
        [Fraction(3, 4), Fraction(1, 4)], [HALF, HALF],
    ]  # fmt: skip
    assert metropolis.distances([1, 0], [HALF, HALF], 1) == [HALF, Fraction(1, 4)]


def test_searches_find_what_there_is(monkeypatch):
    law = examples.load("QE-5").law
    monkeypatch.setattr(searches, "laws", lambda *given: [law])
    with pytest.raises(Refuted, match=r"4, 7|2, 7"):
        searches.path_weights()


# Curves -----------------------------------------------------------------------------------


def test_smaller_factors_have_a_negative_multiplier():
    with pytest.raises(Refuted, match="multipliers"):
        curves.bounds_step_by_step(3, shrink=Fraction(99, 100))


def test_another_cost_is_not_made_of_these_steps(monkeypatch):
    monkeypatch.setattr(curves, "cost", lambda sizes: {1: Fraction(1)})
    with pytest.raises(Refuted, match="against"):
        curves.bounds_step_by_step(3)
