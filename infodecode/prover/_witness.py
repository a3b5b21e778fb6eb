"""Witnesses: why a claim does not follow from Shannon's inequalities, or is false."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from infodecode.distributions import Table
from infodecode.prover import _forms, _logarithms
from infodecode.prover._cone import elementals, members
from infodecode.prover._forms import Form, Names
from infodecode.prover._grammar import Statement, parse_statement
from infodecode.prover._problem import law_difference


@dataclass(frozen=True, eq=False, repr=False)
class Witness(Mapping[Names, Fraction]):
    """A polymatroid that satisfies the constraints and violates the claim.

    A mapping from each non-empty set of variables to a rational number: ``witness["A,B"]`` or
    ``witness[{"A", "B"}]``. The numbers obey all of Shannon's inequalities, so that no proof from
    them exists. That does not make the claim false: a polymatroid need not be the entropies of any
    law. Only a ``distribution`` refutes it.

    Attributes:
        claim: what is violated.
        given: the constraints.
        polymatroid: a rational number for each non-empty set of variables.
        distribution: a law that satisfies the constraints and violates the claim, exactly (its
            weights are integers), or None if none was found.
        description: where the law comes from; empty without one. For a linear law over GF(q) the
            joint entropies are ``polymatroid`` times log2 q. Those of another law are its own.
    """

    claim: str
    given: tuple[str, ...]
    polymatroid: Mapping[Names, Fraction]
    distribution: Table | None
    description: str

    def __getitem__(self, names: Iterable[str]) -> Fraction:
        pieces = names.split(",") if isinstance(names, str) else names
        return self.polymatroid[frozenset(piece.strip() for piece in pieces)]

    def __iter__(self) -> Iterator[Names]:
        return iter(self.polymatroid)

    def __len__(self) -> int:
        return len(self.polymatroid)

    @property
    def violation(self) -> Fraction:
        """By how much the polymatroid violates the claim, > 0."""
        return abs(self._value(self._claimed))

    @property
    def bits(self) -> float | None:
        """By how many bits the law violates the claim, > 0; None without a law."""
        if self.distribution is None:
            return None
        return abs(_logarithms.bits(law_difference(self._claimed, self.distribution)))

    def check(self) -> bool:
        """Whether all of it is as stated, in exact arithmetic on the texts.

        The polymatroid against all elemental inequalities, the constraints and the claim; the law,
        if there is one, against the constraints and the claim, its entropies as exact sums of
        logarithms of primes.
        """
        claim = parse_statement("claim", self.claim)
        given = [parse_statement("given", text) for text in self.given]
        names = tuple(sorted(claim.names.union(*(part.names for part in given))))
        if not self._polymatroid(names):
            return False
        statements = [claim, *given]
        if not _refutes([_sign(self._value(part.form)) for part in statements], statements):
            return False
        if self.distribution is None:
            return True
        if not self.distribution.integer or set(self.distribution.names) != set(names):
            return False
        logs = [law_difference(part.form, self.distribution) for part in statements]
        return _refutes([_logarithms.sign(part) for part in logs], statements)

    def _polymatroid(self, names: tuple[str, ...]) -> bool:
        """Whether there is a fraction for each set of the names, and all obey Shannon."""
        if not all(isinstance(value, Fraction) for value in self.values()):
            return False
        sets = {mask: frozenset(members(mask, names)) for mask in range(1, 1 << len(names))}
        return set(sets.values()) == set(self) and all(
            sum(c * self.polymatroid[sets[mask]] for mask, c in inequality.row) >= 0
            for inequality in elementals(len(names))
        )

    @property
    def _claimed(self) -> Form:
        return parse_statement("claim", self.claim).form

    def _value(self, form: Form) -> Fraction:
        terms = (coefficient * self.polymatroid[names] for names, coefficient in form.items())
        return sum(terms, start=Fraction(0))

    def text(self, most: int | None = None) -> str:
        """The polymatroid, one size of sets a line; at most ``most`` lines."""
        lines = []
        sizes = sorted({len(names) for names in self.polymatroid})
        for size in sizes[:most]:
            entries = [
                f"H({_forms.listed(names)}) = {value}"
                for names, value in self.items()
                if len(names) == size
            ]
            more = f", and {len(entries) - 8} more" if len(entries) > 8 else ""
            lines.append(", ".join(entries[:8]) + more)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text()


def _refutes(signs: Sequence[int], statements: Sequence[Statement]) -> bool:
    """Whether signs of differences violate the first statement and satisfy the others."""
    held = [
        sign == 0 if part.equality else sign >= 0
        for sign, part in zip(signs, statements, strict=True)
    ]
    return not held[0] and all(held[1:])


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
