"""Prove or disprove linear inequalities between entropies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from infodecode import _validation
from infodecode.prover import _counterexamples, _forms
from infodecode.prover._certificate import Certificate, Derivation, Term
from infodecode.prover._cone import LARGEST, elementals, members
from infodecode.prover._counterexamples import Counterexample
from infodecode.prover._grammar import parse_statement
from infodecode.prover._problem import Problem, Scaled, problem_of
from infodecode.prover._programme import Column, Programme, Weights
from infodecode.prover._proof import Proof
from infodecode.prover._witness import Witness


def prove(claim: str, *, given: Sequence[str] = (), search: bool = True, seed: int = 0) -> Proof:
    r"""Whether a linear inequality between entropies holds for all laws.

    Every linear consequence of H(X|Y) >= 0 and I(X;Y|Z) >= 0 is found, by linear programming over
    the n + C(n, 2) 2^(n-2) elemental inequalities of Yeung. Floats only guess: a proof is a list of
    fractions with which elemental inequalities and constraints add up to the claim, and it is
    checked in exact arithmetic. Three verdicts are possible:

    - ``proved``: true for all laws that satisfy the constraints;
    - ``refuted``: ``witness.distribution`` satisfies the constraints and violates the claim, both
      checked exactly;
    - ``not Shannon-provable``: no proof of this kind exists, and ``witness`` shows it; but no law
      was found that realises the failure. The claim may be true: the inequality of Zhang and Yeung
      is.

    A law is searched for among: codes in which any k of m variables decide the rest (Reed-Solomon)
    and, under constraints, independent sums of them; linear maps on GF(2)^r, r <= 4, and GF(3)^r,
    r <= 3, that realise the witness or come up in a random walk; partitions of 3 to 6 atoms with
    integer weights up to 4. With n <= 3 variables and no constraints the first kind refutes every
    false claim.

    Statements are written as ``2 H(A,B,C) <= H(A,B) + 3/2 I(A;B|C)``:

    - ``H(A,B|C)`` joint and conditional entropy; ``I(A,B;C|D)`` mutual information;
    - ``TC(A,B,C|D)``, or ``C``: total correlation, the sum of H(A|D), H(B|D), H(C|D) minus
      H(A,B,C|D); ``DTC(A,B,C|D)``, or ``D``: dual total correlation, H(A,B,C|D) minus the sum of
      H(A|B,C,D) and so on. Semicolons make groups: ``TC(A,B;C)`` = I(A,B;C);
    - names are identifiers separated by commas, so that ``AB`` is one variable; primes may follow
      (``X'``). ``H``, ``I``, ``C`` and ``D`` may be names, too;
    - coefficients are integers, decimals or fractions, before (``3/2 H(A)``, ``2*(H(A) + H(B))``)
      or after (``H(A)/2``); the only constant is 0;
    - ``<=``, ``>=``, ``==`` (or ``=``; proved in both directions).

    Markov chains are given as ``I(X;Z|Y) == 0``, functions as ``H(Y|X) == 0``. A variable that only
    ``given`` names is an auxiliary one: if it exists beside any law, as a copy of X does that is
    independent of the rest given Y, then the claim holds without it. So the inequality of Zhang and
    Yeung is proved after all.

    Args:
        claim: the statement.
        given: statements to assume. Only their linear consequences are used: a claim that follows
            in another way comes out as not Shannon-provable.
        search: look for a law where there is no proof.
        seed: of the search.

    Returns:
        the verdict with its certificate or witness. Claims on 4 variables take milliseconds, on 8
        variables (1,800 elemental inequalities, 255 joint entropies) tenths of a second, and
        seconds where the search finds nothing.

    Raises:
        ValueError: a statement cannot be read (names the position, from 0), or there are more than
            8 variables.
        ArithmeticError: no exact answer was found after many digits; not seen in tests with
            coefficients that differ by 30 orders of magnitude.

    Example:
        >>> prove("2 H(A,B,C) <= H(A,B) + H(B,C) + H(A,C)")
        proved: 2 H(A,B,C) <= H(A,B) + H(B,C) + H(A,C)
          H(A,B) + H(A,C) + H(B,C) - 2 H(A,B,C)
            = I(A;B)
            + I(A;C|B)
            + I(B;C|A)
        >>> prove("I(X;Z) <= I(X;Y)", given=["I(X;Z|Y) == 0"]).verdict
        'proved'
        >>> refuted = prove("I(A;B|C) <= I(A;B)")
        >>> refuted.verdict, refuted.witness.distribution
        ('refuted', <U(2,3) on A,B,C over GF(2): 3 positions, 4 outcomes>)

    Reference: Yeung 1997, A framework for linear information inequalities; Zhang and Yeung 1998.
    """
    statement = parse_statement("claim", claim)
    texts = tuple(_validation.iterate("given", given))
    constraints = [parse_statement(f"given[{k}]", text) for k, text in enumerate(texts)]
    look = _validation.flag("search", search)
    start = _validation.integer("seed", seed, minimum=0)
    names = tuple(
        sorted(statement.names.union(*(c.names for c in constraints)), key=_forms.natural)
    )
    if len(names) > LARGEST:
        raise ValueError(
            f"claim and given must have at most {LARGEST} variables together, "
            f"got {len(names)}: {', '.join(names)}"
        )
    problem = problem_of(statement, constraints, names)
    if look and (simple := _counterexamples.at_once(problem)) is not None:
        return _failed(claim, texts, names, {}, simple)
    columns, sources = _known(problem, texts)
    programme = Programme(problem.n, columns)
    derivations = []
    for goal in problem.goals:
        weights: Weights | None = programme.combination(goal.vector)
        if weights is None:
            weights, polymatroid = programme.decide(goal.vector)
            if polymatroid is not None:
                law = None
                if look:
                    law = _counterexamples.search(problem, goal, polymatroid, start)
                return _failed(claim, texts, names, polymatroid, law)
        derivations.append(_derivation(problem, goal, weights or {}, sources))
    certificate = Certificate(claim, texts, tuple(derivations))
    if not certificate.check():
        raise ArithmeticError(f"the certificate of {claim!r} failed its check: {certificate!r}")
    return Proof(claim, texts, names, certificate, None)


def _known(problem: Problem, texts: Sequence[str]) -> tuple[list[Column], list[Term]]:
    """Everything known to be >= 0, and the term that one unit of it contributes to a proof."""
    inequalities = sorted(elementals(problem.n), key=lambda e: (e.given.bit_count(), e.pair))
    columns: list[Column] = [inequality.row for inequality in inequalities]
    sources = [Term(Fraction(1), e.text(problem.names)) for e in inequalities]
    signed = [(k, form, 1) for k, form in problem.inequalities.items()]
    signed += [(k, form, sign) for k, form in problem.equalities.items() for sign in (1, -1)]
    for k, form, sign in signed:
        columns.append([(mask, sign * c) for mask, c in form.vector.items()])
        sources.append(Term(sign / form.unit, texts[k], k))
    return columns, sources


def _derivation(
    problem: Problem, goal: Scaled, weights: Weights, sources: Sequence[Term]
) -> Derivation:
    form = {
        frozenset(members(mask, problem.names)): c * goal.unit for mask, c in goal.vector.items()
    }
    terms: dict[tuple[str, int | None], Fraction] = {}
    for j in sorted(weights):
        key = sources[j].quantity, sources[j].given
        multiplier = weights[j] * goal.unit * sources[j].multiplier
        terms[key] = terms.get(key, Fraction(0)) + multiplier
    return Derivation(
        _forms.shown(form),
        tuple(Term(value, quantity, k) for (quantity, k), value in terms.items() if value),
    )


def _failed(
    claim: str,
    given: tuple[str, ...],
    names: tuple[str, ...],
    polymatroid: Mapping[int, Fraction],
    found: Counterexample | None,
) -> Proof:
    """A failed proof; a law with ranks brings its own polymatroid."""
    values: Mapping[int, Fraction | int] = polymatroid
    if found is not None and found.ranks is not None:
        values = found.ranks
    ordered = sorted((mask for mask in values if mask), key=lambda mask: (mask.bit_count(), mask))
    sets = {frozenset(members(mask, names)): Fraction(values[mask]) for mask in ordered}
    law, description = (found.law, found.description) if found else (None, "")
    witness = Witness(claim, given, sets, law, description)
    if not witness.check():
        raise ArithmeticError(f"the witness against {claim!r} failed its check: {witness!r}")
    return Proof(claim, given, names, None, witness)
