"""Certificates and witnesses say what they prove, and notice when they are changed."""

from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import pytest

from infodecode.distributions import Table
from infodecode.prover import Derivation, Term, prove

HAN = "2 H(A,B,C) <= H(A,B) + H(B,C) + H(A,C)"
MARKOV = ["I(X;Z|Y) == 0", "H(Y) <= H(Z)"]


@pytest.fixture(scope="module")
def han():
    return prove(HAN).certificate


@pytest.fixture(scope="module")
def chain():
    return prove("2 I(X;Z) <= 2 I(X;Y) + H(Z) - H(Y)", given=MARKOV).certificate


def changed(certificate, position, **fields):
    part = certificate.derivations[0]
    terms = list(part.terms)
    terms[position] = replace(terms[position], **fields)
    return replace(certificate, derivations=(replace(part, terms=tuple(terms)),))


def test_a_certificate_names_its_terms(han, chain):
    assert han.derivations[0].multipliers == {"I(A;B)": 1, "I(A;C|B)": 1, "I(B;C|A)": 1}
    assert han.check()
    assert all(isinstance(term.multiplier, Fraction) for term in han.terms)
    assert chain.check()
    assert {term.given for term in chain.terms} == {None, 0, 1}
    by_given = {term.given: term.multiplier for term in chain.terms}
    assert by_given[0] == -2
    assert by_given[1] == 1
    with pytest.raises(FrozenInstanceError):
        han.claim = "H(A) >= 0"


def test_changed_certificates_fail(han):
    part = han.derivations[0]
    assert not changed(han, 0, multiplier=Fraction(2)).check()
    assert not changed(han, 0, multiplier=1.0).check()
    assert not changed(han, 1, quantity="I(A;C)").check()
    assert not changed(han, 1, quantity="I(A;C|B").check()
    assert not changed(han, 2, given=0).check()
    assert not replace(han, claim=HAN.replace("2", "1")).check()
    assert not replace(han, claim=HAN.replace("<=", "==")).check()
    assert not replace(han, claim="").check()
    assert not replace(han, derivations=()).check()
    assert not replace(han, derivations=(replace(part, terms=part.terms[1:]),)).check()
    assert not replace(han, derivations=(replace(part, goal="H(A)"),)).check()
    assert not replace(han, derivations=(part, part)).check()


def test_sums_that_agree_need_terms_that_are_known(han, chain):
    """The sums below equal the claim, but their terms prove nothing."""
    claim = "TC(A,B) <= TC(A,B,C) + 0 H(A)"
    sound = prove(claim).certificate
    goal = sound.derivations[0].goal
    wrong = [
        (Term(Fraction(1), "TC(A,B,C)"), Term(Fraction(-1), "I(A;B)")),
        (Term(Fraction(1), "TC(A,B;C)"),),
    ]
    for terms in wrong:
        forged = replace(sound, derivations=(Derivation(goal, terms),))
        assert not forged.check()
    false = replace(sound, claim="H(A) <= 0", derivations=(Derivation("-H(A)", ()),))
    assert not replace(
        false, derivations=(Derivation("- H(A)", (Term(Fraction(-1), "H(A)"),)),)
    ).check()
    assert replace(
        false, claim="H(A) >= 0", derivations=(Derivation("H(A)", (Term(Fraction(1), "H(A)"),)),)
    ).check()


def test_constraints_keep_their_signs(chain):
    """A given inequality counts only upwards, and only as it was given."""
    places = {term.given: k for k, term in enumerate(chain.terms)}
    assert not changed(chain, places[1], given=0).check()
    assert not changed(chain, places[1], given=5).check()
    assert not changed(chain, places[0], quantity="I(X;Z|Y) = 0").check()
    assert not replace(chain, given=()).check()
    assert not replace(chain, given=(MARKOV[0], "H(Y) >= H(Z)")).check()
    backwards = Derivation("H(Y) - H(Z)", (Term(Fraction(-1), MARKOV[1], 1),))
    forged = replace(chain, claim="H(Y) >= H(Z)", derivations=(backwards,))
    assert not forged.check()
    equal = replace(forged, given=(MARKOV[0], "H(Y) == H(Z)"))
    forwards = Derivation("H(Y) - H(Z)", (Term(Fraction(1), "H(Y) == H(Z)", 1),))
    assert replace(equal, derivations=(forwards,)).check()


def test_what_people_read(han):
    proof = prove("I(X;Z) <= 3/2 I(X;Y)", given=["I(X;Z|Y) == 0"])
    assert str(proof) == (
        "proved: I(X;Z) <= 3/2 I(X;Y)\n"
        "  given I(X;Z|Y) == 0\n"
        "  1/2 H(X) + 3/2 H(Y) + H(X,Z) - H(Z) - 3/2 H(X,Y)\n"
        "    = 1/2 I(X;Y)\n"
        "    + I(X;Y|Z)\n"
        "    - [given: I(X;Z|Y) == 0]"
    )
    assert repr(proof) == str(proof)
    assert repr(han) == "\n".join(line[2:] for line in repr(prove(HAN)).splitlines()[1:])
    for piece in ("<b>proved</b>", "I(X;Z) &lt;= 3/2 I(X;Y)", "1/2", "I(X;Y|Z)"):
        assert piece in proof._repr_html_()
    identity = prove("H(A,B) == H(A) + H(B|A)")
    assert str(identity).splitlines()[1:] == ["  0", "    = 0"] * 2
    refuted = prove("H(A) <= H(B)")
    assert str(refuted) == (
        "refuted: H(A) <= H(B)\n"
        "  violated by 1 bits by a law of 2 outcomes (U(1,1) on A over GF(2)); a polymatroid:\n"
        "  H(A) = 1, H(B) = 0\n"
        "  H(A,B) = 1"
    )
    assert "H(A) &lt;= H(B)" in refuted._repr_html_()
    open_question = prove("H(A) <= H(B)", search=False)
    assert "violated by 1 on a polymatroid; no law was found:" in str(open_question)


def test_long_proofs_are_shortened_in_a_notebook_only():
    names = ",".join(f"Y{i}" for i in range(1, 8))
    proof = prove(f"DTC({names}) <= 6 TC({names})")
    terms = len(proof.certificate.terms)
    assert terms > 20
    assert repr(proof).endswith(f"+ {terms - 12} more terms")
    assert len(str(proof).splitlines()) == terms + 2
    assert max(map(len, repr(proof).splitlines())) <= 162
    assert max(map(len, str(proof).splitlines())) > 162


def test_a_proof_is_true_if_it_proves():
    assert prove(HAN)
    assert not prove("H(A) <= H(B)")
    assert prove(HAN).proved is True
    assert prove(HAN).witness is None
    assert prove("H(A) <= H(B)").certificate is None


def test_a_witness_is_a_mapping():
    witness = prove("I(A;B|C) <= I(A;B)").witness
    assert witness["A,B"] == witness[{"B", "A"}] == witness["A", "B"] == 2
    assert witness["C"] == witness[["C"]] == 1
    assert len(witness) == 7
    assert next(iter(witness)) == frozenset("A")
    assert frozenset("ABC") in witness
    assert all(isinstance(value, Fraction) for value in witness.values())
    with pytest.raises(KeyError):
        witness["D"]
    assert witness.violation == 1
    assert witness.bits == 1.0


def test_changed_witnesses_fail():
    witness = prove("I(A;B|C) <= I(A;B)").witness
    assert witness.check()
    parity, a = witness.distribution, frozenset("A")
    for value in (Fraction(0), Fraction(2), Fraction(-1)):
        assert not replace(witness, polymatroid={**witness, a: value}).check()
    assert not replace(witness, polymatroid=dict(list(witness.items())[:-1])).check()
    assert not replace(witness, polymatroid={}).check()
    assert not replace(witness, polymatroid={**witness, a: 1.0}).check()
    assert not replace(witness, claim="I(A;B|C) <= 2 I(A;B) + H(C)").check()
    assert not replace(witness, given=("H(C) = 0",)).check()
    assert replace(witness, given=("I(A;B) = 0", "H(A) <= H(B)")).check()
    assert not replace(witness, given=("2 H(A) <= H(B)",)).check()
    cube = Table([[x >> i & 1 for i in range(3)] for x in range(8)], names=[*"ABC"])
    assert not replace(witness, distribution=cube).check()
    assert not replace(witness, distribution=Table(parity.outcomes, names=[*"ABD"])).check()
    floats = Table(parity.outcomes, [0.25] * 4, names=[*"ABC"])
    assert not replace(witness, distribution=floats).check()
    assert replace(witness, distribution=None).check()
