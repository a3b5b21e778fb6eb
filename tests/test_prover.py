"""Verdicts of the prover, against an oracle for three variables and against random laws."""

import random
import subprocess
import sys
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infodecode.information import entropy
from infodecode.prover import prove
from infodecode.prover._cone import LARGEST, elementals
from infodecode.prover._grammar import parse_quantity, parse_statement
from tests import laws
from tests.translation import table

ZHANG_YEUNG = "2 I(C;D) <= I(A;B) + I(A;C,D) + 3 I(C;D|A) + I(C;D|B)"
INGLETON = "I(A;B) <= I(A;B|C) + I(A;B|D) + I(C;D)"
NAMES = "ABCDEFGH"


def subsets(names):
    return [c for k in range(1, len(names) + 1) for c in combinations(names, k)]


def joint(names):
    return f"H({','.join(names)})"


def written(coefficients):
    """A claim that a sum of entropies is >= 0, term by term."""
    terms = [f"{'-' if c < 0 else '+'} {abs(c)} {joint(s)}" for s, c in coefficients.items()]
    return " ".join(terms) + " >= 0"


def random_form(generator, names, terms):
    chosen = generator.sample(subsets(names), terms)
    return {s: Fraction(generator.randint(-3, 3), generator.choice((1, 1, 2))) for s in chosen}


def combination_of_elementals(generator, n):
    """A form that is >= 0 on every law, expanded into entropies, so that nothing is shown."""
    form = {}
    for inequality in generator.sample(elementals(n), min(len(elementals(n)), 2 * n)):
        weight = Fraction(generator.randint(1, 12), generator.choice((1, 2, 5)))
        for mask, coefficient in inequality.row:
            s = tuple(name for i, name in enumerate(NAMES[:n]) if mask >> i & 1)
            form[s] = form.get(s, 0) + weight * coefficient
    return form


def value(form, law):
    """The form on a law, in bits; names are positions in alphabetical order."""
    return sum(float(c) * entropy(law, [NAMES.index(x) for x in s]) for s, c in form.items())


@pytest.mark.parametrize("n", range(2, LARGEST + 1))
def test_elemental_inequalities(n):
    """n + C(n, 2) 2^(n-2) different ones, each of which names itself by its own expansion."""
    names = tuple(NAMES[:n])
    found = elementals(n)
    assert len(found) == len(set(found)) == n + n * (n - 1) // 2 * 2 ** (n - 2)
    for inequality in random.Random(n).sample(found, min(len(found), 20)):
        form = {
            frozenset(x for i, x in enumerate(names) if mask >> i & 1): c
            for mask, c in inequality.row
        }
        assert parse_quantity(inequality.text(names)).form == form


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_three_variables_against_the_extreme_rays(seed):
    """Polymatroids on three variables are sums of eight: the oracle tries these."""
    generator = random.Random(seed)
    form = random_form(generator, "ABC", generator.randint(2, 7))
    if generator.random() < 0.5:
        form = combination_of_elementals(generator, 3)
        form[generator.choice(sorted(form))] -= generator.choice((0, 0, Fraction(1, 7), 1))
    common = [{s: int(bool(set(s) & set(t))) for s in subsets("ABC")} for t in subsets("ABC")]
    parity = {s: min(len(s), 2) for s in subsets("ABC")}
    holds = all(sum(c * ray[s] for s, c in form.items()) >= 0 for ray in [*common, parity])
    proof = prove(written(form))
    assert proof.verdict == ("proved" if holds else "refuted")
    assert proof.check()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32))
def test_sums_of_elemental_inequalities_are_proved(n, seed):
    form = combination_of_elementals(random.Random(seed), n)
    proof = prove(written(form), search=False)
    assert proof.proved
    assert proof.certificate.check()


@settings(max_examples=60, deadline=None)
@given(laws.counted(max_length=4).map(table), st.integers(0, 2**32))
def test_no_law_violates_what_is_proved(law, seed):
    """And what a law violates is not proved; half the claims are close to true ones."""
    generator = random.Random(seed)
    names = NAMES[: law.length]
    form = random_form(generator, names, min(4, len(subsets(names))))
    if law.length > 1 and generator.random() < 0.5:
        form = combination_of_elementals(generator, law.length)
        form[generator.choice(sorted(form))] -= Fraction(generator.randint(0, 2), 3)
    proof = prove(written(form), search=False)
    bits = value(form, law)
    if proof.proved:
        assert bits >= -1e-9
    if bits < -1e-9:
        assert not proof
        assert proof.verdict == "not Shannon-provable"


@pytest.mark.parametrize("n", range(2, 7))
def test_known_inequalities(n):
    """Han, Shearer, submodularity, monotonicity, and the two correlations against each other."""
    names = NAMES[:n]
    everything = joint(names)
    for k in range(1, n):
        sets = list(combinations(names, k))
        larger = list(combinations(names, k + 1))
        han = f"{k} {everything} <= {n * k}/{len(sets) * k} ({' + '.join(map(joint, sets))})"
        assert prove(han), han
        mean = f"1/{len(sets) * k} ({' + '.join(map(joint, sets))})"
        next_mean = f"1/{len(larger) * (k + 1)} ({' + '.join(map(joint, larger))})"
        assert prove(f"{next_mean} <= {mean}")
    cover = [names[i:] + names[:i] for i in range(n)]
    shearer = " + ".join(joint(c[: max(1, n - 1)]) for c in cover)
    assert prove(f"{max(1, n - 1)} {everything} <= {shearer}")
    for i, j in product(range(1, n), repeat=2):
        a, b = names[:i], names[j:]
        union = "".join(sorted(set(a) | set(b)))
        meet = "".join(sorted(set(a) & set(b)))
        smaller = f" + {joint(meet)}" if meet else ""
        assert prove(f"{joint(union)}{smaller} <= {joint(a)} + {joint(b)}")
        assert prove(f"{joint(a)} <= {everything}")
    listed = ",".join(names)
    assert prove(f"TC({listed}) <= {n - 1} DTC({listed})")
    assert prove(f"DTC({listed}) <= {n - 1} TC({listed})")


@pytest.mark.parametrize("n", range(3, 7))
def test_data_processing_along_a_chain(n):
    """Needs every link of the chain: without one, a law refutes it."""
    names = NAMES[:n]
    chain = [f"I({names[k]};{','.join(names[: k - 1])}|{names[k - 1]}) == 0" for k in range(2, n)]
    claim = f"I({names[0]};{names[-1]}) <= I({names[0]};{names[1]})"
    proof = prove(claim, given=chain)
    assert proof.proved
    assert {t.given for t in proof.certificate.terms if t.given is not None} <= set(range(n - 2))
    for left_out in range(n - 2):
        partial = [link for k, link in enumerate(chain) if k != left_out]
        assert prove(claim, given=partial).verdict == "refuted"


def test_functions_and_markov_chains_as_constraints():
    proof = prove("I(A;B|C) <= H(A)", given=["I(A;C|B) == 0", "H(C|A,B) = 0"])
    assert proof.proved
    assert proof.given == ("I(A;C|B) == 0", "H(C|A,B) = 0")
    assert prove("H(Y) <= H(X)", given=["H(Y|X) == 0"])
    assert prove("H(Y) <= H(X)").verdict == "refuted"
    assert prove("I(X;Y) <= H(U)", given=["I(X;Y|U) = 0"])
    assert prove("H(A) <= H(C)", given=["H(A) <= H(B)", "H(B) <= H(C)"])
    secret = ["H(S|X,Y) = 0", "I(S;X) = 0", "I(S;Y) = 0"]
    assert prove("H(X) >= H(S)", given=secret)
    assert prove("H(X) >= 101/100 H(S)", given=secret).verdict == "refuted"


def test_equalities_take_two_derivations():
    proof = prove("I(A;B) == H(A) - H(A|B)")
    assert proof.proved
    assert [part.terms for part in proof.certificate.derivations] == [(), ()]
    proof = prove("H(A) == H(B)", given=["H(A|B) = 0", "H(B|A) = 0"])
    assert len(proof.certificate.derivations) == 2
    assert proof.check()
    assert prove("H(A) == H(B)", given=["H(A|B) = 0"]).verdict == "refuted"
    assert prove("H(A) == H(B)", given=["H(B|A) = 0"]).verdict == "refuted"


def test_zhang_and_yeung():
    """True for every law, yet not a consequence of Shannon's inequalities."""
    proof = prove(ZHANG_YEUNG)
    assert proof.verdict == "not Shannon-provable"
    assert not proof.proved
    assert proof.certificate is None
    assert proof.witness.distribution is None
    assert proof.witness.bits is None
    assert proof.check()
    rotated = [INGLETON.translate(str.maketrans("ABCD", to)) for to in ("ABCD", "CDAB")]
    on_witness = [value_of(claim, proof.witness) for claim in rotated]
    assert min(on_witness) < 0


def value_of(claim, polymatroid):
    form = parse_statement("claim", claim).form
    return sum(c * polymatroid[s] for s, c in form.items())


@settings(max_examples=100, deadline=None)
@given(laws.counted(max_length=4).map(table).filter(lambda law: law.length == 4))
def test_random_laws_satisfy_the_inequality_of_zhang_and_yeung(law):
    form = parse_statement("claim", ZHANG_YEUNG).form
    assert value({tuple(sorted(s)): c for s, c in form.items()}, law) >= -1e-9


def test_a_copy_proves_zhang_and_yeung():
    """R is a copy of A with (C, D), independent of the rest: such a variable always exists.

    The claim does not name it, so that this is the proof which Shannon's inequalities lack.
    """
    copy = ["I(R;A,B|C,D) == 0"]
    for others in ("", ",C", ",D", ",C,D"):
        copy.append(f"H(R{others}) == H(A{others})")
    assert prove(ZHANG_YEUNG, given=copy).proved
    assert not prove(ZHANG_YEUNG, given=copy[1:], search=False)


def test_at_most_eight_variables():
    nine = ",".join("ABCDEFGHJ")
    with pytest.raises(ValueError, match=r"at most 8 variables together, got 9: A, B, .*, J"):
        prove(f"H({nine}) >= 0")
    with pytest.raises(ValueError, match="at most 8 variables together"):
        prove("H(A,B,C,D) >= 0", given=["H(E,F,G,H,X) >= 0"])
    assert prove("TC(A,B,C,D,E,F,G,H) <= H(A,B,C,D) + H(E,F,G,H) + TC(A,B,C,D) + TC(E,F,G,H)")


def test_coefficients_of_very_different_size():
    """Floats alone would take 1e-12 for 0, in either direction."""
    assert prove("H(A) >= 1/1000000000000 H(B)", search=False).verdict == "not Shannon-provable"
    claim = "H(A,B) + 1/1000000000000 H(A) >= 1/1000000000000 I(A;B) + {} H(B)"
    assert prove(claim.format("1"))
    slightly = prove(claim.format("1000000000001/1000000000000"), search=False)
    assert slightly.verdict == "not Shannon-provable"
    assert slightly.check()
    large = "123456789123/987654321 I(A;B|C) + 12345678912345678 I(A;C) {} I(B;C|A) >= 0"
    assert prove(large.format("+ 1/3000000007"))
    assert prove(large.format("- 1/3000000007"), search=False).check()
    assert prove(large.format("- 1/3000000007")).verdict == "refuted"


def test_the_optimiser_is_imported_late():
    code = "import sys, infodecode.prover; sys.exit('scipy.optimize' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_arguments():
    with pytest.raises(TypeError, match="given must be a sequence"):
        prove("H(A) >= 0", given="H(B) = 0")
    with pytest.raises(TypeError, match=r"given\[1\] must be a string, got 3"):
        prove("H(A) >= 0", given=["H(B) = 0", 3])
    with pytest.raises(TypeError, match="search must be True or False"):
        prove("H(A) >= 0", search=1)
    with pytest.raises(ValueError, match="seed must be at least 0"):
        prove("H(A) >= 0", seed=-1)
