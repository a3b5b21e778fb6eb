"""The ledger as a page: ``docs/ledger.md``, made by ``python -m proofs --write``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofs.claim import METHODS, VERDICTS, Claim

HEAD = """# The ledger

Every claim of the three papers that infodecode builds on, and of the results beside them, with a \
verdict that a machine has checked. `python -m proofs` runs all checks again and exits with status \
1 if one of them fails; `python -m proofs PB-10` runs those of one claim; `python -m proofs \
--write` makes this page.

- **PB**: ParallelBench: Understanding the Trade-offs of Parallel Decoding in Diffusion LLMs (Kang \
et al. 2025, arXiv 2510.04767), read in a text copy with its formulas.
- **BR**: From Bits to Rounds: Parallel Decoding with Exploration for Diffusion Language Models \
(2025), read in a text copy whose displayed formulas are missing: its assumption, its theorem and \
the steps of its proof are reconstructed here from the words around them, and where we name a \
range such as 0 < f < 1 the paper may well name it, too.
- **QE**: Locally Confident, Globally Stuck (2026, arXiv 2604.00375); known to us by its abstract, \
which these entries make precise in our own way.
- **RT**: results on rounds against error that the field builds on now, each with its source, \
restated in our notation; constants may differ from the printed ones.
- **FLOOR**, **BIAS**: statements of our own that the others lean on.

Total correlations and divergences are in bits; the section on bits to rounds counts in nats where \
its source does. The errors listed here are slips in otherwise sound papers: each entry says what \
remains true, and none of the papers' conclusions is reversed by them. Should the published form \
of a formula differ from the one quoted, the erratum is void."""


def page(claims: Sequence[Claim], evidence: Mapping[str, Sequence[str]]) -> str:
    """The whole page."""
    lines = [HEAD, "", "| verdict | meaning | claims |", "|---|---|---|"]
    for verdict, meaning in VERDICTS.items():
        names = [f"[{c.name}](#{c.name.lower()})" for c in claims if c.verdict == verdict]
        lines.append(f"| {verdict} | {meaning} | {', '.join(names)} |")
    lines += ["", "Methods:", ""]
    lines += [f"- *{method}*: {meaning}." for method, meaning in METHODS.items()]
    for claim in claims:
        lines += [
            "", f"## {claim.name}", "", f"**Claim** ({claim.source}). {claim.statement}", "",
            f"**{VERDICTS[claim.verdict].capitalize()}.** {claim.finding}", "",
        ]  # fmt: skip
        for check, found in zip(claim.checks, evidence[claim.name], strict=True):
            lines.append(f"- *{check.method}*: {check.shows} Found: {found}")
    return "\n".join(lines) + "\n"
