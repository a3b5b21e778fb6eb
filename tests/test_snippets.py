"""Variable names against brute force: every choice of names is tried straight from the text."""

from __future__ import annotations

import math
import pickle
import random
import time
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infodecode
from infodecode import information
from infodecode.distributions._snippets import FACTORIAL, SUM_OF_SQUARES, variable_names
from tests import oracle
from tests.families import CHECKS, every_canvas

TWO = {"a": ["left", "lo"], "b": {"right": 3, "hi": 1}}

FAMILIES = [
    variable_names(),
    variable_names(SUM_OF_SQUARES),
    variable_names("<a>", names={"a": ["x"]}),
    variable_names("<a> <a> <a>", names={"a": ["x", "y"]}),
    variable_names("<b> + <a> < <b> {}", names=TWO),
    variable_names("<a><b><a>", names={"a": {"x": 0.25, "y": 0.75}, "b": ["u", "v", "w"]}),
    variable_names("<a> <b> <b>", names={"a": {"x": Fraction(1, 3), "y": Fraction(2, 3), "z": 0},
                                         "b": {"u": 0, "v": 5}}),
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("law", FAMILIES, ids=lambda law: f"{law.name} {law.render(law.sample(1))}")
def test_a_snippet_equals_its_table(law, check):
    check(law)


@st.composite
def snippets(draw):
    """Slots in random order, one identifier's weights of each kind, some of them zero."""
    generator = random.Random(draw(st.integers(0, 2**32)))
    identifiers = [f"g{g}" for g in range(generator.randint(1, 3))]
    slots = identifiers + [
        generator.choice(identifiers) for _ in range(draw(st.integers(0, 5 - len(identifiers))))
    ]
    generator.shuffle(slots)
    names = {}
    for identifier in identifiers:
        options = [f"{identifier}_{k}" for k in range(generator.randint(1, 3))]
        weights = [generator.randint(0, 3) for _ in options]
        weights[generator.randrange(len(weights))] += 1
        kind = generator.choice(["counts", "fractions", "floats", "alike"])
        if kind == "alike":
            names[identifier] = options
        elif kind == "counts":
            names[identifier] = dict(zip(options, weights, strict=True))
        else:
            shares = [Fraction(w, sum(weights)) for w in weights]
            values = shares if kind == "fractions" else [float(share) for share in shares]
            names[identifier] = dict(zip(options, values, strict=True))
    return slots, names


def brute_force(slots, names):
    """{tokens: probability} by trying every name of every identifier."""
    choices = {
        g: list(options.items()) if isinstance(options, dict) else [(o, 1) for o in options]
        for g, options in names.items()
    }
    weights = {}
    for chosen in product(*(range(len(options)) for options in choices.values())):
        pick = dict(zip(choices, chosen, strict=True))
        weight = math.prod(
            Fraction(choices[g][t][1]).limit_denominator(100) for g, t in pick.items()
        )
        weights[tuple(pick[g] for g in slots)] = weight
    return oracle.normalised(weights)


def bits(law):
    return -math.fsum(float(p) * math.log2(p) for p in law.values())


@given(sample=snippets())
def test_laws_and_masses(sample):
    slots, names = sample
    law = variable_names(" ".join(f"<{g}>" for g in slots), names=names)
    expected = brute_force(slots, names)
    canvases = every_canvas(law)
    rows, positions = np.nonzero(canvases < 0)
    found = law._laws(canvases, rows, positions)
    masses = law._log2_mass(canvases)
    completions = law._completions(canvases)
    assert not np.signbit(masses[masses == 0]).any()
    for b, canvas in enumerate(map(tuple, canvases.tolist())):
        agreeing = oracle.consistent(expected, canvas)
        assert completions[b] == len(agreeing)
        mass = sum(agreeing.values())
        assert math.exp2(masses[b]) == pytest.approx(float(mass), rel=1e-13)
        token_laws = oracle.token_laws(expected, canvas) if mass else {}
        for k in np.flatnonzero(rows == b):
            one = token_laws.get(int(positions[k]), {})
            assert found[k] == pytest.approx(
                [float(one.get(v, 0)) for v in range(found.shape[1])], rel=1e-13
            )
    assert law.support_size == len(expected)
    assert math.exp2(law.log2_mode()) == pytest.approx(float(max(expected.values())), rel=1e-13)
    counted = {type(w) for v in names.values() if isinstance(v, dict) for w in v.values()}
    assert law.table().integer == (float not in counted)


@given(sample=snippets())
def test_entropies(sample):
    slots, names = sample
    law = variable_names(" ".join(f"<{g}>" for g in slots), names=names)
    expected = brute_force(slots, names)
    n = len(slots)
    by_mask = information.subset_entropies(law)
    mean = []
    for k in range(n + 1):
        values = []
        for chosen in combinations(range(n), k):
            value = bits(oracle.marginal(expected, chosen)) if chosen else 0.0
            assert law.entropy(chosen) == pytest.approx(value, abs=1e-13)
            assert by_mask[sum(1 << i for i in chosen)] == pytest.approx(value, abs=1e-13)
            values.append(value)
        mean.append(np.mean(values))
    np.testing.assert_allclose(law.mean_gains(), np.diff(mean), atol=1e-13)


@given(sample=snippets())
def test_one_round_loses_the_total_correlation_and_two_lose_nothing(sample):
    slots, names = sample
    law = variable_names(" ".join(f"<{g}>" for g in slots), names=names)
    expected = brute_force(slots, names)
    lost = sum(
        (slots.count(g) - 1) * bits(oracle.marginal(expected, [slots.index(g)])) for g in names
    )
    assert information.total_correlation(law) == pytest.approx(lost, abs=1e-12)
    best = infodecode.bounds(law)
    assert best.partition_bits[0] == pytest.approx(lost, abs=1e-12)
    assert best.partition_bits[1:].tolist() == [0.0] * (len(slots) - 1)
    first = [slots.index(g) for g in dict.fromkeys(slots)]
    others = [i for i in range(len(slots)) if i not in first]
    blocks = [first, others] if others else [first]
    assert infodecode.partition_bits(law, blocks) == pytest.approx(0, abs=1e-12)


def test_the_factorial_of_the_paper():
    law = variable_names()
    assert law.names == ("product#1", "factor#1", "product#2", "factor#2", "product#3")
    assert law.placeholders == ("product", "factor")
    assert [slots for _, slots in law.identifiers] == [3, 2]
    assert law.identifiers[1][0].tolist() == [0.64, 0.16, 0.12, 0.08]
    assert law.alphabet_sizes == (8, 4, 8, 4, 8)
    assert law.marginals([-1] * 5).max(axis=2).tolist() == [[0.32, 0.64, 0.32, 0.64, 0.32]]
    known = law.marginals([2, -1, -1, -1, -1])[0]
    assert known[2, 2] == known[4, 2] == 1.0
    assert known[1].max() == 0.64
    text = law.render([2, 0, 2, 0, 2])
    scope: dict = {}
    exec(text, scope)
    assert scope["factorial"](5) == 120


@pytest.mark.parametrize(
    ("snippet", "call"),
    [(FACTORIAL, "factorial(4)"), (SUM_OF_SQUARES, "sum_of_squares([2, 2, 4])")],
)
def test_every_choice_of_names_is_a_working_program(snippet, call):
    law = variable_names(snippet)
    for row in law.table().outcomes:
        scope: dict = {}
        exec(law.render(row), scope)
        assert eval(call, scope) == 24


def test_symmetries_generate_every_order_of_the_slots_of_an_identifier():
    law = variable_names(SUM_OF_SQUARES)
    moves = [tuple(automorphism.positions.tolist()) for automorphism in law.symmetries()]
    group = {tuple(range(8))}
    new = group
    while new:
        new = {tuple(move[i] for i in order) for order in new for move in moves} - group
        group |= new
    assert len(group) == math.factorial(2) * math.factorial(3) * math.factorial(3)
    assert all(law.slots[list(order)].tolist() == law.slots.tolist() for order in group)


def test_braces_and_comparisons_stay():
    law = variable_names("{<a>: {}} if <a> < 2 > 1", names={"a": ["x", "y"]})
    assert law.render([1, 1]) == "{y: {}} if y < 2 > 1"


def test_thousands_of_slots():
    n, identifiers = 6000, 500
    names = {f"v{g}": {f"a{g}": 1, f"b{g}": 3} for g in range(identifiers)}
    start = time.perf_counter()
    law = variable_names(" ".join(f"<v{i % identifiers}>" for i in range(n)), names=names)
    each = 2 - 0.75 * math.log2(3)
    assert law.entropy() == pytest.approx(identifiers * each)
    assert information.total_correlation(law) == pytest.approx((n - identifiers) * each)
    assert law.support_size == 2**identifiers
    assert law.log2_mode() == pytest.approx(identifiers * math.log2(0.75))
    samples = law.sample(40, seed=1)
    assert (samples.reshape(40, -1, identifiers) == samples[:, None, :identifiers]).all()
    assert law._log2_mass(samples) == pytest.approx(
        np.where(samples[:, :identifiers] == 1, math.log2(0.75), -2).sum(axis=1)
    )
    seen = samples.copy()
    seen[:, identifiers + 3 :] = -1
    seen[:, :3] = -1
    rows, positions = np.nonzero(seen < 0)
    laws = law._laws(seen, rows, positions)
    np.testing.assert_array_equal(laws[np.arange(len(rows)), samples[rows, positions]], 1.0)
    gains = information.entropy_gains(law)
    assert gains[0] == pytest.approx(each)
    assert gains.sum() == pytest.approx(law.entropy())
    blank = np.full((1, n), -1, np.int32)
    assert law._completions(blank) == [2.0**identifiers]
    blank[0, [0, identifiers]] = 0, 1
    assert law._completions(blank) == [0.0]
    assert time.perf_counter() - start < 5


def test_more_choices_than_a_float_can_count():
    names = {f"v{g}": [f"a{g}", f"b{g}"] for g in range(1100)}
    law = variable_names(" ".join(f"<{g}> <{g}>" for g in names), names=names)
    canvases = np.full((2, 2200), -1, np.int32)
    canvases[1, :2] = 0, 1
    assert law._completions(canvases).tolist() == [math.inf, 0.0]
    with pytest.raises(ValueError, match="more than the 4,000,000 that a table may hold"):
        law.table()


def test_a_law_travels():
    law = pickle.loads(pickle.dumps(variable_names()))
    np.testing.assert_array_equal(law.sample(5), variable_names().sample(5))


BAD = [
    ((3,), {}, TypeError, "snippet must be a string, got 3"),
    (("x < y > z",), {}, ValueError, "snippet must have 1 to 100,000 placeholders .* got 0 in"),
    (("<a> <product>",), {}, ValueError, "names must give candidates .* got none for <a>"),
    (("<a>",), {"names": ["x"]}, TypeError, "names must map placeholders to names, got"),
    (("<a>",), {"names": {"a": ["x"], "b": ["y"]}}, ValueError, "got 'b' and no <b>"),
    (("<a>",), {"names": {"a": "xyz"}}, TypeError, r"names\['a'\] must be a sequence, got 'xyz'"),
    (("<a>",), {"names": {"a": []}}, ValueError, r"names\['a'\] must hold at least one name"),
    (("<a>",), {"names": {"a": [1]}}, TypeError, r"names\['a'\] must hold names as text, got 1"),
    (("<a>",), {"names": {"a": ["x", "1x"]}}, ValueError, "that Python allows, got '1x'"),
    (("<a>",), {"names": {"a": ["for"]}}, ValueError, "that Python allows, got 'for'"),
    (("<a>",), {"names": {"a": ["x", "y", "x"]}}, ValueError, "distinct names, got 'x' twice"),
    (("<a>",), {"names": {"a": {"x": -1, "y": 2}}}, ValueError,
     r"names\['a'\] must be finite and >= 0, got .*-1"),
    (("<a>",), {"names": {"a": {"x": 0.5, "y": 0.4}}}, ValueError, "must add up to 1, got 0.9"),
    (("<a>",), {"names": {"a": {"x": 0}}}, ValueError, r"names\['a'\] must not all be zero"),
    (("<a>",), {"names": {"a": {"x": "many"}}}, TypeError, r"names\['a'\] must be integers"),
    (("<a> <b>",), {"names": {"a": ["i", "j"], "b": ["k", "i"]}}, ValueError,
     "names of different placeholders must differ, got 'i' for <a> and <b>"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "keywords", "error", "message"), BAD)
def test_bad_snippets_are_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        variable_names(*arguments, **keywords)
