"""All claims, in the order of the papers."""

from __future__ import annotations

from proofs import (
    closed_forms,
    exploration,
    orders,
    partitions,
    rounds,
    sampling,
)
from proofs.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *partitions.CLAIMS,
    *closed_forms.CLAIMS,
    *sampling.CLAIMS,
    *rounds.CLAIMS,
    *exploration.CLAIMS,
    *orders.CLAIMS,
)
