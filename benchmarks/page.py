"""``docs/benchmarks.md``: every table of ``results/benchmarks``, to be read.

``python -m benchmarks page`` writes it anew without measuring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.comparison import duration, times

RESULTS = Path("results/benchmarks")
PAGE = Path("docs/benchmarks.md")
WHAT = "write docs/benchmarks.md anew from the tables, without measuring"

HEAD = """# Benchmarks

Measured by `python -m benchmarks`; this page is made from the tables in `results/benchmarks/`. \
Ours and a peer's calls take turns in one process, so that a busy machine slows both; a ratio is \
the median over such pairs, and its spread, in brackets, the least and the largest. Ratios are \
what to compare: the seconds are those of a small shared machine. `python -m benchmarks PART` \
measures one part; the peers are optional (`pip install dit hoi pyitlib`), and those that are \
missing are left out.
"""


def written(results: Path = RESULTS) -> str:
    """The page."""
    parts = [HEAD]
    for name, (title, section) in SECTIONS.items():
        parts.append(f"## {title}\n")
        path = results / f"{name}.csv"
        if not path.exists():
            parts.append(f"Not measured: `python -m benchmarks {name}`.\n")
            continue
        frame = pd.read_csv(path)
        parts.append(section(frame))
        about = [str(frame[c].iloc[0]) for c in ("versions", "machine") if c in frame]
        parts.append(f"`results/benchmarks/{name}.csv`, {', '.join(about)}.\n")
    return "\n".join(parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int) -> str:
    """A table in Markdown; columns from the ``left``-th on are aligned to the right."""
    rule = ["---" if i < left else "--:" for i in range(len(heads))]
    lines = [heads, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def spread(value: float, low: float, high: float) -> str:
    return f"{times(value)} ({times(low)} to {times(high)})"


def per_second(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def verdict(frame: pd.DataFrame, what: str) -> str:
    """How many rows are as asked, in a sentence."""
    bad = int((~frame["met"]).sum())
    return f"{what} {len(frame) - bad} of {len(frame)} rows.\n"


def information(frame: pd.DataFrame) -> str:
    rows = [
        (
            r.peer, r.quantity, r.law, duration(r.ours), duration(r.peers),
            spread(r.ratio, r.low, r.high), duration(r.ours_built),
            *(("", "") if math.isnan(r.built_ratio) else
              (duration(r.peers_built), spread(r.built_ratio, r.built_low, r.built_high))),
            f"{r.difference:.0e}" if r.difference else "0",
        )
        for r in frame.itertuples()
    ]  # fmt: skip
    text = """Time from an array of samples to the number. *Built*: the same where the law exists \
already, which is how several quantities of one law are computed; numpy, pyitlib and hoi have no \
such object, and start from the samples each time. hoi computes in single precision. Nobody's \
compilation is counted.
"""
    heads = ("peer", "quantity", "law", "ours", "peer's", "ratio", "ours, built", "peer's, built",
             "ratio, built", "difference, bits")  # fmt: skip
    return f"{text}\n{table(heads, rows, left=3)}\n{verdict(frame, 'Values agree in')}"


def decoders(frame: pd.DataFrame) -> str:
    rows = [
        (
            r.job, r.peer, r.law, r.strategy, per_second(r.ours), per_second(r.peers),
            spread(r.ratio, r.low, r.high), f"{r.quantity} {r.exact:.4f}",
            estimate(r.ours_value, r.ours_low, r.ours_high),
            estimate(r.peers_value, r.peers_low, r.peers_high),
        )
        for r in frame.itertuples()
    ]  # fmt: skip
    text = """What one writes in an afternoon: `benchmarks/numpy_decoder.py`, a decode at a time, \
and `benchmarks/torch_decoder.py`, 64 at a time. One thread each. *decodes*: outputs drawn; *data \
path*: the data's own tokens revealed, for the path KL; *exact law*: every canvas followed. The \
last columns check that all compute the same: the exact value, and what each found, with half the \
width of its 99.9% interval.
"""
    heads = ("job", "peer", "law", "strategy", "ours per s", "peer's per s", "ratio", "exact",
             "ours", "peer's")  # fmt: skip
    agreed = verdict(frame, "The exact value is in both intervals in")
    return f"{text}\n{table(heads, rows, left=4)}\n{agreed}"


def estimate(value: float, low: float, high: float) -> str:
    half = (high - low) / 2
    return f"{value:.4f}" if half < 5e-5 else f"{value:.4f} ± {half:.4f}"


def loop(frame: pd.DataFrame) -> str:
    rows = [
        (r.peer, r.setting, duration(r.ours), duration(r.peers), spread(r.ratio, r.low, r.high),
         f"{r.target:.0f}x")
        for r in frame.itertuples()
    ]  # fmt: skip
    text = """Time of a round outside the forward pass: 32 tokens behind a prompt of 128, one a \
round, over LLaDA's vocabulary of 126,464; the model is a table of random logits. Needs checkouts: \
`python -m benchmarks loop --llada CHECKOUT --fast-dllm CHECKOUT`.
"""
    heads = ("peer", "setting", "ours", "peer's", "ratio", "target")
    return f"{text}\n{table(heads, rows, left=2)}\n{verdict(frame, 'Target met in')}"


def heart(frame: pd.DataFrame) -> str:
    rows = []
    for r in frame.itertuples():
        form = times if r.unit == "x" else duration
        sign = "at least" if r.unit == "x" else "at most"
        between = f"{form(r.low)} to {form(r.high)}"
        rows.append((r.what, form(r.value), between, f"{sign} {form(r.target)}"))
    text = """Ratios are to the plain numpy decoder (random top-2 on permutations of 8) or to \
`numpy.unique`; times are the best of a few warm calls.
"""
    heads = ("what", "measured", "spread", "target")
    return f"{text}\n{table(heads, rows, left=1)}\n{verdict(frame, 'Target met in')}"


def growth(frame: pd.DataFrame) -> str:
    rows = []
    for r in frame.itertuples():
        first, *_, last = (float(n) for n in str(r.sizes).split())
        slowest = float(str(r.seconds).split()[-1])
        rows.append(
            (f"`{r.function}`", r.law, f"{first:,.0f} to {last:,.0f}", duration(slowest),
             f"{r.exponent:.2f} ({r.low:.2f} to {r.high:.2f}) of {r.unit}",
             f"{r.documented} ({r.expected:.2f})")
        )  # fmt: skip
    text = """Each function at three to five sizes, processor time in one thread; the exponent is \
that of the power law that fits best, beside the documented cost and the exponent that would give \
over the same sizes. Less is no surprise: what does not grow still shows at the smaller sizes. The \
costs are those of [complexity.md](complexity.md).
"""
    heads = ("function", "law", "sizes", "at the largest", "exponent", "documented")
    kept = verdict(frame, "No faster than documented, within .25, in")
    return f"{text}\n{table(heads, rows, left=2)}\n{kept}"


def selection(frame: pd.DataFrame) -> str:
    laws = list(dict.fromkeys(frame["law"]))
    rows = []
    for name, own in frame.groupby("strategy", sort=False):
        ratios = own.set_index("law")
        cells = [f"{ratios.loc[law, 'ratio']:.3f}" for law in laws]
        most = f"{ratios['high'].max():.2f}"
        growing = (ratios["many"] / ratios["few"]).max()
        rows.append((f"`{name}`", *cells, most, f"{growing:.2f}"))
    text = """What a strategy takes to choose positions over what the ideal model takes for the \
marginals of a round, on 4,096 half-revealed canvases of 64 positions: below 1, choosing is the \
cheaper part. *Largest* is the largest ratio of any run; *growth*, the interpreter's instructions \
on 1,024 rows over those on 64: near 1, nothing is done row by row.
"""
    heads = ("strategy", *laws, "largest", "growth")
    return f"{text}\n{table(heads, rows, left=1)}\n{verdict(frame, 'As asked in')}"


SECTIONS: dict[str, tuple[str, Callable[[pd.DataFrame], str]]] = {
    "information": ("Information, beside other packages", information),
    "decoders": ("Decoding, beside plain decoders", decoders),
    "loop": ("The loop on a network, beside LLaDA's and Fast-dLLM's", loop),
    "heart": ("The main paths, beside targets", heart),
    "growth": ("Growth with size", growth),
    "selection": ("Selection, beside the marginals", selection),
}
