"""The result of a proof."""

from __future__ import annotations

import html
from dataclasses import dataclass

from infodecode.prover._certificate import Certificate, cut
from infodecode.prover._witness import Witness

_SHOWN = 12


@dataclass(frozen=True, eq=False, repr=False)
class Proof:
    """What became of a claim. It is true in a condition exactly if the claim is proved.

    Attributes:
        claim: the statement.
        given: the constraints.
        variables: all names in them.
        certificate: why the claim holds, checked in exact arithmetic; None unless proved.
        witness: why Shannon's inequalities do not prove it; None if proved.
    """

    claim: str
    given: tuple[str, ...]
    variables: tuple[str, ...]
    certificate: Certificate | None
    witness: Witness | None

    @property
    def proved(self) -> bool:
        """Whether Shannon's inequalities and the constraints imply the claim."""
        return self.certificate is not None

    @property
    def verdict(self) -> str:
        """``proved``, ``refuted`` (by a law) or ``not Shannon-provable`` (true or false)."""
        if self.proved:
            return "proved"
        realised = self.witness is not None and self.witness.distribution is not None
        return "refuted" if realised else "not Shannon-provable"

    def check(self) -> bool:
        """Whether the certificate, or the witness, passes its own exact check."""
        if self.certificate is not None:
            return self.certificate.check()
        return self.witness is not None and self.witness.check()

    def __bool__(self) -> bool:
        return self.proved

    def __str__(self) -> str:
        return self._text(None)

    def __repr__(self) -> str:
        return self._text(_SHOWN)

    def _text(self, most: int | None) -> str:
        head = f"{self.verdict}: {cut(self.claim, most)}"
        lines = [head, *(f"  given {constraint}" for constraint in self.given)]
        if self.certificate is not None:
            evidence = self.certificate.text(most)
        elif self.witness is not None:
            lines.append(f"  {self._failure(self.witness)}")
            evidence = self.witness.text(most)
        return "\n".join([*lines, *(f"  {line}" for line in evidence.splitlines())])

    @staticmethod
    def _failure(witness: Witness) -> str:
        if witness.distribution is None:
            return f"violated by {witness.violation} on a polymatroid; no law was found:"
        return (
            f"violated by {witness.bits:.6g} bits by a law of "
            f"{witness.distribution.support_size} outcomes ({witness.description}); a polymatroid:"
        )

    def _repr_html_(self) -> str:
        head = f"<b>{self.verdict}</b>: {html.escape(self.claim)}"
        for constraint in self.given:
            head += f"<br>given {html.escape(constraint)}"
        if self.certificate is not None:
            return f"<div>{head}{self.certificate._repr_html_()}</div>"
        assert self.witness is not None
        body = f"{self._failure(self.witness)}\n{self.witness.text(_SHOWN)}"
        return f"<div>{head}<pre>{html.escape(body)}</pre></div>"
