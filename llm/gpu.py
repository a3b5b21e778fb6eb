"""``python -m llm gpu``: what a large network costs, on a GPU; small and said so without one.

Five parts, each under nine minutes, each a command of its own:

- ``latency``: seconds of one forward pass of an 8B-parameter LLaDA of random weights over 1 to 16
  sequences at lengths 256 and 512: up to where a batched look-ahead is free (From Bits to Rounds,
  Figure 5).
- ``overhead``: share of a round that the decoding loop takes beside the forward pass.
- ``memory``: peak memory against length and batch, of the forward pass and of a whole round.
- ``training``: trains about 25M parameters on list operations.
- ``experiments``: ``formulas``, ``rounds``, ``ete``, ``tradeoffs`` and ``exploration`` on them.

Random weights cost what trained ones cost. Without a GPU the network has 0.4 million parameters
and the tables are named ``cpu_…`` instead of ``gpu_…``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console

import infodecode
from infodecode import Decoder, strategies
from infodecode.masked_lm import MaskedLM, Network, llada_config
from infodecode.strategies import LeftToRight
from llm import tables
from llm.options import OUTPUT, Output

LENGTHS = (256, 512)
BEAMS = (1, 2, 4, 8, 16)
REPEATS = 10
BLOCK = 32
PROMPT = 128
LARGE = "LLaDA-8B, random weights"
SMALL = "small LLaDA, random weights"
ON_GPU = ["--width", "512", "--layers", "8", "--heads", "8", "--mlp", "1536", "--steps", "6000",
          "--batch", "512", "--groups", "4"]  # fmt: skip
ON_CPU = ["--steps", "200"]
FOLDER = Path("build/larger")
EXPERIMENTS = ("formulas", "rounds", "ete", "tradeoffs", "exploration")

app = typer.Typer(help="Measurements on a GPU, part by part; all of them without a part.")


@dataclass(frozen=True)
class Latency:
    """One forward pass.

    Attributes:
        model, device, length, batch: what ran: positions of a sequence, sequences.
        seconds, low, high: median of the repetitions, and their 10% and 90% quantiles.
        relative: seconds over those of a single sequence.
        repeats: of the measurement.
        driver: of the device, with its software.
    """

    model: str
    device: str
    length: int
    batch: int
    seconds: float
    low: float
    high: float
    relative: float
    repeats: int
    driver: str


@dataclass(frozen=True)
class Overhead:
    """Rounds of a decode.

    Attributes:
        model, device, decoder, batch, length: what ran; tokens generated behind a prompt of 128.
        rounds: measured.
        round_seconds: median of a round.
        forward_seconds: median of its forward pass, the head included.
        share: of a round that is neither.
        driver: of the device, with its software.
    """

    model: str
    device: str
    decoder: str
    batch: int
    length: int
    rounds: int
    round_seconds: float
    forward_seconds: float
    share: float
    driver: str


@dataclass(frozen=True)
class Memory:
    """Peak memory beyond the weights.

    Attributes:
        model, device, length, batch: what ran.
        weights: bytes of the parameters.
        forward: peak bytes of the trunk's forward pass, beyond the weights.
        round: peak bytes of a round: forward pass, scores of every position, draws.
        driver: of the device, with its software.
    """

    model: str
    device: str
    length: int
    batch: int
    weights: int
    forward: int
    round: int
    driver: str


def device_name() -> tuple[torch.device, str, str]:
    """The device, what it is called, and its driver."""
    if not torch.cuda.is_available():
        threads = torch.get_num_threads()
        return torch.device("cpu"), f"CPU, {threads} threads", f"torch {torch.__version__}"
    found = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    driver = found.stdout.strip().splitlines()[0] if found.returncode == 0 else "unknown"
    software = f"driver {driver}, CUDA {torch.version.cuda}, torch {torch.__version__}"
    return torch.device("cuda"), torch.cuda.get_device_name(), software


def network_for(device: torch.device) -> tuple[Network, str]:
    """LLaDA-8B's shape on a GPU, a small one with its vocabulary's kind elsewhere."""
    large = device.type == "cuda"
    vocabulary = 126_464 if large else 2_048
    config = llada_config(
        vocab_size=vocabulary,
        d_model=4096 if large else 64,
        n_layers=32 if large else 2,
        n_heads=32 if large else 4,
        mlp_hidden_size=12_288 if large else 192,
        max_sequence_length=4096,
        mask_token_id=126_336 if large else vocabulary - 1,
        eos_token_id=126_081 if large else None,
        pad_token_id=126_081 if large else None,
    )
    dtype = "bfloat16" if large else "float32"
    return Network.random(config, device=device, dtype=dtype), LARGE if large else SMALL


def timed(work: Callable[[], Any], device: torch.device, repeats: int) -> list[float]:
    """Seconds of each repetition, after two that are not counted."""
    out = []
    for k in range(repeats + 2):
        _wait(device)
        begin = time.perf_counter()
        work()
        _wait(device)
        if k >= 2:
            out.append(time.perf_counter() - begin)
    return out


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def latencies(repeats: int) -> Iterator[Latency]:
    """Forward passes over beams of every size, the logits of a block included."""
    device, name, driver = device_name()
    network, model = network_for(device)
    for length in LENGTHS:
        alone = None
        for batch in BEAMS:
            ids = torch.randint(0, 1000, (batch, length), device=device)

            @torch.inference_mode()
            def work(ids: torch.Tensor = ids) -> None:
                states = network.hidden(ids)
                network.logits(states[:, -BLOCK:].reshape(-1, states.shape[2]))

            seconds = timed(work, device, repeats)
            middle = statistics.median(seconds)
            alone = middle if alone is None else alone
            low, high = np.quantile(seconds, [0.1, 0.9])
            yield Latency(model, name, length, batch, middle, float(low), float(high),
                          middle / alone, repeats, driver)  # fmt: skip


class _Watched:
    """A network that adds up the time of its calls."""

    def __init__(self, network: Network) -> None:
        self._network, self.seconds = network, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def _measure(self, work: Callable[[], Any]) -> Any:
        _wait(self._network.device)
        begin = time.perf_counter()
        out = work()
        _wait(self._network.device)
        self.seconds += time.perf_counter() - begin
        return out

    def hidden(self, *given: Any) -> Any:
        """As the network's own."""
        return self._measure(lambda: self._network.hidden(*given))

    def logits(self, hidden: torch.Tensor) -> Any:
        """As the network's own."""
        return self._measure(lambda: self._network.logits(hidden))


DECODERS = {
    "confidence, one a round, greedy": Decoder(
        strategies.TopK(1, by="confidence"), temperature=0.0, token_ties="lowest",
        blocks=LeftToRight(BLOCK),
    ),
    "threshold .9, temperature 1": Decoder(strategies.Threshold(0.9), blocks=LeftToRight(BLOCK)),
    "entropy-bounded, temperature 1": Decoder(
        strategies.EntropyBounded(1.0), blocks=LeftToRight(BLOCK)
    ),
}  # fmt: skip


def overheads(rounds: int) -> Iterator[Overhead]:
    """Decodes of a few rounds, alone and eight at a time."""
    device, name, driver = device_name()
    network, model = network_for(device)
    draws = np.random.default_rng(0)
    for batch in (1, 8):
        prompts = draws.integers(0, 1000, (batch, PROMPT)).tolist()
        for label, decoder in DECODERS.items():
            watched = _Watched(network)
            lm = MaskedLM(watched, name=model)  # type: ignore[arg-type]
            options = {"prompts": prompts, "length": BLOCK, "progress": False}
            infodecode.decode(lm, decoder, **options, max_rounds=2)
            watched.seconds = 0.0
            trace = infodecode.decode(lm, decoder, **options, max_rounds=rounds)
            taken = len(trace.latency)
            whole, forward = float(trace.latency.sum()) / taken, watched.seconds / taken
            yield Overhead(model, name, label, batch, BLOCK, taken, whole, forward,
                           1 - forward / whole, driver)  # fmt: skip


def memories() -> Iterator[Memory]:
    """Peak bytes at every length and batch."""
    device, name, driver = device_name()
    network, model = network_for(device)
    weights = sum(p.numel() * p.element_size() for p in network.module.parameters())
    for length in LENGTHS:
        for batch in BEAMS:
            ids = torch.randint(0, 1000, (batch, length), device=device)

            @torch.inference_mode()
            def forward(ids: torch.Tensor = ids) -> None:
                network.hidden(ids)

            lm = MaskedLM(network, name=model)
            prompts = ids[:, : length // 2].tolist()

            def whole(lm: MaskedLM = lm, prompts: Any = prompts, length: int = length) -> None:
                infodecode.decode(lm, Decoder(strategies.Threshold(0.9)), prompts=prompts,
                                  length=length - length // 2, max_rounds=1,
                                  progress=False)  # fmt: skip

            yield Memory(model, name, length, batch, weights, _peak(forward, device),
                         _peak(whole, device), driver)  # fmt: skip


def _peak(work: Callable[[], Any], device: torch.device) -> int:
    """Most bytes in use beyond those before, at any moment of the work."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
    work()
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        return 0
    reset.write_text("5")
    before = _status("VmRSS")
    work()
    return max(0, _status("VmHWM") - before)


def _status(field: str) -> int:
    """A line of the process's status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    return 0


def _write(rows: Sequence[Any], name: str, output: Path, part: str) -> None:
    """Tables measured without a GPU have their own names: they never replace a GPU's."""
    kind = "gpu" if torch.cuda.is_available() else "cpu"
    path = output / f"{kind}_{name}.csv"
    tables.write(rows, path, command=f"python -m llm gpu {part}")
    console = Console(highlight=False)
    if kind == "cpu":
        console.print("no GPU: a small network on the CPU, whose figures say nothing about a GPU's")
    for row in rows:
        shown = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in vars(row).items()}
        shown.pop("driver", None)
        console.print(", ".join(f"{k} {v}" for k, v in shown.items()))
    console.print(f"table: {path}")


@app.command()
def latency(
    output: Output = OUTPUT, repeats: Annotated[int, typer.Option(min=3)] = REPEATS
) -> None:
    """Seconds of a forward pass over 1 to 16 look-ahead beams."""
    _write(list(latencies(repeats)), "latency", output, "latency")


@app.command()
def overhead(output: Output = OUTPUT, rounds: Annotated[int, typer.Option(min=3)] = 32) -> None:
    """Share of a round outside the forward pass."""
    _write(list(overheads(rounds)), "overhead", output, "overhead")


@app.command()
def memory(output: Output = OUTPUT) -> None:
    """Peak memory against length and batch."""
    _write(list(memories()), "memory", output, "memory")


Folder = Annotated[Path, typer.Option(help="Where the larger model is.")]


@app.command()
def training(output: Output = OUTPUT, folder: Folder = FOLDER) -> None:
    """Train about 25M parameters on list operations."""
    gpu = torch.cuda.is_available()
    kind, device = _kind(output)
    size = ON_GPU if gpu else ON_CPU
    _run("train", "--output", str(folder), "--table", str(kind / "training.csv"),
         "--device", device, "--overwrite", *size)  # fmt: skip


@app.command()
def experiments(output: Output = OUTPUT, folder: Folder = FOLDER) -> None:
    """Run the experiments on what ``training`` made."""
    if not (folder / "config.json").is_file():
        raise typer.BadParameter(f"no model in {folder}: run python -m llm gpu training first")
    kind, device = _kind(output)
    for part in EXPERIMENTS:
        samples = [] if torch.cuda.is_available() else ["--samples", "50"]
        _run(part, "--model", str(folder), "--device", device, "--output", str(kind), *samples)


def _kind(output: Path) -> tuple[Path, str]:
    """Folder of the tables, and the device."""
    gpu = torch.cuda.is_available()
    folder = output / ("larger" if gpu else "smaller")
    folder.mkdir(parents=True, exist_ok=True)
    return folder, "cuda" if gpu else "cpu"


def _run(*command: str) -> None:
    subprocess.run([sys.executable, "-m", "llm", *command], check=True)


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """Run every part, unless one is named."""
    if context.invoked_subcommand is None:
        latency(OUTPUT, REPEATS)
        overhead(OUTPUT, 32)
        memory(OUTPUT)
        training(OUTPUT, FOLDER)
        experiments(OUTPUT, FOLDER)
