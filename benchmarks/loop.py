"""Overhead of a decoding loop on a large vocabulary, outside the forward pass, beside its peers.

``python -m benchmarks loop --llada CHECKOUT --fast-dllm CHECKOUT`` decodes 32 tokens behind a
prompt of 128 over LLaDA's vocabulary, one a round, in one block, and takes the time of the loop
without that of the model: the model is a table of random logits. Ours, LLaDA's ``generate`` and
Fast-dLLM's (its threshold rule) run in turn, greedy and sampled, in one process. The peers' code is
read from checkouts of ML-GSAI/LLaDA and NVlabs/Fast-dLLM; without one its rows are left out. Writes
``results/benchmarks/loop.csv``.
"""

from __future__ import annotations

import statistics
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import comparison
from infodecode import Decoder, decode, strategies

RESULTS = Path("results/benchmarks/loop.csv")
VOCABULARY, MASK = 126_464, 126_336
PROMPT, LENGTH = 128, 32
TARGET = 20.0
"""How many times the overhead of each peer is to be that of ours."""


@dataclass(frozen=True)
class Row:
    """Seconds a round outside the forward pass, of ours and of a peer, medians over runs."""

    peer: str
    setting: str
    ours: float
    peers: float
    ratio: float
    low: float
    high: float
    target: float
    met: bool


class Timed:
    """Adds up the time that the model takes, so that the rest is the loop's."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def __call__(self, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        out = work()
        self.seconds += time.perf_counter() - begin
        self.calls += 1
        return out


class TableNetwork:
    """What our loop sees of a network: states are row numbers, logits the rows of a table."""

    family, shifted, dtype, device = "table", False, "float32", "cpu"
    vocabulary_size = embedding_size = VOCABULARY
    mask_id, eos_id, pad_id, bos_id, max_length = MASK, None, None, None, None

    def __init__(self, table: Any, timed: Timed) -> None:
        import torch

        self._table, self._timed = table, timed
        self._states = torch.arange(len(table))[None, :, None]

    def hidden(self, ids: Any, attention: Any = None, positions: Any = None) -> Any:
        return self._timed(lambda: self._states.expand(len(ids), -1, -1))

    def logits(self, hidden: Any) -> Any:
        return self._timed(lambda: self._table[hidden[:, 0]])


class PeerModel:
    """What the peers' loops see of one."""

    device = "cpu"

    def __init__(self, table: Any, timed: Timed) -> None:
        self._answer, self._timed = types.SimpleNamespace(logits=table[None]), timed

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self._timed(lambda: self._answer)


def ours(table: Any, temperature: float) -> float:
    """Seconds a round of our loop: the most confident token in each."""
    from infodecode.masked_lm.model import MaskedLM

    timed = Timed()
    model = MaskedLM(TableNetwork(table, timed), name="table")  # type: ignore[arg-type]
    decoder = Decoder(
        strategies.TopK(1, by="confidence"),
        temperature=temperature,
        order="sample-then-choose",
        token_ties="lowest",
        position_ties="lowest",
        blocks=strategies.LeftToRight(LENGTH),
    )
    begin = time.perf_counter()
    trace = decode(model, decoder, prompts=[list(range(PROMPT))], length=LENGTH)
    spent = time.perf_counter() - begin
    return (spent - timed.seconds) / int(trace.rounds[0])


def peer(generate: Callable[..., Any], table: Any, temperature: float, **options: Any) -> float:
    """Seconds a round of a peer's loop, committing one token in each."""
    import torch

    timed = Timed()
    prompt = torch.arange(PROMPT)[None]
    begin = time.perf_counter()
    generate(
        PeerModel(table, timed), prompt, steps=LENGTH, gen_length=LENGTH, block_length=LENGTH,
        temperature=temperature, mask_id=MASK, **options,
    )  # fmt: skip
    spent = time.perf_counter() - begin
    return (spent - timed.seconds) / timed.calls


def generate_of(checkout: Path, path: str) -> Callable[..., Any]:
    """The ``generate`` of a checkout; the model class that it imports is not needed."""
    file = checkout / path
    if not file.is_file():
        raise FileNotFoundError(f"no {path} in {checkout}")
    stub = types.ModuleType("model.modeling_llada")
    stub.LLaDAModelLM = object  # type: ignore[attr-defined]
    sys.modules.setdefault("model", types.ModuleType("model"))
    sys.modules.setdefault("model.modeling_llada", stub)
    spec = spec_from_file_location(f"peer_{checkout.name.replace('-', '_')}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate  # type: ignore[no-any-return]


def measure(llada: Path | None, fast: Path | None, repeats: int) -> list[Row]:
    """Rows for each peer that is there, greedy and sampled, runs interleaved."""
    import torch

    table = 2 * torch.randn(
        (PROMPT + LENGTH, VOCABULARY), generator=torch.Generator().manual_seed(0)
    )
    peers: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {}
    if llada is not None:
        peers["LLaDA generate"] = (generate_of(llada, "generate.py"), {})
    if fast is not None:
        try:
            loop = generate_of(fast, "llada/generate.py")
        except FileNotFoundError:
            loop = generate_of(fast, "v1/llada/generate.py")
        peers["Fast-dLLM generate, threshold .9"] = (loop, {"threshold": 0.9})
    ours(table, 0.0), ours(table, 1.0)
    rows = []
    for setting, temperature in (("greedy", 0.0), ("temperature 1", 1.0)):
        mine: list[float] = []
        theirs: dict[str, list[float]] = {name: [] for name in peers}
        for _ in range(repeats):
            mine.append(ours(table, temperature))
            for name, (generate, options) in peers.items():
                theirs[name].append(peer(generate, table, temperature, **options))
        for name, seconds in theirs.items():
            ratios = [other / own for own, other in zip(mine, seconds, strict=True)]
            ratio = statistics.median(ratios)
            rows.append(
                Row(name, setting, statistics.median(mine), statistics.median(seconds), ratio,
                    min(ratios), max(ratios), TARGET, ratio >= TARGET)
            )  # fmt: skip
    return rows


def main(
    llada: Annotated[Path | None, typer.Option(help="Checkout of ML-GSAI/LLaDA.")] = None,
    fast_dllm: Annotated[Path | None, typer.Option(help="Checkout of NVlabs/Fast-dLLM.")] = None,
    repeats: Annotated[int, typer.Option(help="Runs of each.")] = 3,
) -> None:
    """Loop overhead a round, outside the forward pass; exit 1 when a target is missed."""
    if llada is None and fast_dllm is None:
        print("give --llada or --fast-dllm: checkouts to measure beside", file=sys.stderr)
        raise typer.Exit(2)
    import torch

    rows = measure(llada, fast_dllm, repeats)
    about = comparison.versions("torch") + f", {torch.get_num_threads()} threads"
    table = Table("peer", "setting", "ours", "peer's", "ratio", "spread",
                  title=f"{about}, {comparison.machine()}")  # fmt: skip
    for row in rows:
        table.add_row(
            row.peer, row.setting, f"{1e3 * row.ours:.1f} ms", f"{1e3 * row.peers:.0f} ms",
            f"[{'green' if row.met else 'red'}]{row.ratio:.0f}x[/]",
            f"{row.low:.0f} … {row.high:.0f}",
        )  # fmt: skip
    Console(width=120).print(table)
    comparison.write(
        comparison.frame_of(rows), RESULTS, about=about,
        command="python -m benchmarks loop --llada CHECKOUT --fast-dllm CHECKOUT",
    )  # fmt: skip
    raise typer.Exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    typer.run(main)
