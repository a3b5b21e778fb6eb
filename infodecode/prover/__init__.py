"""A prover of Shannon-type inequalities with exact certificates and counterexamples.

`prove` reads a claim such as ``I(A;B|C) <= H(A)`` and returns a `Proof`: a `Certificate` made of
elemental inequalities, or a `Witness` that no such proof exists, with a law that refutes the claim
if one was found.
"""

from __future__ import annotations

from infodecode.prover._certificate import Certificate as Certificate
from infodecode.prover._certificate import Derivation as Derivation
from infodecode.prover._certificate import Term as Term
from infodecode.prover._proof import Proof as Proof
from infodecode.prover._prove import prove as prove
from infodecode.prover._witness import Witness as Witness
